/** Elements by rank: kthvalue, medians, modes and quantiles. */
import { Code } from "../tensor/dtype.js";
import { DTypeError, ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { wrapDim } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { op, record, recorded } from "./define.js";
import { recordPicked, type ValuesIndices } from "./extremes.js";
import { named } from "./named.js";
import { requireElements } from "./reduce.js";
import { where } from "./ternary.js";

const code = launch.codesOf("structured");

type DimOptions = { dim?: number | null; keepdim?: boolean };

/** Runs a kernel that answers one element a line and its place. */
function picked(kernel: string, name: string, input: Tensor, dim: number, keepdim: boolean, attrs: readonly number[]): ValuesIndices {
  if (input.dt === Code.bool && kernel !== "mode" && !(kernel === "kthvalue" && input.shape.length === 0))
    throw new DTypeError({ op: name, argument: "input", expected: "a dtype other than bool", got: "bool" });
  const d = wrapDim(name, dim, input.shape.length);
  requireElements(name, input, input.shape.length === 0 ? [] : [d]);
  input.live(name);
  const kept = input.shape.map((size, i) => (i === d ? 1 : size));
  const outputs = [
    { shape: kept, dt: input.dt },
    { shape: kept, dt: Code.int64 },
  ];
  const [values, indices] = launch.runMany(name, code(kernel), [input], outputs, [d, ...attrs]) as [Tensor, Tensor];
  if (recorded(input)) recordPicked(name, input, values, indices, d, true);
  return keepdim || input.shape.length === 0
    ? named({ values, indices })
    : named({ values: values.squeeze(d), indices: indices.squeeze(d) });
}

/** The k-th smallest element along `dim`, and where it is. @param k from 1 @param dim default -1 */
export const kthvalue: (input: Tensor, k: number, dim?: number | DimOptions, keepdim?: boolean | { keepdim?: boolean }) => ValuesIndices =
  op(
    "kthvalue",
    "input: tensor, k: int, dim: dim = -1, keepdim: bool = false",
    (input: Tensor, k: number, dim: number, keepdim: boolean) => {
      const size = input.shape[wrapDim("kthvalue", dim, input.shape.length)] ?? 1;
      if (k < 1 || k > size) throw new ValueError({ op: "kthvalue", argument: "k", expected: `in [1, ${size}]`, got: String(k) });
      return picked("kthvalue", "kthvalue", input, dim, keepdim, [k]);
    },
  );

interface Median {
  (input: Tensor, options?: { dim?: null }): Tensor;
  (input: Tensor, dim: number, keepdim?: boolean | { keepdim?: boolean }): ValuesIndices;
  (input: Tensor, options: { dim: number; keepdim?: boolean }): ValuesIndices;
}

function medianOf(name: "median" | "nanmedian"): Median {
  const ignoreNan = name === "nanmedian" ? 1 : 0;
  const whole = (input: Tensor): Tensor => {
    const flat = input.detach().reshape(-1);
    if (input.dt === Code.bool) throw new DTypeError({ op: name, argument: "input", expected: "a dtype other than bool", got: "bool" });
    // Of no elements, NaN: what a cast makes of it for integers.
    const none = (): Tensor => launch.empty(name, [], Code.float64, input.dev).fill_(NaN).to(input.dtype);
    const out = flat.numel() === 0 ? none() : picked("median", name, flat, 0, false, [ignoreNan]).values;
    if (!recorded(input)) return out;
    return record(name, out, [input], [input, out], ([g], node) => {
      const x = node.tensor(0);
      const winners = x.eq(node.tensor(1)).logicalOr(x.isnan().logicalAnd(node.tensor(1).isnan()));
      return [winners.mul(g!.div(winners.sum()))];
    });
  };
  const body = (input: Tensor, dim: number | null, keepdim: boolean): unknown =>
    dim === null ? whole(input) : picked("median", name, input, dim, keepdim, [ignoreNan]);
  return op<Median>(name, "input: tensor, dim: dim? = null, keepdim: bool = false", body as never);
}
/** The median of all elements, the lower of two; with `dim` also where it is. NaN wins. */
export const median = medianOf("median");
/** As {@link median}, ignoring NaN. */
export const nanmedian = medianOf("nanmedian");

/** The most frequent element along `dim` (the least of several), and one of its places. @param dim default -1 */
export const mode: (input: Tensor, dim?: number | DimOptions, keepdim?: boolean | { keepdim?: boolean }) => ValuesIndices = op(
  "mode",
  "input: tensor, dim: dim = -1, keepdim: bool = false",
  (input: Tensor, dim: number, keepdim: boolean) => picked("mode", "mode", input, dim, keepdim, []),
);

export interface QuantileOptions {
  dim?: number | null;
  keepdim?: boolean;
  /** What lies between two elements. Default "linear". */
  interpolation?: Interpolation;
}
type Interpolation = "linear" | "lower" | "higher" | "midpoint" | "nearest";
type Quantile = (
  input: Tensor,
  q: Tensor | number,
  dim?: number | null | QuantileOptions,
  keepdim?: boolean | QuantileOptions,
  options?: QuantileOptions,
) => Tensor;

function quantileOf(name: "quantile" | "nanquantile"): Quantile {
  return op<Quantile>(
    name,
    "input: tensor, q: any, dim: dim? = null, keepdim: bool = false, *, interpolation: linear|lower|higher|midpoint|nearest = linear",
    (input: Tensor, q: unknown, dim: number | null, keepdim: boolean, interpolation: Interpolation) => {
      if (input.dt !== Code.float32 && input.dt !== Code.float64)
        throw new DTypeError({ op: name, argument: "input", expected: "float32 or float64", got: input.dtype });
      if (input.numel() === 0) throw new ValueError({ op: name, argument: "input", expected: "at least one element", got: "none" });
      const levels = levelsOf(name, input, q);
      const flat = dim === null ? input.reshape(-1) : input;
      const d = wrapDim(name, dim ?? 0, flat.shape.length);
      const lines = flat.shape.length === 0 ? flat.reshape(1) : flat.movedim(d, -1);
      const values = atRanks(lines, levels.reshape(-1), interpolation, name === "nanquantile");
      // [.., Q] -> [Q, ..] or, for one level, [..]; reduced dims of size 1 come back on request.
      const rest = flat.shape.filter((_, i) => i !== d);
      const kept = keepdim ? (dim === null ? input.shape.map(() => 1) : input.shape.map((size, i) => (i === d ? 1 : size))) : rest;
      const moved = values.movedim(-1, 0);
      return moved.reshape([...(levels.shape.length === 0 ? [] : [levels.numel()]), ...kept]);
    },
  );
}

function levelsOf(name: string, input: Tensor, q: unknown): Tensor {
  if (!(q instanceof Tensor) && typeof q !== "number")
    throw new ValueError({ op: name, argument: "q", expected: "a number or a Tensor", got: describe(q) });
  const levels = q instanceof Tensor ? q : launch.empty(name, [], input.dt, input.dev).fill_(q);
  if (levels.shape.length > 1) throw new ValueError({ op: name, argument: "q", expected: "a number or a vector", got: describe(levels) });
  if (levels.dt !== input.dt) throw new DTypeError({ op: name, argument: "q", expected: input.dtype, got: levels.dtype });
  if (!levels.detach().ge(0).logicalAnd(levels.detach().le(1)).all().item())
    throw new ValueError({ op: name, argument: "q", expected: "in [0, 1]", got: q instanceof Tensor ? "others" : String(q) });
  return levels;
}

/** Elements of each line at fractional ranks q (n - 1): [.., n], [Q] -> [.., Q]. A line with NaN answers NaN, unless NaN is ignored. */
function atRanks(lines: Tensor, q: Tensor, interpolation: Interpolation, ignoreNan: boolean): Tensor {
  const { values } = lines.sort(-1);
  const size = lines.shape.at(-1)!;
  const nans = lines.detach().isnan();
  const count = nans.logicalNot().sum(-1, true).to(q.dtype);
  // Ignoring NaN, the last ranks are those of numbers; else a line with NaN is read at its end, where NaN is.
  const line = count.sub(1).clamp(0).mul(q);
  const plain = q.mul(size - 1).expand(line.shape);
  const ranks = ignoreNan ? line : where(nans.any(-1, true), size - 1, plain);
  const rounded = interpolation === "lower" ? ranks.floor() : interpolation === "higher" ? ranks.ceil() : interpolation === "nearest" ? ranks.round() : ranks; // prettier-ignore
  const below = rounded.detach().floor().to("int64");
  const low = values.gather(-1, below);
  if (interpolation !== "linear" && interpolation !== "midpoint") return low;
  const above = values.gather(-1, rounded.detach().ceil().to("int64"));
  const weight = interpolation === "midpoint" ? ranks.detach().mul(0).add(0.5) : ranks.sub(below);
  return low.lerp(above, weight);
}
/** The q-quantiles along `dim` (or of all elements); NaN where there is one. float32 and float64. */
export const quantile = quantileOf("quantile");
/** As {@link quantile}, ignoring NaN. */
export const nanquantile = quantileOf("nanquantile");
