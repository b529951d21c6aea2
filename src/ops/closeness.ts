/** Equal, or nearly so: equal, isclose, allclose. */
import { Code } from "../tensor/dtype.js";
import { DTypeError, ValueError } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { op } from "./define.js";
import { toFloat } from "./representation.js";

/** True when both have the same shape and elements. */
export const equal: (input: Tensor, other: Tensor) => boolean = op(
  "equal",
  "input: tensor, other: tensor",
  (a: Tensor, b: Tensor) => sameShape(a.shape, b.shape) && a.eq(b).all().item<boolean>(),
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
/** True where |input - other| <= atol + rtol * |other|. Shapes broadcast, dtypes must be equal; bool. */
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
    requireTolerances(a, b, rtol, atol);
    if (a.dt === Code.bool) return a.eq(b);
    return near(a, b, rtol, atol, equalNan);
  },
  { differentiable: false },
);

function requireTolerances(a: Tensor, b: Tensor, rtol: number, atol: number): void {
  if (a.dt !== b.dt) throw new DTypeError({ op: "isclose", argument: "other", expected: a.dtype, got: b.dtype });
  for (const [argument, value] of Object.entries({ rtol, atol }))
    if (!(value >= 0)) throw new ValueError({ op: "isclose", argument, expected: "at least 0", got: String(value) });
}

function near(a: Tensor, b: Tensor, rtol: number, atol: number, equalNan: boolean): Tensor {
  // Differences of integers are taken as floating numbers: they would wrap.
  const [x, y] = [toFloat(a), toFloat(b)];
  const within = x.sub(y).abs().le(y.abs().mul(rtol).add(atol)).logicalAnd(y.isfinite());
  const same = a.eq(b).logicalOr(within);
  return equalNan ? same.logicalOr(a.isnan().logicalAnd(b.isnan())) : same;
}

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
  (a: Tensor, b: Tensor, rtol: number, atol: number, equalNan: boolean) => isclose(a, b, rtol, atol, equalNan).all().item<boolean>(),
  { differentiable: false },
);
