/** The rules of autograd that no single op shows: accumulation, modes, hooks, in-place changes, views, custom functions. */
import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const leaf = (data: number[]): Tensor => cg.tensor(data, { requiresGrad: true });

describe("backward", () => {
  it("adds to .grad, and starts anew after it is dropped", () => {
    const x = leaf([1, 2, 3]);
    x.square().sum().backward();
    x.square().sum().backward();
    expect(x.grad!.tolist()).toEqual([4, 8, 12]);
    x.grad = null;
    x.sum().backward();
    expect(x.grad!.tolist()).toEqual([1, 1, 1]);
  });

  it("gives each leaf a gradient of its own, also where both get the same values", () => {
    const [a, b] = [leaf([1]), leaf([2])];
    a.add(b).sum().backward();
    a.grad!.mul_(5);
    expect(b.grad!.tolist()).toEqual([1]);
  });

  it("visits a diamond once", () => {
    const x = leaf([3]);
    let y: Tensor = x;
    for (let i = 0; i < 40; i++) y = y.add(y).mul(0.5);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([1]);
  });

  it("walks a graph 100 000 nodes deep", () => {
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 100_000; i++) y = y.add(0);
    y.backward();
    expect(x.grad!.tolist()).toEqual([1]);
  });

  it("asks for a gradient where there is more than one element", () => {
    expect(() => leaf([1, 2]).mul(2).backward()).toThrow(/backward: expected gradient to be given/);
    const x = leaf([1, 2]);
    x.mul(2).backward(cg.tensor([1, 10]));
    expect(x.grad!.tolist()).toEqual([2, 20]);
  });

  it("says what freed the graph, and keeps it on request", () => {
    const x = leaf([2]);
    const y = x.square().sum();
    y.backward({ retainGraph: true });
    y.backward();
    expect(x.grad!.tolist()).toEqual([8]);
    expect(() => y.backward()).toThrow(/freed by an earlier backward.*retainGraph/);
  });

  it("accumulates into the given inputs only", () => {
    const [a, b] = [leaf([1]), leaf([2])];
    a.mul(b)
      .sum()
      .backward({ inputs: [a] });
    expect([a.grad!.tolist(), b.grad]).toEqual([[2], null]);
  });
});

describe("grad", () => {
  it("leaves .grad alone, and refuses inputs that were not used", () => {
    const [x, other] = [leaf([3]), leaf([1])];
    const [g] = cg.autograd.grad(x.square().sum(), x);
    expect([g!.tolist(), x.grad]).toEqual([[6], null]);
    expect(() => cg.autograd.grad(x.sum(), other)).toThrow(/was not used.*allowUnused/);
    expect(cg.autograd.grad(x.sum(), other, { materializeGrads: true })[0]!.tolist()).toEqual([0]);
  });

  it("gives higher derivatives with createGraph", () => {
    const x = leaf([2]);
    const [first] = cg.autograd.grad(x.pow(4).sum(), x, { createGraph: true });
    const [second] = cg.autograd.grad(first!.sum(), x, { createGraph: true });
    const [third] = cg.autograd.grad(second!.sum(), x);
    expect([first, second, third].map((g) => g!.item())).toEqual([32, 48, 48]);
  });

  it("takes results of ops as inputs", () => {
    const x = leaf([2]);
    const y = x.mul(3);
    expect(cg.autograd.grad(y.square().sum(), [y, x]).map((g) => g.item())).toEqual([12, 36]);
  });
});

describe("modes", () => {
  it("noGrad records nothing and enableGrad undoes it", () => {
    const x = leaf([1]);
    expect(cg.noGrad(() => x.mul(2)).requiresGrad).toBe(false);
    expect(cg.noGrad(() => cg.enableGrad(() => x.mul(2))).requiresGrad).toBe(true);
    expect(x.mul(2).requiresGrad).toBe(true);
  });

  it("follows async code, not the clock", async () => {
    const x = leaf([1]);
    const quiet = cg.noGrad(async () => {
      await Promise.resolve();
      return x.mul(2).requiresGrad;
    });
    expect(x.mul(2).requiresGrad).toBe(true);
    expect(await quiet).toBe(false);
    expect(x.mul(2).requiresGrad).toBe(true);
  });

  it("comes back after an error", () => {
    expect(() => cg.noGrad(() => { throw new Error("stop"); })).toThrow("stop"); // prettier-ignore
    expect(cg.isGradEnabled()).toBe(true);
  });
});

describe("hooks", () => {
  it("see and replace the gradient of leaves and results", () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    const seen = vi.fn();
    y.registerHook((g) => void seen(g.tolist()));
    const doubling = x.registerHook((g) => g.mul(2));
    y.sum().backward({ retainGraph: true });
    expect([seen.mock.calls, x.grad!.tolist()]).toEqual([[[[1, 1]]], [6, 6]]);
    doubling.remove();
    x.grad = null;
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([3, 3]);
  });

  it("retainGrad keeps the gradient of a result", () => {
    const x = leaf([2]);
    const y = x.square();
    y.retainGrad();
    y.mul(5).sum().backward();
    expect(y.grad!.tolist()).toEqual([5]);
  });
});

describe("in-place changes", () => {
  it("are recorded", () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.mul_(3).add_(x);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([7, 7]);
  });

  it("of a view reach the base and its gradient", () => {
    const x = leaf([1, 2, 3]);
    const y = x.mul(1);
    y.at(cg.slice(0, 2)).mul_(10);
    y.setAt(2, 0);
    expect(y.tolist()).toEqual([10, 20, 0]);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([10, 10, 0]);
  });

  it("of a base reach its views", () => {
    const x = leaf([1, 2]);
    const y = x.mul(1);
    const view = y.select(0, 1);
    y.mul_(4);
    view.backward();
    expect([view.item(), x.grad!.tolist()]).toEqual([8, [0, 4]]);
  });

  it("of a leaf are refused outside noGrad", () => {
    const x = leaf([1]);
    expect(() => x.add_(1)).toThrow(/add_: expected a tensor that is not a leaf requiring grad.*noGrad/);
    cg.noGrad(() => x.add_(1));
    expect(x.tolist()).toEqual([2]);
  });

  it("to a comparison cut the gradient, logical ones leave history as it was", () => {
    const x = leaf([1, 2]);
    const compared = x.mul(3).eq_(cg.tensor([3, 0]));
    expect([compared.tolist(), compared.gradFn!.name]).toEqual([[1, 0], "EqBackward0"]);
    compared.sum().backward();
    expect(x.grad!.tolist()).toEqual([0, 0]);
    const inverted = x.mul(3).logicalNot_();
    inverted.sum().backward();
    expect([inverted.tolist(), x.grad!.tolist()]).toEqual([
      [0, 0],
      [3, 3],
    ]);
  });

  it("of a saved tensor are an error that names the op that made them", () => {
    const x = leaf([1, 2]);
    const y = x.mul(1);
    const z = y.square().sum();
    y.add_(1);
    expect(() => z.backward()).toThrow(
      /PowBackward0: expected the float32 tensor of shape \[2\] .*add_ on shape \[2\] changed it in place/,
    );
  });
});

describe("what is kept for backward", () => {
  const other = cg.ones(2);
  const weight = cg.ones(1, 1, 2, 2);
  // Each reads, for the gradient of `a`, everything but `a`: it may be changed, as in PyTorch.
  const free: Record<string, (a: Tensor) => Tensor> = {
    "a number's product": (a) => a.mul(2),
    "a product": (a) => a.mul(other),
    "a quotient": (a) => a.div(other),
    "a remainder": (a) => a.remainder(2),
    addcmul: (a) => cg.addcmul(other, a, other),
    lerp: (a) => a.lerp(other, 0.5),
    dot: (a) => a.dot(other),
    linear: (a) => cg.nn.functional.linear(a, cg.ones(3, 2)),
    matmul: (a) => a.view(1, 2).matmul(cg.ones(2, 2)),
    conv2d: (a) => cg.nn.functional.conv2d(a.view(1, 1, 1, 2).expand(1, 1, 2, 2), weight),
  };
  for (const [name, fn] of Object.entries(free)) {
    it(`of ${name} is nothing that no gradient reads`, () => {
      const leaf = cg.ones(2, { requiresGrad: true });
      const a = leaf.add(0);
      const out = fn(a);
      a.add_(1);
      out.sum().backward();
      const untouched = cg.ones(2, { requiresGrad: true });
      expect(leaf.grad!.tolist()).toEqual(cg.autograd.grad(fn(untouched).sum(), [untouched])[0]!.tolist());
    });
  }
});

describe("Function", () => {
  class Cube extends cg.autograd.Function {
    static override forward(ctx: cg.autograd.FunctionContext, x: Tensor): Tensor {
      ctx.saveForBackward(x);
      return x.pow(3);
    }
    static override backward(ctx: cg.autograd.FunctionContext, g: Tensor): Tensor {
      return g.mul(ctx.savedTensors[0]!.square()).mul(3);
    }
  }

  it("has the gradient that its backward gives, higher ones included", () => {
    const x = cg.tensor([2, 3], { dtype: "float64", requiresGrad: true });
    expect(cg.autograd.gradcheck((t) => Cube.apply(t), x)).toBe(true);
    expect(cg.autograd.gradgradcheck((t) => Cube.apply(t), x)).toBe(true);
  });

  it("can be kept as a function, and its node prints by its name", () => {
    const cube = Cube.apply;
    const y = cube(cg.tensor([2], { requiresGrad: true }));
    expect(y.tolist()).toEqual([8]);
    expect(inspect(y.gradFn)).toBe("<CubeBackward>");
  });

  it("is caught by gradcheck when it is wrong", () => {
    class Wrong extends Cube {
      static override backward(_ctx: cg.autograd.FunctionContext, g: Tensor): Tensor {
        return g;
      }
    }
    const x = cg.tensor([2], { dtype: "float64", requiresGrad: true });
    expect(() => cg.autograd.gradcheck((t) => Wrong.apply(t), x)).toThrow(/gradcheck: expected d output 0/);
  });
});
