/** Functions of two operands, element by element, broadcasting; operands may be numbers. */
import { Code, category, defaultOfCategory, dtypes, elementSize, isComplex, promoteWeak, scalarCategory } from "../tensor/dtype.js";
import { DTypeError, ValueError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { noDerivative, record, recorded, register, resultCode } from "./define.js";
import { binary, conjOf, inPlaceForms, scalarTensor, type Binary } from "./pointwise.js";
import { bind, isOptions, isScalar, parseSignature } from "./schema.js";
import { where } from "./ternary.js";

type Operand = Tensor | number;
const noBool =
  (what: string) =>
  (code: number): string | null =>
    code === Code.bool ? what : null;
const byZero = (op: string, other: Tensor | Scalar, code: number, input: Tensor): void => {
  if (category[code]! >= 2 || input.numel() === 0) return;
  const zero = other instanceof Tensor ? other.eq(0).any().item<boolean>() : Number(other) === 0;
  if (zero) throw new ValueError({ op, argument: "other", expected: "integers other than zero", got: "zero" });
};
const integersOnly = (code: number): string | null => (category[code]! >= 2 ? "integers or bools" : null);

const numbersOnly = (code: number): string | null => (category[code] === 1 ? null : "integers");

const times = (a: Operand, b: Operand): Tensor => (typeof a === "number" ? (b as Tensor).mul(a) : a.mul(b));

const plainAdd: Binary = binary("add", { ofNumbers: true, grad: [(g) => g, (g) => g], reads: [0, 0] });
const plainSub: Binary = binary("sub", {
  ofNumbers: true,
  grad: [(g) => g, (g) => g.neg()],
  reads: [0, 0],
  refuseBool: "operands that are not bool (use logicalXor)",
});

/** Options of {@link add} and {@link sub}. */
export interface AlphaOptions {
  /** Multiplies `other`. Default 1. */
  alpha?: Scalar;
}
type AlphaBinary = (input: Tensor | Scalar, other: Tensor | Scalar, options?: AlphaOptions) => Tensor;

const alphaParams = parseSignature("input: operand, other: operand, *, alpha: scalar = 1");

/** alpha * b in the dtype that the result will have, for which alpha must be of no higher kind. */
function scaled(name: string, a: Tensor | Scalar, b: Tensor | Scalar, alpha: Scalar): Tensor | Scalar {
  if (alpha === 1 || !(a instanceof Tensor || b instanceof Tensor)) return b;
  const weak = (t: Tensor, scalar: Scalar): number => promoteWeak(t.dt, defaultOfCategory(scalarCategory(scalar)));
  const dt = a instanceof Tensor ? (b instanceof Tensor ? resultCode(a, b) : weak(a, b)) : weak(b as Tensor, a);
  const kind = scalarCategory(alpha);
  if (kind === 0 ? dt !== Code.bool : kind > Math.max(category[dt]!, 1)) {
    const kinds = ["bool", "an integer", "a floating number", "a complex number"];
    throw new DTypeError({ op: name, argument: "alpha", expected: `a number that ${dtypes[dt]} can hold`, got: kinds[kind]! });
  }
  const factor = dt === Code.bool ? Number(alpha) !== 0 : alpha;
  return (b instanceof Tensor ? b.to(dtypes[dt]!) : scalarTensor(b, dt)).mul(factor);
}

/** Beside a number alpha may come by position, as in torch. */
const alphaOf = <T>(other: unknown, given: T): T => (isScalar(other) && isScalar(given) ? ({ alpha: given } as T) : given);

/** Adds `alpha * other`, which only few callers ask for, to the plain op. */
function withAlpha(name: string, plain: Binary, refuses: (b: Tensor | Scalar) => boolean = () => false): AlphaBinary {
  const call: AlphaBinary = (input, other, given) => {
    const options = alphaOf(other, given);
    if (options === undefined && !isOptions(other)) return plain(input, other);
    const [a, b, alpha] = bind(name, alphaParams, [input, other, options]) as [Tensor | Scalar, Tensor | Scalar, Scalar];
    return plain(a, refuses(b) ? b : scaled(name, a, b, alpha));
  };
  const plainInto = inPlaceForms.get(`${name}_`) as unknown as (target: Tensor, other: Tensor | Scalar) => Tensor;
  inPlaceForms.set(`${name}_`, (...args: unknown[]) => {
    const [target, b, alpha] = bind(`${name}_`, alphaParams, args.length === 3 ? [args[0], args[1], alphaOf(args[1], args[2])] : args) as [
      Tensor,
      Tensor | Scalar,
      Scalar,
    ];
    return plainInto(target, refuses(b) ? b : scaled(`${name}_`, target, b, alpha));
  });
  return register<AlphaBinary>(name, alphaParams, call, { inPlace: true });
}

/** input + alpha * other. Shapes broadcast; dtypes promote. @example add(tensor([1, 2]), 10) // [11., 12.] */
export const add = withAlpha("add", plainAdd);
/** input - alpha * other. Shapes broadcast. */
export const sub = withAlpha("sub", plainSub, (b) => (b instanceof Tensor ? b.dt === Code.bool : typeof b === "boolean"));
const rsubParams = parseSignature("input: tensor, other: operand, *, alpha: scalar = 1");
/** other - alpha * input (torch.rsub). Shapes broadcast. */
export const rsub: (input: Tensor, other: Tensor | Scalar, options?: AlphaOptions) => Tensor = register(
  "rsub",
  rsubParams,
  (...args: unknown[]) => {
    const [input, other, alpha] = bind("rsub", rsubParams, args.length === 3 ? [args[0], args[1], alphaOf(args[1], args[2])] : args) as [
      Tensor,
      Tensor | Scalar,
      Scalar,
    ];
    return sub(other, input, { alpha });
  },
);
/** input * other. Shapes broadcast. */
export const mul: Binary = binary("mul", { ofNumbers: true, grad: [(g, _, b) => g.mul(b), (g, a) => g.mul(a)], reads: [2, 1] });

const trueDiv: Binary = binary("div", {
  ofNumbers: true,
  result: "float",
  grad: [(g, _, b) => g.div(b), (g, a, b) => times(g.neg(), a).div((b as Tensor).square())],
  reads: [2, 3],
});
const zeroGrads = [(g: Tensor): Tensor => g.mul(0), (g: Tensor): Tensor => g.mul(0)] as const;
const floorDiv: Binary = binary("divFloor", {
  grad: zeroGrads,
  reads: [0, 0],
  refuse: noBool("operands that are not bool"),
  checkOther: byZero,
});
const truncDiv: Binary = binary("divTrunc", {
  grad: zeroGrads,
  reads: [0, 0],
  refuse: noBool("operands that are not bool"),
  checkOther: byZero,
});

const isHalf = (x: Tensor | Scalar): boolean => x instanceof Tensor && (x.dt === Code.float16 || x.dt === Code.bfloat16);
/** The quotient of half tensors is rounded to their dtype before its fraction goes, as in torch. */
const truncHalves = (a: Tensor | Scalar, b: Tensor | Scalar): Tensor => truncDiv(trueDiv(a, b), 1);

/** Options of {@link div}. */
export interface DivOptions {
  /** null: true division. "floor" and "trunc" round the quotient and keep integers. Default null. */
  roundingMode?: "floor" | "trunc" | null;
}
const divParams = parseSignature("input: operand, other: operand, *, roundingMode: floor|trunc? = null");

/** input / other; integers give the default float unless a rounding mode is given. Shapes broadcast. */
export const div: (input: Tensor | Scalar, other: Tensor | Scalar, options?: DivOptions) => Tensor = register(
  "div",
  divParams,
  (input, other, options) => {
    if (options === undefined && !isOptions(other)) return trueDiv(input, other);
    const [a, b, mode] = bind("div", divParams, [input, other, options]) as [Tensor | Scalar, Tensor | Scalar, string | null];
    if (mode === "trunc" && isHalf(a) && isHalf(b)) return truncHalves(a, b);
    return mode === null ? trueDiv(a, b) : mode === "floor" ? floorDiv(a, b) : truncDiv(a, b);
  },
  { inPlace: true },
);
const intoForm = (name: string): ((target: Tensor, other: Tensor | Scalar) => Tensor) => inPlaceForms.get(name) as never;
const divInto = { null: intoForm("div_"), floor: intoForm("divFloor_"), trunc: intoForm("divTrunc_") };
inPlaceForms.set("div_", (...args: unknown[]) => {
  const [target, other, mode] = bind("div_", divParams, args) as [Tensor, Tensor | Scalar, "floor" | "trunc" | null];
  if (mode === "trunc" && isHalf(target) && isHalf(other)) return divInto.trunc(divInto.null(target, other), 1);
  return divInto[mode ?? "null"](target, other);
});
const undivided = noDerivative("floorDivide", 'div with roundingMode: "floor" has a gradient of zero');
/** floor(input / other); integers stay integers (torch.floor_divide). Has no derivative. */
export const floorDivide: Binary = binary("floorDivide", {
  kernel: "divFloor",
  grad: [undivided, undivided],
  reads: [0, 0],
  refuse: noBool("operands that are not bool"),
  checkOther: byZero,
});

/** The remainder with the sign of the divisor, as Python's %. Shapes broadcast. */
export const remainder: Binary = binary("remainder", {
  grad: [(g) => g, (g, a, b) => times(g.neg(), floorDiv(a, b))],
  reads: [0, 3],
  refuse: noBool("operands that are not bool"),
  checkOther: byZero,
});
/** The remainder with the sign of the dividend, as C's fmod. Shapes broadcast. */
export const fmod: Binary = binary("fmod", {
  grad: [(g) => g, (g, a, b) => times(g.neg(), truncDiv(a, b))],
  reads: [0, 3],
  refuse: noBool("operands that are not bool"),
  checkOther: byZero,
});
/** Undoes the conjugate that gradients are given, and makes that of a result: on its branch cut pow is not that of conjugates. */
const operandOf = (x: Operand): Operand => (x instanceof Tensor ? conjOf(x) : x);
const maxOf = (code: number): number => 2 ** (8 * elementSize[code]! - (code === Code.uint8 ? 0 : 1)) - 1;

/** input ^ other. Shapes broadcast. @example pow(tensor([1, 2, 3]), 2) // [1., 4., 9.] */
export const pow: Binary = binary("pow", {
  second: "exponent",
  checkOther: (op, other, code) => {
    if (code === Code.bool && other instanceof Tensor)
      throw new ValueError({ op, expected: "operands that are not both bool", got: "bool and bool" });
    if (category[code]! < 2 && typeof other !== "object" && Number(other) < 0) {
      throw new ValueError({ op, argument: "other", expected: "a power of at least 0 for integers", got: String(other) });
    }
    if (category[code]! === 1 && code !== Code.int64 && typeof other === "number" && other > maxOf(code))
      throw new ValueError({ op, argument: "other", expected: `a number that ${dtypes[code]} can hold`, got: String(other) });
  },
  grad: [
    (g, a, b) => {
      if (typeof b === "number") return b === 0 ? g.mul(0) : g.mul((a as Tensor).pow(b - 1)).mul(b);
      const [base, power] = [operandOf(a), operandOf(b.dt === Code.bool ? b.to("int64") : b) as Tensor];
      return where(b.eq(0), 0, g.mul(operandOf(times(pow(base, power.sub(1)), power)) as Tensor));
    },
    (g, a, b) => {
      // d/db a^b = a^b log a, with 0 where a is 0 and b >= 0
      if (typeof a === "number") return g.mul(pow(a, b)).mul(a === 0 ? 0 : Math.log(a));
      const power = operandOf(b) as Tensor;
      // A real base of a complex power has a complex logarithm.
      const base = isComplex(power.dt) && !isComplex(a.dt) ? a.to(power.dtype) : (operandOf(a) as Tensor);
      const slope = base.pow(power).mul(base.log());
      return where(a.eq(0).logicalAnd(power.real.ge(0)), 0, g.mul(operandOf(slope) as Tensor));
    },
  ],
});
/** The angle of (input = y, other = x), in (-pi, pi]. Shapes broadcast. */
export const atan2: Binary = binary("atan2", {
  tensorsOnly: true,
  result: "float",
  // 0 at the origin, as in torch.
  grad: [(g, y, x) => atOrigin(times(g, x), y, x), (g, y, x) => atOrigin(times(g.neg(), y), y, x)],
});
const atOrigin = (g: Tensor, y: Operand, x: Operand): Tensor => where(eq(y, 0).logicalAnd(eq(x, 0)), 0, g.div(sumOfSquares(y, x)));
/** sqrt(input^2 + other^2) without overflow. Shapes broadcast. */
export const hypot: Binary = binary("hypot", {
  tensorsOnly: true,
  grad: [(g, a, b) => times(g, a).div(hypot(a, b)), (g, a, b) => times(g, b).div(hypot(a, b))],
});
/** The larger of both; NaN wins. Shapes broadcast. Ties share the gradient; at NaN both get it. */
export const maximum: Binary = binary("maximum", {
  tensorsOnly: true,
  grad: [(g, a, b) => unlessLost(g, a, b, lt(a, b)), (g, a, b) => unlessLost(g, a, b, gt(a, b))],
});
/** The smaller of both; NaN wins. Shapes broadcast. Ties share the gradient; at NaN both get it. */
export const minimum: Binary = binary("minimum", {
  tensorsOnly: true,
  grad: [(g, a, b) => unlessLost(g, a, b, gt(a, b)), (g, a, b) => unlessLost(g, a, b, lt(a, b))],
});
/** The larger of both; a number wins over NaN. Shapes broadcast. Ties share the gradient. */
export const fmax: Binary = binary("fmax", {
  tensorsOnly: true,
  grad: [
    (g, a, b) => unlessLost(g, a, b, lt(a, b).logicalOr((a as Tensor).isnan().logicalAnd((b as Tensor).isnan().logicalNot()))),
    (g, a, b) => unlessLost(g, a, b, gt(a, b).logicalOr((b as Tensor).isnan())),
  ],
});
/** The smaller of both; a number wins over NaN. Shapes broadcast. Ties share the gradient. */
export const fmin: Binary = binary("fmin", {
  tensorsOnly: true,
  grad: [
    (g, a, b) => unlessLost(g, a, b, gt(a, b).logicalOr((a as Tensor).isnan().logicalAnd((b as Tensor).isnan().logicalNot()))),
    (g, a, b) => unlessLost(g, a, b, lt(a, b).logicalOr((b as Tensor).isnan())),
  ],
});
/** The magnitude of input with the sign of other. Shapes broadcast. */
export const copysign: Binary = binary("copysign", {
  result: "float",
  grad: [
    // The ratio of result and input, NaN for infinities as in torch; 0 at 0.
    (g, a, b) => g.mul(where(eq(a, 0), 0, copysign(a, b).div(a))),
    (g) => g.mul(0),
  ],
});
const realLogaddexp: Binary = binary("logaddexp", {
  tensorsOnly: true,
  grad: [(g, a, b) => g.mul(sub(a, b).sigmoid()), (g, a, b) => g.mul(sub(b, a).sigmoid())],
});
/** log(e^input + e^other) without overflow. Shapes broadcast. */
export const logaddexp: Binary = (...args) => {
  const [input, other, ...rest] = isOptions(args.at(-1))
    ? (bind("logaddexp", parseSignature("input: tensor, other: tensor"), args) as [Tensor, Tensor])
    : args;
  const complex = [input, other].some((x) => x instanceof Tensor && isComplex(x.dt));
  if (!complex || rest.length > 0 || !(input instanceof Tensor && other instanceof Tensor)) return realLogaddexp(input, other, ...rest);
  // Relative to the one of larger real part: both exponentials stay in range, and its phase is kept, as in torch.
  const dtype = dtypes[resultCode(input, other)]!;
  const [a, b] = [input.to(dtype), other.to(dtype)];
  const first = ge(a.detach().real, b.detach().real);
  const [most, least] = [where(first, a, b), where(first, b, a)];
  const sum = least.sub(most).exp().log1p().add(most);
  return where(most.detach().real.isinf(), where(eq(most.detach().real, -Infinity), most, a.exp().add(b.exp()).log()), sum);
};
/** log2(2^input + 2^other) without overflow. Shapes broadcast. */
export const logaddexp2: Binary = binary("logaddexp2", {
  tensorsOnly: true,
  grad: [(g, a, b) => g.mul(sub(a, b).mul(Math.LN2).sigmoid()), (g, a, b) => g.mul(sub(b, a).mul(Math.LN2).sigmoid())],
});
/** input * log(other), 0 where input is 0. Shapes broadcast. */
export const xlogy: Binary = binary("xlogy", {
  result: "float",
  grad: [
    // Where a is 0 the result is 0 for any b, but only for b > 0 does it have the slope log b.
    (g, a, b) => {
      if (typeof b === "number") return b > 0 ? g.mul(Math.log(b)) : where(eq(a, 0), 0, g.mul(Math.log(b)));
      return where(eq(a, 0).logicalAnd(b.le(0)), 0, xlogy(g, b));
    },
    (g, a, b) => times(g, a).div(b),
  ],
});

const squareOf = (a: Operand): Operand => (typeof a === "number" ? a * a : a.square());
const sumOfSquares = (a: Operand, b: Operand): Tensor => add(squareOf(a), squareOf(b));

/** The gradient of the larger or smaller for one operand: nothing where it lost, half at ties. */
const unlessLost = (g: Tensor, a: Operand, b: Operand, lost: Tensor): Tensor => where(eq(a, b), g.mul(0.5), where(lost, 0, g));

/** True where equal. Shapes broadcast; bool. */
export const eq: Binary = binary("eq", { result: "bool", grad: null, history: "cut" });
/** True where not equal. Shapes broadcast; bool. */
export const ne: Binary = binary("ne", { result: "bool", grad: null, history: "cut" });
/** True where input < other. Shapes broadcast; bool. */
export const lt: Binary = binary("lt", { result: "bool", grad: null, history: "cut" });
/** True where input <= other. Shapes broadcast; bool. */
export const le: Binary = binary("le", { result: "bool", grad: null, history: "cut" });
/** True where input > other. Shapes broadcast; bool. */
export const gt: Binary = binary("gt", { result: "bool", grad: null, history: "cut" });
/** True where input >= other. Shapes broadcast; bool. */
export const ge: Binary = binary("ge", { result: "bool", grad: null, history: "cut" });
/** True where both are non-zero. Shapes broadcast; bool. */
export const logicalAnd: Binary = binary("logicalAnd", { result: "bool", grad: null, tensorsOnly: true, history: "kept" });
/** True where either is non-zero. Shapes broadcast; bool. */
export const logicalOr: Binary = binary("logicalOr", { result: "bool", grad: null, tensorsOnly: true, history: "kept" });
/** True where exactly one is non-zero. Shapes broadcast; bool. */
export const logicalXor: Binary = binary("logicalXor", { result: "bool", grad: null, tensorsOnly: true, history: "kept" });
/** Bitwise and; integers and bool. Shapes broadcast. */
export const bitwiseAnd: Binary = binary("bitwiseAnd", { grad: null, refuse: integersOnly });
/** Bitwise or; integers and bool. Shapes broadcast. */
export const bitwiseOr: Binary = binary("bitwiseOr", { grad: null, refuse: integersOnly });
/** Bitwise exclusive or; integers and bool. Shapes broadcast. */
export const bitwiseXor: Binary = binary("bitwiseXor", { grad: null, refuse: integersOnly });

/** The greatest common divisor of integers; not negative. Shapes broadcast. */
export const gcd: Binary = binary("gcd", { grad: null, refuse: numbersOnly, tensorsOnly: true });
/** The least common multiple of integers; not negative. Shapes broadcast. */
export const lcm: Binary = binary("lcm", { grad: null, refuse: numbersOnly, tensorsOnly: true });
/** Bits shifted up by `other` places; 0 beyond the width. Integers. Shapes broadcast. */
export const bitwiseLeftShift: Binary = binary("bitwiseLeftShift", { kernel: "leftShift", grad: null, refuse: numbersOnly });
/** Bits shifted down by `other` places, keeping the sign. Integers. Shapes broadcast. */
export const bitwiseRightShift: Binary = binary("bitwiseRightShift", { kernel: "rightShift", grad: null, refuse: numbersOnly });

// Gradients of activations as one native pass each; differentiable themselves, for higher derivatives.

/** g * (1 - y^2), y = tanh(x). */
export const tanhBackward: Binary = binary("tanhBackward", {
  grad: [(g, _, y) => g.tanhBackward(y as Tensor), (g, h, y) => times(g, h).mul(y).mul(-2)],
  reads: [2, 3],
});
/** g * y * (1 - y), y = sigmoid(x). */
export const sigmoidBackward: Binary = binary("sigmoidBackward", {
  grad: [(g, _, y) => g.sigmoidBackward(y as Tensor), (g, h, y) => times(g, h).mul((y as Tensor).mul(-2).add(1))],
  reads: [2, 3],
});
/** g where y > 0, y = relu(x). */
export const reluBackward: Binary = binary("reluBackward", {
  grad: [(g, _, y) => g.reluBackward(y as Tensor), (g) => g.mul(0)],
  reads: [2, 0],
});
/** g * d/dx silu(x). */
export const siluBackward: Binary = binary("siluBackward", {
  grad: [
    (g, _, x) => g.siluBackward(x as Tensor),
    (g, h, x) => {
      const s = (x as Tensor).sigmoid();
      const slope = s.mul(s.neg().add(1));
      return times(g, h)
        .mul(slope)
        .mul((x as Tensor).mul(s.mul(-2).add(1)).add(2));
    },
  ],
});

const scaledParams = parseSignature("input: tensor, other: tensor, slope: float");
const leakyCode = launch.codesOf("binaryAttr")("leakyReluBackward");
/** g where x > 0, slope * g elsewhere. */
export const leakyReluBackward: (input: Tensor, other: Tensor, slope: number) => Tensor = register(
  "leakyReluBackward",
  scaledParams,
  (g, x, slope) => {
    const out = launch.binaryAttr("leakyReluBackward", leakyCode, g, x, slope, 0, g.shape, g.dt);
    if (recorded(g)) record("leakyReluBackward", out, [g], [x], ([h], node) => [leakyReluBackward(h!, node.tensor(0), slope)]);
    return out;
  },
);
