/** Forms and dtypes that PyTorch 2.15 takes and refuses beyond the plain call; the numbers are PyTorch's. */
import { describe, expect, test } from "vitest";
import * as cg from "../../src/index.js";
import { tensor, zeros, type DType } from "../../src/index.js";

const F = cg.nn.functional;

describe("forms", () => {
  test("round takes decimals, on either side of the point", () => {
    expect(tensor([123.456, -0.25]).double().round({ decimals: 1 }).tolist()).toEqual([123.5, -0.2]); // prettier-ignore
    expect(tensor([123.456, 151]).round({ decimals: -1 }).tolist()).toEqual([120, 150]);
    expect(tensor([1.26]).round_({ decimals: 1 }).item<number>()).toBeCloseTo(1.3, 6);
    expect(() => cg.ones(2, { dtype: "int64" }).round({ decimals: 1 })).toThrow(cg.DTypeError);
  });
  test("nonzero answers as a tuple", () => {
    const [rows, columns] = cg.nonzero(tensor([[0, 5], [6, 0]]), { asTuple: true }); // prettier-ignore
    expect([rows!.tolist(), columns!.tolist()]).toEqual([[0, 1], [1, 0]]); // prettier-ignore
    expect(cg.nonzero(tensor(7), { asTuple: true }).map((t) => t.tolist())).toEqual([[0]]);
  });
  test("methods whose receiver is not first take their arguments by name", () => {
    const x = tensor([-1, 2]);
    expect(x.where({ condition: x.gt(0), other: 0 } as never, undefined as never).tolist()).toEqual([0, 2]);
    expect(tensor([1]).polygamma({ n: 1 } as never).item()).toBeCloseTo(Math.PI ** 2 / 6, 5); // prettier-ignore
  });
  test("to and the dtype methods take a memory format, and booleans after one target", () => {
    const x = zeros(2, 3, 4, 5);
    expect(x.to("float64", { memoryFormat: "channelsLast" }).stride()).toEqual([60, 1, 15, 3]);
    expect(x.half({ memoryFormat: "channelsLast" }).stride()).toEqual([60, 1, 15, 3]);
    expect(x.to(tensor(1n), true as never).dtype).toBe("int64");
  });
  test("narrow starts at a 0-d integer tensor", () => {
    expect(tensor([1, 2, 3]).narrow(0, tensor(1n), 2).tolist()).toEqual([2, 3]); // prettier-ignore
    expect(() => tensor([1, 2]).narrow(0, tensor(true), 1)).toThrow(cg.ValueError);
  });
  test("a 0-d tensor gathers as a vector of one element", () => {
    expect(tensor(3).gather(0, tensor([0n, 0n])).tolist()).toEqual([3, 3]); // prettier-ignore
    expect(tensor([3, 4]).gather(0, tensor(1n)).tolist()).toBe(4); // prettier-ignore
  });
  test("searching promotes what it compares", () => {
    expect(cg.searchsorted(tensor([1n, 2n, 3n]), 2.5).item()).toBe(2);
    expect(cg.bucketize(tensor([0.5, 2.5]), tensor([1n, 2n, 3n])).tolist()).toEqual([0, 2]);
  });
  test("cosine similarity broadcasts before it measures", () => {
    const [a, b] = [tensor([[[3, 4, 0]]]), tensor([[[1, 0, 0]], [[0, 1, 0]]])];
    expect(F.cosineSimilarity(a, b, -1).tolist()).toEqual([[expect.closeTo(0.6, 6)], [expect.closeTo(0.8, 6)]]);
    expect(F.cosineSimilarity(cg.ones(1, 2, 2), cg.ones(2, 1, 2), -2).tolist()).toEqual([[1, 1], [1, 1]].map((r) => r.map(() => expect.closeTo(1, 6)))); // prettier-ignore
  });
  test("a sum of complex exponentials keeps the phase of its largest term", () => {
    const at = (re: number, im: number): cg.Tensor => tensor([{ re, im }]);
    expect(cg.logaddexp(at(0, 4), at(-50, 1)).imag.item()).toBeCloseTo(4, 5);
    expect(cg.cat([at(0, 4), at(-50, 1)]).logcumsumexp(0).imag.tolist()).toEqual([4, 4]); // prettier-ignore
  });
  test("what a copy replaces stays in the graph with a gradient of zero", () => {
    const x = cg.ones(2, { requiresGrad: true });
    const y = x.mul(3);
    y.copy_(zeros(2));
    expect([y.requiresGrad, y.gradFn!.name]).toEqual([true, "CopyBackward0"]);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([0, 0]);
  });
  test("topk answers PyTorch's places of equal elements", () => {
    expect(cg.ones(5).topk(1).indices.tolist()).toEqual([2]);
  });
});

describe("dtypes", () => {
  const one = (dtype: DType): cg.Tensor => cg.ones(2, 2, { dtype });
  test.each([
    ["silu", F.silu], ["mish", F.mish], ["hardswish", F.hardswish], ["hardsigmoid", F.hardsigmoid], ["logsigmoid", F.logsigmoid],
    ["leakyRelu", F.leakyRelu], ["elu", F.elu], ["softplus", F.softplus], ["celu", F.celu], ["selu", F.selu], ["hardshrink", F.hardshrink],
    ["softshrink", F.softshrink], ["glu", F.glu], ["rrelu", F.rrelu],
  ])("%s refuses integers", (_, f) => expect(() => (f as (x: cg.Tensor) => unknown)(one("int64"))).toThrow(cg.DTypeError)); // prettier-ignore
  test.each(["mseLoss", "smoothL1Loss", "huberLoss", "klDiv", "binaryCrossEntropy"] as const)("%s refuses integers", (name) =>
    expect(() => F[name](one("int32"), one("int32"))).toThrow(cg.DTypeError),
  );
  test("sequences and triangles refuse dtypes without meaning", () => {
    expect(() => cg.arange(3, { dtype: "bool" })).toThrow(cg.DTypeError);
    expect(() => cg.trilIndices(2, 2, 0, { dtype: "float32" })).toThrow(cg.DTypeError);
  });
  test("complex and integer images convolve, complex elements drop whole", () => {
    const i = tensor({ re: 0, im: 1 });
    const images = cg.ones(1, 1, 2, 2).mul(i);
    expect(F.conv2d(images, images).item()).toEqual({ re: -4, im: 0 });
    expect(F.conv2d(cg.full([1, 1, 2, 2], 100, { dtype: "int8" }), cg.ones(1, 1, 2, 2, { dtype: "int8" })).item()).toBe(-112);
    for (const z of F.dropout(images.reshape(-1), 0.5).tolist() as { re: number; im: number }[]) expect([0, 2]).toContain(z.im);
  });
  test("products of complex numbers by index", () => {
    const z = tensor([{ re: 0, im: 1 }]);
    expect(z.scatterReduce(0, tensor([0n]), z, "prod").tolist()).toEqual([{ re: -1, im: 0 }]); // prettier-ignore
    expect(z.indexFill(0, tensor([0n]), { re: 1, im: 2 }).tolist()).toEqual([{ re: 1, im: 2 }]); // prettier-ignore
  });
});

describe("activations and padding", () => {
  const x = tensor([[-2, -0.4, 0.3, 4]], { requiresGrad: true });
  test.each([
    ["celu", () => F.celu(x, 0.5), [-0.490842, -0.275336, 0.3, 4], "CeluBackward0"],
    ["selu", () => F.selu(x), [-1.520167, -0.57961, 0.31521, 4.202804], "EluBackward0"],
    ["softmin", () => F.softmin(x, 1), [0.766498, 0.154753, 0.076848, 0.0019], "SoftmaxBackward0"],
    ["softsign", () => F.softsign(x), [-0.666667, -0.285714, 0.230769, 0.8], "DivBackward0"],
    ["tanhshrink", () => F.tanhshrink(x), [-1.035972, -0.020051, 0.008687, 3.000671], "SubBackward0"],
    ["hardshrink", () => F.hardshrink(x), [-2, 0, 0, 4], "HardshrinkBackward0"],
    ["softshrink", () => F.softshrink(x), [-1.5, -0, 0, 3.5], "SoftshrinkBackward0"],
    ["rrelu", () => F.rrelu(x), [-0.458333, -0.091667, 0.3, 4], "RreluWithNoiseBackward0"],
    ["glu", () => F.glu(x, 1), [-1.148885, -0.392806], "GluBackward0"],
    ["prelu", () => F.prelu(x, tensor([0.25])), [-0.5, -0.1, 0.3, 4], "PreluKernelBackward0"],
  ])("%s", (_, f, expected, node) => {
    const y = (f as () => cg.Tensor)();
    expect((y.reshape(-1).tolist() as number[]).map((v, i) => Math.abs(v - (expected as number[])[i]!) < 2e-6)).toEqual((expected as number[]).map(() => true)); // prettier-ignore
    expect(y.gradFn!.name).toBe(node);
  });
  test.each([
    ["constant", [9, 0, 1, 2, 9]],
    ["reflect", [1, 0, 1, 2, 1]],
    ["replicate", [0, 0, 1, 2, 2]],
    ["circular", [2, 0, 1, 2, 0]],
  ] as const)("pad %s, with its gradient", (mode, expected) => {
    const row = cg.arange(3).float().reshape(1, 3).requiresGrad_(); // prettier-ignore
    const out = F.pad(row, [1, 1], mode, mode === "constant" ? 9 : null);
    expect(out.tolist()).toEqual([expected]);
    out.sum().backward();
    expect((row.grad!.sum().item() as number) + (mode === "constant" ? 2 : 0)).toBe(5);
  });
  test("pad cuts where a count is negative, and refuses what torch refuses", () => {
    expect(F.pad(cg.arange(4), [-1, 1]).tolist()).toEqual([1, 2, 3, 0]);
    expect(() => F.pad(cg.ones(2, 3), [3, 0], "reflect")).toThrow(cg.ShapeError);
    expect(() => F.pad(cg.ones(3), [1, 1], "reflect")).toThrow(cg.ShapeError);
    expect(() => F.pad(cg.ones(3), [1])).toThrow(cg.ValueError);
    expect(() => F.pad(cg.ones(2, 3), [1, 1], "replicate", 2)).toThrow(cg.ValueError);
  });
  test("modules name themselves as torch does", () => {
    const { nn } = cg;
    const layers = [
      new nn.PReLU(), new nn.CELU(), new nn.GLU(), new nn.Softmin(1), new nn.Hardshrink(), new nn.RReLU(), new nn.Threshold(0.1, 20),
      new nn.ZeroPad2d(1), new nn.ConstantPad2d(2, 3.5), new nn.ReplicationPad2d([1, 2, 0, 1]),
    ]; // prettier-ignore
    expect(layers.map(String)).toEqual([
      "PReLU(num_parameters=1)", "CELU(alpha=1.0)", "GLU(dim=-1)", "Softmin(dim=1)", "Hardshrink(0.5)",
      "RReLU(lower=0.125, upper=0.3333333333333333)", "Threshold(threshold=0.1, value=20)", "ZeroPad2d((1, 1, 1, 1))",
      "ConstantPad2d(padding=(2, 2, 2, 2), value=3.5)", "ReplicationPad2d((1, 2, 0, 1))",
    ]); // prettier-ignore
    expect([new nn.CosineSimilarity(), new nn.PairwiseDistance(1)].map(String)).toEqual(["CosineSimilarity()", "PairwiseDistance()"]);
    expect(new nn.CosineSimilarity({ dim: 0 }).forward(cg.tensor([3, 4]), cg.tensor([4, 3])).item()).toBeCloseTo(0.96, 6);
    expect(new nn.PairwiseDistance(1, { eps: 0, keepdim: true }).forward(cg.ones(2, 3), cg.zeros(3)).tolist()).toEqual([[3], [3]]);
    expect(new nn.ReflectionPad2d(1).forward(cg.ones(1, 3, 3)).shape).toEqual([1, 5, 5]);
  });
});

test("a 0-d tensor is its own transpose, a vector has none", () => {
  expect([cg.tensor(2).mT.item(), cg.tensor(2).mH.item(), cg.tensor(2).H.item()]).toEqual([2, 2, 2]);
  expect(() => cg.ones(2).mT).toThrow(cg.IndexError);
});
test("a Huber loss of two dtypes has the first one's, and its gradient", () => {
  const x = cg.tensor([0.5, 3], { requiresGrad: true });
  const loss = F.huberLoss(x, cg.zeros(2, { dtype: "float64" }), { reduction: "sum" });
  loss.backward();
  expect([loss.dtype, x.grad!.tolist()]).toEqual(["float32", [0.5, 1]]);
});
test("coordinates of flat indices", () => {
  expect(cg.unravelIndex(cg.tensor([4n, 5n, -1n]), [3, 2]).map(String)).toEqual(["tensor([2, 2, 2])", "tensor([0, 1, 1])"]);
  expect(() => cg.unravelIndex(cg.tensor([1n]), [0, 2])).toThrow(cg.ValueError);
  expect(() => cg.unravelIndex(cg.ones(1), [2])).toThrow(cg.DTypeError);
});
test("distances of no rows have the first dtype, and a gradient of zeros", () => {
  expect(cg.cdist(cg.ones(0, 3, { dtype: "bfloat16" }), cg.ones(2, 3)).dtype).toBe("bfloat16");
  const x = cg.ones(2, 0, { requiresGrad: true });
  cg.cdist(x, cg.ones(3, 0)).sum().backward(); // prettier-ignore
  expect(x.grad!.shape).toEqual([2, 0]);
});
