/** What a tensor answers about itself and refuses, outside of any op: sizes, bytes, numbers, text indices, gradients by hand. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import * as cg from "../../src/index.js";

const x = cg.arange(6, { dtype: "float32" }).reshape(2, 3);

describe("a tensor", () => {
  test("knows its sizes and bytes", () => {
    expect([x.ndim, x.dim(), x.size(), x.size(-1), x.stride(0), x.itemsize, x.nbytes]).toEqual([2, 2, [2, 3], 3, 3, 4, 24]);
    expect([cg.numel(x), x.nelement(), x.ndimension()]).toEqual([6, 6, 2]);
    expect(() => x.size(2)).toThrow(cg.IndexError);
    expect(() => x.size("0" as never)).toThrow(/size: expected dim to be an integer/);
  });

  test("knows in which format it is contiguous", () => {
    const image = cg.zeros(2, 3, 4, 5);
    const last = image.contiguous({ memoryFormat: "channelsLast" });
    const formats = (t: cg.Tensor): boolean[] => [t.isContiguous(), t.isContiguous({ memoryFormat: "channelsLast" })];
    expect([formats(image), formats(last), formats(x)]).toEqual([[true, false], [false, true], [true, false]]); // prettier-ignore
  });

  test("is a number where it has one element, and says so where it has more", () => {
    expect(cg.tensor(2).lt(3).item<boolean>()).toBe(true);
    expect(Number(cg.tensor([2.5]))).toBe(2.5);
    expect(cg.tensor([1], { dtype: "complex64" }).item<cg.Complex>()).toEqual({ re: 1, im: 0 });
    expect(() => x.item()).toThrow(/item: expected a tensor with one element, got shape \[2, 3\].*tolist/s);
  });

  test("is its elements in JSON, and its text where it is shown", async () => {
    expect(JSON.stringify({ x })).toBe('{"x":[[0,1,2],[3,4,5]]}');
    expect(inspect(cg.tensor([1]))).toBe("tensor([1.])");
    expect([...((await x.toTypedArrayAsync()) as Float32Array)]).toEqual([0, 1, 2, 3, 4, 5]);
    const gone = cg.ones(2);
    gone.dispose();
    gone.dispose();
    expect([gone.disposed, inspect(gone)]).toEqual([true, "tensor(disposed, shape=[2])"]);
    expect(() => gone.add(1)).toThrow(cg.DisposedError);
  });

  test("takes Python's text as an index", () => {
    expect(x.at(":", "1:").tolist()).toEqual([[1, 2], [4, 5]]); // prettier-ignore
    expect(x.at("-1", "::2").tolist()).toEqual([3, 5]);
    expect(x.at("...", "0").tolist()).toEqual([0, 3]);
    for (const text of ["", "a", "1:2:3:4", "1.5"]) expect(() => x.at(text)).toThrow(/index to be text such as ":", "1:5:2" or "\.\.\."/);
    expect(() => x.at(0, 0, 0)).toThrow(/at most 2 for shape \[2, 3\], got 3/);
    expect(() => x.at("...", 0, "...", 0)).toThrow(/at most one "\.\.\."/);
    expect(() => x.at([0, 0.5])).toThrow(/index to be integers/);
  });

  test("takes a gradient by hand only where it fits", () => {
    const leaf = cg.ones(2, { requiresGrad: true });
    expect(() => (leaf.grad = cg.ones(3))).toThrow(/grad: expected value to be a tensor of shape \[2\], got \[3\]/);
    expect(() => (leaf.grad = [1, 1] as never)).toThrow(/grad: expected value to be a Tensor or null/);
    expect(() => (leaf.requiresGrad = 1 as never)).toThrow(/requiresGrad: expected value to be true or false, got 1/);
    expect(() => leaf.mul(2).requiresGrad_(false)).toThrow(/a leaf, got the result of an op.*detach/s);
    expect(() => cg.ones(2).int().requiresGrad_()).toThrow(cg.DTypeError);
    expect(() => cg.ones(2).retainGrad()).toThrow(/retainGrad: expected a tensor that requires grad/);
    expect(() => cg.ones(2).registerHook(() => null)).toThrow(/registerHook: expected a tensor that requires grad/);
    expect(() => leaf.registerHook(1 as never)).toThrow(/registerHook: expected hook to be a function, got 1/);
  });
});

test("names of dims wrap and do not repeat", () => {
  expect(x.sum([-1, 0]).item()).toBe(15);
  expect(() => x.sum([0, -2])).toThrow(/sum: expected dim to be a list without repeated dims, got \[0, -2\]/);
});

test("sizes for broadcastShapes are whole", () => {
  expect(cg.broadcastShapes([2, 1], 3)).toEqual([2, 3]);
  expect(() => cg.broadcastShapes([2.5])).toThrow(/broadcastShapes: expected shapes to be lists of sizes/);
  expect(() => cg.broadcastShapes([2], [3])).toThrow(cg.ShapeError);
});

test("half types are drawn in their own steps", () => {
  cg.manualSeed(3);
  for (const [dtype, steps] of [["float16", 2 ** 11], ["bfloat16", 2 ** 8]] as const) {
    const draws = cg.rand(4000, { dtype }).double();
    expect(draws.mul(steps).frac().abs().max().item()).toBe(0);
    expect([Number(draws.amin().item()) >= 0, Number(draws.amax().item()) < 1]).toEqual([true, true]);
    // 4000 draws: the mean is known to 0.005; six times that.
    expect(Math.abs(Number(draws.mean().item()) - 0.5)).toBeLessThan(0.03);
  } // prettier-ignore
});
