/** Differences and integrals along a dim: diff, trapezoid, cumulativeTrapezoid. */
import { Code } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError } from "../tensor/errors.js";
import { wrapDim } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { zeros } from "./creation.js";
import { op } from "./define.js";
import { cat } from "./joining.js";
import { toFloat } from "./representation.js";

export interface DiffOptions {
  n?: number;
  dim?: number;
  /** Joined before input along dim. */
  prepend?: Tensor | null;
  /** Joined after input along dim. */
  append?: Tensor | null;
}

/** The n-th differences of neighbours along `dim`; of bools where they differ. @param n default 1 @param dim default -1 */
export const diff: (
  input: Tensor,
  n?: number | DiffOptions,
  dim?: number | DiffOptions,
  prepend?: Tensor | null | DiffOptions,
  append?: Tensor | null | DiffOptions,
) => Tensor = op(
  "diff",
  "input: tensor, n: int = 1, dim: dim = -1, prepend: tensor? = null, append: tensor? = null",
  (input: Tensor, n: number, dim: number, prepend: Tensor | null, append: Tensor | null) => {
    if (input.shape.length === 0) throw new ShapeError({ op: "diff", argument: "input", expected: "at least 1 dim", got: "a 0-d tensor" });
    if (n < 0) throw new ValueError({ op: "diff", argument: "n", expected: "at least 0", got: String(n) });
    const d = wrapDim("diff", dim, input.shape.length);
    const parts = [prepend, input, append].filter((part) => part !== null);
    let out = parts.length === 1 ? input : cat(parts, d);
    if (n === 0) return input.clone();
    const times = Math.min(n, out.shape[d]!);
    for (let i = 0; i < times; i++) {
      const length = Math.max(0, out.shape[d]! - 1);
      const [after, before] = [out.narrow(d, out.shape[d]! - length, length), out.narrow(d, 0, length)];
      out = out.dt === Code.bool ? after.logicalXor(before) : after.sub(before);
    }
    return out;
  },
);

export interface TrapezoidOptions {
  x?: Tensor | null;
  /** The distance of neighbours. Default 1. */
  dx?: number;
  dim?: number;
}
type Trapezoid = (y: Tensor, x?: Tensor | null | TrapezoidOptions, options?: TrapezoidOptions) => Tensor;

function requireNumbers(name: string, y: Tensor, x: Tensor | null): void {
  if (y.dt === Code.bool || x?.dt === Code.bool)
    throw new DTypeError({ op: name, argument: y.dt === Code.bool ? "y" : "x", expected: "a dtype other than bool", got: "bool" });
}

/** The areas between neighbours along `dim`: width * (left + right) / 2; of points in x twice that, so that integers stay whole. */
function areas(name: string, y: Tensor, x: Tensor | null, dx: number, d: number): Tensor {
  const size = y.shape[d]!;
  const length = Math.max(0, size - 1);
  const sides = y.narrow(d, size - length, length).add(y.narrow(d, 0, length));
  if (x === null) return toFloat(sides).mul(dx / 2);
  if (x.shape.length === 0) throw new ShapeError({ op: name, argument: "x", expected: "at least 1 dim", got: "a 0-d tensor" });
  const points = x.shape.length === 1 ? x.shape[0] : x.shape[d];
  if (points !== size) throw new ShapeError({ op: name, argument: "x", expected: `${size} points along dim ${d}`, got: String(points) });
  const widths = x.shape.length === 1 ? x.diff().reshape([...y.shape.slice(d).map((_, i) => (i === 0 ? length : 1))]) : x.diff({ dim: d });
  return sides.mul(widths);
}

const trapezoidSignature = "y: tensor, x: tensor? = null, *, dx: float = 1.0, dim: dim = -1";

/** The integral of y over x (or over points dx apart) along `dim`, by the trapezoidal rule. */
export const trapezoid: Trapezoid = op(
  "trapezoid",
  trapezoidSignature,
  (y: Tensor, x: Tensor | null, dx: number, dim: number) => {
    const d = wrapDim("trapezoid", dim, y.shape.length);
    requireNumbers("trapezoid", y, x);
    if (x !== null && y.shape[d] === 0)
      return zeros(
        y.shape.filter((_, i) => i !== d),
        { dtype: y.dtype, device: y.device },
      );
    if (x !== null) return areas("trapezoid", y, x, dx, d).sum(d).div(2);
    if (y.shape[d] === 0) return y.detach().sum(d).to(y.dtype);
    // The sum of all without half the ends, as torch counts: a single infinity leaves NaN, not 0.
    const ends = y.select(d, 0).add(y.select(d, -1));
    return toFloat(y.sum(d)).sub(ends.mul(0.5)).mul(dx);
  },
  { method: false },
);
/** As {@link trapezoid}. */
export const trapz: Trapezoid = op(
  "trapz",
  trapezoidSignature,
  (y: Tensor, x: Tensor | null, dx: number, dim: number) => trapezoid(y, { x, dx, dim }),
  { method: false },
);
/** The running integral of y: one element fewer along `dim`. */
export const cumulativeTrapezoid: Trapezoid = op(
  "cumulativeTrapezoid",
  trapezoidSignature,
  (y: Tensor, x: Tensor | null, dx: number, dim: number) => {
    requireNumbers("cumulativeTrapezoid", y, x);
    const sums = areas("cumulativeTrapezoid", y, x, dx, wrapDim("cumulativeTrapezoid", dim, y.shape.length)).cumsum(dim);
    return x === null ? sums : sums.div(2);
  },
  { method: false },
);
