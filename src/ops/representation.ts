/** Floating numbers as they are represented: nextafter, ldexp, frexp; and steps and powers that fix the dtype. */
import { Code, category, defaultDtypeCode, isIntegral, type DType } from "../tensor/dtype.js";
import { DTypeError, ValueError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { eq, pow } from "./binary.js";
import { castTo, noDerivative, op, record, recorded, resultCode } from "./define.js";
import { fromResult, withInPlace } from "./in-place.js";
import { named, type Named } from "./named.js";
import { binary, inPlaceForms, scalarTensor, toInput, type Binary, type Unary } from "./pointwise.js";
import { bind, parseSignature } from "./schema.js";
import { where } from "./ternary.js";

const wideStep: Binary = binary("nextafter", {
  tensorsOnly: true,
  grad: [(g, a, b) => where(eq(a, b), 0, g), (g) => g.mul(0)],
  refuse: (code) => (category[code] === 2 ? null : "floating dtypes"),
});
const wideStepInto = inPlaceForms.get("nextafter_") as unknown as Binary;
const isHalf = (dt: number): boolean => dt === Code.float16 || dt === Code.bfloat16;
const isHalfStep = (a: unknown, b: unknown): boolean => a instanceof Tensor && b instanceof Tensor && isHalf(resultCode(a, b));

/** The next half number: a unit of its last place away, half of one where a power of two steps towards 0. */
function halfStep(a: Tensor, b: Tensor): Tensor {
  const dt = resultCode(a, b);
  const [digits, least, most] = dt === Code.float16 ? [11, 2 ** -24, 65504] : [8, 2 ** -133, (2 - 2 ** -7) * 2 ** 127];
  const [x, y] = [castTo(a.detach(), Code.float64), castTo(b.detach(), Code.float64)];
  const up = y.gt(x);
  const { mantissa, exponent } = frexp(x);
  const shorter = mantissa
    .abs()
    .eq(0.5)
    .logicalAnd(up.ne(x.gt(0)));
  const unit = pow(2, exponent.double().sub(digits).sub(shorter.double())).clamp(least);
  const stepped = x.add(where(x.eq(0), least, unit).mul(where(up, 1, -1)));
  const next = where(x.isinf(), x.sign().mul(most), where(stepped.eq(0), x.mul(0), stepped));
  const out = castTo(where(x.eq(y), y, where(x.isnan().logicalOr(y.isnan()), NaN, next)), dt);
  if (!recorded(a, b)) return out;
  return record("nextafter", out, [a, b], [a, b], ([g], node) => [
    toInput(where(node.tensor(0).eq(node.tensor(1)), 0, g!), a.shape, a.dt),
    null,
  ]);
}

const stepParams = parseSignature("input: tensor, other: tensor");
/** The next representable number after `input` towards `other`. Floating dtypes; shapes broadcast. */
export const nextafter: Binary = (...args: unknown[]) => {
  const [input, other] = bind("nextafter", stepParams, args) as [Tensor, Tensor];
  return isHalfStep(input, other) ? halfStep(input, other) : wideStep(input, other);
};
Object.defineProperty(nextafter, "name", { value: "nextafter" });
inPlaceForms.set("nextafter_", (...args: unknown[]) => {
  const [target, other] = bind("nextafter_", stepParams, args) as [Tensor, Tensor];
  return isHalfStep(target, other)
    ? fromResult("nextafter_", target, [other], (before) => halfStep(before, other))
    : wideStepInto(target, other);
});

/** input * 2^other. Shapes broadcast. @example ldexp(tensor([1]), tensor([3])) // [8.] */
export const ldexp: (input: Tensor, other: Tensor) => Tensor = withInPlace(
  "ldexp",
  op("ldexp", "input: tensor, other: tensor", (input: Tensor, other: Tensor) => {
    if (!isIntegral(other.dt)) return input.mul(pow(2, other));
    if (other.dt === Code.bool && category[input.dt] === 2)
      throw new DTypeError({ op: "ldexp", argument: "other", expected: "a dtype other than bool", got: "bool" });
    const x = toFloat(input);
    // Powers of half numbers leave their range sooner than products do.
    return x.mul(pow(2, other.to(x.dtype === "float64" || x.dtype === "complex128" ? "float64" : "float32"))).to(x.dtype);
  }),
);

const mantissaCode = launch.codesOf("unary")("mantissa");
const exponentCode = launch.codesOf("unary")("exponent");

/** Mantissa in [1/2, 1) and int32 exponent of each element: input = mantissa * 2^exponent. Shape [*]. */
export const frexp: (input: Tensor) => Named<{ mantissa: Tensor; exponent: Tensor }> = op("frexp", "input: tensor", (input: Tensor) => {
  if (category[input.dt] !== 2) throw new DTypeError({ op: "frexp", argument: "input", expected: "a floating dtype", got: input.dtype });
  const mantissa = launch.unary("frexp", mantissaCode, input, input.dt, input.dt);
  const exponent = castTo(launch.unary("frexp", exponentCode, input, input.dt, input.dt), Code.int32);
  if (recorded(input)) record("frexp", mantissa, [input], [exponent], ([g], node) => [g!.div(node.tensor(0).to(g!.dtype).exp2())]);
  return named({ mantissa, exponent });
});

/** 0 where input < 0, 1 where input > 0, `values` where input is 0. Shapes broadcast; one dtype. Has no derivative. */
export const heaviside: (input: Tensor, values: Tensor) => Tensor = withInPlace(
  "heaviside",
  op(
    "heaviside",
    "input: tensor, values: tensor",
    (input: Tensor, values: Tensor) => {
      if (input.dt !== values.dt) throw new DTypeError({ op: "heaviside", argument: "values", expected: input.dtype, got: values.dtype });
      if (category[input.dt] === 3)
        throw new DTypeError({ op: "heaviside", argument: "input", expected: "a real dtype", got: input.dtype });
      const out = where(input.detach().eq(0), values.detach(), castTo(input.detach().gt(0), input.dt));
      return recorded(input, values) ? record("heaviside", out, [input, values], [], noDerivative("heaviside")) : out;
    },
    { differentiable: false },
  ),
);

/** True where the sign bit is set, -0 and negative NaN included. Shape [*]; bool. */
export const signbit: Unary = op(
  "signbit",
  "input: tensor",
  (input: Tensor) => {
    if (category[input.dt] === 3) throw new DTypeError({ op: "signbit", argument: "input", expected: "a real dtype", got: input.dtype });
    return isIntegral(input.dt) ? input.lt(0) : scalarTensor(1, input.dt, input.dev).copysign(input.detach()).lt(0);
  },
  { differentiable: false },
);

const isComplexOperand = (x: Tensor | Scalar): boolean => (x instanceof Tensor ? category[x.dt] === 3 : typeof x === "object");

type Power = (input: Tensor | Scalar, exponent: Tensor | Scalar) => Tensor;
/** input ^ exponent, computed in float64 (complex128 for complex operands). Shapes broadcast. */
export const floatPower: Power = withInPlace(
  "floatPower",
  op("floatPower", "input: operand, exponent: operand", (input: Tensor | Scalar, exponent: Tensor | Scalar) => {
    if (!(input instanceof Tensor) && !(exponent instanceof Tensor))
      throw new ValueError({ op: "floatPower", expected: "at least one Tensor", got: "two numbers" });
    const wide = (x: Tensor | Scalar): Tensor => {
      const dt = [input, exponent].some(isComplexOperand) ? Code.complex128 : Code.float64;
      return x instanceof Tensor ? x.to(launch.dtypeName(dt) as DType) : scalarTensor(x, dt);
    };
    return pow(wide(input), wide(exponent));
  }) as Power as (input: Tensor, exponent: Tensor | Scalar) => Tensor,
) as Power;

const floatPowerInto = inPlaceForms.get("floatPower_") as unknown as (target: Tensor, exponent: Tensor | Scalar) => Tensor;
const powerParams = parseSignature("input: tensor, exponent: operand");
inPlaceForms.set("floatPower_", (...args: unknown[]) => {
  const [target, exponent] = bind("floatPower_", powerParams, args) as [Tensor, Tensor | Scalar];
  const wanted = [target, exponent].some(isComplexOperand) ? "complex128" : "float64";
  if (target.dtype !== wanted) throw new DTypeError({ op: "floatPower_", argument: "input", expected: wanted, got: target.dtype });
  return floatPowerInto(target, exponent);
});

/** @internal An integral tensor as the default float. */
export const toFloat = (input: Tensor): Tensor => (isIntegral(input.dt) ? input.to(launch.dtypeName(defaultDtypeCode()) as DType) : input);
