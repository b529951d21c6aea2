/** Variances and standard deviations. */
import { withRecording } from "../autograd/mode.js";
import { isComplex } from "../tensor/dtype.js";
import { ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { dimMask, reducedShape, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { viewAsComplex } from "./complex.js";
import { op, record, recordMany, recorded } from "./define.js";
import { named, type Named } from "./named.js";
import { where } from "./ternary.js";
import { dimsOf, requireFloat, spread, type Dims, type ReduceOptions } from "./reduce.js";

const code = launch.codesOf("structured");

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

interface Moments {
  readonly variance: Tensor;
  readonly mean: Tensor;
}

function varianceOf(name: string, input: Tensor, dims: readonly number[], keepdim: boolean, correction: number): Moments {
  input.live(name);
  requireFloat(name, input);
  if (isComplex(input.dt)) return complexVariance(name, input, dims, keepdim, correction);
  const shape = reducedShape(input.shape, dims, keepdim);
  const outputs = [
    { shape, dt: input.dt },
    { shape, dt: input.dt },
  ];
  const [variance, average] = launch.runMany(name, code("varMean"), [input], outputs, [dimMask(dims), correction]) as [Tensor, Tensor];
  return { variance, mean: average };
}

/** The variance of complex numbers is real: that of their real parts and that of their imaginary parts. */
function complexVariance(name: string, input: Tensor, dims: readonly number[], keepdim: boolean, correction: number): Moments {
  return withRecording(false, () => {
    const { variance: v, mean } = varianceOf(name, input.viewAsReal(), dims, keepdim, correction);
    return { variance: v.sum(-1), mean: viewAsComplex(mean) };
  });
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

/** The gradient of a variance: 2 (x - mean) / (n - correction); as torch, infinite over all elements without a degree of freedom. */
function varGrad(g: Tensor, x: Tensor, dims: readonly number[], by: number): Tensor {
  if (dims.length === x.shape.length && g.shape.length === 0 && countOf(x.shape, dims) <= by)
    return g.mul(where(x.eq(x.mean()), NaN, Infinity).to(x.dtype));
  return spread(g, x.shape, dims)
    .mul(x.sub(x.mean(dims, true)))
    .mul(2 / (countOf(x.shape, dims) - by));
}

/** The mean as torch's running mean has it: after an infinity each further element makes it NaN. */
function runningMean(x: Tensor, mean: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  const infinite = mean.detach().abs().eq(Infinity);
  if (countOf(x.shape, dims) <= 1 || !infinite.any().item<boolean>()) return mean;
  const values = x.detach().abs().eq(Infinity);
  const last = dims.reduce((piece, d) => piece.narrow(d, x.shape[d]! - 1, 1), values).any(dims, keepdim);
  const stays = last.logicalAnd(values.sum(dims, keepdim).eq(1));
  return where(infinite.logicalAnd(stays.logicalNot()), NaN, mean);
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
/** Standard deviation and mean. */
export const stdMean: (...args: Parameters<Var>) => Named<{ std: Tensor; mean: Tensor }> = op(
  "stdMean",
  varSignature,
  (input: Tensor, dim: unknown, unbiased: boolean | null, keepdim: boolean, correction: number | null) => {
    const { dims, by } = varArguments("stdMean", input, dim, unbiased, correction);
    return named({
      std: std(input, dims, { keepdim, correction: by }),
      mean: runningMean(input, input.mean(dims, keepdim), dims, keepdim),
    });
  },
  { method: false },
);

type VarMean = (...args: Parameters<Var>) => Named<{ var: Tensor; mean: Tensor }>;
/** Variance and mean in one pass. */
export const varMean: VarMean = op(
  "varMean",
  varSignature,
  (input: Tensor, dim: unknown, unbiased: boolean | null, keepdim: boolean, correction: number | null) => {
    const { dims, by } = varArguments("varMean", input, dim, unbiased, correction);
    const { variance: v, mean } = varianceOf("varMean", input, dims, keepdim, by);
    const m = runningMean(input, mean, dims, keepdim);
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
