/** Counting elements by value: bincount, histc, histogram. */
import { Code, isFloating, isIntegral } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { linspace, zeros } from "./creation.js";
import { noDerivative, op, record, recorded } from "./define.js";
import { named, type Named } from "./named.js";
import { searchsorted } from "./searching.js";
import { where } from "./ternary.js";

/** How often each of 0..max occurs in a vector of integers; with `weights` their sums. @param minlength default 0 */
export const bincount: (
  input: Tensor,
  weights?: Tensor | null | { weights?: Tensor | null; minlength?: number },
  minlength?: number | { minlength?: number },
) => Tensor = op(
  "bincount",
  "input: tensor, weights: tensor? = null, minlength: int = 0",
  (input: Tensor, weights: Tensor | null, minlength: number) => {
    if (!isIntegral(input.dt) || input.dt === Code.bool)
      throw new DTypeError({ op: "bincount", argument: "input", expected: "an integer dtype", got: input.dtype });
    if (input.shape.length !== 1)
      throw new ShapeError({ op: "bincount", argument: "input", expected: "1-d", got: formatShape(input.shape) });
    if (minlength < 0) throw new ValueError({ op: "bincount", argument: "minlength", expected: "at least 0", got: String(minlength) });
    if (weights !== null && (weights.shape.length !== 1 || weights.shape[0] !== input.shape[0]))
      throw new ShapeError({
        op: "bincount",
        argument: "weights",
        expected: `of shape ${formatShape(input.shape)}`,
        got: formatShape(weights.shape),
      });
    const empty = input.numel() === 0;
    if (!empty && Number(input.amin().item()) < 0)
      throw new ValueError({ op: "bincount", argument: "input", expected: "integers of at least 0", got: String(input.amin().item()) });
    const size = Math.max(minlength, empty ? 0 : Number(input.amax().item()) + 1);
    const dtype = weights === null || empty ? "int64" : weights.dtype === "float32" ? "float32" : "float64";
    const parts = weights === null || empty ? zeros(input.numel(), { dtype }).add(1) : weights.detach().to(dtype);
    return zeros(size, { dtype }).indexAdd(0, input.to("int64"), parts);
  },
  { differentiable: false },
);

/** The bounds of a histogram: given, or those of the elements when both are equal; `around` widens what is still equal. */
function boundsOf(name: string, input: Tensor, lo: number, hi: number, around: number): [number, number] {
  if (lo > hi || !Number.isFinite(lo) || !Number.isFinite(hi))
    throw new ValueError({ op: name, argument: "max", expected: "finite bounds, min not above max", got: `${lo} and ${hi}` });
  let [min, max] = [lo, hi];
  if (min === max && input.numel() > 0) [min, max] = [Number(input.amin().item()), Number(input.amax().item())];
  if (!Number.isFinite(min) || !Number.isFinite(max))
    throw new ValueError({ op: name, argument: "input", expected: "finite elements, or bounds", got: `${min} to ${max}` });
  return min === max ? [min - around, max + around] : [min, max];
}

export interface HistcOptions {
  bins?: number;
  /** Lowest value counted; with max equal, the range of the elements. Default 0. */
  min?: number;
  max?: number;
}
/** Counts of elements in `bins` equal bins of [min, max], in input's dtype. Shape [bins]. @param bins default 100 */
export const histc: (input: Tensor, bins?: number | HistcOptions, min?: number | HistcOptions, max?: number | HistcOptions) => Tensor = op(
  "histc",
  "input: tensor, bins: int = 100, min: float = 0.0, max: float = 0.0",
  (given: Tensor, bins: number, min: number, max: number) => {
    if (!isFloating(given.dt)) throw new DTypeError({ op: "histc", argument: "input", expected: "a floating dtype", got: given.dtype });
    if (bins < 1) throw new ValueError({ op: "histc", argument: "bins", expected: "at least 1", got: String(bins) });
    const input = given.detach().reshape(-1);
    const [lo, hi] = boundsOf("histc", input, min, max, 1);
    const inside = input.ge(lo).logicalAnd(input.le(hi));
    const place = where(inside, input, lo).sub(lo).mul(bins).div(hi - lo).to("int64").clamp(0, bins - 1); // prettier-ignore
    return zeros(bins, { dtype: given.dtype }).indexAdd(0, place, inside.to(given.dtype));
  },
  { differentiable: false },
);

export interface HistogramOptions {
  /** The outer edges; default those of the elements. */
  range?: readonly [number, number] | null;
  /** One factor an element. */
  weight?: Tensor | null;
  /** Divides by the whole and the widths of bins, so that the integral is 1. Default false. */
  density?: boolean;
}
/** Counts in bins, and the edges of the bins; `bins` is a number of equal bins or a vector of ascending edges. */
export const histogram: (
  input: Tensor,
  bins?: number | Tensor | HistogramOptions,
  options?: HistogramOptions,
) => Named<{ hist: Tensor; binEdges: Tensor }> = op(
  "histogram",
  "input: tensor, bins: any = 100, *, range: any? = null, weight: tensor? = null, density: bool = false",
  (given: Tensor, bins: unknown, range: readonly number[] | null, weight: Tensor | null, density: boolean) => {
    const half = given.dt === Code.float16 || given.dt === Code.bfloat16;
    if (half && (bins instanceof Tensor || range !== null || given.numel() === 0)) {
      const edges = edgesOf(given, bins, range);
      const wide = histogram(given.float(), edges.float(), { weight: weight?.float() ?? null, density });
      return named({ hist: wide.hist.to(given.dtype), binEdges: edges });
    }
    if (given.dt !== Code.float32 && given.dt !== Code.float64)
      throw new DTypeError({ op: "histogram", argument: "input", expected: "float32 or float64", got: given.dtype });
    const input = given.detach().reshape(-1);
    const edges = edgesOf(input, bins, range);
    const count = edges.numel() - 1;
    const values = weight === null ? input.mul(0).nanToNum().add(1) : weight.detach().reshape(-1);
    if (values.numel() !== input.numel() || values.dt !== input.dt)
      throw new ValueError({
        op: "histogram",
        argument: "weight",
        expected: "one factor an element, of input's dtype",
        got: describe(weight),
      });
    const inside = input.ge(edges.at(0)).logicalAnd(input.le(edges.at(-1)));
    const place = searchsorted(edges, input, { right: true })
      .sub(1)
      .clamp(0, count - 1);
    const hist = zeros(count, { dtype: given.dtype }).indexAdd(0, place, where(inside, values, 0).to(given.dtype));
    const counts = density ? hist.div(edges.diff()).div(hist.sum()) : hist;
    // As torch: counts belong to the graph, but nothing goes back from them.
    if (recorded(given)) record("histogram", counts, [given], [], noDerivative("histogram"));
    return named({ hist: counts, binEdges: edges });
  },
  { differentiable: false },
);

function edgesOf(input: Tensor, bins: unknown, range: readonly number[] | null): Tensor {
  if (bins instanceof Tensor) {
    if (bins.shape.length !== 1 || bins.numel() < 2 || bins.dt !== input.dt || range !== null)
      throw new ValueError({
        op: "histogram",
        argument: "bins",
        expected: `a vector of edges of dtype ${input.dtype}, without range`,
        got: describe(bins),
      });
    return bins.detach();
  }
  if (typeof bins !== "number" || !Number.isInteger(bins) || bins < 1)
    throw new ValueError({
      op: "histogram",
      argument: "bins",
      expected: "an integer of at least 1, or a Tensor of edges",
      got: describe(bins),
    });
  if (range !== null && !(Array.isArray(range) && range.length === 2 && range.every((x) => typeof x === "number")))
    throw new ValueError({ op: "histogram", argument: "range", expected: "two numbers or null", got: describe(range) });
  const [min, max] = range ?? (input.numel() === 0 ? [0, 1] : [0, 0]);
  const [lo, hi] = boundsOf("histogram", input, min!, max!, 0.5);
  return linspace(lo, hi, bins + 1, { dtype: input.dtype });
}
