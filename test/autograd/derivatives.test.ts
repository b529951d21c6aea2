/** Derivatives of functions: autograd.functional, cg.func, checkpoints, custom functions. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const { functional } = cg.autograd;
const { func } = cg;
const double = (data: number[] | number[][]): Tensor => cg.tensor(data, { dtype: "float64" });
const close = (actual: Tensor, expected: unknown): void =>
  expect(cg.allclose(actual, cg.tensor(expected as number[], { dtype: actual.dtype }), { rtol: 1e-9, atol: 1e-12 }), String(actual)).toBe(
    true,
  );

describe("autograd.functional", () => {
  const x = double([0.5, 2]);
  const cubes = (t: Tensor): Tensor => t.pow(3);

  it.each(["reverse-mode", "forward-mode"] as const)("jacobian in %s has outputs outside, inputs inside", (strategy) => {
    close(functional.jacobian(cubes, x, { strategy }), [[0.75, 0], [0, 12]]); // prettier-ignore
    const [[da, db]] = functional.jacobian<Tensor[][]>((a, b) => [a!.mul(b!)], [x, double([3, 5])], { strategy });
    close(da!, [[3, 0], [0, 5]]); // prettier-ignore
    close(db!, [[0.5, 0], [0, 2]]); // prettier-ignore
  });

  it("hessian, hvp and vhp agree", () => {
    const f = (t: Tensor): Tensor => t.pow(3).sum().mul(t.sum());
    const h = functional.hessian(f, x) as Tensor;
    close(h, [[9, 12.75], [12.75, 54]]); // prettier-ignore
    const v = double([1, -2]);
    for (const product of [functional.hvp, functional.vhp]) {
      const [value, along] = product(f, x, v);
      close(value, 20.3125);
      close(along, h.mv(v).tolist());
    }
  });

  it("vjp and jvp multiply with the Jacobian from either side", () => {
    const [y, back] = functional.vjp(cubes, x, double([1, 10]));
    close(y as Tensor, [0.125, 8]);
    close(back, [0.75, 120]);
    close(functional.jvp(cubes, x, double([1, 10]))[1] as Tensor, [0.75, 120]);
    expect(() => functional.vjp(cubes, x)).toThrow(/v to be given/);
    expect(() => functional.jvp(cubes, x, cg.ones(3))).toThrow(/expected v to be shapes \[2\], got \[3\]/);
  });

  it("records on request, and complains of independence when strict", () => {
    const own = double([0.5, 2]).requiresGrad_();
    (functional.jacobian(cubes, own, { createGraph: true }) as Tensor).sum().backward();
    close(own.grad!, [3, 12]);
    expect((functional.jacobian(cubes, own) as Tensor).requiresGrad).toBe(false);
    expect(() => functional.jacobian(() => cg.ones(2), x, { strict: true })).toThrow(/depend on the inputs/);
    close(functional.jacobian(() => cg.ones(2, { dtype: "float64" }), x), [[0, 0], [0, 0]]); // prettier-ignore
  });
});

describe("func", () => {
  it("grad nests, keeps structure, and hands aux on", () => {
    const sin = (t: Tensor): Tensor => t.sin();
    const third = func.grad(func.grad(func.grad(sin)));
    close(third(cg.tensor(0.3, { dtype: "float64" })) as Tensor, -Math.cos(0.3));
    const loss = ({ w, b }: { w: Tensor; b: Tensor }, x: Tensor): Tensor => w.mul(x).add(b).square().sum();
    const { w, b } = func.grad(loss)({ w: double([1, 2]), b: double([0, 1]) }, double([3, 4])) as { w: Tensor; b: Tensor };
    close(w, [18, 72]);
    close(b, [6, 18]);
    const [g, aux] = func.grad<[Tensor, string]>((t) => [t!.square().sum(), "seen"], { hasAux: true })(double([3]));
    close(g, [6]);
    expect([aux, g.requiresGrad]).toEqual(["seen", false]);
  });

  it("grad is recorded when what it captured requires grad", () => {
    const w = double([2]).requiresGrad_();
    (func.grad((t: Tensor) => t.square().mul(w).sum())(double([3])) as Tensor).sum().backward();
    close(w.grad!, [6]);
  });

  it("jvp, vjp, jacfwd, jacrev and hessian agree with closed forms", () => {
    const x = double([1, 2]);
    const f = (t: Tensor): Tensor => cg.stack([t.prod(), t.square().sum()]);
    const jacobian = [[2, 1], [2, 4]]; // prettier-ignore
    close(func.jacrev(f)(x), jacobian);
    close(func.jacfwd(f)(x), jacobian);
    close((func.jvp(f, [x], [double([1, 10])]) as Tensor[])[1]!, [12, 42]);
    const [, pull] = func.vjp(f, x) as [Tensor, (g: Tensor) => Tensor[]];
    close(pull(double([1, 10]))[0]!, [22, 41]);
    close(func.hessian((t: Tensor) => t.prod().square())(x), [[8, 8], [8, 2]]); // prettier-ignore
  });

  it("vmap maps over chosen dims, nests, and composes with grad", () => {
    const [a, b] = [cg.arange(6, { dtype: "float64" }).reshape(2, 3), cg.arange(6, { dtype: "float64" }).reshape(3, 2)];
    close(func.vmap((x: Tensor, y: Tensor) => x.dot(y), [0, 1])(a, b), [10, 40]);
    expect((func.vmap((x: Tensor) => x.mul(2), { outDims: 1 })(a) as Tensor).shape).toEqual([3, 2]);
    const outer = func.vmap((x: Tensor) => func.vmap((y: Tensor) => x.mul(y), 0)(cg.tensor([1, 2])), 0);
    expect((outer(cg.tensor([1, 2, 3])) as Tensor).tolist()).toEqual([[1, 2], [2, 4], [3, 6]]); // prettier-ignore
    const perExample = func.vmap(
      func.grad((w: Tensor, x: Tensor) => w.mul(x).sum().square()),
      { inDims: [null, 0] },
    );
    close(perExample(double([1, 1, 1]), a) as Tensor, [[0, 6, 12], [72, 96, 120]]); // prettier-ignore
    const w = double([1, 1, 1]).requiresGrad_();
    (func.vmap((x: Tensor) => x.dot(w))(a) as Tensor).sum().backward();
    close(w.grad!, [3, 5, 7]);
  });

  it("vmap says what may be random", () => {
    const noisy = (x: Tensor): Tensor => x.add(cg.rand(1));
    expect(() => func.vmap(noisy)(cg.zeros(3, 1)) as Tensor).toThrow(/randomness/);
    const distinct = (randomness: "same" | "different"): number =>
      new Set((func.vmap(noisy, { randomness })(cg.zeros(3, 1)) as Tensor).flatten().tolist() as number[]).size;
    expect([distinct("same"), distinct("different")]).toEqual([1, 3]);
  });
});

describe("checkpoint", () => {
  const block = (w: Tensor) => (x: Tensor): Tensor => cg.nn.functional.dropout(x.matmul(w).tanh().mul(x), { p: 0.5, training: true }); // prettier-ignore

  it("gives the same gradients, random numbers included, and keeps nothing in between", () => {
    const w = cg.randn(4, 4, { dtype: "float64", requiresGrad: true });
    const x = cg.randn(3, 4, { dtype: "float64", requiresGrad: true });
    const gradients = (run: (f: (x: Tensor) => Tensor, x: Tensor) => Tensor): unknown => {
      cg.manualSeed(3);
      const y = run(block(w), run(block(w), x)).sum();
      const after = cg.getRngState();
      const result = cg.autograd.grad(y, [w, x]).map((g) => g.tolist());
      expect(cg.getRngState()).toEqual(after);
      return result;
    };
    expect(gradients((f, t) => cg.utils.checkpoint(f, t))).toEqual(gradients((f, t) => f(t)));
  });

  it("runs a function again once a backward pass, and nests", () => {
    let runs = 0;
    const x = double([1, 2]).requiresGrad_();
    const counted = (t: Tensor): Tensor => (runs++, t.exp().sin().exp());
    const y = cg.utils.checkpoint((t: Tensor) => cg.utils.checkpoint.checkpoint(counted, t.mul(2)).mul(t), x);
    const [g] = cg.autograd.grad(y.sum(), x, { retainGraph: true });
    expect(runs).toBe(3);
    close(g!, cg.autograd.grad(counted(x.mul(2)).mul(x).sum(), x)[0]!.tolist());
    close(cg.autograd.grad(y.sum(), x)[0]!, g!.tolist());
  });

  it("has second derivatives", () => {
    expect(cg.autograd.gradgradcheck((t) => cg.utils.checkpoint((u: Tensor) => u.exp().mul(u), t), double([0.3, 1]).requiresGrad_())).toBe(
      true,
    );
  });

  it("says when the second run differs", () => {
    let size = 2;
    const y = cg.utils.checkpoint((t: Tensor) => t.expand(size++).exp().sum(), cg.ones(1, { requiresGrad: true }));
    expect(() => y.backward()).toThrow(/checkpoint: expected the second run to save a float32 tensor of shape \[2\].*got .*\[3\]/);
  });

  it("cuts a chain into segments", () => {
    const steps = [
      (t: Tensor) => t.sin(),
      (t: Tensor) => t.exp(),
      (t: Tensor) => t.square(),
      (t: Tensor) => t.tanh(),
      (t: Tensor) => t.mul(3),
    ];
    const x = double([0.1, 0.2]).requiresGrad_();
    const [direct] = cg.autograd.grad(steps.reduce((t, f) => f(t), x).sum(), x);
    const [parts] = cg.autograd.grad(cg.utils.checkpoint.checkpointSequential(steps, 2, x).sum(), x);
    close(parts!, direct!.tolist());
  });
});

describe("Function", () => {
  type Context = cg.autograd.FunctionContext;

  it("sees which inputs need a gradient, and null for unused outputs on request", () => {
    const seen: unknown[] = [];
    class Two extends cg.autograd.Function {
      static override forward(ctx: Context, a: Tensor, factor: number, b: Tensor): Tensor[] {
        ctx.setMaterializeGrads(false);
        ctx.factor = factor;
        return [a.mul(factor), b.mul(factor)];
      }
      static override backward(ctx: Context, ga: Tensor | null, gb: Tensor | null): (Tensor | null)[] {
        seen.push(ctx.needsInputGrad, ga?.tolist() ?? null, gb);
        return [ga!.mul(ctx.factor as number), null, null];
      }
    }
    const a = cg.ones(2, { requiresGrad: true });
    const [x] = Two.apply<Tensor[]>(a, 3, cg.ones(2));
    x!.sum().backward();
    expect([a.grad!.tolist(), seen]).toEqual([[3, 3], [[true, false, false], [1, 1], null]]); // prettier-ignore
  });

  it("may change an input that it marks, and only then may return it", () => {
    class Double extends cg.autograd.Function {
      static override forward(ctx: Context, x: Tensor): Tensor {
        x.mul_(2);
        ctx.markDirty(x);
        return x;
      }
      static override backward(_ctx: Context, g: Tensor): Tensor {
        return g.mul(2);
      }
    }
    const x = cg.ones(2, { requiresGrad: true });
    const y = x.mul(1);
    const z = Double.apply(y);
    z.sum().backward();
    expect([z === y, y.tolist(), x.grad!.tolist()]).toEqual([true, [2, 2], [2, 2]]);
    expect(() => Double.apply(x)).toThrow(/markDirty.*a leaf that requires grad/);
  });

  it("saves outputs, and takes its context in setupContext", () => {
    class Exp extends cg.autograd.Function {
      static override forward(x: Tensor): Tensor {
        return x.exp();
      }
      static override setupContext = (ctx: Context, _inputs: readonly Tensor[], output: Tensor): void => ctx.saveForBackward(output);
      static override backward(ctx: Context, g: Tensor): Tensor {
        return g.mul(ctx.savedTensors[0]!);
      }
    }
    const x = double([0.5, -1]).requiresGrad_();
    expect(cg.autograd.gradcheck((t) => Exp.apply(t), x)).toBe(true);
    expect(cg.autograd.gradgradcheck((t) => Exp.apply(t), x)).toBe(true);
  });

  it("has its gradients fitted to the inputs, or refused", () => {
    class Wrong extends cg.autograd.Function {
      static override forward(_ctx: Context, x: Tensor, _size: number): Tensor {
        return x.sum();
      }
      static override backward(ctx: Context, _g: Tensor): Tensor {
        return cg.ones(ctx.needsInputGrad.length === 2 ? 4 : 3, 2);
      }
    }
    const x = cg.ones(2, { requiresGrad: true });
    Wrong.apply(x, 4).backward();
    expect(x.grad!.tolist()).toEqual([4, 4]);
    expect(() => Wrong.apply(cg.ones(3, { requiresGrad: true }), 4).backward()).toThrow(
      /Wrong\.backward: expected a gradient of shape \[3\] for input 0, got \[4, 2\]/,
    );
  });
});

describe("gradcheck", () => {
  it("names the element that differs, or answers false", () => {
    class Wrong extends cg.autograd.Function {
      static override forward(_ctx: cg.autograd.FunctionContext, x: Tensor): Tensor {
        return x.mul(2);
      }
      static override backward(_ctx: cg.autograd.FunctionContext, g: Tensor): Tensor {
        return g.mul(cg.tensor([2, 3], { dtype: "float64" }));
      }
    }
    const x = double([1, 2]).requiresGrad_();
    expect(() => cg.autograd.gradcheck((t) => Wrong.apply(t), x)).toThrow(/d output 0 \/ d input 0\[1\] to be 2/);
    expect(cg.autograd.gradcheck((t) => Wrong.apply(t), x, { raiseException: false })).toBe(false);
    expect(x.tolist()).toEqual([1, 2]);
    expect(() => cg.autograd.gradcheck((t) => t, cg.ones(2, { requiresGrad: true }))).toThrow(/float64 or complex128/);
  });
});
