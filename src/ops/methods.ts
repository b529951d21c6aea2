/** Puts ops on Tensor as methods, and their in-place forms with a trailing underscore; types follow from the functions. */
import { backwardOf, type BackwardOptions } from "../autograd/backward.js";
import type { Device } from "../tensor/device.js";
import type { Stream } from "../tensor/stream.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import type { AlphaOptions, DivOptions } from "./binary.js";
import { fromResult } from "./in-place.js";
import type { ViewNames } from "./in-place-views.js";
import "./in-place-views.js";
import { inPlaceForms } from "./pointwise.js";
import { isOptions } from "./schema.js";
import { polygamma } from "./polygamma.js";
import "./draws.js";
import type { Generator } from "./random.js";
import { imag, real } from "./complex.js";
import { nonzero, type ScatterOptions } from "./gathering.js";
import { max, min, type ValuesIndices } from "./extremes.js";
import { isPinned, pinMemory, recordStream } from "./pinning.js";
import { median, nanmedian } from "./quantiles.js";
import { isShared, share, shareMemory, type SharedTensor } from "./sharing.js";
import * as methods from "./tensor-methods.js";
import { where, type ClampOptions } from "./ternary.js";
import { detachInPlace } from "./views.js";

/** The methods that a module of ops gives: each function of a Tensor without its first parameter. */
type Methods<M> = { readonly [K in keyof M]: M[K] extends (input: Tensor, ...rest: infer A) => infer R ? (...rest: A) => R : never };

type Changing<N extends string, A extends unknown[] = []> = { [K in `${N}_`]: (...args: A) => Tensor };
type UnaryNames =
  | "abs" | "neg" | "sign" | "sgn" | "ceil" | "floor" | "trunc" | "fix" | "frac" | "exp" | "exp2" | "expm1" | "log" | "log2" | "log10" | "log1p"
  | "sqrt" | "rsqrt" | "reciprocal" | "square" | "sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "sinh" | "cosh" | "tanh" | "asinh" | "acosh" | "atanh"
  | "sigmoid" | "erf" | "erfc" | "erfinv" | "lgamma" | "digamma" | "i0" | "sinc" | "deg2rad" | "rad2deg" | "relu" | "silu" | "logicalNot" | "bitwiseNot" | "zero" | "conjPhysical"
  | "absolute" | "negative" | "arccos" | "arccosh" | "arcsin" | "arcsinh" | "arctan" | "arctanh"; // prettier-ignore
type BinaryNames =
  | "mul" | "floorDivide" | "remainder" | "fmod" | "pow" | "atan2" | "hypot" | "copysign" | "xlogy" | "igamma" | "igammac" | "nextafter" | "gcd" | "lcm" | "bitwiseLeftShift" | "bitwiseRightShift" | "eq" | "ne" | "lt" | "le" | "gt" | "ge"
  | "logicalAnd" | "logicalOr" | "logicalXor" | "bitwiseAnd" | "bitwiseOr" | "bitwiseXor"
  | "arctan2" | "multiply" | "trueDivide" | "greater" | "greaterEqual" | "less" | "lessEqual" | "notEqual"; // prettier-ignore

/** Ops whose in-place form has the same parameters. */
type SameParameters =
  | "round" | "nanToNum" | "logit" | "mvlgamma" | "ldexp" | "heaviside" | "floatPower" | "cumsum" | "cumprod" | "renorm" | "indexCopy" | "indexFill" | "indexReduce"
  | "scatterReduce" | "put" | "maskedScatter" | "addmv" | "addr" | "addbmm" | "baddbmm" | "addmm" | "tril" | "triu" | ViewNames; // prettier-ignore
type SameForms = { readonly [K in SameParameters as `${K}_`]: Methods<typeof methods>[K] };

/** In-place forms: they change the tensor, return it, and keep gradients right. */
interface InPlaceMethods
  extends
    SameForms,
    Changing<UnaryNames>,
    Changing<BinaryNames, [other: Tensor | Scalar]>,
    Changing<"add" | "sub" | "subtract", [other: Tensor | Scalar, options?: AlphaOptions]>,
    Changing<"div" | "divide", [other: Tensor | Scalar, options?: DivOptions]>,
    Changing<"clampMin" | "clampMax", [bound: Tensor | Scalar]>,
    Changing<"clamp" | "clip", [min?: Tensor | Scalar | null | ClampOptions, max?: Tensor | Scalar | null | ClampOptions]>,
    Changing<"leakyRelu" | "elu", [number?]>,
    Changing<"lerp", [end: Tensor, weight: Tensor | Scalar]>,
    Changing<"addcmul" | "addcdiv", [tensor1: Tensor, tensor2: Tensor, options?: { value?: Scalar }]>,
    Changing<"maskedFill", [mask: Tensor, value: Tensor | Scalar]>,
    Changing<"copy", [src: Tensor | Scalar, nonBlocking?: boolean]>,
    Changing<"fill", [value: Tensor | Scalar]>,
    Changing<
      "scatter",
      [dim: number, index: Tensor, src: Tensor | Scalar | ScatterOptions, options?: { reduce?: "add" | "multiply" | null }]
    >,
    Changing<"scatterAdd", [dim: number, index: Tensor, src: Tensor]>,
    Changing<"indexAdd", [dim: number, index: Tensor, source: Tensor, options?: { alpha?: Scalar }]>,
    Changing<"indexPut", [indices: readonly Tensor[], values: Tensor, accumulate?: boolean | { accumulate?: boolean }]>,
    Changing<"uniform", [from?: number, to?: number, options?: { generator?: Generator | null }]>,
    Changing<"normal", [mean?: number, std?: number, options?: { generator?: Generator | null }]>,
    Changing<"exponential", [lambd?: number | Draw, options?: Draw]>,
    Changing<"cauchy", [median?: number | Draw, sigma?: number | Draw, options?: Draw]>,
    Changing<"logNormal", [mean?: number | Draw, std?: number | Draw, options?: Draw]>,
    Changing<"geometric", [p: number | Draw, options?: Draw]>,
    Changing<"random", [from?: number | Draw | null, to?: number | Draw | null, options?: Draw]>,
    Changing<"fillDiagonal", [value: Scalar, wrap?: boolean | { wrap?: boolean }]>,
    Changing<"polygamma", [n: number]>,
    Changing<"bernoulli", [p?: number | Tensor | Draw, options?: Draw]> {}

/** Parameters of a draw by name. */
type Draw = { generator?: Generator | null } & Readonly<Record<string, unknown>>;

/** Methods whose receiver or name is not that of the function. */
interface SpecialMethods {
  /** The elements where `condition` is true, those of `other` elsewhere. */
  where(condition: Tensor, other: Tensor | Scalar): Tensor;
  /** The largest element; along a dim with its place; or the elementwise maximum with another tensor. */
  max(): Tensor;
  max(other: Tensor | { other: Tensor }): Tensor;
  max(dim: number, keepdim?: boolean | { keepdim?: boolean }): ValuesIndices;
  max(options: { dim: number; keepdim?: boolean }): ValuesIndices;
  /** The smallest element; along a dim with its place; or the elementwise minimum with another tensor. */
  min(): Tensor;
  min(other: Tensor | { other: Tensor }): Tensor;
  min(dim: number, keepdim?: boolean | { keepdim?: boolean }): ValuesIndices;
  min(options: { dim: number; keepdim?: boolean }): ValuesIndices;
  /** Where the elements are not zero: a row of positions each; with asTuple a vector of positions a dim, as an index takes them. */
  nonzero(options: { asTuple: true }): Tensor[];
  nonzero(options?: { asTuple?: boolean }): Tensor;
  /** The median of all elements, the lower of two; with `dim` also where it is. */
  median(options?: { dim?: null }): Tensor;
  median(dim: number, keepdim?: boolean | { keepdim?: boolean }): ValuesIndices;
  median(options: { dim: number; keepdim?: boolean }): ValuesIndices;
  /** As {@link median}, ignoring NaN. */
  nanmedian(options?: { dim?: null }): Tensor;
  nanmedian(dim: number, keepdim?: boolean | { keepdim?: boolean }): ValuesIndices;
  nanmedian(options: { dim: number; keepdim?: boolean }): ValuesIndices;
  /** The transpose of all dims. */
  readonly T: Tensor;
  /** The transpose of the last two dims. */
  readonly mT: Tensor;
  /** The conjugate transpose of a matrix. */
  readonly H: Tensor;
  /** The conjugate transpose of the last two dims. */
  readonly mH: Tensor;
  /** The real parts, as a view; a real tensor itself. */
  readonly real: Tensor;
  /** The imaginary parts of a complex tensor, as a view. */
  readonly imag: Tensor;
  detach_(): Tensor;
  /** Changes the shape, and the memory where it is too small: elements keep memory's order, new ones are undefined. Differs: views keep the old memory. */
  resize_(...sizes: number[] | [readonly number[]]): Tensor;
  /** As resize_ to the shape of `other`. */
  resizeAs_(other: Tensor): Tensor;
  /** Makes this tensor another one over the memory of `source`, or one without elements. */
  set_(source?: Tensor): Tensor;
  /** Replaces each element by what a function makes of it. Slow: on the CPU, one call an element. */
  apply_(callable: (value: Scalar) => Scalar): Tensor;
  /** As apply_ for pairs of elements; `tensor` broadcasts to this shape. */
  map_(tensor: Tensor, callable: (value: Scalar, other: Scalar) => Scalar): Tensor;
  /** As map_ with two other tensors. */
  map2_(x: Tensor, y: Tensor, callable: (value: Scalar, first: Scalar, second: Scalar) => Scalar): Tensor;
  /** The n-th derivative of digamma. */
  polygamma(n: number): Tensor;
  /** A message that makes this tensor in another thread, over the same memory: see `fromShared()`. */
  share(): SharedTensor;
  /** True when other threads can see the storage. */
  isShared(): boolean;
  /** Moves the storage to memory that other threads can see, with all its views. */
  shareMemory_(): Tensor;
  /** The tensor in pinned memory, from which a device copies while the host goes on; itself when it is there. @param device default: the first that is not the CPU */
  pinMemory(device?: Device | null): Tensor;
  /** True for a tensor in pinned memory. */
  isPinned(): boolean;
  /** Has the memory kept until the stream has done what it was asked so far; launches note this by themselves. */
  recordStream(stream: Stream): void;
  /** Computes the gradients of this tensor with respect to the leaves and adds them to their `.grad`. */
  backward(
    gradient?: Tensor | null | BackwardOptions,
    retainGraph?: boolean | null | BackwardOptions,
    createGraph?: boolean | BackwardOptions,
    inputs?: Tensor | readonly Tensor[] | null,
  ): void;
  [Symbol.iterator](): IterableIterator<Tensor>;
}

declare module "../tensor/tensor.js" {
  interface Tensor extends Methods<typeof methods>, InPlaceMethods, SpecialMethods {}
}

type AnyFunction = (...args: unknown[]) => unknown;

function install(name: string, call: AnyFunction): void {
  const method = function (this: unknown, a?: unknown, b?: unknown, ...rest: unknown[]): unknown {
    if (b === undefined && rest.length === 0) return a === undefined ? call(this) : call(this, a);
    return rest.length === 0 ? call(this, a, b) : call(this, a, b, ...rest);
  };
  Object.defineProperty(method, "name", { value: name });
  Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true });
}

for (const [name, call] of Object.entries({ ...methods, max, min, median, nanmedian, nonzero }))
  install(name, call as unknown as AnyFunction);
for (const [name, call] of inPlaceForms) install(name, call as unknown as AnyFunction);

/** A method whose receiver is not the function's first parameter: its own arguments, by position or name, go by name. */
function installByName(name: string, call: unknown, own: readonly string[]): void {
  install(name, (input, ...args) => {
    const named: Record<string, unknown> = isOptions(args.at(-1)) ? { ...(args.pop() as object) } : {};
    args.forEach((value, i) => (named[own[i] ?? "extra"] = value));
    return (call as AnyFunction)({ ...named, input });
  });
}
installByName("where", where, ["condition", "other"]);
installByName("polygamma", polygamma, ["n"]);
install("polygamma_", ((target: Tensor, n: number | { n: number }) =>
  fromResult("polygamma_", target, [], (before) => polygamma(typeof n === "object" ? n.n : n, before))) as AnyFunction);
install("detach_", detachInPlace as AnyFunction);
install("share", share as AnyFunction);
install("isShared", isShared as AnyFunction);
install("shareMemory_", shareMemory as AnyFunction);
install("pinMemory", pinMemory as AnyFunction);
install("isPinned", isPinned as AnyFunction);
install("recordStream", recordStream as AnyFunction);
install("backward", backwardOf as AnyFunction);

/** A 0-d tensor is its own transpose, as in torch; a vector has none. */
const lastTwoSwapped = (t: Tensor): Tensor => (t.shape.length === 0 ? t.view([]) : t.transpose(-2, -1));

Object.defineProperties(Tensor.prototype, {
  T: { get: (function (this: Tensor) { return this.permute(this.shape.map((_, i) => this.shape.length - 1 - i)); }) }, // prettier-ignore
  mT: { get: (function (this: Tensor) { return lastTwoSwapped(this); }) }, // prettier-ignore
  H: { get: (function (this: Tensor) { return this.t().conj(); }) }, // prettier-ignore
  mH: { get: (function (this: Tensor) { return lastTwoSwapped(this).conj(); }) }, // prettier-ignore
  real: { get: (function (this: Tensor) { return real(this); }) }, // prettier-ignore
  imag: { get: (function (this: Tensor) { return imag(this); }) }, // prettier-ignore
  [Symbol.iterator]: { value: function (this: Tensor) { return this.unbind(0).values(); } }, // prettier-ignore
});
