/** Reductions and scans: over all elements, or over dims. */
import { Code, defaultDtypeCode, isComplex, isFloating, isIntegral, type DType } from "../tensor/dtype.js";
import { DTypeError, IndexError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { dimMask, emptyShape, reducedShape, sameShape, wrapDim, wrapDims, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { castTo, op, record, recordMany, recorded } from "./define.js";
import { named, type Named } from "./named.js";
import { maximum, minimum } from "./binary.js";
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
type Reduce = (input: Tensor, dim?: Dims | ReduceOptions, keepdim?: boolean | ReduceOptions) => Tensor;
type TypedReduce = (
  input: Tensor,
  dim?: Dims | TypedReduceOptions,
  keepdim?: boolean | TypedReduceOptions,
  options?: TypedReduceOptions,
) => Tensor;
const dimsSignature = "input: tensor, dim: dims? = null, keepdim: bool = false";
const typedSignature = `${dimsSignature}, *, dtype: dtype? = null`;

/** An empty list means all dims, as in torch. */
const dimsOf = (name: string, input: Tensor, dim: readonly number[] | null): number[] =>
  wrapDims(name, dim?.length === 0 ? null : dim, input.shape.length).filter((d) => d < input.shape.length);

/** A reduced value (or gradient) spread over the reduced dims again. */
export function spread(g: Tensor, shape: Shape, dims: readonly number[]): Tensor {
  return g.reshape(shape.map((size, i) => (dims.includes(i) ? 1 : size))).expand(shape);
}

function requireFloat(name: string, input: Tensor): void {
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

function requireElements(name: string, input: Tensor, dims: readonly number[]): void {
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

function reduceTo(
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

/** The sum of elements; integers and bool add up as int64. @example tensor([[1, 2], [3, 4]]).sum(1) // [3., 7.] */
export const sum: TypedReduce = op("sum", typedSignature, (given: Tensor, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
  const input = dtype !== null && dtype !== given.dt ? given.to(launch.dtypeName(dtype) as DType) : given;
  const dims = dimsOf("sum", input, dim);
  const out = reduceTo("sum", input, dims, keepdim, dtype === null && isIntegral(input.dt) ? Code.int64 : input.dt);
  const { shape } = input;
  return recorded(input) ? record("sum", out, [input], [], ([g]) => [spread(g!, shape, dims)]) : out;
});

/** The mean of elements; floating dtypes only. */
export const mean: TypedReduce = op(
  "mean",
  typedSignature,
  (given: Tensor, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
    const input = dtype !== null && dtype !== given.dt ? given.to(launch.dtypeName(dtype) as DType) : given;
    requireFloat("mean", input);
    const dims = dimsOf("mean", input, dim);
    const out = reduceTo("mean", input, dims, keepdim, input.dt);
    const { shape } = input;
    const count = dims.reduce((n, d) => n * shape[d]!, 1);
    return recorded(input) ? record("mean", out, [input], [], ([g]) => [spread(g!.div(count), shape, dims)]) : out;
  },
);

/** The product of elements, over all or over one dim. */
export const prod: TypedReduce = op(
  "prod",
  "input: tensor, dim: dim? = null, keepdim: bool = false, *, dtype: dtype? = null",
  (given: Tensor, dim: number | null, keepdim: boolean, dtype: number | null) => {
    const input = dtype !== null && dtype !== given.dt ? given.to(launch.dtypeName(dtype) as DType) : given;
    const dims = dimsOf("prod", input, dim === null ? null : [dim]);
    const out = reduceTo("prod", input, dims, keepdim, dtype === null && isIntegral(input.dt) ? Code.int64 : input.dt);
    if (!recorded(input)) return out;
    return record("prod", out, [input], [input, out], ([g], node) => {
      const x = node.tensor(0);
      const one = dim === null ? x.flatten() : x;
      const wide = spread(g!, x.shape, dims);
      if (x.eq(0).any().item() === false) return [wide.mul(spread(node.tensor(1), x.shape, dims)).div(x)];
      return [wide.mul(productOfOthers(one, dim === null ? 0 : (dims[0] ?? 0)).reshape(x.shape))];
    });
  },
);

/** For each element the product of all others along `dim`: exact where elements are zero, too. */
function productOfOthers(x: Tensor, dim: number): Tensor {
  if (x.shape.length === 0 || x.shape[dim]! === 0) return x.mul(0).add(1);
  const n = x.shape[dim]!;
  const one = x.narrow(dim, 0, 1).mul(0).add(1);
  const before = catOf([one, x.narrow(dim, 0, n - 1).cumprod(dim)], dim);
  const after = catOf(
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
let catOf: (tensors: readonly Tensor[], dim: number) => Tensor;
/** Given by joining.ts, which is declared above this file. */
export function setCat(cat: typeof catOf): void {
  catOf = cat;
}

function extreme(name: "amax" | "amin"): Reduce {
  return op<Reduce>(name, dimsSignature, (input: Tensor, dim: number[] | null, keepdim: boolean) => {
    const dims = dimsOf(name, input, dim);
    requireElements(name, input, dims);
    const out = reduceTo(name, input, dims, keepdim, input.dt);
    if (!recorded(input)) return out;
    return record(name, out, [input], [input, out], ([g], node) => {
      const x = node.tensor(0);
      const winners = x.eq(spread(node.tensor(1), x.shape, dims));
      return [winners.mul(spread(g!, x.shape, dims)).div(winners.sum(dims, true))];
    });
  });
}
/** The largest element; ties share the gradient. */
export const amax = extreme("amax");
/** The smallest element; ties share the gradient. */
export const amin = extreme("amin");

export type ValuesIndices = Named<{ values: Tensor; indices: Tensor }>;
interface MaxMin {
  (input: Tensor): Tensor;
  (input: Tensor, other: Tensor): Tensor;
  (input: Tensor, dim: number, keepdim?: boolean | { keepdim?: boolean }): ValuesIndices;
  (input: Tensor, options: { dim: number; keepdim?: boolean }): ValuesIndices;
}

function maxMin(name: "max" | "min"): MaxMin {
  const [all, elementwise] = name === "max" ? [amax, maximum] : [amin, minimum];
  const body = (input: Tensor, dim: unknown, keepdim: boolean): unknown => {
    if (dim === null) {
      if (input.numel() === 0)
        throw new ValueError({ op: name, argument: "input", expected: "at least one element", got: `shape ${formatShape(input.shape)}` });
      const out = all(input.detach());
      if (!recorded(input)) return out;
      return record(name, out, [input], [input, out], ([g], node) => {
        const x = node.tensor(0);
        // NaN won, if there is one.
        const winners = x.eq(node.tensor(1)).logicalOr(x.isnan());
        return [winners.mul(g!).div(winners.sum())];
      });
    }
    if (dim instanceof Tensor) return elementwise(input, dim);
    if (!Number.isInteger(dim)) throw new ValueError({ op: name, argument: "dim", expected: "an integer or a Tensor", got: describe(dim) });
    return alongDim(name, input, dim as number, keepdim);
  };
  return op<MaxMin>(name, "input: tensor, dim: any? = null, keepdim: bool = false", body as never);
}

function alongDim(name: "max" | "min", input: Tensor, dim: number, keepdim: boolean): ValuesIndices {
  input.live(name);
  const d = wrapDim(name, dim, input.shape.length);
  requireElements(name, input, input.shape.length === 0 ? [] : [d]);
  const shape = reducedShape(input.shape, input.shape.length === 0 ? [] : [d], keepdim);
  const outputs = [
    { shape, dt: input.dt },
    { shape, dt: Code.int64 },
  ];
  const [values, indices] = launch.runMany(name, code(`${name}Dim`), [input], outputs, [d]) as [Tensor, Tensor];
  if (recorded(input)) recordPicked(name, input, values, indices, d, keepdim);
  return named({ values, indices });
}

/** Values that were picked along a dim: their gradient goes back to where they came from. */
export function recordPicked(name: string, input: Tensor, values: Tensor, indices: Tensor, d: number, keepdim: boolean): void {
  const { shape } = input;
  recordMany(name, [values, null], [input], [indices], ([g], node) => {
    if (shape.length === 0) return [g!.reshape(shape)];
    const at = keepdim ? node.tensor(0) : node.tensor(0).unsqueeze(d);
    return [scatterZeros(shape, g!, d, at, keepdim)];
  });
}

function scatterZeros(shape: Shape, g: Tensor, d: number, at: Tensor, keepdim: boolean): Tensor {
  const zeros = launch.empty("zeros", shape, g.dt, g.dev).zero_();
  return zeros.scatterAdd(d, at, keepdim ? g : g.unsqueeze(d));
}

/** The largest element; with `dim` also where it is; with a tensor the elementwise maximum. */
export const max = maxMin("max");
/** The smallest element; with `dim` also where it is; with a tensor the elementwise minimum. */
export const min = maxMin("min");

type ArgReduce = (
  input: Tensor,
  dim?: number | null | { dim?: number | null; keepdim?: boolean },
  keepdim?: boolean | { keepdim?: boolean },
) => Tensor;
function argReduce(name: "argmax" | "argmin"): ArgReduce {
  return op<ArgReduce>(
    name,
    "input: tensor, dim: dim? = null, keepdim: bool = false",
    (input: Tensor, dim: number | null, keepdim: boolean) => {
      input.live(name);
      if (input.dt === Code.bool) throw new DTypeError({ op: name, argument: "input", expected: "a dtype other than bool", got: "bool" });
      const { shape } = input;
      if (dim === null || shape.length === 0) {
        if (dim !== null) wrapDim(name, dim, 0);
        requireElements(
          name,
          input,
          shape.map((_, i) => i),
        );
        return launch.run(name, code(name), [input], keepdim ? shape.map(() => 1) : emptyShape, Code.int64, [-1]);
      }
      const d = wrapDim(name, dim, shape.length);
      requireElements(name, input, [d]);
      return launch.run(name, code(name), [input], reducedShape(shape, [d], keepdim), Code.int64, [d]);
    },
    { differentiable: false },
  );
}
/** The index of the largest element (of the flattened tensor without `dim`), int64. NaN counts as largest. */
export const argmax = argReduce("argmax");
/** The index of the smallest element, int64. */
export const argmin = argReduce("argmin");

function logical(name: "any" | "all"): Reduce {
  return op<Reduce>(
    name,
    dimsSignature,
    (input: Tensor, dim: number[] | null, keepdim: boolean) => {
      const out = reduceTo(name, input, dimsOf(name, input, dim), keepdim, Code.bool);
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
  const out = reduceTo("logsumexp", input, dims, keepdim, input.dt);
  if (!recorded(input)) return out;
  return record("logsumexp", out, [input], [input, out], ([g], node) => {
    const x = node.tensor(0);
    return [spread(g!, x.shape, dims).mul(x.sub(spread(node.tensor(1), x.shape, dims)).exp())];
  });
});

export interface VarOptions extends ReduceOptions {
  /** Subtracted from the count in the divisor. Default 1. */
  correction?: number | null;
  /** true: correction 1, false: 0. */
  unbiased?: boolean | null;
}
type Var = (
  input: Tensor,
  dim?: Dims | boolean | VarOptions,
  unbiased?: boolean | null | VarOptions,
  keepdim?: boolean | VarOptions,
  options?: VarOptions,
) => Tensor;
const varSignature = "input: tensor, dim: any? = null, unbiased: bool? = null, keepdim: bool = false, *, correction: float? = null";

function varianceOf(
  name: string,
  input: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  correction: number,
): { variance: Tensor; mean: Tensor } {
  input.live(name);
  requireFloat(name, input);
  const shape = reducedShape(input.shape, dims, keepdim);
  const outputs = [
    { shape, dt: input.dt },
    { shape, dt: input.dt },
  ];
  const [variance, average] = launch.runMany(name, code("varMean"), [input], outputs, [dimMask(dims), correction]) as [Tensor, Tensor];
  return { variance, mean: average };
}

function varArguments(
  name: string,
  input: Tensor,
  dim: unknown,
  unbiased: boolean | null,
  correction: number | null,
): { dims: number[]; by: number } {
  if (typeof dim === "boolean") return { dims: dimsOf(name, input, null), by: dim ? 1 : 0 };
  if (dim !== null && !Number.isInteger(dim) && !(Array.isArray(dim) && dim.every(Number.isInteger))) {
    throw new ValueError({ op: name, argument: "dim", expected: "an integer, a list of integers or null", got: describe(dim) });
  }
  const list = typeof dim === "number" ? [dim] : (dim as number[] | null);
  return { dims: dimsOf(name, input, list), by: correction ?? (unbiased === false ? 0 : 1) };
}

const countOf = (shape: Shape, dims: readonly number[]): number => dims.reduce((n, d) => n * shape[d]!, 1);

/** The gradient of a variance: 2 (x - mean) / (n - correction). */
function varGrad(g: Tensor, x: Tensor, dims: readonly number[], by: number): Tensor {
  return spread(g, x.shape, dims)
    .mul(x.sub(x.mean(dims, true)))
    .mul(2 / Math.max(0, countOf(x.shape, dims) - by));
}

/** The variance of elements. @example tensor([1, 2, 3, 4]).var().item() // 1.6666… */
export const variance: Var = op(
  "var",
  varSignature,
  (input: Tensor, dim: unknown, unbiased: boolean | null, keepdim: boolean, correction: number | null) => {
    const { dims, by } = varArguments("var", input, dim, unbiased, correction);
    const out = varianceOf("var", input, dims, keepdim, by).variance;
    return recorded(input) ? record("var", out, [input], [input], ([g], node) => [varGrad(g!, node.tensor(0), dims, by)]) : out;
  },
);
/** The standard deviation of elements. */
export const std: Var = op(
  "std",
  varSignature,
  (input: Tensor, dim: unknown, unbiased: boolean | null, keepdim: boolean, correction: number | null) => {
    const { dims, by } = varArguments("std", input, dim, unbiased, correction);
    const out = varianceOf("std", input, dims, keepdim, by).variance.sqrt();
    if (!recorded(input)) return out;
    return record("std", out, [input], [input, out], ([g], node) => {
      const deviation = node.tensor(1);
      return [varGrad(where(deviation.eq(0), 0, g!.div(deviation.mul(2))), node.tensor(0), dims, by)];
    });
  },
);
type VarMean = (...args: Parameters<Var>) => Named<{ var: Tensor; mean: Tensor }>;
/** Variance and mean in one pass. */
export const varMean: VarMean = op(
  "varMean",
  varSignature,
  (input: Tensor, dim: unknown, unbiased: boolean | null, keepdim: boolean, correction: number | null) => {
    const { dims, by } = varArguments("varMean", input, dim, unbiased, correction);
    const { variance: v, mean: m } = varianceOf("varMean", input, dims, keepdim, by);
    const { shape } = input;
    if (recorded(input)) {
      recordMany("varMean", [v, m], [input], [input], ([gv, gm], node) => {
        const fromVar = gv && varGrad(gv, node.tensor(0), dims, by);
        const fromMean = gm && spread(gm.div(countOf(shape, dims)), shape, dims);
        return [fromVar && fromMean ? fromVar.add(fromMean) : (fromVar ?? fromMean ?? null)];
      });
    }
    return named({ var: v, mean: m });
  },
  { method: false },
);

export interface NormOptions extends TypedReduceOptions {
  /** The order: a number, Infinity, -Infinity, or "fro" for 2. Default "fro". */
  p?: number | "fro";
}
/** The p-norm of elements: (sum |x|^p)^(1/p); p 0 counts non-zeros. */
export const norm: (
  input: Tensor,
  p?: number | "fro" | NormOptions,
  dim?: Dims | NormOptions,
  keepdim?: boolean | NormOptions,
  dtype?: DType | null | NormOptions,
) => Tensor = op(
  "norm",
  "input: tensor, p: any = 2, dim: dims? = null, keepdim: bool = false, dtype: dtype? = null",
  (given: Tensor, p: unknown, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
    const order = p === "fro" || p === null ? 2 : p;
    if (typeof order !== "number" || Number.isNaN(order))
      throw new ValueError({ op: "norm", argument: "p", expected: `a number or "fro"`, got: describe(p) });
    const input = dtype === null ? given : given.to(launch.dtypeName(dtype) as DType);
    if (!isFloating(input.dt) && !isComplex(input.dt)) requireFloat("norm", input);
    return vectorNorm("norm", input, order, dimsOf("norm", input, dim), keepdim);
  },
);

/** @internal */
export function vectorNorm(name: string, input: Tensor, p: number, dims: readonly number[], keepdim: boolean): Tensor {
  input.live(name);
  if (!Number.isFinite(p)) requireElements(name, input, dims);
  const out = launch.run(name, code("vectorNorm"), [input], reducedShape(input.shape, dims, keepdim), input.dt, [dimMask(dims), p]);
  if (!recorded(input)) return out;
  return record("norm", out, [input], [input, out], ([g], node) => {
    const x = node.tensor(0);
    const n = spread(node.tensor(1), x.shape, dims);
    return [normGrad(spread(g!, x.shape, dims), x, n, p, dims)];
  });
}

function normGrad(g: Tensor, x: Tensor, n: Tensor, p: number, dims: readonly number[]): Tensor {
  if (p === 0) return x.mul(0);
  if (p === 1) return g.mul(x.sign());
  if (p === 2) return where(n.eq(0), 0, g.mul(x.div(n)));
  if (!Number.isFinite(p)) {
    const winners = x.abs().eq(n);
    return g.mul(x.sign()).mul(winners).div(winners.sum(dims, true));
  }
  return where(
    n.eq(0),
    0,
    g.mul(x.sign()).mul(
      x
        .abs()
        .div(n)
        .pow(p - 1),
    ),
  );
}

// -- scans

type Scan = (input: Tensor, dim: number | { dim: number; dtype?: DType | null }, options?: { dtype?: DType | null }) => Tensor;
const scanSignature = "input: tensor, dim: dim, *, dtype: dtype? = null";

function scanOf(name: "cumsum" | "cumprod", given: Tensor, dim: number, dtype: number | null): { input: Tensor; out: Tensor; d: number } {
  given.live(name);
  const target = dtype ?? (isIntegral(given.dt) ? Code.int64 : given.dt);
  const input = target === given.dt ? given : given.to(launch.dtypeName(target) as DType);
  const d = wrapDim(name, dim, input.shape.length);
  return { input, out: launch.run(name, code(name), [input], input.shape, target, [d]), d };
}

/** The running sum along `dim`. @example tensor([1, 2, 3]).cumsum(0) // [1., 3., 6.] */
export const cumsum: Scan = op("cumsum", scanSignature, (given: Tensor, dim: number, dtype: number | null) => {
  const { input, out, d } = scanOf("cumsum", given, dim, dtype);
  return recorded(input) ? record("cumsum", out, [input], [], ([g]) => [reverseSum(g!, d)]) : out;
});
/** The running product along `dim`. */
export const cumprod: Scan = op("cumprod", scanSignature, (given: Tensor, dim: number, dtype: number | null) => {
  const { input, out, d } = scanOf("cumprod", given, dim, dtype);
  if (!recorded(input)) return out;
  return record("cumprod", out, [input], [input, out], ([g], node) => [cumprodGrad(g!, node.tensor(0), node.tensor(1), d)]);
});

const reverseSum = (g: Tensor, d: number): Tensor => (g.shape.length === 0 ? g : g.flip(d).cumsum(d).flip(d));

function cumprodGrad(g: Tensor, x: Tensor, y: Tensor, d: number): Tensor {
  if (x.shape.length === 0 || x.numel() === 0) return g;
  if (x.eq(0).any().item() === false) return reverseSum(g.mul(y), d).div(x);
  // dL/dx_i = prod(x_0..x_i-1) * sum over k >= i of g_k prod(x_i+1..x_k)
  const n = x.shape[d]!;
  const one = x.narrow(d, 0, 1).mul(0).add(1);
  const parts = Array.from({ length: n }, (_, i) => {
    const before = i === 0 ? one : x.narrow(d, 0, i).prod(d, true);
    const after = catOf([one, x.narrow(d, i + 1, n - i - 1).cumprod(d)], d);
    return before.mul(
      g
        .narrow(d, i, n - i)
        .mul(after)
        .sum(d, true),
    );
  });
  return catOf(parts, d);
}

// -- comparisons that answer in JavaScript

/** True when both have the same shape and elements. */
export const equal: (input: Tensor, other: Tensor) => boolean = op(
  "equal",
  "input: tensor, other: tensor",
  (a: Tensor, b: Tensor) => sameShape(a.shape, b.shape) && a.eq(b).all().item() === true,
  { differentiable: false },
);
export interface CloseOptions {
  /** Relative tolerance. Default 1e-5. */
  rtol?: number;
  /** Absolute tolerance. Default 1e-8. */
  atol?: number;
  /** NaN equals NaN. Default false. */
  equalNan?: boolean;
}
const closeSignature = "input: tensor, other: tensor, rtol: float = 1e-05, atol: float = 1e-08, equalNan: bool = false";
/** True where |input - other| <= atol + rtol * |other|. Shapes broadcast; bool. */
export const isclose: (
  input: Tensor,
  other: Tensor,
  rtol?: number | CloseOptions,
  atol?: number | CloseOptions,
  equalNan?: boolean | CloseOptions,
) => Tensor = op(
  "isclose",
  closeSignature,
  (a: Tensor, b: Tensor, rtol: number, atol: number, equalNan: boolean) => {
    const near = a.sub(b).abs().le(b.abs().mul(rtol).add(atol)).logicalAnd(b.isfinite());
    const same = a.eq(b).logicalOr(near);
    return equalNan ? same.logicalOr(a.isnan().logicalAnd(b.isnan())) : same;
  },
  { differentiable: false },
);
/** True when all elements are close ({@link isclose}). */
export const allclose: (
  input: Tensor,
  other: Tensor,
  rtol?: number | CloseOptions,
  atol?: number | CloseOptions,
  equalNan?: boolean | CloseOptions,
) => boolean = op(
  "allclose",
  closeSignature,
  (a: Tensor, b: Tensor, rtol: number, atol: number, equalNan: boolean) => isclose(a, b, rtol, atol, equalNan).all().item() === true,
  { differentiable: false },
);
