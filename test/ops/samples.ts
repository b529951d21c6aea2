/** One row an op: how a person calls it, on which inputs, and what it must equal. A missing row is a compile error. */
import * as cg from "../../src/index.js";
import type * as functional from "../../src/nn/functional.js";
import type * as methods from "../../src/ops/tensor-methods.js";
import type { Tensor } from "../../src/index.js";
import {
  real,
  positive,
  unit,
  probability,
  index,
  mask,
  integers,
  steps,
  underived,
  bools,
  whole,
  random,
  ordered,
  answers,
  one,
  two,
  fixed,
  plain,
  made,
  type Sample,
} from "./sample.js";
import { aliasSamples } from "./samples-alias.js";
import { complexSamples } from "./samples-complex.js";
import { orderSamples } from "./samples-order.js";
import { shapeSamples } from "./samples-shape.js";

const F = cg.nn.functional;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.log1p(Math.exp(x));
// Abramowitz and Stegun 7.1.5, summed to float64 accuracy for |x| < 3.
const erf = (x: number): number => {
  let sum = 0;
  for (let n = 0, term = x; n < 80; n++) {
    sum += term / (2 * n + 1);
    term *= (-x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
// Newton's method on erf.
const erfinv = (y: number): number =>
  Array.from({ length: 30 }).reduce((x: number) => x - ((erf(x) - y) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2, 0);
// Stirling's series above 8, by recurrence below.
const lgamma = (x: number): number =>
  x < 8
    ? lgamma(x + 1) - Math.log(x)
    : (x - 0.5) * Math.log(x) -
      x +
      0.5 * Math.log(2 * Math.PI) +
      1 / (12 * x) -
      1 / (360 * x ** 3) +
      1 / (1260 * x ** 5) -
      1 / (1680 * x ** 7);
const digamma = (x: number): number =>
  x < 8
    ? digamma(x + 1) - 1 / x
    : Math.log(x) - 1 / (2 * x) - 1 / (12 * x ** 2) + 1 / (120 * x ** 4) - 1 / (252 * x ** 6) + 1 / (240 * x ** 8);
const lowerGamma = (a: number, x: number): number => {
  let [term, sum] = [1, 1];
  for (let n = 1; n < 60; n++) sum += term *= x / (a + n);
  return (sum * Math.exp(a * Math.log(x) - x - lgamma(a))) / a;
};
const trigamma = (x: number): number =>
  x < 8
    ? trigamma(x + 1) + 1 / x ** 2
    : 1 / x + 1 / (2 * x ** 2) + 1 / (6 * x ** 3) - 1 / (30 * x ** 5) + 1 / (42 * x ** 7) - 1 / (30 * x ** 9);
const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));
const half = (x: number): number => (x % 1 === 0.5 || x % 1 === -0.5 ? 2 * Math.round(x / 2) : Math.round(x));
const image = real([2, 4, 5, 6]);

type Creation =
  | "tensor"
  | "asTensor"
  | "fromTypedArray"
  | "zeros"
  | "ones"
  | "empty"
  | "full"
  | "zerosLike"
  | "onesLike"
  | "emptyLike"
  | "fullLike"
  | "arange"
  | "linspace"
  | "logspace"
  | "eye";
type Random =
  | "exponential_"
  | "cauchy_"
  | "logNormal_"
  | "geometric_"
  | "random_"
  | "randintLike"
  | "normal"
  | "poisson"
  | "rand"
  | "randn"
  | "randLike"
  | "randnLike"
  | "randint"
  | "randperm"
  | "uniform_"
  | "normal_"
  | "bernoulli_";
type Others = "where" | "divTrunc" | "max" | "min" | "nonzero" | "varMean" | "cat" | "concat" | "stack" | "einsum" | "polygamma";

/** Every op of the library. */
export type OpName =
  | keyof typeof methods
  | Exclude<keyof typeof functional, `${string}_`>
  | Creation
  | Random
  | Others
  | keyof typeof aliasSamples
  | keyof typeof complexSamples
  | keyof typeof orderSamples
  | keyof typeof shapeSamples;

export const samples: Record<OpName, Sample> = {
  ...aliasSamples,
  ...complexSamples,
  ...orderSamples,
  ...shapeSamples,

  // -- unary
  abs: one("abs", Math.abs),
  neg: one("neg", (x) => -x),
  positive: one("positive", (x) => x),
  sign: one("sign", Math.sign),
  sgn: one("sgn", Math.sign),
  ceil: one("ceil", Math.ceil),
  floor: one("floor", Math.floor),
  round: one("round", half),
  trunc: one("trunc", Math.trunc),
  fix: one("fix", Math.trunc),
  frac: one("frac", (x) => x - Math.trunc(x)),
  exp: one("exp", Math.exp),
  exp2: one("exp2", (x) => 2 ** x),
  expm1: one("expm1", Math.expm1),
  log: one("log", Math.log, positive()),
  log2: one("log2", Math.log2, positive()),
  log10: one("log10", Math.log10, positive()),
  log1p: one("log1p", Math.log1p, unit()),
  sqrt: one("sqrt", Math.sqrt, positive()),
  rsqrt: one("rsqrt", (x) => 1 / Math.sqrt(x), positive()),
  reciprocal: one("reciprocal", (x) => 1 / x, positive()),
  square: one("square", (x) => x * x),
  sin: one("sin", Math.sin),
  cos: one("cos", Math.cos),
  tan: one("tan", Math.tan, unit()),
  asin: one("asin", Math.asin, unit()),
  acos: one("acos", Math.acos, unit()),
  atan: one("atan", Math.atan),
  sinh: one("sinh", Math.sinh),
  cosh: one("cosh", Math.cosh),
  tanh: one("tanh", Math.tanh),
  asinh: one("asinh", Math.asinh),
  acosh: one("acosh", Math.acosh, real([3, 4], 1.2, 4)),
  atanh: one("atanh", Math.atanh, unit()),
  sigmoid: one("sigmoid", sigmoid),
  logsigmoid: one("logsigmoid", (x) => -softplus(-x)),
  erf: one("erf", erf),
  erfc: one("erfc", (x) => 1 - erf(x)),
  erfinv: one("erfinv", erfinv, unit()),
  lgamma: one("lgamma", lgamma, positive()),
  digamma: one("digamma", digamma, positive()),
  polygamma: { call: (x) => x!.polygamma(1), inputs: [positive()], reference: (x) => trigamma(x!) },
  i0: one("i0", (x) => 1 + [1, 4, 36, 576, 14400, 518400, 25401600].reduce((sum, n, k) => sum + (x / 2) ** (2 * k + 2) / n, 0)),
  sinc: one("sinc", (x) => Math.sin(Math.PI * x) / (Math.PI * x)),
  nanToNum: one("nanToNum", (x) => x),
  mvlgamma: {
    call: (x) => x!.mvlgamma(3),
    inputs: [real([3, 4], 1.3, 4)],
    reference: (x) => 1.5 * Math.log(Math.PI) + [0, 0.5, 1].reduce((sum, half) => sum + lgamma(x! - half), 0),
  },
  logit: one("logit", (x) => Math.log(x / (1 - x)), probability()),
  deg2rad: one("deg2rad", (x) => (x * Math.PI) / 180),
  rad2deg: one("rad2deg", (x) => (x * 180) / Math.PI),
  isnan: one("isnan", Number.isNaN, real(), { noGrad: bools }),
  isinf: one("isinf", () => false, real(), { noGrad: bools }),
  isfinite: one("isfinite", Number.isFinite, real(), { noGrad: bools }),
  isposinf: one("isposinf", () => false, real(), { noGrad: bools }),
  isneginf: one("isneginf", () => false, real(), { noGrad: bools }),
  logicalNot: one("logicalNot", (x) => x === 0, real(), { noGrad: bools }),
  bitwiseNot: one("bitwiseNot", (x) => ~x, integers(), { noGrad: whole }),
  relu: one("relu", (x) => Math.max(x, 0)),
  silu: one("silu", (x) => x * sigmoid(x)),
  mish: one("mish", (x) => x * Math.tanh(softplus(x))),
  hardswish: one("hardswish", (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6),
  hardsigmoid: one("hardsigmoid", (x) => Math.min(Math.max(x + 3, 0), 6) / 6),
  leakyRelu: { call: (x) => F.leakyRelu(x!, 0.2), inputs: [real()], reference: (x) => (x! > 0 ? x! : 0.2 * x!) },
  elu: { call: (x) => F.elu(x!, { alpha: 1.5 }), inputs: [real()], reference: (x) => (x! > 0 ? x! : 1.5 * Math.expm1(x!)) },
  softplus: { call: (x) => F.softplus(x!, 2), inputs: [real()], reference: (x) => softplus(2 * x!) / 2 },
  hardtanh: { call: (x) => F.hardtanh(x!), inputs: [real()], reference: (x) => Math.min(Math.max(x!, -1), 1) },
  threshold: { call: (x) => F.threshold(x!, 0.5, 7), inputs: [real()], reference: (x) => (x! > 0.5 ? x! : 7) },
  gelu: { call: (x) => x!.gelu(), inputs: [real()], reference: (x) => 0.5 * x! * (1 + erf(x! / Math.SQRT2)) },

  // -- binary
  add: two("add", (a, b) => a + b),
  sub: two("sub", (a, b) => a - b),
  mul: two("mul", (a, b) => a * b),
  div: two("div", (a, b) => a / b, real(), positive([4])),
  floorDivide: two("floorDivide", (a, b) => Math.floor(a / b), real(), positive([4]), { noGrad: underived }),
  divTrunc: {
    call: (a, b) => a!.div(b!, { roundingMode: "trunc" }),
    inputs: [real(), positive([4])],
    reference: (a, b) => Math.trunc(a! / b!),
    noGrad: steps,
  },
  remainder: two("remainder", (a, b) => a - b * Math.floor(a / b), real(), positive([4])),
  fmod: two("fmod", (a, b) => a % b, real(), positive([4])),
  pow: two("pow", Math.pow, positive(), real([4])),
  atan2: two("atan2", Math.atan2),
  hypot: two("hypot", Math.hypot),
  maximum: two("maximum", Math.max),
  minimum: two("minimum", Math.min),
  fmax: two("fmax", Math.max),
  fmin: two("fmin", Math.min),
  copysign: two("copysign", (a, b) => (b < 0 ? -Math.abs(a) : Math.abs(a))),
  logaddexp: two("logaddexp", (a, b) => Math.log(Math.exp(a) + Math.exp(b))),
  logaddexp2: two("logaddexp2", (a, b) => Math.log2(2 ** a + 2 ** b)),
  nextafter: two("nextafter", (a) => a, real(), real([4]), { noGrad: steps }),
  ldexp: two("ldexp", (a, b) => a * 2 ** b),
  frexp: { call: (x) => x!.frexp().mantissa, inputs: [positive()], reference: (x) => x! / 2 ** (Math.floor(Math.log2(x!)) + 1) },
  heaviside: two("heaviside", (a, b) => (a === 0 ? b : a > 0 ? 1 : 0), real(), real([4]), { noGrad: underived }),
  floatPower: two("floatPower", Math.pow, positive(), real([4])),
  gcd: two("gcd", gcd, integers(), integers([4]), { noGrad: whole }),
  lcm: two("lcm", (a, b) => (a * b) / gcd(a, b), integers(), integers([4]), { noGrad: whole }),
  bitwiseLeftShift: two("bitwiseLeftShift", (a, b) => a << b, integers(), integers([4]), { noGrad: whole }),
  bitwiseRightShift: two("bitwiseRightShift", (a, b) => a >> b, integers(), integers([4]), { noGrad: whole }),
  igamma: two("igamma", (a, x) => lowerGamma(a, x), fixed(positive()), positive([4])),
  igammac: two("igammac", (a, x) => 1 - lowerGamma(a, x), fixed(positive()), positive([4])),
  xlogy: two("xlogy", (a, b) => a * Math.log(b), real(), positive([4])),
  eq: two("eq", (a, b) => a === b, integers(), integers([4]), { noGrad: bools }),
  ne: two("ne", (a, b) => a !== b, integers(), integers([4]), { noGrad: bools }),
  lt: two("lt", (a, b) => a < b, real(), real([4]), { noGrad: bools }),
  le: two("le", (a, b) => a <= b, real(), real([4]), { noGrad: bools }),
  gt: two("gt", (a, b) => a > b, real(), real([4]), { noGrad: bools }),
  ge: two("ge", (a, b) => a >= b, real(), real([4]), { noGrad: bools }),
  logicalAnd: two("logicalAnd", (a, b) => a !== 0 && b !== 0, mask(), mask([4]), { noGrad: bools }),
  logicalOr: two("logicalOr", (a, b) => a !== 0 || b !== 0, mask(), mask([4]), { noGrad: bools }),
  logicalXor: two("logicalXor", (a, b) => (a !== 0) !== (b !== 0), mask(), mask([4]), { noGrad: bools }),
  bitwiseAnd: two("bitwiseAnd", (a, b) => a & b, integers(), integers([4]), { noGrad: whole }),
  bitwiseOr: two("bitwiseOr", (a, b) => a | b, integers(), integers([4]), { noGrad: whole }),
  bitwiseXor: two("bitwiseXor", (a, b) => a ^ b, integers(), integers([4]), { noGrad: whole }),
  tanhBackward: two("tanhBackward", (g, y) => g * (1 - y * y), real(), unit()),
  sigmoidBackward: two("sigmoidBackward", (g, y) => g * y * (1 - y), real(), probability()),
  reluBackward: two("reluBackward", (g, y) => (y > 0 ? g : 0), real(), real([3, 4])),
  siluBackward: two("siluBackward", (g, x) => g * sigmoid(x) * (1 + x * (1 - sigmoid(x))), real(), real([3, 4]), {
    noSecond: "its own second derivative is used by none",
  }),
  leakyReluBackward: {
    call: (g, x) => g!.leakyReluBackward(x!, 0.2),
    inputs: [real(), real()],
    reference: (g, x) => (x! > 0 ? g! : 0.2 * g!),
  },

  // -- three operands
  where: { call: (c, a, b) => cg.where(c!, a!, b!), inputs: [mask(), real(), real([4])], reference: (c, a, b) => (c ? a! : b!) },
  clamp: { call: (x) => x!.clamp(-0.5, 0.7), inputs: [real()], reference: (x) => Math.min(Math.max(x!, -0.5), 0.7) },
  lerp: { call: (a, b, w) => a!.lerp(b!, w!), inputs: [real(), real([4]), real()], reference: (a, b, w) => a! + w! * (b! - a!) },
  addcmul: {
    call: (x, a, b) => x!.addcmul(a!, b!, { value: 0.5 }),
    inputs: [real(), real([4]), real()],
    reference: (x, a, b) => x! + 0.5 * a! * b!,
  },
  addcdiv: {
    call: (x, a, b) => x!.addcdiv(a!, b!, { value: 0.5 }),
    inputs: [real(), real([4]), positive()],
    reference: (x, a, b) => x! + (0.5 * a!) / b!,
  },
  maskedFill: { call: (x, m) => x!.maskedFill(m!, 7), inputs: [real(), mask([4])], reference: (x, m) => (m ? 7 : x!) },

  // -- copies and conversions
  clone: one("clone", (x) => x),
  contiguous: one("contiguous", (x) => x),
  to: { call: (x) => x!.to("float64"), inputs: [real()], reference: (x) => x! },
  float: { call: (x) => x!.float(), inputs: [integers()], reference: (x) => x!, noGrad: "the gradient test is in float64" },
  double: { call: (x) => x!.double(), inputs: [real()], reference: (x) => x! },
  half: { call: (x) => x!.half().float(), inputs: [integers()], reference: (x) => x!, noGrad: "half has too few digits" },
  bfloat16: { call: (x) => x!.bfloat16().float(), inputs: [integers()], reference: (x) => x!, noGrad: "bfloat16 has too few digits" },
  long: { call: (x) => x!.long(), inputs: [real()], reference: Math.trunc, noGrad: whole },
  int: { call: (x) => x!.int(), inputs: [real()], reference: Math.trunc, noGrad: whole },
  bool: { call: (x) => x!.bool(), inputs: [integers([3, 4], 0, 2)], reference: (x) => x !== 0, noGrad: bools },
  byte: { call: (x) => x!.byte(), inputs: [integers()], reference: (x) => x!, noGrad: whole },
  cpu: { call: (x) => x!.cpu(), inputs: [real()], reference: (x) => x! },
  typeAs: { call: (x, y) => x!.typeAs(y!), inputs: [real(), real()], reference: (x) => x! },
  detach: { call: (x) => x!.detach(), inputs: [real()], reference: (x) => x!, noGrad: "it cuts the graph" },

  // -- reductions and scans
  sum: plain((x) => x!.sum([0, 2], true), real([2, 3, 4])),
  mean: plain((x) => x!.mean(1), real([2, 3, 4])),
  prod: plain((x) => x!.prod(1), real([2, 3, 4])),
  amax: plain((x) => x!.amax([0, 2]), real([2, 3, 4])),
  amin: plain((x) => x!.amin(1), real([2, 3, 4])),
  max: plain((x) => x!.max(1).values, real([2, 3, 4])),
  min: plain((x) => x!.min({ dim: -1, keepdim: true }).values, real([2, 3, 4])),
  argmax: { ...plain((x) => x!.argmax(1), real([2, 3, 4])), noGrad: ordered },
  argmin: { ...plain((x) => x!.argmin(), real([2, 3, 4])), noGrad: ordered },
  any: { ...plain((x) => x!.any(1), mask()), noGrad: bools },
  all: { ...plain((x) => x!.all(), mask()), noGrad: bools },
  countNonzero: { ...plain((x) => x!.countNonzero(0), mask()), noGrad: whole },
  logsumexp: plain((x) => x!.logsumexp([0, 1]), real([2, 3, 4])),
  var: plain((x) => x!.var(1, { correction: 0 }), real([2, 3, 4])),
  std: plain((x) => x!.std([0, 2]), real([2, 3, 4])),
  varMean: plain((x) => [...cg.varMean(x!, 1)], real([2, 3, 4])),
  norm: plain((x) => x!.norm(3, 1), real([2, 3, 4])),
  cumsum: plain((x) => x!.cumsum(1), real([2, 3, 4])),
  cumprod: plain((x) => x!.cumprod(-1), real([2, 3, 4])),
  equal: { ...plain((x, y) => x!.equal(y!), real(), real()), noGrad: answers },
  isclose: { ...plain((x, y) => x!.isclose(y!), real(), real()), noGrad: bools },
  allclose: { ...plain((x, y) => x!.allclose(y!), real(), real()), noGrad: answers },

  // -- views
  reshape: plain((x) => x!.reshape(4, -1), real()),
  view: plain((x) => x!.contiguous().view(2, 6), real()),
  viewAs: plain((x, y) => x!.contiguous().viewAs(y!.detach()), real(), real([6, 2])),
  reshapeAs: plain((x, y) => x!.reshapeAs(y!.detach()), real(), real([6, 2])),
  flatten: plain((x) => x!.flatten(1), real([2, 3, 4])),
  ravel: plain((x) => x!.ravel(), real()),
  unflatten: plain((x) => x!.unflatten(1, [2, -1]), real()),
  squeeze: plain((x) => x!.squeeze(1), real([3, 1, 4])),
  unsqueeze: plain((x) => x!.unsqueeze(-1), real()),
  permute: plain((x) => x!.permute(2, 0, 1), real([2, 3, 4])),
  transpose: plain((x) => x!.transpose(0, -1), real([2, 3, 4])),
  swapaxes: plain((x) => x!.swapaxes(0, 1), real()),
  swapdims: plain((x) => x!.swapdims(0, 1), real()),
  t: plain((x) => x!.t(), real()),
  movedim: plain((x) => x!.movedim([0, 1], [2, 0]), real([2, 3, 4])),
  expand: plain((x) => x!.expand(2, 3, -1), real([3, 4])),
  expandAs: plain((x, y) => x!.expandAs(y!.detach()), real([4]), real([3, 4])),
  broadcastTo: plain((x) => x!.broadcastTo(3, 4), real([4])),
  narrow: plain((x) => x!.narrow(1, 1, 2), real()),
  select: plain((x) => x!.select(1, -1), real()),
  unbind: plain((x) => x!.unbind(1), real()),
  split: plain((x) => x!.split(3, 1), real()),
  chunk: plain((x) => x!.chunk(2, 1), real()),
  diagonal: plain((x) => x!.diagonal(1), real()),
  unfold: plain((x) => x!.unfold(1, 3, 2), real([2, 7])),
  asStrided: plain((x) => x!.contiguous().asStrided([2, 2], [4, 1], 1), real()),

  // -- joining
  cat: plain((x, y) => cg.cat([x!, y!], 1), real([2, 3]), real([2, 4])),
  concat: plain((x, y) => cg.concat([x!, y!]), real([2, 3]), real([1, 3])),
  stack: plain((x, y) => cg.stack([x!, y!], 1), real(), real()),
  flip: plain((x) => x!.flip(0, 1), real()),
  tril: plain((x) => x!.tril(1), real()),
  triu: plain((x) => x!.triu(), real()),
  repeat: plain((x) => x!.repeat(2, 1, 2), real()),

  // -- indexing
  at: plain((x, i) => x!.at(cg.slice(0, 2), i!, null), real([3, 4]), index([3], 4)),
  setAt: plain((x, v) => x!.clone().setAt([cg.slice(0, 2), [0, 2]], v!), real([3, 4]), real([2, 2])),
  gather: plain((x, i) => x!.gather(1, i!), real(), index([3, 2], 4)),
  scatter: plain((x, i) => x!.scatter(1, i!, 7), real(), index([3, 2], 4)),
  scatterAdd: plain((x, i, s) => x!.scatterAdd(1, i!, s!), real(), index([3, 2], 4), real([3, 2])),
  indexSelect: plain((x, i) => x!.indexSelect(1, i!), real(), index([5], 4)),
  indexAdd: plain((x, i, s) => x!.indexAdd(0, i!, s!, { alpha: 2 }), real(), index([5], 3), real([5, 4])),
  nonzero: { ...plain((x) => x!.nonzero(), mask()), noGrad: ordered },
  maskedSelect: plain((x, m) => x!.maskedSelect(m!), real(), mask()),

  // -- products
  matmul: plain((x, y) => x!.matmul(y!), real([2, 1, 3, 4]), real([3, 4, 2])),
  mm: plain((x, y) => x!.mm(y!), real([3, 4]), real([4, 2])),
  bmm: plain((x, y) => x!.bmm(y!), real([2, 3, 4]), real([2, 4, 2])),
  mv: plain((x, y) => x!.mv(y!), real([3, 4]), real([4])),
  dot: plain((x, y) => x!.dot(y!), real([5]), real([5])),
  outer: plain((x, y) => x!.outer(y!), real([3]), real([4])),
  addmm: plain((c, x, y) => c!.addmm(x!, y!, { beta: 0.5, alpha: 2 }), real([2]), real([3, 4]), real([4, 2])),
  linear: plain((x, w, b) => F.linear(x!, w!, b!), real([2, 3, 4]), real([5, 4]), real([5])),
  einsum: plain((x, y) => cg.einsum("bij,bkj->bik", x!, y!), real([2, 3, 4]), real([2, 5, 4])),

  // -- softmax and norms
  softmax: plain((x) => x!.softmax(1), real([2, 3, 4])),
  logSoftmax: plain((x) => x!.logSoftmax(-1), real([2, 3, 4])),
  layerNorm: plain((x, w, b) => F.layerNorm(x!, [3, 4], w!, b!), real([2, 3, 4]), real([3, 4]), real([3, 4])),
  groupNorm: plain((x, w, b) => F.groupNorm(x!, 2, w!, b!), real([3, 4, 2]), real([4]), real([4])),
  rmsNorm: plain((x, w) => F.rmsNorm(x!, [3, 4], w!), real([2, 3, 4]), real([3, 4])),
  batchNorm: plain(
    (x, w, b) => F.batchNorm(x!, null, null, { weight: w!, bias: b!, training: true }),
    real([4, 3, 2]),
    real([3]),
    real([3]),
  ),

  // -- attention
  scaledDotProductAttention: plain(
    (q, k, v) => F.scaledDotProductAttention(q!, k!, v!, { isCausal: true, enableGqa: true }),
    real([2, 4, 3, 5]),
    real([2, 2, 4, 5]),
    real([2, 2, 4, 3]),
  ),

  // -- order
  sort: plain((x) => x!.sort(1, true).values, real()),
  argsort: { ...plain((x) => x!.argsort(), real()), noGrad: ordered },
  topk: plain((x) => x!.topk(2).values, real()),

  // -- images
  conv2d: plain((x, w, b) => F.conv2d(x!, w!, b!, { stride: 2, padding: 1, groups: 2 }), image, real([6, 2, 3, 2]), real([6])),
  conv1d: plain((x, w, b) => F.conv1d(x!, w!, b!, { stride: 2, padding: 1 }), real([2, 3, 7]), real([4, 3, 3]), real([4])),
  convTranspose2d: plain(
    (x, w, b) => F.convTranspose2d(x!, w!, b!, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
    real([2, 4, 3, 2]),
    real([4, 3, 2, 3]),
    real([6]),
  ),
  adaptiveAvgPool2d: plain((x) => F.adaptiveAvgPool2d(x!, [2, 3]), image),
  maxPool2d: plain((x) => F.maxPool2d(x!, 2, { stride: 1, padding: 1 }), image),
  avgPool2d: plain((x) => F.avgPool2d(x!, [2, 3], { padding: 1, countIncludePad: false }), image),

  // -- losses and features
  crossEntropy: plain(
    (x, y, w) => F.crossEntropy(x!, y!, w!, { ignoreIndex: 1, labelSmoothing: 0.1 }),
    real([5, 4]),
    index([5], 4),
    fixed(positive([4])),
  ),
  nllLoss: plain((x, y) => F.nllLoss(x!, y!, { reduction: "none" }), real([2, 4, 3]), index([2, 3], 4)),
  mseLoss: plain((x, y) => F.mseLoss(x!, y!), real(), real()),
  l1Loss: plain((x, y) => F.l1Loss(x!, y!, { reduction: "sum" }), real(), real()),
  smoothL1Loss: plain((x, y) => F.smoothL1Loss(x!, y!, { beta: 0.5 }), real(), real()),
  huberLoss: plain((x, y) => F.huberLoss(x!, y!, { delta: 0.5 }), real(), real()),
  binaryCrossEntropyWithLogits: plain((x, y) => F.binaryCrossEntropyWithLogits(x!, y!), real(), probability()),
  binaryCrossEntropy: plain((x, y) => F.binaryCrossEntropy(x!, y!), probability(), fixed(probability())),
  klDiv: plain((x, y) => F.klDiv(x!, y!, { reduction: "batchmean" }), real(), fixed(probability())),
  embedding: plain((w, i) => F.embedding(i!, w!), real([5, 3]), index([2, 4], 5)),
  dropout: { ...plain((x) => F.dropout(x!, 0.5), real()), noGrad: random },
  oneHot: { ...plain((i) => F.oneHot(i!, 5), index([3], 5)), noGrad: whole },
  celu: plain((x) => F.celu(x!, 0.7), real()),
  selu: plain((x) => F.selu(x!), real()),
  relu6: { call: (x) => F.relu6(x!), inputs: [real([3, 4], -2, 8)], reference: (x) => Math.min(Math.max(x!, 0), 6) },
  softsign: { call: (x) => F.softsign(x!), inputs: [real()], reference: (x) => x! / (1 + Math.abs(x!)) },
  tanhshrink: { call: (x) => F.tanhshrink(x!), inputs: [real()], reference: (x) => x! - Math.tanh(x!) },
  hardshrink: { call: (x) => F.hardshrink(x!, 0.6), inputs: [real()], reference: (x) => (Math.abs(x!) <= 0.6 ? 0 : x!) },
  softshrink: {
    call: (x) => F.softshrink(x!, 0.6),
    inputs: [real()],
    reference: (x) => Math.sign(x!) * Math.max(0, Math.abs(x!) - 0.6),
  },
  softmin: plain((x) => F.softmin(x!, 1), real()),
  glu: plain((x) => F.glu(x!, 1), real()),
  prelu: plain((x, w) => F.prelu(x!, w!), real(), real([4])),
  rrelu: plain((x) => F.rrelu(x!), real()),
  pairwiseDistance: plain((x, y) => F.pairwiseDistance(x!, y!), real(), real()),
  pad: plain((x) => F.pad(x!, [1, 2, -1, 1], "constant", 1.5), real()),
  normalize: plain((x) => F.normalize(x!, { dim: 1 }), real()),
  cosineSimilarity: plain((x, y) => F.cosineSimilarity(x!, y!), real(), real()),

  // -- creation
  tensor: made(() =>
    cg.tensor([
      [1, 2],
      [3, 4],
    ]),
  ),
  asTensor: made(() => cg.asTensor([1n, 2n])),
  fromTypedArray: made(() => cg.fromTypedArray(new Float64Array(6), [2, 3])),
  zeros: made(() => cg.zeros(2, 3)),
  ones: made(() => cg.ones([2, 3], { dtype: "int64" })),
  empty: made(() => cg.empty(2).zero_()),
  full: made(() => cg.full([2], 7n)),
  zerosLike: made(() => cg.zerosLike(cg.ones(2))),
  onesLike: made(() => cg.onesLike(cg.zeros(2))),
  emptyLike: made(() => cg.emptyLike(cg.ones(2)).zero_()),
  fullLike: made(() => cg.fullLike(cg.ones(2), 3)),
  arange: made(() => cg.arange(1, 7, 2)),
  linspace: made(() => cg.linspace(0, 1, 5)),
  logspace: made(() => cg.logspace(0, 2, 3)),
  eye: made(() => cg.eye(2, 3)),

  // -- random
  rand: made(() => cg.rand(3)),
  randn: made(() => cg.randn(3)),
  randLike: made(() => cg.randLike(cg.zeros(3))),
  randnLike: made(() => cg.randnLike(cg.zeros(3))),
  randint: made(() => cg.randint(2, 7, [3])),
  randperm: made(() => cg.randperm(7)),
  bernoulli: { ...plain((p) => p!.bernoulli(), probability()), noGrad: random },
  multinomial: { ...plain((p) => p!.multinomial(2), probability()), noGrad: random },
  uniform_: made(() => cg.zeros(3).uniform_(1, 2)),
  normal_: made(() => cg.zeros(3).normal_()),
  bernoulli_: made(() => cg.zeros(3).bernoulli_(0.3)),
  exponential_: made(() => cg.zeros(3).exponential_(2)),
  cauchy_: made(() => cg.zeros(3).cauchy_()),
  logNormal_: made(() => cg.zeros(3).logNormal_(0, 1)),
  geometric_: made(() => cg.zeros(3).geometric_(0.3)),
  random_: made(() => cg.zeros(3).random_(2, 7)),
  randintLike: made(() => cg.randintLike(cg.zeros(3), 5)),
  normal: made(() => cg.normal(cg.zeros(3), 2)),
  poisson: { ...plain((x) => cg.poisson(x!), positive()), noGrad: random },
};

/** The inputs of a sample: seeded by the op's name, so that every op has numbers of its own; dims that do not broadcast are `factor` times as large. */
export function makeInputs(name: OpName, dtype: cg.DType, layout: "contiguous" | "strided" = "contiguous", factor = 1): Tensor[] {
  const generator = new cg.Generator().manualSeed([...name].reduce((seed, letter) => (seed * 31 + letter.charCodeAt(0)) % 2 ** 31, 7));
  return samples[name].inputs.map(({ shape: small, low, high, dtype: own }) => {
    const shape = small.map((size) => (size === 1 ? 1 : size * factor));
    const t =
      own === undefined
        ? cg
            .rand(shape, { generator, dtype: "float64" })
            .mul(high - low)
            .add(low)
            .to(dtype)
        : cg.randint(low, high, shape, { generator }).to(own);
    return layout === "strided" ? strided(t) : t;
  });
}

/** The same elements as a view with gaps, dims stored in reverse order. */
export function strided(t: Tensor): Tensor {
  const dims = t.shape.map((_, i) => t.shape.length - 1 - i);
  const stored = cg
    .cat([t.unsqueeze(-1), t.unsqueeze(-1)], -1)
    .movedim(-1, 0)
    .contiguous()
    .select(0, 1);
  return dims.length < 2 ? cg.stack([t, t], -1).select(-1, 1) : stored.permute(dims).clone().permute(dims);
}
