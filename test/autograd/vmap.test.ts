/** vmap as a person uses it: what runs at once, dims, chunks, randomness, changes in place, and what it refuses. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const { func, nn } = cg;
const F = nn.functional;
const list = (t: unknown): unknown => (t as Tensor).tolist();

describe("vmap", () => {
  it("runs the function once, on tensors shaped like one example", () => {
    const seen: unknown[] = [];
    const out = func.vmap((x: Tensor) => {
      seen.push(x.shape, x.dim(), x.numel(), x.dtype, String(x));
      return x.sum();
    })(cg.ones(4, 3));
    expect(seen.slice(0, 4)).toEqual([[3], 1, 3, "float32"]);
    expect(seen[4]).toMatch(/^BatchedTensor\(lvl=1, bdim=0, value=tensor/);
    expect(seen.length).toBe(5);
    expect(list(out)).toEqual([3, 3, 3, 3]);
  });

  it("gives per-example gradients of a network as a loop does", () => {
    cg.manualSeed(0);
    const conv = cg.randn(2, 1, 3, 3);
    const weight = cg.randn(5, 32);
    const [x, y] = [cg.randn(6, 1, 6, 6), cg.randint(0, 5, [6])];
    const loss = (p: { conv: Tensor; weight: Tensor }, image: Tensor, target: Tensor): Tensor =>
      F.crossEntropy(F.linear(F.conv2d(image.unsqueeze(0), p.conv).relu().flatten(1), p.weight), target.unsqueeze(0));
    const all = func.vmap(func.grad(loss), [null, 0, 0])({ conv, weight }, x, y) as unknown as { conv: Tensor; weight: Tensor };
    for (let i = 0; i < 6; i++) {
      const one = func.grad(loss)({ conv, weight }, x.at(i), y.at(i));
      expect(all.conv.at(i).allclose(one.conv, 1e-4, 1e-5)).toBe(true);
      expect(all.weight.at(i).allclose(one.weight, 1e-4, 1e-5)).toBe(true);
    }
  });

  it("takes dims of a tree of arguments, and puts those of the results where it is told", () => {
    const f = ({ a, b }: { a: Tensor; b: readonly [Tensor, Tensor] }): Tensor[] => [a.mul(b[0]), b[1].neg()];
    const tree = { a: cg.ones(3, 2), b: [cg.arange(6).view(2, 3), cg.tensor([5, 6])] as const };
    const mapped = func.vmap(f as never, { inDims: [{ a: 0, b: [1, null] }], outDims: [1, 0] }) as unknown as (x: typeof tree) => Tensor[];
    expect(mapped(tree).map(list)).toEqual([
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
      [
        [-5, -6],
        [-5, -6],
        [-5, -6],
      ],
    ]);
  });

  it("computes in chunks, the last of which may be smaller", () => {
    const sizes: number[] = [];
    const out = func.vmap(
      (x: Tensor) => {
        const probe = func.vmap((y: Tensor) => y)(x);
        sizes.push(probe.numel());
        return x.mul(2);
      },
      { chunkSize: 2 },
    )(cg.arange(5).view(5, 1));
    expect(sizes).toEqual([1, 1, 1]);
    expect(list(out)).toEqual([[0], [2], [4], [6], [8]]);
    expect(() => func.vmap((x: Tensor) => x, { chunkSize: 0 })).toThrow(/vmap: expected chunkSize to be a positive integer/);
  });

  it("draws for each example, or once for all, or refuses", () => {
    for (const draw of [
      () => cg.randn(3),
      (x: Tensor) => F.dropout(x),
      (x: Tensor) => cg.randLike(x),
      (x: Tensor) => x.clone().uniform_(),
    ]) {
      const rows = (randomness: "different" | "same"): unknown[] => list(func.vmap(draw, { randomness })(cg.ones(4, 20))) as unknown[]; // prettier-ignore
      expect(new Set(rows("same").map(String)).size).toBe(1);
      if (draw.length > 0 || draw({} as never).numel() > 0) expect(new Set(rows("different").map(String)).size).toBe(4);
      expect(() => func.vmap(draw)(cg.ones(4, 20))).toThrow(/randomness: "different"/);
    }
  });

  it("runs attention, and its dropout as randomness says", () => {
    cg.manualSeed(2);
    const layer = new nn.TransformerEncoderLayer(8, 2, 16, { batchFirst: true, dropout: 0.5 });
    const run = (q: Tensor): Tensor => layer.forward(q.unsqueeze(0)).squeeze(0);
    const x = cg.randn(1, 3, 8).expand(4, 3, 8);
    expect(() => func.vmap(run)(x)).toThrow(/randomness: "different"/);
    const spread = (randomness: "different" | "same"): number => (func.vmap(run, { randomness })(x) as Tensor).std(0).max().item();
    expect(spread("same")).toBe(0);
    expect(spread("different")).toBeGreaterThan(0.01);
    layer.eval();
    const batch = cg.randn(4, 3, 8);
    expect((func.vmap(run)(batch) as Tensor).allclose(layer.forward(batch), 1e-5, 1e-6)).toBe(true);
  });

  it("changes batched tensors in place, and refuses to change what the examples share", () => {
    const x = cg.arange(6).view(2, 3).float();
    func.vmap((row: Tensor, k: Tensor) => row.mul_(k).setAt(0, k))(x, cg.tensor([10, 100]));
    expect(list(x)).toEqual([
      [10, 10, 20],
      [100, 400, 500],
    ]);
    expect(() => func.vmap((row: Tensor) => x.add_(row))(cg.ones(2, 3))).toThrow(/add_: expected a batched tensor to change inside vmap/);
  });

  it("refuses to read values, and says what to do", () => {
    const wants = (f: (x: Tensor) => unknown, text: RegExp): void => expect(() => func.vmap(f)(cg.arange(3))).toThrow(text);
    wants((x) => x.add(x.item()), /item: expected ops on whole tensors inside vmap.*where\(\)/);
    wants((x) => x.backward(), /backward: expected func.grad inside vmap/);
    wants((x) => x.requiresGrad_(), /requiresGrad_.*func.grad/);
    wants((x) => x.expand(2).nonzero(), /nonzero: expected results of one shape for all examples/);
    wants((x) => x.item.length, /fn to be a function that returns Tensors, got 0/);
    let leaked: Tensor;
    func.vmap((x: Tensor) => (leaked = x))(cg.arange(3));
    expect(() => leaked.add(1)).toThrow(/one that left its vmap/);
    expect(() => func.vmap((y: Tensor) => y.add(leaked))(cg.arange(3))).toThrow(/one that left its vmap/);
  });

  it("gives empty results for no examples, but for ops that run once for each", () => {
    const out = func.vmap((x: Tensor) => x.matmul(cg.ones(2, 3)).softmax(0))(cg.ones(0, 2)) as Tensor;
    expect([out.shape, out.dtype]).toEqual([[0, 3], "float32"]);
    expect(() => func.vmap((x: Tensor) => x.nonzero())(cg.ones(0, 2))).toThrow(/at least one example/);
  });

  it("goes through custom functions and checkpoints, gradients included", () => {
    class Square extends cg.autograd.Function {
      static override forward(ctx: cg.autograd.FunctionContext, x: Tensor): Tensor {
        ctx.saveForBackward(x);
        return x.mul(x);
      }
      static override backward(ctx: cg.autograd.FunctionContext, g: Tensor): Tensor {
        return g.mul(ctx.savedTensors[0]!).mul(2);
      }
    }
    const x = cg.tensor([[1, 2], [3, 4]]); // prettier-ignore
    const square = (t: Tensor): Tensor => Square.apply(t);
    expect(list(func.vmap(square)(x))).toEqual([[1, 4], [9, 16]]); // prettier-ignore
    expect(list(func.vmap(func.grad((t: Tensor) => square(t).sum()))(x))).toEqual([[2, 4], [6, 8]]); // prettier-ignore
    const cube = cg.customOp("relu", (v: number) => v * v * v);
    expect(list(func.vmap(func.grad((t: Tensor) => cube(t).sum()))(x))).toEqual([[3, 12], [27, 48]]); // prettier-ignore
    const kept = func.vmap(func.grad((t: Tensor) => cg.utils.checkpoint((v: Tensor) => v.pow(3), t).sum()))(x);
    expect(list(kept)).toEqual([[3, 12], [27, 48]]); // prettier-ignore
  });

  it("promotes 0-d examples as 0-d tensors", () => {
    const f = (x: Tensor): Tensor => x.mul(cg.ones(2));
    expect((func.vmap(f)(cg.ones(3, { dtype: "float64" })) as Tensor).dtype).toBe("float32");
    expect((func.vmap((x: Tensor) => x.add(cg.tensor(1, { dtype: "float64" })))(cg.ones(3)) as Tensor).dtype).toBe("float64");
  });

  it("is over when the function throws", () => {
    expect(() => func.vmap(() => { throw new Error("mine"); })(cg.ones(2))).toThrow("mine"); // prettier-ignore
    expect(cg.ones(2).add(1).tolist()).toEqual([2, 2]);
    expect(cg.randn(2).shape).toEqual([2]);
  });

  it("goes with Jacobians and Hessians in either order", () => {
    const cube = (x: Tensor): Tensor => x.pow(3);
    const x = cg.tensor([[1, 2], [3, 4]]); // prettier-ignore
    const jacobian = [[[3, 0], [0, 12]], [[27, 0], [0, 48]]]; // prettier-ignore
    expect(list(func.vmap(func.jacrev(cube))(x))).toEqual(jacobian);
    expect(list(func.vmap(func.jacfwd(cube))(x))).toEqual(jacobian);
    expect(list(func.vmap(func.jacrev(cube, { chunkSize: 1 }))(x))).toEqual(jacobian);
    expect(list(func.vmap(func.hessian((t: Tensor) => t.pow(3).sum()))(x))).toEqual([[[6, 0], [0, 12]], [[18, 0], [0, 24]]]); // prettier-ignore
    expect(list(func.jacrev(func.vmap((t: Tensor) => t.square().sum()))(x))).toEqual([[[2, 4], [0, 0]], [[0, 0], [6, 8]]]); // prettier-ignore
  });
});
