/** Rules of reductions, ranks and shapes at their edges, each with what PyTorch 2.15 answers. */
import { afterEach, describe, expect, test } from "vitest";
import * as cg from "../../src/index.js";

const { tensor, zeros, ones } = cg;
const ints = (data: cg.TensorData): cg.Tensor => tensor(data, { dtype: "int64" });
const places = (pair: { values: cg.Tensor; indices: cg.Tensor }): number[] => [Number(pair.values.item()), Number(pair.indices.item())];

describe("ranks", () => {
  test("a median among equal elements is the one whose place comes next", () => {
    expect(places(ints([2, 1, 2, 1, 2]).median(0))).toEqual([2, 0]);
    expect(places(ones(4).median(0))).toEqual([1, 1]);
    expect(places(ints([3, 0, 3, 0, 3, 0, 3, 0]).nanmedian(0))).toEqual([0, 7]);
    expect(places(ints([3, 3, 0, 3, 0, 3, 3]).median(0))).toEqual([3, 1]);
  });
  test("the median of nothing is NaN, cast to the dtype", () => {
    expect(zeros(0).median().item()).toBeNaN();
    expect(Number(zeros(2, 0, { dtype: "int32" }).median().item())).toBe(-2147483648);
    expect(Number(zeros(0, { dtype: "uint8" }).nanmedian().item())).toBe(0);
  });
  test("bools have a mode, but no median and no k-th value", () => {
    const bools = tensor([true, false, true]);
    expect(() => bools.median()).toThrow(cg.DTypeError);
    expect(() => bools.nanmedian(0)).toThrow(cg.DTypeError);
    expect(() => bools.kthvalue(1)).toThrow(cg.DTypeError);
    expect(bools.mode().values.item()).toBe(true);
  });
});

describe("counting", () => {
  test("bins of equal elements lie half a unit around them, of no elements between 0 and 1", () => {
    const { hist, binEdges } = ones(2).histogram(2);
    expect([hist.tolist(), binEdges.tolist()]).toEqual([[0, 2], [0.5, 1, 1.5]]); // prettier-ignore
    expect(zeros(0).histogram(4).binEdges.tolist()).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });
  test("unique of nothing is a vector; a 0-d tensor has no dim", () => {
    const [values, inverse] = zeros(2, 0).unique({ returnInverse: true }) as cg.Tensor[];
    expect([values!.shape, inverse!.shape]).toEqual([[0], [2, 0]]);
    expect(() => tensor(1).unique({ dim: 0 })).toThrow(cg.IndexError);
    expect(() => tensor(1).uniqueConsecutive({ dim: 0 })).toThrow(cg.IndexError);
    expect(() => zeros(0, 0).unique({ dim: 1 })).toThrow(cg.ShapeError);
    expect(() => tensor(1).repeatInterleave(2, 0)).toThrow(cg.ShapeError);
  });
  test("the covariance of integers has the dtype that its weights promote to", () => {
    const x = ints([[1, 2, 4], [2, 8, 9]]); // prettier-ignore
    expect(x.cov().dtype).toBe("float32");
    const weighted = x.cov({ aweights: tensor([1, 2, 1], { dtype: "float64" }) });
    expect(weighted.dtype).toBe("float64");
    [1.9, 3.7, 3.7, 12.3].forEach((value, i) => expect(weighted.flatten().elements()[i]).toBeCloseTo(value, 10));
  });
});

describe("differences", () => {
  test("no differences leave the input alone, without what is joined to it", () => {
    expect(ints([1, 2]).diff({ n: 0, prepend: ints([5]) }).elements()).toEqual([1, 2]); // prettier-ignore
  });
  test("an integral over even distances is a float", () => {
    const area = cg.trapezoid(ints([[1, 2, 3], [4, 5, 6]]), { dx: 2 }); // prettier-ignore
    expect([area.dtype, area.tolist()]).toEqual(["float32", [8, 20]]);
    const running = cg.cumulativeTrapezoid(ints([1, 2, 4]), { dx: 2 });
    expect([running.dtype, running.tolist()]).toEqual(["float32", [3, 9]]);
  });
  test("an integral over one infinite point is NaN", () => {
    expect(cg.trapezoid(tensor([[1, Infinity]]), { dim: 0 }).tolist()).toEqual([0, NaN]);
  });
});

describe("shapes", () => {
  test('meshgrid "xy" turns the first two dims of every grid', () => {
    const [x, y] = cg.meshgrid(tensor([1, 2]), tensor([3, 4, 5]), { indexing: "xy" });
    expect(x!.tolist()).toEqual([[1, 2], [1, 2], [1, 2]]); // prettier-ignore
    expect(y!.tolist()).toEqual([[3, 3], [4, 4], [5, 5]]); // prettier-ignore
  });
  test("the gradient of overlapping windows adds up", () => {
    const x = cg.arange(4).to("float32").requiresGrad_();
    x.asStrided([2, 2], [1, 1]).mul(tensor([[1, 2], [4, 8]])).sum().backward(); // prettier-ignore
    expect(x.grad!.tolist()).toEqual([1, 6, 8, 0]);
  });
  test("the gradient of strides over a transposed and over an expanded input finds its elements", () => {
    const x = zeros(2, 3).requiresGrad_();
    x.t().asStrided([2, 2], [2, 2], 1).mul(tensor([[1, 2], [4, 8]])).sum().backward(); // prettier-ignore
    expect(x.grad!.tolist()).toEqual([[0, 1, 0], [6, 0, 8]]); // prettier-ignore
    const line = zeros(2).requiresGrad_();
    line.expand(3, 2).asStrided([2], [1], 0).mul(tensor([1, 2])).sum().backward(); // prettier-ignore
    expect(line.grad!.tolist()).toEqual([1, 2]);
  });
});

describe("negative indices", () => {
  const last = ints([-1]);
  test("are refused where PyTorch refuses them", () => {
    const x = ones(4, 2);
    const refusals: Record<string, () => unknown> = {
      embedding: () => cg.nn.functional.embedding(last, x),
      indexSelect: () => x.indexSelect(0, last),
      gather: () => x.gather(0, last.view(1, 1)),
      scatter: () => x.scatter(0, last.view(1, 1), 1),
      scatterAdd: () => x.scatterAdd(0, last.view(1, 1), ones(1, 1)),
      indexAdd: () => x.indexAdd(0, last, ones(1, 2)),
      indexCopy: () => x.indexCopy(0, last, ones(1, 2)),
    };
    for (const [name, call] of Object.entries(refusals)) expect(call).toThrow(`${name}: expected index to be in the range [0, 3], got -1`);
  });
  test("count from the end elsewhere", () => {
    const x = cg.arange(4);
    expect(x.take(last).tolist()).toEqual([3]);
    expect(x.takeAlongDim(last, 0).tolist()).toEqual([3]);
    expect(x.at(last).tolist()).toEqual([3]);
    expect(x.put(last, ints([7])).tolist()).toEqual([0, 1, 2, 7]);
    expect(x.indexFill(0, last, 7).tolist()).toEqual([0, 1, 2, 7]);
    expect(x.indexPut([last], ints([7])).tolist()).toEqual([0, 1, 2, 7]);
    expect(() => x.at(ints([-5]))).toThrow("at: expected index to be in the range [-4, 3], got -5");
  });
});

describe("products", () => {
  const vec = ones(2, { dtype: "int32" });
  const mat = ones(2, 2, { dtype: "int32" });
  test("factors of integer products lose their fraction, but addr refuses them", () => {
    expect(vec.addmv(mat, vec, { beta: 1.5 }).tolist()).toEqual([3, 3]);
    expect(vec.addmv(mat, vec, { alpha: 0.5 }).tolist()).toEqual([1, 1]);
    expect(mat.addbmm(mat.reshape(1, 2, 2), mat.reshape(1, 2, 2), { alpha: 1.5 }).tolist()).toEqual([[3, 3], [3, 3]]); // prettier-ignore
    expect(() => mat.addr(vec, vec, { alpha: 0.5 })).toThrow(cg.ValueError);
  });
  test("addr promotes; cross and cdist want one dtype", () => {
    expect(mat.addr(vec.to("float32"), vec.to("float64")).dtype).toBe("float64");
    expect(mat.addr(vec.to("float32"), vec, { alpha: 0.5 }).tolist()).toEqual([[1.5, 1.5], [1.5, 1.5]]); // prettier-ignore
    expect(mat.bool().addr(vec.bool(), vec.bool(), { alpha: 2 }).dtype).toBe("bool");
    expect(() => ones(3).cross(ints([1, 2, 3]))).toThrow(cg.DTypeError);
    expect(() => cg.cdist(ones(2, 2), ones(2, 2, { dtype: "float64" }))).toThrow(cg.DTypeError);
  });
});

test("normal has the dtype of its means", () => {
  expect(cg.normal(zeros(2), ones(2, { dtype: "float64" })).dtype).toBe("float32");
  expect(cg.normal(zeros(2, { dtype: "float64" }), ones(2)).dtype).toBe("float64");
});

test("numbers beside small integers wrap to their dtype first", () => {
  const bytes = tensor([3, 255, 200], { dtype: "uint8" });
  expect(bytes.le(-1).tolist()).toEqual([true, true, true]);
  expect(bytes.le(ints(300)).tolist()).toEqual([true, false, false]);
  expect(bytes.gcd(ints(-6)).tolist()).toEqual([1, 5, 50]);
  expect(bytes.lcm(ints(-6)).tolist()).toEqual([238, 206, 232]);
});

describe("a tensor becomes a view of itself", () => {
  test("with its values, strides and gradient", () => {
    const leaf = tensor([[1, 2, 3], [4, 5, 6]], { requiresGrad: true }); // prettier-ignore
    const x = leaf.mul(2);
    expect(x.t_()).toBe(x);
    expect([x.shape, x.stride()]).toEqual([[3, 2], [1, 3]]); // prettier-ignore
    x.unsqueeze_(0).mul_(tensor([1, 10]));
    expect(x.tolist()).toEqual([[[2, 80], [4, 100], [6, 120]]]); // prettier-ignore
    x.squeeze_().transpose_(0, 1).select(0, 1).sum().backward();
    expect(leaf.grad!.tolist()).toEqual([[0, 0, 0], [20, 20, 20]]); // prettier-ignore
    expect(() => leaf.t_()).toThrow(cg.AutogradError);
  });
  test("and a view that did so still changes its base", () => {
    const leaf = ones(2, 3).requiresGrad_();
    const whole = leaf.mul(1);
    whole.at(0).unsqueeze_(0).mul_(3);
    whole.sum().backward();
    expect([whole.tolist(), leaf.grad!.tolist()]).toEqual([[[3, 3, 3], [1, 1, 1]], [[3, 3, 3], [1, 1, 1]]]); // prettier-ignore
  });
});

test("memory formats say where the channels lie", () => {
  const images = cg.arange(24).reshape(1, 2, 3, 4);
  const last = images.contiguous({ memoryFormat: cg.channelsLast });
  expect(last.stride()).toEqual([24, 1, 8, 2]);
  expect(last.equal(images)).toBe(true);
  expect([images, last].map((t) => t.isContiguous({ memoryFormat: "channelsLast" }))).toEqual([false, true]);
  expect(() => ones(2, 3).clone({ memoryFormat: "channelsLast" })).toThrow(cg.ShapeError);
});

test("numbers that are written must lie in the dtype's range", () => {
  expect(() => cg.full([2], 300, { dtype: "int8" })).toThrow(cg.ValueError);
  expect(() => zeros(2, { dtype: "int32" }).fill_(NaN)).toThrow(cg.ValueError);
  expect(() => zeros(2, { dtype: "float16" }).fill_(1e6)).toThrow(cg.ValueError);
  expect(() => zeros(3, { dtype: "int8" }).scatter(0, tensor([0n]), 300)).toThrow(cg.ValueError);
  expect(cg.full([1], -1, { dtype: "uint8" }).tolist()).toEqual([255]);
  expect(zeros(1, { dtype: "int8" }).add(300).tolist()).toEqual([44]);
  expect(
    tensor([3, -4], { dtype: "int32" })
      .gt(2 ** 40)
      .tolist(),
  ).toEqual([true, false]);
});

test("variance, logsumexp and their like take complex numbers", () => {
  const z = cg.complex(tensor([1, -1.5, 0.3]), tensor([2, 0.5, -2]));
  expect(z.var().item()).toBeCloseTo(5.7467, 4);
  expect(z.std().item()).toBeCloseTo(2.3972, 4);
  const near = (t: cg.Tensor, re: number, im: number): void => {
    const value = t.item() as cg.Complex;
    expect(value.re).toBeCloseTo(re, 3);
    expect(value.im).toBeCloseTo(im, 3);
  };
  near(z.logcumsumexp(0).at(2), 0.7015, 2.4074);
  near(z.logsumexp(0), 0.7015, 2.4074);
  near(z.logaddexp(z.flip(0)).at(0), 0.7424, 2.5078);
  near(cg.sinc(cg.complex(tensor(1), tensor(1))), -1.838, -1.838);
});

describe("printing", () => {
  afterEach(() => cg.setPrintoptions({ profile: "default" }));
  test("knows torch's profiles, and forgets sciMode unless it is given", () => {
    const x = tensor([1.23456, 1000.5]);
    cg.setPrintoptions({ profile: "short", sciMode: true });
    expect(String(x)).toBe("tensor([1.23e+00, 1.00e+03])");
    cg.setPrintoptions({ precision: 1 });
    expect(String(x)).toBe("tensor([   1.2, 1000.5])");
    cg.setPrintoptions({ profile: "full" });
    expect(String(cg.arange(1200))).not.toContain("...");
    expect(() => cg.setPrintoptions({ profile: "long" as "full" })).toThrow(cg.ValueError);
  });
  test("is exact for numbers beyond 1e21, ties that carry, zeros and complex dtypes", () => {
    cg.setPrintoptions({ sciMode: false });
    expect(String(tensor(2 ** 80))).toBe("tensor(1208925819614629174706176.)");
    cg.setPrintoptions({ precision: 0, sciMode: true });
    expect(String(tensor([95, 250]))).toBe("tensor([1e+02, 2e+02])");
    expect(String(zeros(2))).toBe("tensor([0., 0.])");
    expect(String(cg.complex(zeros(1, { dtype: "float64" }), ones(1, { dtype: "float64" })))).toContain("dtype=torch.complex128");
  });
  test("names nodes as torch does", () => {
    const x = ones(2, 2).requiresGrad_();
    const name = (t: cg.Tensor): string => t.gradFn!.name;
    expect([x.reshape(4), x.sum(0), x.sum(), x.mean(1), x.max(), x.matmul(x), x.square(), x.log1p()].map(name)).toEqual([
      "ViewBackward0", "SumBackward1", "SumBackward0", "MeanBackward1", "MaxBackward1", "MmBackward0", "PowBackward0", "Log1PBackward0",
    ]); // prettier-ignore
  });
});

test("positions beyond 2^24 in a plain array are the ones that they say", () => {
  const x = cg.arange(2 ** 24 + 4);
  expect(x.at([2 ** 24 + 1, -1]).tolist()).toEqual([2 ** 24 + 1, 2 ** 24 + 3]);
  x.setAt([[2 ** 24 + 1]], -1);
  expect(x.narrow(0, 2 ** 24, 3).tolist()).toEqual([2 ** 24, -1, 2 ** 24 + 2]);
});

test("what is written by index has the tensor's dtype; slices and masks with one element cast", () => {
  const x = zeros(3, { dtype: "int64" });
  expect(() => x.setAt([tensor([0n])], tensor([1.5]))).toThrow(cg.DTypeError);
  x.setAt([tensor([true, false, false])], tensor(1.5));
  x.setAt([cg.slice(1, 2)], tensor([2.5]));
  x.setAt([2], 3.5);
  expect(x.tolist()).toEqual([1, 2, 3]);
  const z = zeros(1, { dtype: "complex64" });
  z.setAt([0], { re: 1, im: 2 });
  expect(z.tolist()).toEqual([{ re: 1, im: 2 }]);
});
