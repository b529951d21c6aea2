/** What PyTorch 2.15 answers where ops meet their limits, and the options of torch.nn.functional; the numbers are PyTorch's. */
import { describe, expect, test } from "vitest";
import * as cg from "../../src/index.js";
import { tensor, type DType, type Tensor } from "../../src/index.js";

const { nn } = cg;
const F = nn.functional;
const close = (values: readonly number[], digits = 5): unknown[] => values.map((x) => expect.closeTo(x, digits));

describe("half numbers", () => {
  test.each([
    ["float16", [1.0009765625, 65504, 2 ** -24, -0.99951171875, -(2 ** -24), NaN, 0.499755859375]],
    ["bfloat16", [1.0078125, (2 - 2 ** -7) * 2 ** 127, 2 ** -133, -0.99609375, -(2 ** -133), NaN, 0.498046875]],
  ] as [DType, number[]][])("nextafter steps by units of %s", (dtype, expected) => {
    const x = tensor([1, Infinity, 0, -1, -0, NaN, 0.5], { dtype });
    const towards = tensor([2, 0, 1, 5, -1, 0, 0], { dtype });
    const answers = x.nextafter(towards).double().tolist() as number[];
    expect(answers).toEqual(expected);
    expect(x.clone().nextafter_(towards).double().tolist()).toEqual(answers);
  });
  test("a truncated quotient is rounded to its dtype first", () => {
    const a = tensor([-8.5, 2.09375, 7], { dtype: "bfloat16" });
    const b = tensor([4.56, -0.1611328125, 0.4672], { dtype: "bfloat16" });
    expect(a.div(b, { roundingMode: "trunc" }).tolist()).toEqual([-1, -13, 15]);
    expect(a.clone().div_(b, { roundingMode: "trunc" }).tolist()).toEqual([-1, -13, 15]);
  });
});

describe("limits", () => {
  test("what is empty stays so", () => {
    expect(F.batchNorm(cg.zeros(0), cg.zeros(0), cg.zeros(0)).shape).toEqual([0]);
    const [mean, variance] = [cg.ones(3), cg.full([3], 2)];
    expect(F.batchNorm(cg.zeros(0, 3, 2), mean, variance, { training: true }).shape).toEqual([0, 3, 2]);
    expect([mean.tolist(), variance.tolist()]).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ]);
    expect(tensor([2]).addmv(cg.ones(3, 0), cg.ones(0), { beta: 2 }).tolist()).toEqual([4]); // prettier-ignore
    expect(() => cg.norm(cg.zeros(0), -0.5)).toThrow(cg.CellgradError);
  });
  test("trigamma at a pole is what the sine of a rounded pi makes of it", () => {
    const [pole, quarter] = cg.polygamma(1, tensor([-2, 0.25])).tolist() as number[];
    expect(pole! / 3.22842424e14).toBeCloseTo(1, 5);
    expect(quarter).toBeCloseTo(17.1973324, 4);
  });
  test("integers beyond 2^53 are summed before they are halved", () => {
    expect(cg.trapezoid(tensor([2n ** 53n + 1n, 0n, -(2n ** 53n)]), tensor([0n, 1n, 2n])).item()).toBe(0.5);
    expect(cg.trapezoid(tensor([3n, 4n]), tensor([0n, 1n])).item()).toBe(3.5);
  });
  test("half numbers are counted between given bounds", () => {
    const x = tensor([-2, -1.41, 0.249, -1.2, 1.9], { dtype: "bfloat16" });
    const { hist, binEdges } = x.histogram(3, { range: [-2, 2] });
    expect([hist.tolist(), binEdges.tolist()]).toEqual([[3, 1, 1], close([-2, -0.667969, 0.667969, 2])]);
    expect(hist.dtype).toBe("bfloat16");
    expect(() => x.histogram(3)).toThrow(cg.DTypeError);
  });
  test("what cat skips has a gradient of its own dtype", () => {
    const skipped = cg.zeros(0, { requiresGrad: true });
    cg.cat([skipped, cg.ones(2, { dtype: "float64", requiresGrad: true })]).sum().backward(); // prettier-ignore
    expect([skipped.grad!.dtype, skipped.grad!.shape]).toEqual(["float32", [0]]);
  });
  test("norms below 1 have a gradient of zero at zero", () => {
    const x = tensor([0, 4, 9], { requiresGrad: true });
    x.norm(0.5).backward();
    expect(x.grad!.tolist()).toEqual(close([0, 2.5, 1.6666667]));
    x.grad = null;
    F.normalize(x, { p: 0.5, dim: 0 }).sum().backward();
    expect(x.grad!.tolist()).toEqual(close([0.04, -0.012, 0.0053333]));
  });
  test("places in a shape are int64, and complex points have no distance", () => {
    expect(cg.unravelIndex(tensor([4], { dtype: "int8" }), [3, 2]).map((t) => t.dtype)).toEqual(["int64", "int64"]);
    expect(() => cg.cdist(cg.ones(2, 2, { dtype: "complex64" }), cg.ones(2, 2))).toThrow(cg.DTypeError);
  });
});

describe("other memory", () => {
  test("resize_ keeps what lies in memory's order, and grows it", () => {
    const x = cg.arange(6);
    expect(x.resize_(2, 2)).toBe(x);
    expect(x.tolist()).toEqual([[0, 1], [2, 3]]); // prettier-ignore
    x.resize_([2, 4]);
    expect([x.shape, x.flatten().narrow(0, 0, 6).tolist()]).toEqual([[2, 4], [0, 1, 2, 3, 4, 5]]); // prettier-ignore
    expect(cg.ones(3).resizeAs_(cg.zeros(2, 1)).shape).toEqual([2, 1]);
    expect(() => cg.ones(2, { requiresGrad: true }).resize_(1)).toThrow(cg.AutogradError);
  });
  test("set_ goes over to another tensor's memory", () => {
    const [x, source] = [cg.zeros(3), cg.ones(2)];
    x.set_(source);
    source.fill_(5);
    expect([x.shape, x.tolist()]).toEqual([[2], [5, 5]]);
    expect(x.set_().shape).toEqual([0]);
    expect(() => x.set_(cg.ones(2, { dtype: "int64" }))).toThrow(cg.DTypeError);
  });
  test("a change through strides has a gradient, also where that is expanded", () => {
    const x = cg.ones(2, 2, { requiresGrad: true });
    const y = x.clone();
    y.asStrided([2], [3]).mul_(5);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([[5, 1], [1, 5]]); // prettier-ignore
  });
  test("apply_ and map_ call a function for each element", () => {
    const x = tensor([[1, 2], [3, 4]]).t(); // prettier-ignore
    expect(x.apply_((value) => Number(value) * 10).tolist()).toEqual([[10, 30], [20, 40]]); // prettier-ignore
    expect(x.map_(tensor([1, 2]), (a, b) => Number(a) + Number(b)).tolist()).toEqual([[11, 32], [21, 42]]); // prettier-ignore
    expect(
      tensor([1])
        .map2_(tensor([2]), tensor([3]), (a, b, c) => Number(a) + Number(b) * Number(c))
        .tolist(),
    ).toEqual([7]);
    expect(() => cg.ones(1, { requiresGrad: true }).apply_((value) => value)).toThrow(cg.AutogradError);
  });
  test("a narrow copy is one, places are padded", () => {
    const x = cg.arange(4);
    x.narrowCopy(0, 1, 2).zero_();
    expect(x.tolist()).toEqual([0, 1, 2, 3]);
    expect(cg.nonzeroStatic(tensor([0, 3, 0, 4]), { size: 3, fillValue: 9 }).tolist()).toEqual([[1], [3], [9]]);
  });
});

describe("special functions", () => {
  test("incomplete gamma functions at the ends of their domain", () => {
    const ends = tensor([0, 1, -1, Infinity, NaN, 100], { dtype: "float64" });
    const grid = (f: typeof cg.igamma): unknown => f(ends.unsqueeze(1), ends).tolist();
    const some = 3.720075976020836e-44;
    expect(grid(cg.igamma)).toEqual([
      [NaN, 1, NaN, 1, NaN, 1], [0, expect.closeTo(0.6321205588, 9), NaN, 1, NaN, 1], new Array(6).fill(NaN), [0, 0, NaN, NaN, 0, 0],
      [0, NaN, NaN, 1, NaN, NaN], [0, expect.closeTo(3.981e-159, 9), NaN, 1, NaN, expect.closeTo(0.5132987983, 9)],
    ]); // prettier-ignore
    expect((grid(cg.igammac) as number[][])[1]![5]! / some).toBeCloseTo(1, 12);
    expect(cg.igamma(tensor([188.4916534423828], { dtype: "float64" }), tensor([135.62718200683594], { dtype: "float64" })).item<number>() / 1.0261993394240945e-5).toBeCloseTo(1, 13); // prettier-ignore
    expect(() => cg.igamma(tensor([1n]), tensor([2n]))).toThrow(cg.CellgradError);
    const a = tensor([2], { requiresGrad: true });
    expect(() =>
      cg
        .igamma(a, tensor([1]))
        .sum()
        .backward(),
    ).toThrow(cg.AutogradError);
  });
  test("i0 from its series to its asymptote", () => {
    expect(cg.i0(tensor([0, -3, 88, 89, Infinity])).tolist()).toEqual([1, expect.closeTo(4.8807926, 5), expect.any(Number), Infinity, NaN]);
    const [near, far] = cg.i0(tensor([20, 700], { dtype: "float64" })).tolist() as number[];
    expect([near! / 4.355828255955353e7, far! / 1.5295933476718737e302]).toEqual(close([1, 1], 13));
  });
});

describe("torch.nn.functional", () => {
  const activations = {
    relu: [], relu6: [], silu: [], mish: [], hardswish: [], hardsigmoid: [], selu: [], elu: [0.5], celu: [2], leakyRelu: [0.2], hardtanh: [-1, 2],
    threshold: [0.5, 3], rrelu: [0.1, 0.3], dropout: [0.5, false],
  } as const; // prettier-ignore
  test.each(Object.entries(activations))("%s writes into its input when asked to", (name, args) => {
    const call = F[name as keyof typeof activations] as (input: Tensor, ...rest: unknown[]) => Tensor;
    const x = tensor([-7, -0.5, 0, 1, 9]);
    const expected = call(x, ...args);
    expect(x.tolist()).toEqual([-7, -0.5, 0, 1, 9]);
    const y = x.clone();
    expect(call(y, ...args, { inplace: true })).toBe(y);
    expect(y.tolist()).toEqual(expected.tolist());
    expect(() =>
      call(cg.ones(2, { requiresGrad: true }), ...args, { inplace: true, ...(name === "dropout" && { training: true }) }),
    ).toThrow();
  });
  const forms = [
    ["ReLU", [], "ReLU(inplace=True)"], ["ReLU6", [], "ReLU6(inplace=True)"], ["SELU", [], "SELU(inplace=True)"], ["SiLU", [], "SiLU(inplace=True)"],
    ["Mish", [], "Mish(inplace=True)"], ["Hardswish", [], "Hardswish()"], ["Hardsigmoid", [], "Hardsigmoid()"],
    ["Hardtanh", [], "Hardtanh(min_val=-1.0, max_val=1.0, inplace=True)"], ["LeakyReLU", [], "LeakyReLU(negative_slope=0.01, inplace=True)"],
    ["ELU", [], "ELU(alpha=1.0, inplace=True)"], ["CELU", [], "CELU(alpha=1.0, inplace=True)"], ["Threshold", [0.5, 1.5], "Threshold(threshold=0.5, value=1.5, inplace=True)"],
    ["RReLU", [], "RReLU(lower=0.125, upper=0.3333333333333333, inplace=True)"], ["Dropout", [], "Dropout(p=0.5, inplace=True)"],
  ] as const; // prettier-ignore
  test.each(forms)("nn.%s has the option, too", (name, args, text) => {
    const layer = new (nn[name] as new (...args: unknown[]) => cg.nn.Module)(...args, { inplace: true });
    expect(String(layer)).toBe(text);
    const x = cg.ones(3);
    expect(layer.forward(x)).toBe(x);
  });
  test("embedding limits the rows that it looks up, and divides gradients by their number", () => {
    const weight = tensor([[3, 4], [1, 0], [0, 2]], { requiresGrad: true }); // prettier-ignore
    const index = tensor([0n, 0n, 2n]);
    F.embedding(index, weight, { scaleGradByFreq: true }).sum().backward();
    expect(weight.grad!.tolist()).toEqual([[1, 1], [0, 0], [1, 1]]); // prettier-ignore
    F.embedding(index, weight, { maxNorm: 1 });
    expect(weight.flatten().tolist()).toEqual(close([0.6, 0.8, 1, 0, 0, 1]));
    const layer = nn.Embedding.fromPretrained(weight.detach(), { paddingIdx: 1, maxNorm: 2.5, normType: 1, scaleGradByFreq: true });
    expect(String(layer)).toBe("Embedding(3, 2, padding_idx=1, max_norm=2.5, norm_type=1.0, scale_grad_by_freq=True)");
    expect(layer.weight.requiresGrad).toBe(false);
    expect(() => F.embedding(index, weight, { sparse: true })).toThrow(cg.ValueError);
  });
  test("losses take a weight for each element", () => {
    const [a, b, weight] = [tensor([1, 2, 4]), tensor([0, 0, 1]), tensor([1, 2, 0.5])];
    const all = (loss: (reduction: "none" | "sum" | "mean") => Tensor): number[] =>
      [loss("none"), loss("sum"), loss("mean")].flatMap((t) => t.reshape(-1).tolist() as number[]);
    expect(all((reduction) => F.mseLoss(a, b, { reduction, weight }))).toEqual(close([1, 8, 4.5, 13.5, 3.857143]));
    expect(all((reduction) => F.l1Loss(a, b, { reduction, weight }))).toEqual(close([1, 4, 1.5, 6.5, 1.857143]));
    expect(all((reduction) => F.huberLoss(a, b, { reduction, weight }))).toEqual(close([0.5, 3, 1.25, 4.75, 1.583333]));
    expect(F.huberLoss(a, tensor([true, false, true])).item()).toBeCloseTo(1.3333334, 5);
    expect(F.klDiv(tensor(-1), tensor(0.5), { reduction: "batchmean" }).item()).toBeCloseTo(0.1534264, 5);
    expect(F.linear(tensor([[1, 2], [3, 4]]), tensor([1, 10])).tolist()).toEqual([21, 43]); // prettier-ignore
  });
});

describe("writing in place", () => {
  test("elements that share memory are not written, nor is memory that an operand holds in part", () => {
    const wide = cg.ones(3).expand(2, 3);
    for (const write of [
      () => wide.mul_(2),
      () => wide.sin_(),
      () => wide.copy_(cg.ones(2, 3)),
      () => wide.clamp_(0, 1),
      () => wide.uniform_(),
    ])
      expect(write).toThrow(/share memory/);
    expect(wide.fill_(3).tolist()).toEqual([[3, 3, 3], [3, 3, 3]]); // prettier-ignore
    const x = cg.arange(9, { dtype: "float32" }).reshape(3, 3);
    for (const write of [() => x.add_(x.t()), () => x.div_(x.select(0, 0)), () => x.narrow(0, 1, 2).copy_(x.narrow(0, 0, 2))])
      expect(write).toThrow(/another part of the same memory/);
    expect(x.select(0, 0).add_(x.select(0, 1)).tolist()).toEqual([3, 5, 7]);
    expect(x.mul_(x).at(0).tolist()).toEqual([9, 25, 49]);
  });
  test("a view knows the history that it, or a sibling, wrote into their base", () => {
    const y = tensor([3], { requiresGrad: true });
    const base = cg.ones(2);
    const [first, whole] = [base.narrow(0, 0, 1), base.view(2, 1)];
    first.mul_(y);
    expect([first.requiresGrad, whole.requiresGrad, whole.isLeaf]).toEqual([true, true, false]);
    whole.sum().add(first.sum()).backward(); // prettier-ignore
    expect(y.grad!.tolist()).toEqual([2]);
  });
  test("index_put takes 0-d indices and names", () => {
    const x = cg.zeros(2, 2);
    expect(x.indexPut([tensor(1n)], tensor([1, 2])).tolist()).toEqual([[0, 0], [1, 2]]); // prettier-ignore
    const add = { indices: [tensor(-1n), tensor(0n)], values: tensor(5), accumulate: true };
    expect((x as unknown as { indexPut_(options: object): Tensor }).indexPut_(add).tolist()).toEqual([[0, 0], [5, 0]]); // prettier-ignore
    expect(() => x.indexPut([], tensor(1))).toThrow(cg.ValueError);
    expect(() => x.at(tensor([0, 1], { dtype: "int8" }))).toThrow(cg.IndexError);
    expect(x.at(tensor([0, 1], { dtype: "uint8" })).tolist()).toEqual([[5, 0]]); // a mask
  });
  test("what has no derivative in place says so; what was overwritten has one of zero", () => {
    const x = tensor([0.5], { requiresGrad: true });
    expect(() => x.clone().atanh_().sum().backward()).toThrow(cg.AutogradError);
    x.mul(1).zero_().add(x).sum().backward(); // prettier-ignore
    expect(x.grad!.tolist()).toEqual([1]);
  });
});

describe("arguments", () => {
  test("second names, and numbers where torch takes two", () => {
    const x = tensor([1, 2, 3]);
    const pow = x.pow as (options: object) => Tensor;
    expect(pow.call(x, { exponent: 2 }).tolist()).toEqual([1, 4, 9]);
    const divide = cg.divide as (input: Tensor, options: object) => Tensor;
    expect(divide(x, { other: 2, roundingMode: "floor" }).tolist()).toEqual([0, 1, 1]);
    expect(x.max({ other: tensor(2) }).tolist()).toEqual([2, 2, 3]);
    expect(cg.hsplit(x, { indices: [1] }).map((t) => t.tolist())).toEqual([[1], [2, 3]]);
    expect(
      cg
        .zeros(2)
        .scatter(0, tensor([1n]), { value: 4 })
        .tolist(),
    ).toEqual([0, 4]);
    expect([cg.add(3, 0.5).item(), cg.mul(2, 3).dtype, cg.div(4, 2).dtype]).toEqual([3.5, "int64", "float32"]);
    expect(cg.where(tensor([true, false, true])).map((t) => t.tolist())).toEqual([[0, 2]]);
    expect(cg.linspace(0, { re: 0, im: 1 }, 2).tolist()).toEqual([{ re: 0, im: 0 }, { re: 0, im: 1 }]); // prettier-ignore
    expect(cg.isin(tensor([1n, 2n]), 1.5).tolist()).toEqual([false, false]);
  });
  test("view(dtype) reads the same bytes", () => {
    const x = cg.ones(2, 2);
    expect(x.view("int32").at(0).tolist()).toEqual([0x3f800000, 0x3f800000]);
    expect(x.view("int16").tolist()).toEqual([[0, 16256, 0, 16256], [0, 16256, 0, 16256]]); // prettier-ignore
    expect([x.view("float64").shape, x.view("complex64").tolist()]).toEqual([[2, 1], [[{ re: 1, im: 1 }], [{ re: 1, im: 1 }]]]); // prettier-ignore
    x.view("uint8").zero_();
    expect(x.sum().item()).toBe(0);
    expect(() => x.t().view("int16")).toThrow(cg.ShapeError);
    expect(() => cg.ones(3).view("float64")).toThrow(cg.ShapeError);
  });
  test("a list of sizes adds up, a number need not; sinc is smooth at a complex 0", () => {
    expect(cg.zeros(3).split(2).map((t) => t.numel())).toEqual([2, 1]); // prettier-ignore
    expect(() => cg.zeros(3).split([1])).toThrow(cg.ValueError);
    const z = tensor([{ re: 0, im: 0 }], { requiresGrad: true });
    cg.real(z.sinc().sum()).backward(); // prettier-ignore
    expect(z.grad!.tolist()).toEqual([{ re: 0, im: 0 }]);
  });
  test("moments follow infinities as a running mean does", () => {
    const mean = (values: number[]): number => cg.varMean(tensor(values)).mean.item();
    expect([mean([1, 2, -Infinity]), mean([1, -Infinity, 2]), mean([Infinity, Infinity])]).toEqual([-Infinity, NaN, NaN]);
  });
});
