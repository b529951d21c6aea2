/** Functions of one tensor, element by element. */
import { isComplex, isIntegral } from "../tensor/dtype.js";
import { DTypeError } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { modulus } from "./complex.js";
import { op } from "./define.js";
import { fromResult } from "./in-place.js";
import { inPlaceForms, unary, unaryAttr, type Unary } from "./pointwise.js";
import { polygamma } from "./polygamma.js";
import { bind, parseSignature } from "./schema.js";
import { where } from "./ternary.js";

/** An op that means something else for complex inputs. */
function ofComplex(plain: Unary, meaning: Unary): Unary {
  return (input, ...rest) => (input instanceof Tensor && isComplex(input.dt) && rest.length === 0 ? meaning(input) : plain(input, ...rest));
}

/** The part of g / |z| at a right angle to z; 0 at 0. */
function sgnGrad(g: Tensor, z: Tensor): Tensor {
  const [length, direction] = [z.abs(), z.sgn()];
  const along = direction.mul(g.mul(direction.conj()).real);
  return where(length.eq(0), 0, g.sub(along).div(length));
}

const twoOverSqrtPi = 2 / Math.sqrt(Math.PI);

/** Absolute value of each element. `input`: any dtype, shape [*]. @example abs(tensor([-1, 2])) // [1., 2.] */
export const abs: Unary = ofComplex(unary("abs", { result: "same", refuseBool: true, grad: (g, x) => g.mul(x.sign()) }), modulus);
/** Negated elements. `input`: any dtype but bool, shape [*]. @example neg(tensor([1, -2])) // [-1., 2.] */
export const neg: Unary = unary("neg", { result: "same", refuseBool: true, grad: (g) => g.neg(), saves: "none" });
/** The elements themselves (torch.positive). Shape [*]. */
export const positive: Unary = unary("positive", { result: "same", refuseBool: true, grad: (g) => g, saves: "none" });
/** -1, 0 or 1 by sign; 0 for NaN. Any dtype, shape [*]. */
export const sign: Unary = unary("sign", { result: "same", grad: "zero" });
/** As {@link sign}; of a complex number the one of modulus 1 in its direction. Shape [*]. */
export const sgn: Unary = unary("sgn", { result: "same", grad: (g, x) => (isComplex(x.dt) ? sgnGrad(g, x.conj()) : g.mul(0)) });
/** Rounds up. Integers are returned unchanged. Shape [*]. */
export const ceil: Unary = unary("ceil", { result: "same", refuseBool: true, grad: "zero" });
/** Rounds down. Integers are returned unchanged. Shape [*]. */
export const floor: Unary = unary("floor", { result: "same", refuseBool: true, grad: "zero" });
const toInteger: Unary = unary("round", { result: "same", refuseBool: true, grad: "zero" });
const toIntegerInto = inPlaceForms.get("round_") as unknown as Unary;
type Round = (input: Tensor, options?: { decimals?: number | null }) => Tensor;
const roundSignature = "input: tensor, *, decimals: int? = null";
/** Rounds to the nearest integer, or to `decimals` places (negative: tens, hundreds ...); ties to even. Shape [*]. */
export const round: Round = op(
  "round",
  roundSignature,
  (input: Tensor, decimals: number | null) => (decimals === null ? toInteger(input) : toDecimals(input, decimals)),
  { inPlace: true },
);
inPlaceForms.set("round_", (...args: unknown[]) => {
  const [target, decimals] = bind("round_", parseSignature(roundSignature), args) as [Tensor, number | null];
  if (decimals === null) return toIntegerInto(target);
  return fromResult("round_", target, [], (before) => toDecimals(before, decimals));
});
function toDecimals(input: Tensor, decimals: number): Tensor {
  if (isIntegral(input.dt) || isComplex(input.dt))
    throw new DTypeError({ op: "round", argument: "input", expected: "a real floating dtype for decimals", got: input.dtype });
  if (decimals === 0) return toInteger(input);
  const unit = 10 ** Math.abs(decimals);
  return decimals > 0 ? toInteger(input.mul(unit)).div(unit) : toInteger(input.div(unit)).mul(unit);
}
/** Drops the fraction. Shape [*]. */
export const trunc: Unary = unary("trunc", { result: "same", refuseBool: true, grad: "zero" });
/** As {@link trunc} (torch.fix). Shape [*]. */
export const fix: Unary = unary("fix", { kernel: "trunc", result: "same", refuseBool: true, grad: "zero" });
/** The fraction with the sign of the element. Floating dtypes, shape [*]. */
export const frac: Unary = unary("frac", { result: "same", refuseBool: true, grad: (g) => g, saves: "none" });

/** e^x. Integers give the default float. Shape [*]. @example exp(tensor([0, 1])) // [1., 2.7183] */
export const exp: Unary = unary("exp", { grad: (g, y) => g.mul(y), saves: "output" });
/** 2^x. Shape [*]. */
export const exp2: Unary = unary("exp2", { grad: (g, y) => g.mul(y).mul(Math.LN2), saves: "output" });
/** e^x - 1, accurate near 0. Shape [*]. */
export const expm1: Unary = unary("expm1", { grad: (g, y) => g.mul(y.add(1)), saves: "output" });
/** Natural logarithm. Shape [*]. @example log(tensor([1, Math.E])) // [0., 1.] */
export const log: Unary = unary("log", { grad: (g, x) => g.div(x) });
/** Base-2 logarithm. Shape [*]. */
export const log2: Unary = unary("log2", { grad: (g, x) => g.div(x.mul(Math.LN2)) });
/** Base-10 logarithm. Shape [*]. */
export const log10: Unary = unary("log10", { grad: (g, x) => g.div(x.mul(Math.LN10)) });
/** log(1 + x), accurate near 0. Shape [*]. */
export const log1p: Unary = unary("log1p", { grad: (g, x) => g.div(x.add(1)) });
/** Square root. Shape [*]. @example sqrt(tensor([4, 2])) // [2., 1.4142] */
export const sqrt: Unary = unary("sqrt", { grad: (g, y) => g.div(y.mul(2)), saves: "output" });
/** 1 / sqrt(x). Shape [*]. */
export const rsqrt: Unary = unary("rsqrt", { grad: (g, y) => g.mul(y.pow(3)).mul(-0.5), saves: "output" });
/** 1 / x. Shape [*]. */
export const reciprocal: Unary = unary("reciprocal", { grad: (g, y) => g.mul(y.square()).neg(), saves: "output" });
/** x * x. Shape [*]. */
export const square: Unary = unary("square", { result: "number", grad: (g, x) => g.mul(x).mul(2) });

/** Sine (radians). Shape [*]. @example sin(tensor([0])) // [0.] */
export const sin: Unary = unary("sin", { grad: (g, x) => g.mul(x.cos()) });
/** Cosine (radians). Shape [*]. */
export const cos: Unary = unary("cos", { grad: (g, x) => g.mul(x.sin()).neg() });
/** Tangent (radians). Shape [*]. */
export const tan: Unary = unary("tan", { grad: (g, y) => g.mul(y.square().add(1)), saves: "output" });
/** sin(pi x) / (pi x), and 1 at 0. Shape [*]. */
export const sinc: Unary = ofComplex(
  unary("sinc", {
    grad: (g, x) => {
      const turned = x.mul(Math.PI);
      const slope = turned.cos().mul(turned).sub(turned.sin()).div(turned.mul(x));
      return where(x.eq(0), 0, g.mul(slope));
    },
  }),
  (input) => {
    const turned = where(input.eq(0), 1, input.mul(Math.PI)); // 0 / 0 would make the gradient NaN
    return where(input.eq(0), 1, turned.sin().div(turned));
  },
);
const realSincInto = inPlaceForms.get("sinc_") as unknown as Unary;
inPlaceForms.set("sinc_", (target: Tensor) => {
  if (!(target instanceof Tensor && isComplex(target.dt))) return realSincInto(target);
  return fromResult("sinc_", target, [], (before) => sinc(before));
});
/** Inverse sine, in radians. Shape [*]. */
export const asin: Unary = unary("asin", { grad: (g, x) => g.mul(x.square().neg().add(1).rsqrt()) });
/** Inverse cosine, in radians. Shape [*]. */
export const acos: Unary = unary("acos", { grad: (g, x) => g.mul(x.square().neg().add(1).rsqrt()).neg() });
/** Inverse tangent, in radians. Shape [*]. */
export const atan: Unary = unary("atan", { grad: (g, x) => g.div(x.square().add(1)) });
/** Hyperbolic sine. Shape [*]. */
export const sinh: Unary = unary("sinh", { grad: (g, x) => g.mul(x.cosh()) });
/** Hyperbolic cosine. Shape [*]. */
export const cosh: Unary = unary("cosh", { grad: (g, x) => g.mul(x.sinh()) });
/** Hyperbolic tangent. Shape [*]. @example tanh(tensor([0, 1])) // [0., 0.7616] */
export const tanh: Unary = unary("tanh", { grad: (g, y) => g.tanhBackward(y), saves: "output" });
/** Inverse hyperbolic sine. Shape [*]. */
export const asinh: Unary = unary("asinh", { inPlaceGrad: "none", grad: (g, x) => g.mul(x.square().add(1).rsqrt()) });
/** Inverse hyperbolic cosine. Shape [*]. */
export const acosh: Unary = unary("acosh", {
  inPlaceGrad: "none",
  // Two roots: the branch cut of one root of z^2 - 1 lies elsewhere.
  grad: (g, x) => g.mul(isComplex(x.dt) ? x.sub(1).rsqrt().mul(x.add(1).rsqrt()) : x.square().sub(1).rsqrt()),
});
/** Inverse hyperbolic tangent. Shape [*]. */
export const atanh: Unary = unary("atanh", { inPlaceGrad: "none", grad: (g, x) => g.div(x.square().neg().add(1)) });

/** 1 / (1 + e^-x). Shape [*]. @example sigmoid(tensor([0])) // [0.5] */
export const sigmoid: Unary = unary("sigmoid", { grad: (g, y) => g.sigmoidBackward(y), saves: "output" });
/** log(sigmoid(x)), without overflow. Shape [*]. */
export const logsigmoid: Unary = unary("logsigmoid", {
  kernel: "logSigmoid",
  refuseIntegers: true,
  grad: (g, x) => g.mul(x.neg().sigmoid()),
});
/** The error function. Shape [*]. */
export const erf: Unary = unary("erf", { grad: (g, x) => g.mul(x.square().neg().exp()).mul(twoOverSqrtPi) });
/** 1 - erf(x), accurate for large x. Shape [*]. */
export const erfc: Unary = unary("erfc", { grad: (g, x) => g.mul(x.square().neg().exp()).mul(-twoOverSqrtPi) });
/** The inverse of {@link erf} on (-1, 1). Shape [*]. */
export const erfinv: Unary = unary("erfinv", { grad: (g, y) => g.mul(y.square().exp()).div(twoOverSqrtPi), saves: "output" });
/** log|Gamma(x)|. Shape [*]. */
export const lgamma: Unary = unary("lgamma", { grad: (g, x) => g.mul(x.digamma()) });
/** The derivative of {@link lgamma}. Shape [*]. */
export const digamma: Unary = unary("digamma", { grad: (g, x) => g.mul(polygamma(1, x)) });
/** Degrees to radians. Shape [*]. */
export const deg2rad: Unary = unary("deg2rad", { grad: (g) => g.mul(Math.PI / 180), saves: "none" });
/** Radians to degrees. Shape [*]. */
export const rad2deg: Unary = unary("rad2deg", { grad: (g) => g.mul(180 / Math.PI), saves: "none" });

/** True where the element is NaN. Shape [*], bool. */
export const isnan: Unary = unary("isnan", { result: "bool", grad: null });
/** True where the element is infinite. Shape [*], bool. */
export const isinf: Unary = unary("isinf", { result: "bool", grad: null });
/** True where the element is neither NaN nor infinite. Shape [*], bool. */
export const isfinite: Unary = unary("isfinite", { result: "bool", grad: null });
/** True where the element is +Infinity. Shape [*], bool. */
export const isposinf: Unary = unary("isposinf", { result: "bool", grad: null });
/** True where the element is -Infinity. Shape [*], bool. */
export const isneginf: Unary = unary("isneginf", { result: "bool", grad: null });
/** True where the element is zero. Shape [*], bool. */
export const logicalNot: Unary = unary("logicalNot", { result: "bool", grad: null, history: "kept" });
/** Every bit flipped; integers and bool. Shape [*]. */
export const bitwiseNot: Unary = unary("bitwiseNot", { result: "same", grad: null });

/** max(x, 0). Shape [*]. @example relu(tensor([-1, 2])) // [0., 2.] */
export const relu: Unary = unary("relu", { result: "same", refuseBool: true, grad: (g, y) => g.reluBackward(y), saves: "output" });
/** x * sigmoid(x), also called swish. Shape [*]. */
export const silu: Unary = unary("silu", { refuseIntegers: true, grad: (g, x) => g.siluBackward(x) });
/** x * tanh(softplus(x)). Shape [*]. */
export const mish: Unary = unary("mish", {
  refuseIntegers: true,
  grad: (g, x) => {
    const t = softplusOf(x).tanh();
    return g.mul(t.add(x.mul(x.sigmoid()).mul(t.square().neg().add(1))));
  },
});
/** x * clamp(x + 3, 0, 6) / 6. Shape [*]. */
export const hardswish: Unary = unary("hardswish", {
  refuseIntegers: true,
  grad: (g, x) => g.mul(where(x.le(-3), 0, where(x.ge(3), 1, x.div(3).add(0.5)))),
});
/** clamp(x + 3, 0, 6) / 6. Shape [*]. */
export const hardsigmoid: Unary = unary("hardsigmoid", { refuseIntegers: true, grad: (g, x) => g.mul(x.abs().lt(3)).div(6) });

const softplusOf = (x: Tensor): Tensor => x.clamp(0).add(x.abs().neg().exp().log1p());

/**
 * max(x, 0) + negativeSlope * min(x, 0) (torch.nn.functional.leaky_relu). Shape [*].
 * @param negativeSlope default 0.01
 */
export const leakyRelu: (input: Tensor, negativeSlope?: number | { negativeSlope?: number }) => Tensor = unaryAttr(
  "leakyRelu",
  "input: tensor, negativeSlope: float = 0.01",
  { grad: (g, x, slope) => g.leakyReluBackward(x, slope) },
);
/** x where positive, alpha * (e^x - 1) elsewhere. Shape [*]. @param alpha default 1 */
export const elu: (input: Tensor, alpha?: number | { alpha?: number }) => Tensor = unaryAttr("elu", "input: tensor, alpha: float = 1.0", {
  grad: (g, x, alpha) => g.mul(where(x.gt(0), 1, x.clamp({ max: 0 }).exp().mul(alpha))),
});
/** log(1 + e^(beta x)) / beta; linear above `threshold`. Shape [*]. @param beta default 1 @param threshold default 20 */
export const softplus: (
  input: Tensor,
  beta?: number | { beta?: number; threshold?: number },
  threshold?: number | { threshold?: number },
) => Tensor = unaryAttr("softplus", "input: tensor, beta: float = 1.0, threshold: float = 20.0", {
  kernel: "softplusBeta",
  grad: (g, x, beta, threshold) => g.mul(where(x.mul(beta).gt(threshold), 1, x.mul(beta).sigmoid())),
});
/** Clamps to [minVal, maxVal]. Shape [*]. @param minVal default -1 @param maxVal default 1 */
export const hardtanh: (
  input: Tensor,
  minVal?: number | { minVal?: number; maxVal?: number },
  maxVal?: number | { maxVal?: number },
) => Tensor = unaryAttr("hardtanh", "input: tensor, minVal: float = -1.0, maxVal: float = 1.0", {
  result: "same",
  grad: (g, x, lo, hi) => g.mul(x.gt(lo).logicalAnd(x.lt(hi))),
  check: (lo, hi) => (lo <= hi ? null : { argument: "minVal", expected: `at most maxVal ${hi}`, got: String(lo) }),
});
/** x where x > threshold, `value` elsewhere. Shape [*]. */
export const threshold: (input: Tensor, threshold: number, value: number) => Tensor = unaryAttr(
  "threshold",
  "input: tensor, threshold: float, value: float",
  { result: "same", grad: (g, x, limit) => g.mul(x.le(limit).logicalNot()) },
);
