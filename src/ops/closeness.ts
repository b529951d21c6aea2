/** Equal, or nearly so: equal, isclose, allclose. */
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { op } from "./define.js";

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
