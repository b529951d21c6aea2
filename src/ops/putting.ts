/** Writing by index along a dim or over the flattened tensor: indexCopy, indexFill, indexPut, indexReduce, scatterReduce, take, takeAlongDim, put, maskedScatter. */
import { Code, category, isComplex, isIntegral } from "../tensor/dtype.js";
import { DTypeError, IndexError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, sameShape, wrapDim } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { arange } from "./creation.js";
import { castTo, op, record, recorded, requireRealGrad, requireSameDevice } from "./define.js";
import { scatterChecked, scatterInto, scattered } from "./gathering.js";
import { withInPlace } from "./in-place.js";
import { inPlaceForms } from "./pointwise.js";
import { where } from "./ternary.js";

function requireVector(name: string, index: Tensor): Tensor {
  if (index.dt !== Code.int64 && index.dt !== Code.int32)
    throw new DTypeError({ op: name, argument: "index", expected: "an int64 tensor", got: index.dtype });
  if (index.shape.length > 1) throw new IndexError({ op: name, argument: "index", expected: "a vector", got: formatShape(index.shape) });
  return castTo(index, Code.int64).reshape(-1);
}

/** A vector of places along dim d, in the shape of a source for scatter. */
const along = (index: Tensor, shape: readonly number[], d: number): Tensor =>
  index.reshape(shape.map((_, i) => (i === d ? index.numel() : 1))).expand(shape);

/** `input` with the pieces of `source` at a vector of indices of `dim`. */
export const indexCopy: (input: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor = withInPlace(
  "indexCopy",
  op("indexCopy", "input: tensor, dim: dim, index: tensor, source: tensor", (input: Tensor, dim: number, given: Tensor, source: Tensor) => {
    const d = wrapDim("indexCopy", dim, input.shape.length);
    if (given.dt !== Code.int64) throw new DTypeError({ op: "indexCopy", argument: "index", expected: "int64", got: given.dtype });
    const index = requireVector("indexCopy", given);
    if (source.dt !== input.dt) throw new DTypeError({ op: "indexCopy", argument: "source", expected: input.dtype, got: source.dtype });
    if (input.shape.length === 0 || source.shape.length === 0) {
      if (input.shape.length > 1 || source.shape.length > 1 || source.numel() !== index.numel())
        throw new ShapeError({ op: "indexCopy", argument: "source", expected: "one element an index", got: formatShape(source.shape) });
      return input.reshape(-1).scatter(0, index, source.reshape(-1)).reshape(input.shape);
    }
    const expected = input.shape.map((size, i) => (i === d ? index.numel() : size));
    if (!sameShape(source.shape, expected))
      throw new ShapeError({
        op: "indexCopy",
        argument: "source",
        expected: `of shape ${formatShape(expected)}`,
        got: formatShape(source.shape),
      });
    requireSameDevice("indexCopy", input, source);
    return scattered("indexCopy", input, d, along(index, source.shape, d), source, 0);
  }),
);

/** `input` with `value` in the pieces of `dim` at a vector of indices. */
export const indexFill: (input: Tensor, dim: number, index: Tensor, value: Tensor | Scalar) => Tensor = withInPlace(
  "indexFill",
  op(
    "indexFill",
    "input: tensor, dim: dim, index: tensor, value: operand",
    (input: Tensor, dim: number, given: Tensor, value: Tensor | Scalar) => {
      const d = wrapDim("indexFill", dim, input.shape.length);
      if (given.dt !== Code.int64) throw new DTypeError({ op: "indexFill", argument: "index", expected: "int64", got: given.dtype });
      const index = fromStart(requireVector("indexFill", given), input.shape[d] ?? 1);
      if (value instanceof Tensor && value.shape.length > 0)
        throw new ShapeError({ op: "indexFill", argument: "value", expected: "a number or a 0-d tensor", got: formatShape(value.shape) });
      if (input.shape.length === 0) return indexFill(input.reshape(1), 0, index, value).reshape([]);
      const shape = input.shape.map((size, i) => (i === d ? index.numel() : size));
      if (!(value instanceof Tensor)) return input.scatter(d, along(index, shape, d), value);
      const filled = launch.empty("indexFill", [input.shape[d]!], Code.bool, input.dev).zero_().scatter(0, index, true);
      return where(along(filled, input.shape, d), castLike(value, input), input);
    },
  ),
);
/** Places that count from the start, where torch lets them count from the end too. */
const fromStart = (places: Tensor, size: number): Tensor => where(places.lt(0), places.add(size), places);
const castLike = (value: Tensor, like: Tensor): Tensor => (value.dt === like.dt ? value : value.to(like.dtype));

/** `input` with `values` put (or added, accumulate) at index tensors or masks of its first dims (torch.index_put). */
export const indexPut: (
  input: Tensor,
  indices: readonly Tensor[],
  values: Tensor,
  accumulate?: boolean | { accumulate?: boolean },
) => Tensor = op(
  "indexPut",
  "input: tensor, indices: tensors, values: tensor, accumulate: bool = false",
  (input: Tensor, indices: readonly Tensor[], values: Tensor, accumulate: boolean) => {
    const put = inPlaceForms.get("indexPut_") as unknown as (t: Tensor, indices: readonly Tensor[], values: Tensor, add: boolean) => Tensor;
    return put(input.clone(), indices, values, accumulate);
  },
  { inPlace: true },
);

// -- over the flattened tensor

function requirePlaces(name: string, index: Tensor): Tensor {
  if (index.dt !== Code.int64) throw new DTypeError({ op: name, argument: "index", expected: "int64", got: index.dtype });
  return index.reshape(-1);
}

/** The elements of the flattened tensor at `index`, in its shape. */
export const take: (input: Tensor, index: Tensor) => Tensor = op("take", "input: tensor, index: tensor", (input: Tensor, index: Tensor) => {
  const places = requirePlaces("take", index);
  if (input.numel() === 0 && places.numel() > 0)
    throw new IndexError({ op: "take", argument: "input", expected: "at least one element", got: formatShape(input.shape) });
  return input.reshape(-1).indexSelect(0, fromStart(places, input.numel())).reshape(index.shape);
});

/** `input` with source's elements put (or added, accumulate) at places of the flattened tensor. */
export const put: (input: Tensor, index: Tensor, source: Tensor, accumulate?: boolean | { accumulate?: boolean }) => Tensor = withInPlace(
  "put",
  op(
    "put",
    "input: tensor, index: tensor, source: tensor, accumulate: bool = false",
    (input: Tensor, index: Tensor, source: Tensor, accumulate: boolean) => {
      const places = fromStart(requirePlaces("put", index), input.numel());
      if (source.dt !== input.dt) throw new DTypeError({ op: "put", argument: "source", expected: input.dtype, got: source.dtype });
      if (source.numel() !== places.numel())
        throw new ShapeError({
          op: "put",
          argument: "source",
          expected: `as many elements as index (${places.numel()})`,
          got: String(source.numel()),
        });
      if (input.numel() === 0 && places.numel() > 0)
        throw new IndexError({ op: "put", argument: "input", expected: "at least one element", got: formatShape(input.shape) });
      const flat = input.reshape(-1);
      const values = source.reshape(-1);
      return (accumulate ? flat.indexAdd(0, places, values) : flat.scatter(0, places, values)).reshape(input.shape);
    },
  ),
);

/** As gather, but input and indices broadcast outside `dim`; without dim over the flattened tensor. */
export const takeAlongDim: (input: Tensor, indices: Tensor, dim?: number | null | { dim?: number | null }) => Tensor = op(
  "takeAlongDim",
  "input: tensor, indices: tensor, dim: dim? = null",
  (input: Tensor, given: Tensor, dim: number | null) => {
    if (given.dt !== Code.int64 && (given.dt !== Code.int32 || dim !== null))
      throw new DTypeError({ op: "takeAlongDim", argument: "indices", expected: "int64 or int32", got: given.dtype });
    const indices = castTo(given, Code.int64);
    // With a dim, indices count from either end, and around (torch.take_along_dim).
    const places = (size: number): Tensor => (size === 0 ? indices : indices.remainder(size));
    if (dim === null) return input.view(-1).gather(0, indices.view(-1));
    if (input.shape.length !== indices.shape.length)
      throw new ShapeError({
        op: "takeAlongDim",
        argument: "indices",
        expected: `of rank ${input.shape.length}`,
        got: formatShape(indices.shape),
      });
    const d = wrapDim("takeAlongDim", dim, input.shape.length);
    const shape = broadcastShapes(
      "takeAlongDim",
      input.shape.map((size, i) => (i === d ? 1 : size)),
      indices.shape.map((size, i) => (i === d ? 1 : size)),
    );
    const stretched = (x: Tensor): Tensor => x.expand(shape.map((size, i) => (i === d ? x.shape[d]! : size)));
    return stretched(input).gather(d, stretched(places(input.shape[d]!)));
  },
);

/** `input` with consecutive elements of `source` where `mask` (bool, broadcastable) is true. */
export const maskedScatter: (input: Tensor, mask: Tensor, source: Tensor) => Tensor = withInPlace(
  "maskedScatter",
  op("maskedScatter", "input: tensor, mask: tensor, source: tensor", (input: Tensor, cover: Tensor, source: Tensor) => {
    if (cover.dt !== Code.bool)
      throw new DTypeError({ op: "maskedScatter", argument: "mask", expected: "a bool tensor", got: cover.dtype });
    if (source.dt !== input.dt) throw new DTypeError({ op: "maskedScatter", argument: "source", expected: input.dtype, got: source.dtype });
    const shape = broadcastShapes("maskedScatter", input.shape, cover.shape);
    const mask = cover.expand(shape);
    const wanted = Number(mask.countNonzero().item());
    if (wanted > source.numel())
      throw new ShapeError({
        op: "maskedScatter",
        argument: "source",
        expected: `at least ${wanted} elements`,
        got: String(source.numel()),
      });
    if (wanted === 0 && source.numel() === 0) return input.expand(shape).clone();
    const places = mask.reshape(-1).cumsum(0).sub(1).clamp(0);
    return where(mask, source.reshape(-1).indexSelect(0, places).reshape(shape), input.expand(shape));
  }),
);

// -- reducing what meets in one place

type Reduction = "sum" | "prod" | "mean" | "amax" | "amin";
const kernelModes = { sum: 1, mean: 1, prod: 2, amax: 3, amin: 4 } as const;

/** The neutral element of a reduction. */
function neutral(reduce: Reduction, dt: number): Scalar {
  if (reduce === "sum" || reduce === "mean") return 0;
  if (reduce === "prod") return 1;
  if (category[dt] === 2) return reduce === "amax" ? -Infinity : Infinity;
  const [least, most] = bounds[dt] ?? [0, 1];
  return reduce === "amax" ? least : most;
}
const bounds: Readonly<Record<number, readonly [Scalar, Scalar]>> = {
  [Code.uint8]: [0, 255],
  [Code.int8]: [-128, 127],
  [Code.int16]: [-32768, 32767],
  [Code.int32]: [-2147483648, 2147483647],
  [Code.int64]: [-(2n ** 63n), 2n ** 63n - 1n],
};

function reducedAt(name: string, input: Tensor, d: number, index: Tensor, src: Tensor, reduce: Reduction, includeSelf: boolean): Tensor {
  if (reduce === "mean" && input.dt === Code.bool)
    throw new DTypeError({ op: name, argument: "input", expected: "a dtype other than bool for mean", got: "bool" });
  const start = includeSelf ? input.detach().clone() : startOf(input.detach(), d, index, reduce);
  scatterInto(name, start, d, index, src.detach(), kernelModes[reduce]);
  let out = start;
  let counts: Tensor | null = null;
  if (reduce === "mean") {
    counts = (
      includeSelf ? input.detach().mul(0).nanToNum().add(1) : startOf(input.detach().mul(0).nanToNum().add(1), d, index, "sum")
    ).scatterAdd(d, index, src.detach().mul(0).nanToNum().add(1));
    counts = where(counts.eq(0), 1, counts);
    out = isIntegral(input.dt) ? start.div(counts, { roundingMode: "floor" }) : start.div(counts);
  }
  if (!recorded(input, src)) return out;
  const saved = counts === null ? [input, src, out, index] : [input, src, out, index, counts];
  return record(name, out, [input, src], saved, ([g], node) => {
    const [x, s, y, at] = [node.tensor(0), node.tensor(1), node.tensor(2), node.tensor(3)];
    return reduceGrad(g!, x, s, y, at, counts === null ? null : node.tensor(4), d, reduce, includeSelf);
  });
}

/** `input` with the neutral element wherever the index reaches. */
function startOf(input: Tensor, d: number, index: Tensor, reduce: Reduction): Tensor {
  const value = neutral(reduce, input.dt);
  const filling = typeof value === "bigint" ? launch.empty("full", index.shape, input.dt, input.dev).fill_(value) : value;
  return input.scatter(d, index, filling);
}

/** Gradients of self and src (PyTorch's scatter_reduce_backward). */
function reduceGrad(
  g: Tensor,
  x: Tensor,
  src: Tensor,
  y: Tensor,
  index: Tensor,
  counts: Tensor | null,
  d: number,
  reduce: Reduction,
  includeSelf: boolean,
): readonly [Tensor, Tensor] {
  // prettier-ignore
  let self = g;
  let source: Tensor;
  const part = src.shape.every((size, i) => size === index.shape[i]) ? src : partOf(src, index.shape);
  if (reduce === "sum") source = g.gather(d, index);
  else if (reduce === "mean") {
    self = g.div(counts!);
    source = self.gather(d, index);
  } else if (reduce === "prod") {
    // Products without one factor: by division, or, where factors are 0, by the product of the others.
    const zeros = x.eq(0);
    const masked = where(zeros, 1, x);
    self = g.mul(reducedAt("scatterReduce", masked, d, index, src, "prod", includeSelf)).div(masked);
    const srcZero = part.eq(0);
    const zeroCount = launch.empty("zeros", x.shape, x.dt, x.dev).zero_().scatterAdd(d, index, srcZero.to(x.dtype));
    const single = srcZero.logicalAnd(zeroCount.gather(d, index).eq(1));
    const others = reducedAt("scatterReduce", x, d, index, where(single, 1, part), "prod", includeSelf);
    const whole = g.mul(y).gather(d, index);
    source = where(single, g.mul(others).gather(d, index), whole.div(where(srcZero, 1, part)));
  } else {
    const value = y.gather(d, index);
    const selfWins = x.eq(y);
    const srcWins = part.eq(value);
    const ties = selfWins.to(g.dtype).scatterAdd(d, index, srcWins.to(g.dtype));
    const share = g.div(ties);
    self = selfWins.mul(share);
    source = srcWins.mul(share.gather(d, index));
  }
  if (!includeSelf) self = self.scatter(d, index, 0);
  return [self, source.shape === src.shape || sameShape(source.shape, src.shape) ? source : padded(source, src.shape)];
}

const partOf = (src: Tensor, shape: readonly number[]): Tensor => shape.reduce((part: Tensor, size, i) => part.narrow(i, 0, size), src);

/** `g` at the start of a tensor of zeros. */
function padded(g: Tensor, shape: readonly number[]): Tensor {
  const whole = launch.empty("zeros", shape, g.dt, g.dev).zero_();
  partOf(whole, g.shape).copy_(g);
  return whole;
}

/** `input` with src reduced into the places of `index` along dim. @param includeSelf whether input's own elements take part, default true */
export const scatterReduce: (
  input: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: Reduction,
  options?: { includeSelf?: boolean },
) => Tensor = withInPlace(
  "scatterReduce",
  op(
    "scatterReduce",
    "input: tensor, dim: dim, index: tensor, src: tensor, reduce: sum|prod|mean|amax|amin, *, includeSelf: bool = true",
    (input: Tensor, dim: number, given: Tensor, src: Tensor, reduce: Reduction, includeSelf: boolean) => {
      const { d, index } = scatterChecked("scatterReduce", input, dim, given, src);
      requireRealGrad("scatterReduce", input, src);
      if (isComplex(input.dt) && (reduce === "amax" || reduce === "amin"))
        throw new DTypeError({ op: "scatterReduce", argument: "input", expected: `a real dtype for ${reduce}`, got: input.dtype });
      return reducedAt("scatterReduce", input, d, index, src, reduce, includeSelf);
    },
  ),
);

/** `input` with the pieces of `source` reduced into a vector of indices of `dim`. */
export const indexReduce: (
  input: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  reduce: Exclude<Reduction, "sum">,
  options?: { includeSelf?: boolean },
) => Tensor = withInPlace(
  "indexReduce",
  op(
    "indexReduce",
    "input: tensor, dim: dim, index: tensor, source: tensor, reduce: prod|mean|amax|amin, *, includeSelf: bool = true",
    (input: Tensor, dim: number, given: Tensor, source: Tensor, reduce: Reduction, includeSelf: boolean) => {
      const d = wrapDim("indexReduce", dim, input.shape.length);
      requireRealGrad("indexReduce", input, source);
      const narrow = input.shape.length < 2 || !includeSelf; // torch's kernels for these know neither bool nor complex
      if (isComplex(input.dt) && (narrow || reduce === "amax" || reduce === "amin"))
        throw new DTypeError({ op: "indexReduce", argument: "input", expected: "a real dtype", got: input.dtype });
      if (input.dt === Code.bool && narrow)
        throw new DTypeError({ op: "indexReduce", argument: "input", expected: "a dtype other than bool", got: input.dtype });
      const index = requireVector("indexReduce", given);
      if (source.dt !== input.dt) throw new DTypeError({ op: "indexReduce", argument: "source", expected: input.dtype, got: source.dtype });
      const expected = input.shape.map((size, i) => (i === d ? index.numel() : size));
      if (!sameShape(source.shape, expected))
        throw new ShapeError({
          op: "indexReduce",
          argument: "source",
          expected: `of shape ${formatShape(expected)}`,
          got: formatShape(source.shape),
        });
      if (input.shape.length === 0)
        return indexReduce(input.reshape(1), 0, index, source.reshape(1), reduce as "prod", { includeSelf }).reshape([]);
      return reducedAt("indexReduce", input, d, along(index, source.shape, d), source, reduce, includeSelf);
    },
  ),
);

/** The tensor itself with `value` on its main diagonal; with `wrap` again below each full square of a tall matrix. */
inPlaceForms.set("fillDiagonal_", (target: Tensor, value: Scalar, wrap: boolean | { wrap?: boolean } = false) => {
  const { shape } = target;
  if (shape.length < 2)
    throw new ShapeError({ op: "fillDiagonal_", argument: "input", expected: "at least 2 dims", got: formatShape(shape) });
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean")
    throw new ValueError({ op: "fillDiagonal_", argument: "value", expected: "a number", got: describe(value) });
  if (shape.length > 2 && shape.some((size) => size !== shape[0]))
    throw new ShapeError({ op: "fillDiagonal_", argument: "input", expected: "dims of one size", got: formatShape(shape) });
  const wraps = typeof wrap === "boolean" ? wrap : (wrap.wrap ?? false);
  const n = Math.min(...shape);
  const step = shape.reduce((total, _, i) => total + shape.slice(i + 1).reduce((a, b) => a * b, 1), 0);
  const count = wraps && shape.length === 2 && shape[0]! > shape[1]! ? Math.ceil(target.numel() / step) : n;
  const places = arange(count).mul(step);
  return (inPlaceForms.get("put_") as never as (t: Tensor, at: Tensor, values: Tensor) => Tensor)(
    target,
    places,
    launch.empty("full", [count], target.dt, target.dev).fill_(value),
  );
});
