/** Sums, means, products and logical reductions: over all elements, or over dims. */
import { Code, defaultDtypeCode, isComplex, isFloating, isIntegral, type DType } from "../tensor/dtype.js";
import { AutogradError, DTypeError, IndexError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { dimMask, reducedShape, wrapDims, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { castTo, op, record, recorded } from "./define.js";
import { conjOf } from "./pointwise.js";
import { cat } from "./joining.js";
import { where } from "./ternary.js";

const code = launch.codesOf("structured");

export type Dims = number | readonly number[] | null;
export interface ReduceOptions {
  /** Default: all dims. */
  dim?: Dims;
  /** Keeps reduced dims with size 1. Default false. */
  keepdim?: boolean;
}
export interface TypedReduceOptions extends ReduceOptions {
  /** Computes in and returns this dtype. */
  dtype?: DType | null;
}
export type Reduce = (input: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean | ReduceOptions) => Tensor;
export type TypedReduce = (
  input: Tensor,
  dim?: Dims | TypedReduceOptions,
  keepdim?: boolean | TypedReduceOptions,
  options?: TypedReduceOptions,
) => Tensor;
export const dimsSignature = "input: tensor, dim: dims? = null, keepdim: bool = false";
const typedSignature = `${dimsSignature}, *, dtype: dtype? = null`;

/** An empty list means all dims, as in torch. */
export const dimsOf = (name: string, input: Tensor, dim: readonly number[] | null): number[] =>
  wrapDims(name, dim?.length === 0 ? null : dim, input.shape.length).filter((d) => d < input.shape.length);

/** A reduced value (or gradient) spread over the reduced dims again. */
export function spread(g: Tensor, shape: Shape, dims: readonly number[]): Tensor {
  return g.reshape(shape.map((size, i) => (dims.includes(i) ? 1 : size))).expand(shape);
}

export function requireFloat(name: string, input: Tensor): void {
  if (isIntegral(input.dt)) {
    throw new DTypeError({
      op: name,
      argument: "input",
      expected: "a floating dtype",
      got: input.dtype,
      hint: `convert it, e.g. .to("float32")`,
    });
  }
}

export function requireElements(name: string, input: Tensor, dims: readonly number[]): void {
  const empty = dims.find((d) => input.shape[d] === 0);
  if (empty !== undefined) {
    throw new IndexError({
      op: name,
      argument: "dim",
      expected: "dims with at least one element",
      got: `dim ${empty} of shape ${formatShape(input.shape)}`,
    });
  }
}

export function reduceTo(
  name: string,
  input: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  dt: number,
  attrs: readonly number[] = [],
): Tensor {
  input.live(name);
  return launch.run(name, code(name), [input], reducedShape(input.shape, dims, keepdim), dt, [dimMask(dims), ...attrs]);
}

/** `given` in the dtype that was asked for; as torch, an integral one refuses tensors that require grad. */
export function asDtype(name: string, given: Tensor, dtype: number | null): Tensor {
  if (dtype === null || dtype === given.dt) return given;
  if (isIntegral(dtype) && recorded(given))
    throw new AutogradError({ op: name, expected: "a floating dtype for a tensor that requires grad", got: launch.dtypeName(dtype) });
  return given.to(launch.dtypeName(dtype) as DType);
}

/** The sum of elements; integers and bool add up as int64. @example tensor([[1, 2], [3, 4]]).sum(1) // [3., 7.] */
export const sum: TypedReduce = op("sum", typedSignature, (given: Tensor, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
  const input = asDtype("sum", given, dtype);
  const dims = dimsOf("sum", input, dim);
  const out = reduceTo("sum", input, dims, keepdim, dtype === null && isIntegral(input.dt) ? Code.int64 : input.dt);
  const { shape } = input;
  return recorded(input) ? record(dim === null ? "sum" : "sumDim", out, [input], [], ([g]) => [spread(g!, shape, dims)]) : out;
});

/** The mean of elements; floating dtypes only. */
export const mean: TypedReduce = op(
  "mean",
  typedSignature,
  (given: Tensor, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
    const input = asDtype("mean", given, dtype);
    requireFloat("mean", input);
    const dims = dimsOf("mean", input, dim);
    const out = reduceTo("mean", input, dims, keepdim, input.dt);
    const { shape } = input;
    const count = dims.reduce((n, d) => n * shape[d]!, 1);
    return recorded(input)
      ? record(dim === null ? "mean" : "meanDim", out, [input], [], ([g]) => [spread(g!.div(count), shape, dims)])
      : out;
  },
);

/** The sum of elements that are not NaN. */
export const nansum: TypedReduce = op(
  "nansum",
  typedSignature,
  (given: Tensor, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
    if (isComplex(given.dt)) throw new DTypeError({ op: "nansum", argument: "input", expected: "a real dtype", got: given.dtype });
    const input = asDtype("nansum", given, dtype);
    return (isFloating(input.dt) ? where(input.isnan(), 0, input) : input).sum({
      dim,
      keepdim,
      dtype: dtype === null ? null : input.dtype,
    });
  },
);

/** The mean of elements that are not NaN; floating dtypes only. */
export const nanmean: TypedReduce = op(
  "nanmean",
  typedSignature,
  (given: Tensor, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
    requireFloat("nanmean", given);
    const input = asDtype("nanmean", given, dtype);
    requireFloat("nanmean", input);
    const count = input.detach().isnan().logicalNot().sum({ dim, keepdim });
    return input.nansum({ dim, keepdim }).div(count);
  },
);

/** The product of elements, over all or over one dim. */
export const prod: TypedReduce = op(
  "prod",
  "input: tensor, dim: dim? = null, keepdim: bool = false, *, dtype: dtype? = null",
  (given: Tensor, dim: number | null, keepdim: boolean, dtype: number | null) => {
    const input = asDtype("prod", given, dtype);
    const dims = dimsOf("prod", input, dim === null ? null : [dim]);
    const out = reduceTo("prod", input, dims, keepdim, dtype === null && isIntegral(input.dt) ? Code.int64 : input.dt);
    if (!recorded(input)) return out;
    return record("prod", out, [input], [input, out], ([g], node) => {
      const x = conjOf(node.tensor(0));
      const one = dim === null ? x.flatten() : x;
      const wide = spread(g!, x.shape, dims);
      if (!x.eq(0).any().item()) return [wide.mul(spread(conjOf(node.tensor(1)), x.shape, dims)).div(x)];
      return [wide.mul(productOfOthers(one, dim === null ? 0 : (dims[0] ?? 0)).reshape(x.shape))];
    });
  },
);

/** For each element the product of all others along `dim`: exact where elements are zero, too. */
function productOfOthers(x: Tensor, dim: number): Tensor {
  if (x.shape.length === 0 || x.shape[dim]! === 0) return x.mul(0).add(1);
  const n = x.shape[dim]!;
  const one = x.narrow(dim, 0, 1).mul(0).add(1);
  const before = cat([one, x.narrow(dim, 0, n - 1).cumprod(dim)], dim);
  const after = cat(
    [
      one,
      x
        .narrow(dim, 1, n - 1)
        .flip(dim)
        .cumprod(dim),
    ],
    dim,
  ).flip(dim);
  return before.mul(after);
}
function logical(name: "any" | "all"): Reduce {
  return op<Reduce>(
    name,
    dimsSignature,
    (input: Tensor, dim: number[] | null, keepdim: boolean) => {
      // As torch: over no dims each element is its own answer.
      const out = dim?.length === 0 ? input.ne(0) : reduceTo(name, input, dimsOf(name, input, dim), keepdim, Code.bool);
      return input.dt === Code.uint8 ? castTo(out, Code.uint8) : out;
    },
    { differentiable: false },
  );
}
/** True when any element is non-zero. */
export const any = logical("any");
/** True when all elements are non-zero. */
export const all = logical("all");
/** How many elements are non-zero, int64. */
export const countNonzero: (input: Tensor, dim?: Dims | { dim?: Dims }) => Tensor = op(
  "countNonzero",
  "input: tensor, dim: dims? = null",
  (input: Tensor, dim: number[] | null) => reduceTo("countNonzero", input, dimsOf("countNonzero", input, dim), false, Code.int64),
  { differentiable: false },
);

/** log(sum(exp(x))) over dims, without overflow. */
export const logsumexp: (
  input: Tensor,
  dim: number | readonly number[] | ReduceOptions,
  keepdim?: boolean | { keepdim?: boolean },
) => Tensor = op("logsumexp", "input: tensor, dim: dims, keepdim: bool = false", (given: Tensor, dim: number[], keepdim: boolean) => {
  const input = isIntegral(given.dt) ? castTo(given, defaultDtypeCode()) : given;
  const dims = dimsOf("logsumexp", input, dim);
  const out = isComplex(input.dt) ? complexLogsumexp(input.detach(), dims, keepdim) : reduceTo("logsumexp", input, dims, keepdim, input.dt);
  if (!recorded(input)) return out;
  return record("logsumexp", out, [input], [input, out], ([g], node) => {
    const x = node.tensor(0);
    return [spread(g!, x.shape, dims).mul(conjOf(x.sub(spread(node.tensor(1), x.shape, dims)).exp()))];
  });
});

/** The largest real part keeps the exponentials in range. */
function complexLogsumexp(input: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  if (dims.some((d) => input.shape[d] === 0)) return input.exp().sum(dims, keepdim).log();
  const most = dims.length === 0 ? input.real : input.real.amax(dims, true);
  const shift = where(most.isfinite(), most, 0);
  const out = input.sub(shift).exp().sum(dims, true).log().add(shift);
  return out.reshape(reducedShape(input.shape, dims, keepdim));
}
