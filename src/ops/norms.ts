/** Norms of elements, and distances by them. */
import { Code, isComplex, isFloating, type DType } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, dimMask, reducedShape, wrapDim } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { op, record, recorded } from "./define.js";
import { withInPlace } from "./in-place.js";
import { where } from "./ternary.js";
import { dimsOf, requireElements, requireFloat, spread, type Dims, type TypedReduceOptions } from "./reduce.js";

const code = launch.codesOf("structured");

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
  "input: tensor, p: any? = 2, dim: dims? = null, keepdim: bool = false, dtype: dtype? = null",
  (given: Tensor, p: unknown, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
    const order = p === "fro" || p === null ? 2 : typeof p === "boolean" ? Number(p) : p;
    if (typeof order !== "number" || Number.isNaN(order))
      throw new ValueError({ op: "norm", argument: "p", expected: `a number or "fro"`, got: describe(p) });
    if (p === "fro" && dim !== null && dim.length > 2)
      throw new ValueError({ op: "norm", argument: "dim", expected: `at most two dims for "fro"`, got: formatShape(dim) });
    const input = dtype === null ? given : given.to(launch.dtypeName(dtype) as DType);
    if (!isFloating(input.dt) && !isComplex(input.dt)) requireFloat("norm", input);
    return vectorNorm("norm", input, order, dimsOf("norm", input, dim), keepdim);
  },
);

/** @internal */
export function vectorNorm(name: string, input: Tensor, p: number, dims: readonly number[], keepdim: boolean): Tensor {
  if (isComplex(input.dt)) return vectorNorm(name, input.abs(), p, dims, keepdim);
  input.live(name);
  if (p < 0 || p === Infinity) requireElements(name, input, dims);
  const out = launch.run(name, code("vectorNorm"), [input], reducedShape(input.shape, dims, keepdim), input.dt, [dimMask(dims), p]);
  if (!recorded(input)) return out;
  return record("norm", out, [input], [input, out], ([g], node) => {
    const x = node.tensor(0);
    const n = spread(node.tensor(1), x.shape, dims);
    return [normGrad(spread(g!, x.shape, dims), x, n, p, dims)];
  });
}

/** The p-norm of input - other, over all elements. Shapes broadcast. @param p default 2 */
export const dist: (input: Tensor, other: Tensor, p?: number | { p?: number }) => Tensor = op(
  "dist",
  "input: tensor, other: tensor, p: float = 2.0",
  (input: Tensor, other: Tensor, p: number) => {
    const difference = input.sub(other);
    if (!isFloating(difference.dt) && !isComplex(difference.dt)) requireFloat("dist", difference);
    // As torch: recorded, with no gradient.
    if (p === 0 && recorded(difference)) return record("dist", difference.detach().norm(0), [difference], [], () => [null]);
    return difference.norm(p);
  },
);

/** The pieces of `dim` scaled down to a p-norm of at most `maxnorm`. */
export const renorm: (input: Tensor, p: number, dim: number, maxnorm: number) => Tensor = withInPlace(
  "renorm",
  op("renorm", "input: tensor, p: float, dim: dim, maxnorm: float", (input: Tensor, p: number, dim: number, maxnorm: number) => {
    requireFloat("renorm", input);
    if (!(p > 0)) throw new ValueError({ op: "renorm", argument: "p", expected: "greater than 0", got: String(p) });
    if (!(maxnorm >= 0)) throw new ValueError({ op: "renorm", argument: "maxnorm", expected: "at least 0", got: String(maxnorm) });
    if (input.shape.length < 2)
      throw new ShapeError({ op: "renorm", argument: "input", expected: "at least 2 dims", got: formatShape(input.shape) });
    const d = wrapDim("renorm", dim, input.shape.length);
    const size = input.norm(p, input.shape.map((_, i) => i).filter((i) => i !== d), true); // prettier-ignore
    // 1e-7 keeps what was scaled within maxnorm after rounding, as in torch.
    return input.mul(where(size.gt(maxnorm), size.add(1e-7).reciprocal().mul(maxnorm), 1));
  }),
);

/** Distances of the rows of two stacks: [..,P,M], [..,R,M] -> [..,P,R]. @param p the norm, default 2 */
export const cdist: (
  input: Tensor,
  other: Tensor,
  p?: number | { p?: number; computeMode?: string | null },
  computeMode?: string | null | { computeMode?: string | null },
) => Tensor = op(
  "cdist",
  "x1: tensor, x2: tensor, p: float = 2.0, computeMode: use_mm_for_euclid_dist_if_necessary|use_mm_for_euclid_dist|donot_use_mm_for_euclid_dist? = null",
  (a: Tensor, b: Tensor, p: number) => {
    if (a.shape.length < 2 || b.shape.length < 2)
      throw new ShapeError({ op: "cdist", expected: "at least 2 dims each", got: `${formatShape(a.shape)} and ${formatShape(b.shape)}` });
    if (a.shape.at(-1) !== b.shape.at(-1))
      throw new ShapeError({ op: "cdist", expected: "x1[-1] to equal x2[-1]", got: `${formatShape(a.shape)} and ${formatShape(b.shape)}` });
    for (const [argument, x] of [
      ["x1", a],
      ["x2", b],
    ] as const)
      if (!isFloating(x.dt)) throw new DTypeError({ op: "cdist", argument, expected: "a real floating dtype", got: x.dtype });
    const nothing = [a, b].some((x) => x.shape.at(-2) === 0) || a.shape.at(-1) === 0;
    if (nothing) return noDistances(a, b);
    for (const x of [a, b]) {
      if (x.dt !== Code.float32 && x.dt !== Code.float64)
        throw new DTypeError({ op: "cdist", argument: x === a ? "x1" : "x2", expected: "float32 or float64", got: x.dtype });
    }
    if (a.dt !== b.dt) throw new DTypeError({ op: "cdist", argument: "x2", expected: a.dtype, got: b.dtype });
    if (!(p >= 0)) throw new ValueError({ op: "cdist", argument: "p", expected: "at least 0", got: String(p) });
    const difference = a.unsqueeze(-2).sub(b.unsqueeze(-3));
    // As torch: coordinates that tie for the largest each get the whole gradient, not a share.
    return p === Infinity && a.shape.at(-1) !== 0 ? largestOf(difference) : difference.norm(p, -1);
  },
  { method: false },
);

/** As torch: of no rows, or of rows without elements, in the first dtype, whatever the second. */
function noDistances(a: Tensor, b: Tensor): Tensor {
  const lead = broadcastShapes("cdist", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const out = launch.empty("cdist", [...lead, a.shape.at(-2)!, b.shape.at(-2)!], a.dt, a.dev).zero_();
  if (!recorded(a, b)) return out;
  const zeros = [a, b].map(
    ({ shape, dt, dev }) =>
      () =>
        launch.empty("cdist", shape, dt, dev).zero_(),
  );
  return record("cdist", out, [a, b], [], (_, node) => zeros.map((zero, i) => (node.needs(i) ? zero() : null)));
}

/** The largest modulus along the last dim; every one that ties gets the gradient. */
function largestOf(x: Tensor): Tensor {
  const out = x.detach().norm(Infinity, -1);
  if (!recorded(x)) return out;
  return record("cdist", out, [x], [x, out], ([g], node) => {
    const [given, most] = [node.tensor(0), node.tensor(1).unsqueeze(-1)];
    return [g!.unsqueeze(-1).mul(given.sign()).mul(given.abs().eq(most))];
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
  // Below 1 the slope at 0 is infinite; torch has 0 there.
  if (p < 1)
    return g
      .mul(x.sign())
      .mul(where(x.eq(0), 0, x.abs().pow(p - 1)))
      .mul(n.pow(1 - p));
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
