/** The batching rules: how ops run on all examples at once, with the examples along the first dim. A row an op; no row: see batching.ts. */
import { Batched, mapTensors } from "../tensor/batched.js";
import { Code, dtypes } from "../tensor/dtype.js";
import { Tensor } from "../tensor/tensor.js";
import { range, rankOf, tensorsOf, type Batch, type Rule, type Values } from "./batch.js";
import { resultCode } from "./define.js";
import { Slice, type Index } from "./indexing.js";
import { where } from "./ternary.js";

/** Elements by elements, broadcasting. */
const pointwise: Rule = (batch) => {
  const tensors = tensorsOf(batch.values);
  const rank = Math.max(...tensors.map(rankOf));
  const numbers = tensors.filter((t) => t.dt !== Code.bool);
  const mixed = numbers.some((t) => t.dt !== numbers[0]!.dt);
  const dt = mixed ? numbers.reduce((like, t) => new Tensor(like.shape.length > t.shape.length ? like.shape : t.shape, resultCode(like, t), t.dev)).dt : 0; // prettier-ignore
  // A 0-d tensor counts by category only, but examples of them are a vector.
  const same = (t: Tensor): Tensor => (mixed && t.shape.length === 0 && t.dt !== Code.bool ? castOf(batch, t, dt) : t);
  return batch.run(batch.aligned(mapTensors(batch.values, same), rank) as Values);
};

function castOf(batch: Batch, t: Tensor, dt: number): Tensor {
  const all = batch.value(t);
  return all === null ? t.to(dtypes[dt]!) : new Batched(all.to(dtypes[dt]!), batch.frame);
}

/** The op on all examples as it is: it works on the last dims, or on every element. */
const asItIs: Rule = (batch) => batch.run(mapTensors(batch.values, (t) => batch.whole(t)) as Values);

/** Along dims that are given: one further behind. */
const along: Rule = (batch) => alongOf(batch, (t) => batch.whole(t));

function alongOf(batch: Batch, whole: (t: Tensor) => Tensor): unknown {
  const rank = rankOf(tensorsOf(batch.values)[0]);
  const dims = rank === 0 ? null : batch.dims(rank);
  return dims === null ? undefined : batch.run({ ...(mapTensors(batch.values, whole) as Values), ...dims });
}

/** As {@link along}, with one more dim to choose from: that which the op makes. */
const making: Rule = (batch) => {
  const dims = batch.dims(rankOf(tensorsOf(batch.values)[0]) + 1);
  return dims === null ? undefined : batch.run({ ...(mapTensors(batch.values, (t) => batch.whole(t)) as Values), ...dims });
};

/** Along dims, or over all of them when none is given. */
const reduction: Rule = (batch) => {
  const { input, dim, keepdim = false } = batch.values;
  const rank = rankOf(input);
  if (typeof dim === "boolean" || typeof batch.values.p === "string" || batch.values.q instanceof Tensor || Array.isArray(batch.values.q)) return undefined; // prettier-ignore
  if (dim instanceof Tensor) return pointwise(batch);
  const all = dim == null || (Array.isArray(dim) && dim.length === 0);
  if (!all && rank > 0) return along(batch);
  if (rank > 0 && keepdim !== false) return batch.run({ ...batch.values, input: batch.value(input), dim: range(rank, 1) });
  if (!all && ![dim].flat().every((d) => d === 0 || d === -1)) return undefined;
  const rows = batch.value(input)!.reshape(batch.frame.size, rank === 0 ? 1 : -1);
  return batch.run({ ...batch.values, input: rows, dim: 1, keepdim: undefined });
};

/** As {@link reduction}; without a dim the values alone are the result. */
const extreme: Rule = (batch) => {
  const result = reduction(batch);
  return result instanceof Tensor || result === undefined || batch.values.dim != null ? result : (result as { values: Tensor }).values;
};

// -- views

const sized =
  (name: string): Rule =>
  (batch) => {
    const sizes = batch.values[name] as readonly number[];
    return batch.run({ ...batch.values, input: batch.value(batch.values.input), [name]: [batch.frame.size, ...[sizes].flat()] });
  };

const shapedLike: Rule = (batch) => batch.value(batch.values.input)?.reshape([batch.frame.size, ...(batch.values.other as Tensor).shape]);

/** Stretched to sizes that may have more dims. */
const stretched =
  (sizesOf: (values: Values) => readonly number[]): Rule =>
  (batch) => {
    const sizes = sizesOf(batch.values);
    return batch.value(batch.values.input) === null || rankOf(batch.values.input) > sizes.length
      ? undefined
      : (batch.aligned(batch.values.input, sizes.length) as Tensor).expand([batch.frame.size, ...sizes]);
  };

const repeated =
  (name: string): Rule =>
  (batch) => {
    const counts = [batch.values[name] as readonly number[]].flat();
    const rank = rankOf(batch.values.input);
    const input = batch.aligned(batch.values.input, counts.length) as Tensor;
    return input.repeat([1, ...new Array<number>(Math.max(0, rank - counts.length)).fill(1), ...counts]);
  };

const permuted: Rule = (batch) => {
  const rank = rankOf(batch.values.input);
  const dims = [batch.values.dims as readonly number[]].flat();
  return batch.value(batch.values.input)?.permute([0, ...dims.map((d) => (d < 0 ? d + rank : d) + 1)]);
};

const squeezed: Rule = (batch) => {
  const { input, dim } = batch.values;
  const { shape } = input as Tensor;
  if (dim != null) return along(batch);
  const single = range(shape.length).filter((d) => shape[d] === 1);
  return batch.value(input)!.reshape([batch.frame.size, ...shape.filter((_, d) => !single.includes(d))]);
};

// -- products

const matrices: Rule = (batch) => {
  const { input, other } = batch.values as { input: Tensor; other: Tensor };
  return productOf(batch, input, other);
};

/** The product where the ranks are what the op says. */
const ranked =
  (second: string, rankA: number, rankB: number): Rule =>
  (batch) => {
    const a = batch.values.input as Tensor;
    const b = batch.values[second] as Tensor;
    return rankOf(a) === rankA && rankOf(b) === rankB ? productOf(batch, a, b) : undefined;
  };

function productOf(batch: Batch, a: Tensor, b: Tensor): Tensor | undefined {
  if (rankOf(a) === 0 || rankOf(b) === 0 || a.shape.at(-1) !== b.shape.at(rankOf(b) === 1 ? 0 : -2)) return undefined;
  const left = batch.value(a);
  // Rows of all examples against one matrix: one product.
  if (left !== null && batch.value(b) === null && rankOf(b) <= 2) return left.matmul(b);
  const rank = Math.max(rankOf(a), rankOf(b), 2);
  const stack = (t: Tensor, column: boolean): Tensor => {
    const all = batch.value(t);
    if (rankOf(t) > 1) return batch.aligned(t, rank) as Tensor;
    if (all === null) return t.unsqueeze(column ? 1 : 0);
    return all.reshape([all.shape[0]!, ...new Array<number>(rank - 2).fill(1), ...(column ? [t.shape[0]!, 1] : [1, t.shape[0]!])]);
  };
  const product = stack(a, false).matmul(stack(b, true));
  const shape = product.shape.filter(
    (_, i, { length }) => !(i === length - 1 && rankOf(b) === 1) && !(i === length - 2 && rankOf(a) === 1),
  );
  return shape.length === product.shape.length ? product : product.reshape(shape);
}

const rows: Rule = (batch) => {
  const { input, weight, bias } = batch.values as { input: Tensor; weight: Tensor; bias?: Tensor | null };
  if (rankOf(weight) !== 2 || (bias != null && rankOf(bias) !== 1)) return undefined;
  const x = batch.value(input);
  if (x !== null && batch.value(weight) === null && (bias == null || batch.value(bias) === null)) {
    return batch.run({ ...batch.values, input: x });
  }
  const all = batch.value(weight);
  const turned = all === null ? weight.t() : new Batched(all.transpose(-2, -1), batch.frame);
  const product = productOf(batch, input, turned);
  if (product === undefined || bias == null) return product;
  return product.add(batch.aligned(bias, rankOf(input)) as Tensor);
};

// -- picking

const picked: Rule = (batch) => {
  const { input, dim, index } = batch.values as { input: Tensor; dim: number; index: Tensor };
  const rank = rankOf(input);
  const indices = batch.value(index);
  if (rank === 0 || rankOf(index) !== 1 || dim >= rank || dim < -rank) return undefined;
  const d = dim < 0 ? dim + rank : dim;
  if (indices === null) return batch.run({ ...batch.values, input: batch.value(input), dim: d + 1 });
  const all = batch.whole(input);
  const sizes = all.shape.map((size, i) => (i === d + 1 ? index.shape[0]! : size));
  const spread = indices.reshape([batch.frame.size, ...range(rank).map((i) => (i === d ? -1 : 1))]);
  return all.gather(d + 1, spread.expand(sizes).long());
};

/** Changes at positions that all examples share. */
const placed: Rule = (batch) => {
  const { index } = batch.values;
  return batch.value(index) === null ? alongOf(batch, (t) => (t === index || rankOf(t) === 0 ? t : batch.whole(t))) : undefined;
};

/** Sums at positions; where each example has its own, they are those of every element. */
const added: Rule = (batch) => {
  const { input, dim, index, source, alpha = 1 } = batch.values as { input: Tensor; dim: number; index: Tensor; source: Tensor; alpha?: number }; // prettier-ignore
  const rank = rankOf(input);
  if (batch.value(index) === null) return placed(batch);
  if (rank === 0 || rankOf(index) !== 1 || rankOf(source) !== rank || dim >= rank || dim < -rank) return undefined;
  const d = dim < 0 ? dim + rank : dim;
  const parts = batch.whole(source);
  const spread = batch.value(index)!.reshape([batch.frame.size, ...range(rank).map((i) => (i === d ? -1 : 1))]);
  return batch.whole(input).scatterAdd(d + 1, spread.expand(parts.shape).long(), alpha === 1 ? parts : parts.mul(alpha));
};

const looked: Rule = (batch) => {
  const { input, weight, paddingIdx } = batch.values as { input: Tensor; weight: Tensor; paddingIdx?: number | null };
  const table = batch.value(weight);
  if (table === null) return batch.run({ ...batch.values, input: batch.value(input) });
  if (paddingIdx != null) return undefined;
  const positions = batch.whole(input);
  const first = positions.newTensor(range(batch.frame.size).map((b) => b * weight.shape[0]!));
  const offsets = first.to(positions.dtype).reshape([-1, ...input.shape.map(() => 1)]);
  return batch.run({ ...batch.values, input: positions.add(offsets), weight: table.reshape(-1, weight.shape[1]!) });
};

/** Brackets. With index tensors the examples get one more of them, which torch puts in front. */
const indexed: Rule = (batch) => {
  const input = batch.values.input as Tensor;
  const items = ((batch.values.index ?? []) as Index[]).map((item) => (Array.isArray(item) ? input.newTensor(item).long() : item));
  const tensors = items.filter((item) => item instanceof Tensor);
  if (items.some((item) => typeof item === "boolean") || tensors.some((t) => t.dt === Code.bool)) return undefined;
  if (tensors.length === 0) return batch.value(input)!.at(new Slice(), ...items);
  const rank = Math.max(...tensors.map(rankOf));
  const { size } = batch.frame;
  const own = tensors[0]!.newTensor(range(size)).long().reshape([size, ...new Array<number>(rank).fill(1)]); // prettier-ignore
  const wide = items.map((item) => (item instanceof Tensor ? (batch.aligned(item, rank) as Tensor) : item));
  if (wide.some((item) => item instanceof Tensor && rankOf(item) === 0)) return undefined;
  const result = batch.whole(input).at(own, ...wide);
  const at = placeOfIndexed(items, rankOf(input));
  return at === 0 || rank === 0 ? result : result.movedim(range(rank, 1), range(rank, 1 + at));
};

/** At which dim of an example's result the dims of its index tensors stand. */
function placeOfIndexed(items: readonly Index[], rank: number): number {
  const kinds = items.map((item) => (item instanceof Tensor ? "tensor" : typeof item === "number" || typeof item === "bigint" || isInteger(item) ? "integer" : item === "..." ? "rest" : "dim")).filter((kind) => kind !== "integer"); // prettier-ignore
  const first = kinds.indexOf("tensor");
  if (kinds.slice(first, kinds.lastIndexOf("tensor") + 1).some((kind) => kind !== "tensor")) return 0;
  const used = items.filter((item) => item !== null && item !== "...").length;
  return kinds.slice(0, first).reduce((n, kind) => n + (kind === "rest" ? rank - used : 1), 0);
}
const isInteger = (item: unknown): boolean => typeof item === "string" && /^\s*-?\d+\s*$/.test(item);

// -- layers

/** Ops on stacks of images or rows: the examples join the first dim of the batch that each has, or are it. */
const merged =
  (rank: number): Rule =>
  (batch) => {
    const { input } = batch.values as { input: Tensor };
    const all = batch.value(input);
    if (all === null) return undefined;
    if (rankOf(input) === rank - 1) return batch.run({ ...batch.values, input: all });
    if (rankOf(input) !== rank) return undefined;
    const result = batch.run({ ...batch.values, input: all.reshape([-1, ...input.shape.slice(1)]) });
    return mapTensors(result, (t) => t.reshape([batch.frame.size, -1, ...t.shape.slice(1)]));
  };

/** Filters of each example are groups of one convolution. */
const convolved: Rule = (batch) => {
  const { input, weight, bias, groups } = { groups: 1, ...batch.values } as { input: Tensor; weight: Tensor; bias?: Tensor | null; groups: number }; // prettier-ignore
  const { size } = batch.frame;
  if (batch.value(weight) === null && batch.value(bias) === null) return merged(4)(batch);
  if (rankOf(weight) !== 4 || (rankOf(input) !== 4 && rankOf(input) !== 3)) return undefined;
  const single = rankOf(input) === 3;
  const all = single ? batch.whole(input).unsqueeze(1) : batch.whole(input); // [B,N,C,H,W]
  const [, n, c, h, w] = all.shape as [number, number, number, number, number];
  const joined = all.movedim(0, 1).reshape([n, size * c, h, w]);
  const filters = batch.whole(weight).reshape([-1, ...weight.shape.slice(1)]);
  const offsets = bias == null ? bias : batch.whole(bias).reshape(-1);
  const out = batch.run({ ...batch.values, input: joined, weight: filters, bias: offsets, groups: size * groups }) as Tensor;
  const split = out.reshape([n, size, -1, ...out.shape.slice(2)]).movedim(1, 0); // [B,N,O,H,W]
  return single ? split.squeeze(1) : split;
};

const normalized: Rule = (batch) => {
  const { input, weight = null, bias = null } = batch.values as { input: Tensor; weight?: Tensor | null; bias?: Tensor | null };
  const plain = batch.run({ ...batch.values, input: batch.whole(input), ...(batch.value(weight) ?? batch.value(bias) ? { weight: null, bias: null } : {}) }) as Tensor; // prettier-ignore
  if ((batch.value(weight) ?? batch.value(bias)) === null) return plain;
  const scaled = weight === null ? plain : plain.mul(batch.aligned(weight, rankOf(input)) as Tensor);
  return bias === null ? scaled : scaled.add(batch.aligned(bias, rankOf(input)) as Tensor);
};

/** Channels of each example are channels of their own. */
const normalizedByChannel: Rule = (batch) => {
  const { input, ...others } = batch.values as Values & { input: Tensor };
  if (rankOf(input) < 2) return undefined;
  const { size } = batch.frame;
  const joined = batch.whole(input).movedim(0, 1); // [N,B,C,*]
  const [n, , channels, ...rest] = joined.shape;
  const wide = mapTensors(others, (t) => batch.value(t)?.view(-1) ?? batch.whole(t).reshape(-1)) as Values;
  const out = batch.run({ ...wide, input: joined.reshape([n!, size * channels!, ...rest]) }) as Tensor;
  return out.reshape(joined.shape).movedim(1, 0);
};

const attended: Rule = (batch) => {
  const tensors = tensorsOf(batch.values);
  const rank = Math.max(...tensors.map(rankOf));
  const shared = (t: Tensor): Tensor => batch.aligned(new Batched(batch.whole(t), batch.frame), rank) as Tensor;
  return Number(batch.values.dropoutP ?? 0) === 0 ? batch.run(mapTensors(batch.values, shared) as Values) : undefined;
};

// -- losses

/** A loss by elements: without reduction, which is over the dims of each example. */
const lossOf: Rule = (batch) => {
  const { reduction = "mean", ...values } = batch.values as Values & { reduction?: string };
  const rank = Math.max(...tensorsOf(values).map(rankOf));
  if (reduction === "batchmean") return undefined;
  const each = batch.run({ ...(batch.aligned(values, rank) as Values), reduction: "none" }) as Tensor;
  if (reduction === "none" || rank === 0) return each;
  return reduction === "sum" ? each.sum(range(rank, 1)) : each.mean(range(rank, 1));
};

/** The loss of classes. Scores [C], [N,C] or [N,C,*], logarithms where `scores` makes them. */
const classLoss =
  (scores: (input: Tensor, dim: number) => Tensor): Rule =>
  (batch) => {
    const { input, target, weight, labelSmoothing, reduction = "mean", ignoreIndex = -100 } = batch.values as Readonly<Record<"input" | "target", Tensor>> & { weight?: Tensor | null; labelSmoothing?: number; reduction?: string; ignoreIndex?: number }; // prettier-ignore
    if (weight != null || Number(labelSmoothing ?? 0) !== 0 || target.isFloatingPoint() || rankOf(target) !== rankOf(input) - 1) return undefined; // prettier-ignore
    const dim = rankOf(input) === 1 ? 1 : 2;
    const classes = batch.whole(target).long();
    const counted = classes.ne(ignoreIndex);
    const found = scores(batch.whole(input), dim)
      .gather(dim, where(counted, classes, 0).unsqueeze(dim))
      .squeeze(dim);
    const each = where(counted, found.neg(), 0);
    if (reduction === "none") return each;
    const total = each.reshape(batch.frame.size, -1).sum(1);
    return reduction === "sum" ? total : total.div(counted.reshape(batch.frame.size, -1).sum(1));
  };

// -- random numbers, each example its own

const drawnSizes: Rule = (batch) => batch.run({ ...batch.values, size: [batch.frame.size, ...[(batch.values.size ?? []) as number[]].flat()] }); // prettier-ignore

// -- the rows

const rows_: readonly (readonly [Rule, string])[] = [
  [pointwise, `abs neg positive sign sgn ceil floor round trunc fix frac exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal square sin cos tan
    sinc asin acos atan sinh cosh tanh asinh acosh atanh sigmoid logsigmoid erf erfc erfinv lgamma digamma deg2rad rad2deg isnan isinf isfinite
    isposinf isneginf logicalNot bitwiseNot relu silu mish hardswish hardsigmoid leakyRelu elu softplus hardtanh threshold celu selu relu6 softsign
    tanhshrink hardshrink softshrink gelu nanToNum logit signbit polygamma add sub rsub mul div divFloor divTrunc floorDivide remainder fmod pow
    atan2 hypot maximum minimum fmax fmin copysign logaddexp logaddexp2 xlogy eq ne lt le gt ge logicalAnd logicalOr logicalXor bitwiseAnd bitwiseOr
    bitwiseXor gcd lcm bitwiseLeftShift bitwiseRightShift tanhBackward sigmoidBackward reluBackward siluBackward where clamp
    clampMin clampMax lerp addcmul addcdiv maskedFill nextafter ldexp heaviside floatPower complex polar isclose isreal angle frexp
    copy fill zero`],
  [asItIs, `leakyReluBackward clone contiguous detach to float double half bfloat16 long int bool short char byte cpu cfloat cdouble real imag conj conjPhysical
    resolveConj resolveNeg viewAsReal zerosLike onesLike emptyLike fullLike randLike randnLike randintLike bernoulli poisson dropout`],
  [along, `softmax logSoftmax softmin cumsum cumprod cummax cummin logcumsumexp sort argsort topk kthvalue mode transpose swapaxes swapdims movedim
    moveaxis narrow select unbind split splitWithSizes chunk diagonal unfold flatten unflatten flip roll rot90 gather scatter scatterAdd scatterReduce
    takeAlongDim cat concat concatenate selectScatter sliceScatter diagonalScatter logsumexp glu normalize repeatInterleave`],
  [making, "unsqueeze stack"],
  [reduction, "sum mean nansum nanmean any all countNonzero amax amin aminmax prod argmax argmin var std varMean stdMean norm quantile nanquantile"],
  [extreme, "max min median nanmedian"],
  [placed, "indexCopy indexFill indexReduce"],
]; // prettier-ignore

const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(rows_.flatMap(([rule, names]) => names.split(/\s+/).map((name) => [name, rule] as const))),
  reshape: sized("shape"),
  view: sized("size"),
  viewAs: shapedLike,
  reshapeAs: shapedLike,
  ravel: (batch) => batch.value(batch.values.input)!.reshape(batch.frame.size, -1),
  expand: stretched((values) => [values.size as readonly number[]].flat()),
  broadcastTo: stretched((values) => [values.size as readonly number[]].flat()),
  expandAs: stretched((values) => (values.other as Tensor).shape),
  repeat: repeated("repeats"),
  tile: repeated("dims"),
  permute: permuted,
  squeeze: squeezed,
  t: (batch) => (rankOf(batch.values.input) === 2 ? batch.value(batch.values.input)!.transpose(1, 2) : batch.value(batch.values.input)!),
  tril: (batch) => (rankOf(batch.values.input) < 2 ? undefined : asItIs(batch)),
  triu: (batch) => (rankOf(batch.values.input) < 2 ? undefined : asItIs(batch)),
  diagEmbed: (batch) => (batch.values.dim1 === undefined && rankOf(batch.values.input) > 0 ? asItIs(batch) : undefined),
  viewAsComplex: (batch) => (rankOf(batch.values.input) === 0 ? undefined : asItIs(batch)),
  matmul: matrices,
  mm: ranked("mat2", 2, 2),
  bmm: ranked("mat2", 3, 3),
  mv: ranked("vec", 2, 1),
  dot: ranked("tensor", 1, 1),
  linear: rows,
  addmm: (batch) => sumOfProducts(batch, "mat1", "mat2"),
  baddbmm: (batch) => sumOfProducts(batch, "batch1", "batch2"),
  addmv: (batch) => sumOfProducts(batch, "mat", "vec"),
  vdot: (batch) => {
    const { input, other } = batch.values as { input: Tensor; other: Tensor };
    if (rankOf(input) !== 1 || rankOf(other) !== 1 || input.shape[0] !== other.shape[0] || input.dt !== other.dt) return undefined;
    return batch.whole(input).conj().mul(batch.whole(other)).sum(1);
  },
  adjoint: (batch) => (rankOf(batch.values.input) < 2 ? undefined : asItIs(batch)),
  msort: (batch) => (rankOf(batch.values.input) < 1 ? undefined : batch.value(batch.values.input)!.sort(1).values),
  bucketize: (batch) => {
    const { input, boundaries } = batch.values;
    return batch.value(boundaries) === null ? batch.run({ ...batch.values, input: batch.value(input) }) : undefined;
  },
  oneHot: (batch) => (Number(batch.values.numClasses ?? -1) < 0 ? undefined : asItIs(batch)),
  pad: (batch) => {
    const { input, pad, mode = "constant" } = batch.values;
    return mode === "constant" && [pad].flat().length <= 2 * rankOf(input) ? asItIs(batch) : undefined;
  },
  prelu: (batch) => {
    const { input, weight } = batch.values as { input: Tensor; weight: Tensor };
    return batch.value(weight) === null && weight.numel() === 1 ? batch.run({ input: batch.value(input), weight }) : undefined;
  },
  indexAdd: added,
  indexSelect: picked,
  embedding: looked,
  at: indexed,
  conv2d: convolved,
  maxPool2d: merged(4),
  avgPool2d: merged(4),
  layerNorm: normalized,
  batchNorm: normalizedByChannel,
  scaledDotProductAttention: attended,
  mseLoss: lossOf,
  l1Loss: lossOf,
  smoothL1Loss: lossOf,
  huberLoss: lossOf,
  binaryCrossEntropy: lossOf,
  binaryCrossEntropyWithLogits: lossOf,
  klDiv: lossOf,
  nllLoss: classLoss((input) => input),
  crossEntropy: classLoss((input, dim) => input.logSoftmax(dim)),
  newZeros: sized("size"),
  newOnes: sized("size"),
  newEmpty: sized("size"),
  newFull: sized("size"),
  rand: drawnSizes,
  randn: drawnSizes,
  randint: drawnSizes,
};

/** input * beta + alpha * product, of the ranks that the op takes. */
function sumOfProducts(batch: Batch, first: string, second: string): unknown {
  const values = batch.values as Values & { input: Tensor; beta?: number; alpha?: number };
  const [a, b] = [values[first] as Tensor, values[second] as Tensor];
  const ranks = first === "mat1" ? [2, 2] : first === "mat" ? [2, 1] : [3, 3];
  if (rankOf(a) !== ranks[0] || rankOf(b) !== ranks[1] || values.beta === 0) return undefined;
  const product = batch.value(a) === null && batch.value(b) === null ? a.matmul(b) : productOf(batch, a, b);
  const rank = second === "vec" ? 1 : ranks[0]!;
  if (product === undefined || rankOf(values.input) > rank) return undefined;
  const input = batch.aligned(values.input, rank) as Tensor;
  return input.mul(values.beta ?? 1).add(product.mul(values.alpha ?? 1));
}

/** An argument that the op changes, and that the examples share; or null. */
export function sharedTarget(name: string, batch: Batch): string | null {
  if (name !== "batchNorm" || batch.values.training !== true) return null;
  return (
    ["runningMean", "runningVar"].find((key) => batch.values[key] instanceof Tensor && batch.value(batch.values[key]) === null) ?? null
  );
}

export const ruleOf = (name: string): Rule | undefined => (Object.hasOwn(rules, name) ? rules[name] : undefined);

/** True where an in-place form may be run on all examples, too. */
export const isPointwise = (name: string): boolean => ruleOf(name) === pointwise;
