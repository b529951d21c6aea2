/** Ops from the text of a kernel: the same on the CPU, OpenCL and the emulated card, with gradients, and what a wrong text is told. */
import { describe, expect, it, vi } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { cuda } from "./cuda.js";
import { openCl } from "./opencl.js";

const F = cg.nn.functional;
const cards: readonly cg.Device[] = openCl === null ? [cuda] : [openCl, cuda];

// The largest of the `width` last elements of a row.
const runningMax = cg.kernelOp("runningMax", {
  parameters: { x: "tensor", width: "i64" },
  text: `
    i64 column = i % x_size(1);
    T best = x[i];
    for (i64 k = 1; k < width && k <= column; ++k) best = maximum(best, x[i - k]);
    out[i] = best;`,
  ops: (x: Tensor, width: number) =>
    F.pad(x, [width - 1, 0], { value: -Infinity })
      .unfold(1, width, 1)
      .amax(-1),
});
const squareOf = cg.kernelOp("squareOf", {
  parameters: { x: "tensor", scale: "T" },
  text: "out[i] = scale * x[i] * x[i];",
  ops: (x: Tensor, scale: number) => x.square().mul(scale),
  backward: (grad: Tensor, output: Tensor, x: Tensor, scale: number) => [
    grad
      .mul(x)
      .mul(2 * scale)
      .add(output.mul(0)),
  ],
});
const pick = cg.kernelOp("pick", {
  parameters: { x: "tensor", rows: "tensor" },
  text: "out[i] = x[rows[i / x_size(1)] * x_size(1) + i % x_size(1)];",
  ops: (x: Tensor, rows: Tensor) => x.indexSelect(0, rows),
  shape: (x: Tensor, rows: Tensor) => [rows.shape[0]!, x.shape[1]!],
});

describe.each(cards)("on %s", (device) => {
  const x = cg.tensor([[3, 1, 2, 0], [-1, -2, 5, 4]], { dtype: "float32" }); // prettier-ignore

  it("computes the text, of any memory layout and dtype", () => {
    for (const dtype of ["float32", "float64", "float16", "int32", "int64"] as const) {
      const there = x.to(dtype).to(device);
      expect(runningMax(there, 2)).toMatchObject({ dtype, device });
      expect(runningMax(there, 2).tolist()).toEqual([[3, 3, 2, 2], [-1, -1, 5, 5]]); // prettier-ignore
      expect(runningMax(there.t(), 2).tolist()).toEqual([[3, 3], [1, 1], [2, 5], [0, 4]]); // prettier-ignore
    }
    const { events } = cg.profile(() => runningMax(x.to(device), 2));
    expect(events.map(({ kernel }) => kernel)).toEqual(["toDevice", "empty", "runningMax"]);
  });

  it("has the gradient of the ops, or its own", () => {
    const grads = (on: string): unknown => {
      const leaf = x.to(on).requiresGrad_();
      runningMax(leaf, 3)
        .mul(cg.arange(4, { device: on }))
        .sum()
        .backward();
      squareOf(leaf, 3).sum().backward();
      return leaf.grad!.tolist();
    };
    expect(grads(device)).toEqual(grads("cpu"));
    const leaf = x.to("float64").to(device).requiresGrad_();
    expect(cg.autograd.gradcheck((t) => squareOf(t!, 0.5), [leaf])).toBe(true);
    expect(cg.autograd.gradgradcheck((t) => squareOf(t!, 0.5), [leaf])).toBe(true);
  });

  it("takes tensors of several dtypes, and has the shape that it says", () => {
    const rows = cg.tensor([1, 0, 1], { dtype: "int64" });
    expect(pick(x.to(device), rows.to(device)).tolist()).toEqual(pick(x, rows).tolist());
  });

  it("says what the compiler says, and which line of the text it means", () => {
    const wrong = cg.kernelOp("wrong", {
      parameters: { x: "tensor" },
      text: "T y = x[i];\nout[i] = y * factr;",
      ops: (t: Tensor) => t,
    });
    const error = (() => {
      try {
        return wrong(x.to(device));
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(cg.DeviceError);
    expect((error as Error).message).toMatch(
      new RegExp(`wrong: expected text to be a kernel that ${device} compiles, got line 2, .out\\[i\\] = y \\* factr;.:\n[^]*factr`),
    );
    expect(wrong(x)).toBe(x);
  });
});

it("leaves complex numbers, and devices without a compiler, to the ops", () => {
  const z = cg.complex(cg.ones(2), cg.ones(2));
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  for (const device of cards) expect(squareOf(z.to(device), 1).cpu().elements()).toEqual(squareOf(z, 1).elements());
  vi.restoreAllMocks();
});

it("says what it may be made of, and called with", () => {
  const right = { parameters: { x: "tensor" }, text: "out[i] = x[i];", ops: (x: Tensor) => x } as const;
  const make = (change: object, name = "op"): unknown => cg.kernelOp(name, { ...right, ...change } as never);
  expect(() => make({}, "two words")).toThrow(/name to be a name of letters and digits/);
  expect(() => make({ parameters: { i: "tensor" } })).toThrow(/names other than out, i, n/);
  expect(() => make({ parameters: { x: "float" } })).toThrow(/x to be "tensor", "i64" or "T"/);
  expect(() => make({ parameters: { x: "T" } })).toThrow(/one a tensor/);
  expect(() => make({ text: " " })).toThrow(/the statements of a kernel/);
  expect(() => make({ ops: null })).toThrow(/computes the same by ops/);
  expect(() => make({ shape: [1] })).toThrow(/shape to be a function/);
  expect(() => cg.kernelOp("op", null as never)).toThrow(cg.ValueError);
  expect(() => runningMax(cg.ones(2, 2), 1.5)).toThrow(/width to be a whole number/);
  expect(() => (runningMax as (...x: unknown[]) => Tensor)(cg.ones(2, 2))).toThrow(/2 arguments \(x, width\)/);
  const mistaken = (backward: () => Tensor[]) => () => {
    cg.kernelOp("op", { ...right, backward })(cg.ones(2).requiresGrad_())
      .sum()
      .backward();
  };
  expect(mistaken(() => [])).toThrow(/1 gradients, one a tensor/);
  expect(mistaken(() => [cg.ones(3)])).toThrow(/gradient of the shape \[2\], got \[3\]/);
});
