/** What a person can see of the graph and change in it: hooks, kept gradients, saved tensors, anomaly mode, warnings. */
import { describe, expect, it, vi } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const leaf = (data: number[]): Tensor => cg.tensor(data, { requiresGrad: true });

describe("hooks", () => {
  it("after accumulation see the leaf with its gradient, until they are removed", () => {
    const x = leaf([1, 2]);
    const seen: unknown[] = [];
    const handle = x.registerPostAccumulateGradHook((t) => void seen.push(t.grad!.tolist()));
    x.sum().backward();
    x.sum().backward();
    handle.remove();
    x.sum().backward();
    expect(seen).toEqual([[1, 1], [2, 2]]); // prettier-ignore
    expect(() => x.mul(2).registerPostAccumulateGradHook(() => {})).toThrow(/expected a leaf.*registerHook/);
  });

  it("given twice run twice, and each handle removes one", () => {
    const x = leaf([1]);
    const hook = vi.fn();
    const [first] = [x.registerHook(hook), x.registerHook(hook)];
    first.remove();
    first.remove();
    x.sum().backward();
    expect(hook).toHaveBeenCalledTimes(1);
  });

  it("must return a gradient of the same shape", () => {
    const x = leaf([1, 2]);
    x.registerHook(() => cg.ones(3));
    expect(() => x.sum().backward()).toThrow(/registerHook: expected hook to be to return a gradient of shape \[2\], got \[3\]/);
  });

  it("of nodes see gradients before and after the rule", () => {
    const x = leaf([3]);
    const y = x.square();
    y.gradFn!.registerPrehook(([g]) => [g!.mul(10)]);
    y.gradFn!.registerHook(([dx], [dy]) => [dx!.add(dy!)]);
    y.backward();
    expect(x.grad!.tolist()).toEqual([70]);
    expect(y.gradFn!.nextFunctions.map(([node]) => node!.name)).toEqual(["AccumulateGrad"]);
  });
});

describe("retainGrad", () => {
  it("comes after all hooks, and adds up as leaves do", () => {
    const x = leaf([1]);
    const y = x.mul(3);
    y.retainGrad();
    y.registerHook((g) => g.mul(5));
    y.sum().backward({ retainGraph: true });
    y.sum().backward();
    expect([y.retainsGrad, y.grad!.tolist(), x.grad!.tolist()]).toEqual([true, [10], [30]]);
  });

  it("follows the tensor through in-place changes", () => {
    const x = leaf([2]);
    const y = x.mul(1);
    y.retainGrad();
    y.mul_(4);
    y.square().sum().backward();
    expect([y.grad!.tolist(), x.grad!.tolist()]).toEqual([[16], [64]]);
  });

  it("is not needed for results among the inputs of backward", () => {
    const x = leaf([2]);
    const y = x.mul(3);
    y.square()
      .sum()
      .backward({ inputs: [y] });
    expect([y.grad!.tolist(), x.grad]).toEqual([[12], null]);
  });
});

it("reading .grad of a result warns once, and says what to do", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const y = leaf([1]).mul(2);
  expect([y.grad, y.grad]).toEqual([null, null]);
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/not a leaf .*made by MulBackward0.*retainGrad\(\)/)]]);
  warn.mockRestore();
});

it("a second leaf with the same gradient has its own, also with createGraph", () => {
  const [a, b] = [leaf([1]), leaf([2])];
  a.add(b).sum().backward({ createGraph: true });
  cg.noGrad(() => a.grad!.mul_(5));
  expect(b.grad!.tolist()).toEqual([1]);
});

describe("backward", () => {
  it("of several tensors adds all their gradients", () => {
    const x = leaf([1, 2]);
    cg.autograd.backward([x.sum(), x.mul(2)], [null, cg.tensor([1, 10])]);
    expect(x.grad!.tolist()).toEqual([3, 21]);
  });

  it("takes torch's arguments by position", () => {
    const x = leaf([2]);
    const y = x.square();
    y.backward(cg.ones(1), true);
    y.backward(null, false, false, [x]);
    expect(x.grad!.tolist()).toEqual([8]);
    expect(() => y.backward({ retainGrap: true } as never)).toThrow(/did you mean "retainGraph"/);
  });
});

describe("grad", () => {
  it("takes a batch of output gradients", () => {
    const x = leaf([1, 2, 3]);
    const [jacobian] = cg.autograd.grad(x.square(), x, { gradOutputs: cg.eye(3), isGradsBatched: true });
    expect(jacobian!.tolist()).toEqual([[2, 0, 0], [0, 4, 0], [0, 0, 6]]); // prettier-ignore
  });

  it("gives null or zeros for what was not used, on request", () => {
    const [x, other] = [leaf([1]), leaf([2])];
    expect(cg.autograd.grad(x.sum(), [x, other], { allowUnused: true })[1]).toBe(null);
    expect(cg.autograd.grad(x.sum(), [other], null, null, false, null, false, true)[0]!.tolist()).toEqual([0]);
  });
});

describe("saved tensors", () => {
  it("go through hooks, which see every one and may keep something else", () => {
    const x = cg.tensor([1.001, 2], { dtype: "float64", requiresGrad: true });
    const packed: string[] = [];
    const y = cg.autograd.graph.savedTensorsHooks(
      (t) => (packed.push(`${t.dtype} ${String(t.requiresGrad)}`), t.to("float32")),
      (t) => t.to("float64"),
      () => x.square().sum(),
    );
    y.backward();
    expect(packed).toEqual(["float64 false"]);
    expect(x.grad!.at(0).item()).toBeCloseTo(2.002, 6);
    expect(x.grad!.at(0).item()).not.toBe(2.002);
  });

  it("keep their history through hooks: second derivatives are right", () => {
    const x = cg.tensor([0.5, 1.5], { dtype: "float64", requiresGrad: true });
    const hooked = (t: Tensor): Tensor =>
      cg.autograd.graph.savedTensorsHooks(
        (s) => s.clone(),
        (s) => s,
        () => t.exp().mul(t).tanh(),
      );
    expect(cg.autograd.gradgradcheck(hooked, x)).toBe(true);
  });

  it("that were disposed are named", () => {
    const x = leaf([1]);
    const y = x.mul(2);
    const z = y.square().sum();
    y.dispose();
    expect(() => z.backward()).toThrow(/PowBackward0: expected the float32 tensor of shape \[1\] that it saved.*disposed/);
  });
});

describe("anomaly mode", () => {
  function forward(x: Tensor): Tensor {
    return x.sqrt().sum();
  }

  it("names the op that made NaN and the line that called it", () => {
    const x = leaf([0]);
    const run = (): void => cg.autograd.detectAnomaly(() => forward(x.mul(0)).mul(0).backward());
    expect(run).toThrow(
      /SqrtBackward0: expected gradients without NaN, got NaN in that of input 0 .*called at forward \(.*graph\.test\.ts/,
    );
    forward(x.mul(0)).mul(0).backward();
  });

  it("names the line of the op whose gradient fails", () => {
    class Broken extends cg.autograd.Function {
      static override forward(_ctx: cg.autograd.FunctionContext, x: Tensor): Tensor {
        return x.clone();
      }
      static override backward(): Tensor {
        throw new Error("out of luck");
      }
    }
    cg.autograd.setDetectAnomaly(true);
    try {
      expect(() => Broken.apply(leaf([1])).backward()).toThrow(/BrokenBackward: .*out of luck .*called at .*graph\.test\.ts/);
    } finally {
      cg.autograd.setDetectAnomaly(false);
    }
    expect(() => Broken.apply(leaf([1])).backward()).toThrow(/^out of luck$/);
  });

  it("lets NaN pass on request", () => {
    const x = leaf([0]);
    cg.autograd.detectAnomaly(() => x.sqrt().mul(0).sum().backward(), { checkNan: false });
    expect(x.grad!.item()).toBe(NaN);
  });
});

describe("modes", () => {
  it("as values: setGradEnabled(mode) and setGradEnabled(mode, body)", async () => {
    const x = leaf([1]);
    cg.setGradEnabled(false);
    expect(x.mul(2).requiresGrad).toBe(false);
    cg.setGradEnabled(true);
    expect(cg.setGradEnabled(false, () => x.mul(2)).requiresGrad).toBe(false);
    expect((await cg.setGradEnabled(false, async () => (await Promise.resolve(), x.mul(2)))).requiresGrad).toBe(false);
    expect(cg.inferenceMode(() => [cg.isInferenceModeEnabled(), x.mul(2).requiresGrad])).toEqual([true, false]);
    expect(cg.inferenceMode(false, () => x.mul(2)).requiresGrad).toBe(true);
    expect(() => cg.noGrad(undefined as never)).toThrow(/noGrad: expected body to be a function/);
  });
});

describe("pieces of a tensor", () => {
  const pieces = {
    chunk: (t: cg.Tensor) => t.chunk(2),
    split: (t: cg.Tensor) => t.split([1, 3]),
    unbind: (t: cg.Tensor) => t.unbind(),
  };
  it.each(Object.entries(pieces))("%s: one step back for all, zeros for those that are not used", (_, take) => {
    const x = cg.tensor([1, 2, 3, 4], { requiresGrad: true });
    const [first, ...others] = take(x) as [cg.Tensor, ...cg.Tensor[]];
    expect(others.every((piece) => piece.gradFn === first.gradFn)).toBe(true);
    others.at(-1)!.square().sum().backward();
    const used = others.at(-1)!.numel();
    expect(x.grad!.tolist()).toEqual([2, 4, 6, 8].map((slope, i) => (i < 4 - used ? 0 : slope)));
  });

  it.each(Object.entries(pieces))("%s: as in torch, no change of a piece in place is recorded; a narrow() is, gradients too", (_, take) => {
    const x = cg.tensor([1, 2, 3, 4], { requiresGrad: true });
    const y = x.mul(1);
    const [first] = take(y) as [cg.Tensor];
    expect(() => first.mul_(3)).toThrow(cg.AutogradError);
    expect(() => first.reshape(-1).sin_()).toThrow(cg.AutogradError);
    y.narrow(0, 0, 2).mul_(3);
    expect(() => first.mul(2)).toThrow(cg.AutogradError); // its base was changed
    y.square().sum().backward();
    expect(x.grad!.tolist()).toEqual([18, 36, 6, 8]);
    const [plain] = take(cg.ones(4)) as [cg.Tensor];
    expect(plain.mul_(3).sum().item()).toBe(3 * plain.numel());
  });
});
