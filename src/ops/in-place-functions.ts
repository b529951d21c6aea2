/** In-place ops as functions, where torch has them: `abs_(x)` is `x.abs_()`. */
import type { Tensor } from "../tensor/tensor.js";
import "./methods.js";
import { inPlaceForms } from "./pointwise.js";
import { detachInPlace } from "./views.js";

type Names =
  | "abs" | "acos" | "acosh" | "addmv" | "arccos" | "arccosh" | "arcsin" | "arcsinh" | "arctan" | "arctanh" | "asStrided" | "asin" | "asinh" | "atan"
  | "atanh" | "ceil" | "clamp" | "clampMax" | "clampMin" | "clip" | "conjPhysical" | "cos" | "cosh" | "deg2rad" | "erf" | "erfc" | "exp" | "exp2"
  | "expm1" | "fill" | "fix" | "floor" | "frac" | "gcd" | "indexPut" | "lcm" | "ldexp" | "log" | "log10" | "log1p" | "log2" | "logit" | "nanToNum"
  | "neg" | "negative" | "rad2deg" | "reciprocal" | "relu" | "round" | "rsqrt" | "sigmoid" | "sin" | "sinc" | "sinh" | "sqrt" | "square" | "tan" | "tanh"
  | "trunc" | "xlogy" | "zero"; // prettier-ignore
type Functions = {
  readonly [K in `${Names}_`]: (input: Tensor, ...rest: Parameters<Tensor[K]>) => Tensor;
};

export const {
  abs_, acos_, acosh_, addmv_, arccos_, arccosh_, arcsin_, arcsinh_, arctan_, arctanh_, asStrided_, asin_, asinh_, atan_, atanh_, ceil_, clamp_,
  clampMax_, clampMin_, clip_, conjPhysical_, cos_, cosh_, deg2rad_, erf_, erfc_, exp_, exp2_, expm1_, fill_, fix_, floor_, frac_, gcd_, indexPut_,
  lcm_, ldexp_, log_, log10_, log1p_, log2_, logit_, nanToNum_, neg_, negative_, rad2deg_, reciprocal_, relu_, round_, rsqrt_, sigmoid_, sin_,
  sinc_, sinh_, sqrt_, square_, tan_, tanh_, trunc_, xlogy_, zero_,
}: Functions = Object.fromEntries(inPlaceForms) as never; // prettier-ignore

/** Cuts a tensor itself from its history. */
export const detach_ = detachInPlace;
