/** Builders of the pointwise families: one declaration gives function, method, in-place form, promotion, broadcasting and gradient. */
import { isGradEnabled, withRecording } from "../autograd/mode.js";
import { markChanged } from "../autograd/node.js";
import { native } from "../runtime/addon.js";
import { Code, category, defaultDtypeCode, elementSize, defaultOfCategory, isComplex, isDifferentiable, isIntegral, promoteWeak, scalarCategory } from "../tensor/dtype.js"; // prettier-ignore
import { DTypeError, ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, sameShape, type Shape } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import {
  dispatched,
  inPlace,
  noDerivative,
  record,
  recorded,
  register,
  requireSameDevice,
  requireTensor,
  requireWritable,
  resultCode,
} from "./define.js";
import { bind, parseSignature } from "./schema.js";

const unaryCode = launch.codesOf("unary");
const unaryAttrCode = launch.codesOf("unaryAttr");
const binaryCode = launch.codesOf("binary");

/** Which dtype the result has: the input's, the input's or int64 for bool, the default float for integers, or bool. */
export type ResultRule = "same" | "number" | "float" | "bool";

export type Unary = (input: Tensor) => Tensor;
export type Binary = (input: Tensor | Scalar, other: Tensor | Scalar) => Tensor;

const operandParams = parseSignature("input: operand, other: operand");
const inputParams = parseSignature("input: tensor");

/** In-place methods by name (`sin_`), filled by the builders and installed by methods.ts. */
export const inPlaceForms = new (class extends Map<string, (target: Tensor, ...args: never[]) => Tensor> {
  override set(name: string, call: (target: Tensor, ...args: never[]) => Tensor): this {
    return super.set(name, dispatched(name, call));
  }
})();

export interface UnarySpec {
  /** The native row, when its name differs. */
  readonly kernel?: string;
  readonly result?: ResultRule;
  /**
   * dL/dx from dL/dy and what `saves` says; null: not differentiable; "zero": zero almost everywhere.
   * Rules are written for real numbers; for complex ones they get conjugates of what was saved (see {@link conjOf}).
   */
  readonly grad: ((g: Tensor, saved: Tensor) => Tensor) | null | "zero";
  readonly saves?: "input" | "output" | "none";
  /** Refuses bool, as torch does. */
  readonly refuseBool?: boolean;
  /** Refuses integers and bool, as torch does. */
  readonly refuseIntegers?: boolean;
  /** As torch: the in-place form is recorded, and has no derivative. */
  readonly inPlaceGrad?: "none";
  /** The in-place form leaves history as it was. */
  readonly history?: "kept";
}

/** Declares a function of one tensor, element by element. Shape [*] -> [*]. */
export function unary(name: string, spec: UnarySpec): Unary {
  const code = unaryCode(spec.kernel ?? name);
  const { grad, result = "float", saves = grad === "zero" ? "none" : "input" } = spec;
  const backward = grad === "zero" ? (g: Tensor): Tensor => g.mul(0) : grad;
  const computeCode = (opName: string, input: Tensor): number => {
    if (spec.refuseBool === true && input.dt === Code.bool)
      throw new DTypeError({ op: opName, argument: "input", expected: "a dtype other than bool", got: "bool" });
    if (spec.refuseIntegers === true) requireNoIntegers(opName, input);
    if (result === "number" && input.dt === Code.bool) return Code.int64;
    return result === "float" && isIntegral(input.dt) ? defaultDtypeCode() : input.dt;
  };
  const call = (input: Tensor, ...rest: unknown[]): Tensor => {
    if (rest.length > 0 && rest[0] !== undefined) bind(name, inputParams, [input, ...rest]);
    requireTensor(name, "input", input);
    const dt = computeCode(name, input);
    const out = launch.unary(name, code, input, dt, result === "bool" ? Code.bool : dt);
    if (backward !== null && input.ag !== null && recorded(input)) {
      record(name, out, [input], saves === "input" ? [input] : saves === "output" ? [out] : [], ([g], node) => [
        backward(g!, saves === "none" ? g! : conjOf(node.tensor(0))),
      ]);
    }
    return out;
  };
  inPlaceForms.set(`${name}_`, (target: Tensor) => {
    requireTensor(`${name}_`, "input", target);
    const dt = computeCode(`${name}_`, target);
    requireWritable(`${name}_`, target, target.shape, result === "bool" ? Code.bool : dt);
    const write = (): void => launch.done(`${name}_`, native.unaryInto(code, target.handle, dt, target.handle), target);
    return spec.history === "kept"
      ? changeOnly(`${name}_`, target, write)
      : inPlace(`${name}_`, target, [], write, (before) =>
          spec.inPlaceGrad === "none" ? record(name, call(before.detach()), [before], [], noDerivative(`${name}_`)) : call(before),
        );
  });
  return register<Unary>(name, inputParams, call as Unary, { inPlace: true, differentiable: backward !== null && result !== "bool" });
}

function requireNoIntegers(op: string, input: Tensor): void {
  if (isIntegral(input.dt)) throw new DTypeError({ op, argument: "input", expected: "a floating dtype", got: input.dtype });
}

export interface UnaryAttrSpec {
  readonly kernel?: string;
  /** Default: only floating dtypes are taken, as torch does. "same" takes integers, too, but not bool. */
  readonly result?: "same";
  readonly grad: ((g: Tensor, input: Tensor, p0: number, p1: number) => Tensor) | null;
  /** What is wrong with the numbers, or null. */
  readonly check?: (p0: number, p1: number) => { argument: string; expected: string; got: string } | null;
}

/** Declares a function of one tensor and up to two numbers; `signature` names them. */
export function unaryAttr<F extends (...args: never[]) => Tensor>(name: string, signature: string, spec: UnaryAttrSpec): F {
  const code = unaryAttrCode(spec.kernel ?? name);
  const params = parseSignature(signature);
  const { grad, result } = spec;
  const requireDtype = (opName: string, input: Tensor): void => {
    if (result !== "same") return requireNoIntegers(opName, input);
    if (input.dt === Code.bool) throw new DTypeError({ op: opName, argument: "input", expected: "a dtype other than bool", got: "bool" });
  };
  const compute = (input: Tensor, p0: number, p1: number): Tensor => {
    requireDtype(name, input);
    const out = launch.unaryAttr(name, code, input, p0, p1, input.dt);
    if (grad !== null && recorded(input)) record(name, out, [input], [input], ([g], node) => [grad(g!, node.tensor(0), p0, p1)]);
    return out;
  };
  const read = (opName: string, args: readonly unknown[]): [Tensor, number, number] => {
    const [input, p0 = 0, p1 = 0] = bind(opName, params, args) as [Tensor, Scalar?, Scalar?];
    const wrong = spec.check?.(Number(p0), Number(p1));
    if (wrong != null) throw new ValueError({ op: opName, ...wrong });
    return [input, Number(p0), Number(p1)];
  };
  inPlaceForms.set(`${name}_`, (...args: unknown[]) => {
    const [target, p0, p1] = read(`${name}_`, args);
    requireDtype(`${name}_`, target);
    const write = (): void => launch.done(`${name}_`, native.unaryAttrInto(code, target.handle, p0, p1, target.dt, target.handle), target);
    return inPlace(`${name}_`, target, [], write, (before) => compute(before, p0, p1));
  });
  const call = (...args: unknown[]): Tensor => compute(...read(name, args));
  return register<F>(name, params, call as unknown as F, { inPlace: true, differentiable: grad !== null });
}

/**
 * The conjugate of a complex tensor, a real one itself. PyTorch's gradient of a holomorphic f is g conj(f'(z)), which is g f'(conj z)
 * for functions that are real on real numbers: a rule for real numbers serves complex ones when it reads conjugates.
 */
export const conjOf = (t: Tensor): Tensor => (isComplex(t.dt) ? t.conj() : t);

// Gradient of a binary op for one operand; `a` and `b` are what was given, numbers included.
type BinaryGrad = (g: Tensor, a: Tensor | number, b: Tensor | number) => Tensor;

export interface BinarySpec {
  readonly kernel?: string;
  readonly result?: ResultRule;
  /** Gradients for both operands, or null when not differentiable. */
  readonly grad: readonly [BinaryGrad, BinaryGrad] | null;
  /** Which operands each of the gradients reads: 1 the first, 2 the second, 3 both (default), 0 neither. Others are not kept for it. */
  readonly reads?: readonly [number, number];
  /** Refuses a computation dtype, as torch does; returns what it expects instead. */
  readonly refuse?: (code: number) => string | null;
  /** Refuses an operand of dtype bool, as torch does; says what it expects instead. */
  readonly refuseBool?: string;
  /** Takes two numbers, as torch does. */
  readonly ofNumbers?: boolean;
  /** Refuses a number beside a tensor, as torch does. */
  readonly tensorsOnly?: boolean;
  /** What the in-place form of an op without gradient does to history: "cut" gives gradients of zero, "kept" leaves it as it was. */
  readonly history?: "cut" | "kept";
  /** The second parameter, where torch does not call it `other`. */
  readonly second?: string;
  /** Refuses the second operand's values; called before the computation with the dtype of the computation. */
  readonly checkOther?: (op: string, other: Tensor | Scalar, code: number, input: Tensor) => void;
}

/** Declares a function of two operands, element by element, broadcasting. Shapes [*a], [*b] -> broadcast of both. */
export function binary(name: string, spec: BinarySpec): Binary {
  const code = binaryCode(spec.kernel ?? name);
  const { grad, result = "same", reads = [3, 3], refuse, tensorsOnly = false, checkOther, refuseBool, history } = spec;
  const params = spec.second === undefined ? operandParams : parseSignature(`input: operand, ${spec.second}: operand`);
  const requireNoBool = (opName: string, a: Tensor | Scalar, b: Tensor | Scalar): void => {
    const isBool = (x: Tensor | Scalar): boolean => (x instanceof Tensor ? x.dt === Code.bool : typeof x === "boolean");
    if (refuseBool !== undefined && (isBool(a) || isBool(b))) throw new DTypeError({ op: opName, expected: refuseBool, got: "bool" });
  };
  const finalCode = (opName: string, dt: number): number => {
    const computed = result === "float" && isIntegral(dt) ? defaultDtypeCode() : dt;
    const wanted = refuse?.(computed);
    if (wanted != null) throw new ValueError({ op: opName, expected: wanted, got: launch.dtypeName(computed) });
    return computed;
  };

  const onTensors = (a: Tensor, b: Tensor): Tensor => {
    if (a.dev !== b.dev) [a, b] = onOneDevice(name, a, b);
    let shape = a.shape;
    let dt = a.dt;
    if (refuseBool !== undefined) requireNoBool(name, a, b);
    if (dt !== b.dt || result === "float" || refuse !== undefined) dt = finalCode(name, resultCode(a, b));
    if (shape !== b.shape) shape = broadcastShapes(name, shape, b.shape);
    checkOther?.(name, b, dt, a);
    const out = launch.binary(name, code, a, b, shape, dt, result === "bool" ? Code.bool : dt);
    if ((a.ag !== null || b.ag !== null) && grad !== null && recorded(a, b)) recordTensors(a, b, out);
    return out;
  };
  const recordTensors = (a: Tensor, b: Tensor, out: Tensor): void => {
    // The rule keeps shapes, not operands: what is not saved may be freed.
    const { shape: aShape, dt: aDt } = a;
    const { shape: bShape, dt: bDt } = b;
    const read = (a.requiresGrad ? reads[0] : 0) | (b.requiresGrad ? reads[1] : 0);
    record(name, out, [a, b], read === 3 ? [a, b] : read === 1 ? [a] : read === 2 ? [b] : [], ([g], node) => {
      const x = read & 1 ? conjOf(node.tensor(0)) : g!;
      const y = read & 2 ? conjOf(node.tensor(read & 1)) : g!;
      return [
        node.needs(0) ? toInput(grad![0](g!, x, y), aShape, aDt) : null,
        node.needs(1) ? toInput(grad![1](g!, x, y), bShape, bDt) : null,
      ];
    });
  };
  const onScalar = (a: Tensor, scalar: Scalar, first: 0 | 1): Tensor => {
    if (refuseBool !== undefined) requireNoBool(name, a, scalar);
    if (tensorsOnly)
      throw new ValueError({ op: name, argument: first === 1 ? "input" : "other", expected: "a Tensor", got: describe(scalar) });
    const dt = finalCode(name, promoteWeak(a.dt, defaultOfCategory(scalarCategory(scalar))));
    if (first === 0) checkOther?.(name, scalar, dt, a);
    if (typeof scalar === "object" || (typeof scalar === "bigint" && !Number.isSafeInteger(Number(scalar)))) {
      const other = typeof scalar === "object" ? scalarTensor(scalar, dt, a.dev) : bigScalar(scalar, a);
      return first === 1 ? onTensors(other, a) : onTensors(a, other);
    }
    const value = fitted(Number(scalar), dt);
    const out = launch.binaryScalar(name, code, a, value, first, dt, result === "bool" ? Code.bool : dt);
    if (grad !== null && a.ag !== null && recorded(a)) recordScalar(a, value, first, out);
    return out;
  };
  const recordScalar = (a: Tensor, value: number, first: 0 | 1, out: Tensor): void => {
    const { shape, dt } = a;
    const isRead = first === 1 ? (reads[1] & 2) !== 0 : (reads[0] & 1) !== 0;
    record(name, out, [a], isRead ? [a] : [], ([g], node) => {
      const x = isRead ? conjOf(node.tensor(0)) : g!;
      return [toInput(first === 1 ? grad![1](g!, value, x) : grad![0](g!, x, value), shape, dt)];
    });
  };

  const call = (input: Tensor | Scalar, other: Tensor | Scalar, ...rest: unknown[]): Tensor => {
    if (rest.length === 0 && input instanceof Tensor) {
      if (other instanceof Tensor) return onTensors(input, other);
      if (typeof other === "number") return onScalar(input, other, 0);
    }
    const [a, b] = bind(name, params, [input, other, ...rest]) as [Tensor | Scalar, Tensor | Scalar];
    if (a instanceof Tensor) return b instanceof Tensor ? onTensors(a, b) : onScalar(a, b, 0);
    if (b instanceof Tensor) return onScalar(b, a, 1);
    if (spec.ofNumbers === true) return onScalar(scalarTensor(a, defaultOfCategory(scalarCategory(a))), b, 0);
    throw new ValueError({
      op: name,
      argument: "input",
      expected: "a Tensor, or other to be one",
      got: `${describe(a)} and ${describe(b)}`,
    });
  };
  const change = (opName: string, target: Tensor, others: Tensor[], write: () => void, compute: (before: Tensor) => Tensor): Tensor => {
    if (history === undefined) return inPlace(opName, target, others, write, compute);
    return history === "kept"
      ? changeOnly(opName, target, write)
      : inPlace(opName, target, others, write, (t) => cut(name, t, others, compute(t)));
  };
  const into = (opName: string, target: Tensor, given: Tensor | Scalar): Tensor => {
    const other = given instanceof Tensor && given.dev !== target.dev ? onOneDevice(opName, target, given, target)[1] : given;
    requireNoBool(opName, target, other);
    if (other instanceof Tensor) {
      const dt = finalCode(opName, resultCode(target, other));
      const shape = broadcastShapes(opName, target.shape, other.shape);
      requireWritable(opName, target, shape, result === "bool" ? Code.bool : dt);
      checkOther?.(opName, other, dt, target);
      const write = (): void => launch.done(opName, native.binaryInto(code, target.handle, other.handle, dt, target.handle), target, other);
      return change(opName, target, [other], write, (before) => onTensors(before, other));
    }
    const dt = finalCode(opName, promoteWeak(target.dt, defaultOfCategory(scalarCategory(other))));
    requireWritable(opName, target, target.shape, result === "bool" ? Code.bool : dt);
    if (tensorsOnly) throw new ValueError({ op: opName, argument: "other", expected: "a Tensor", got: describe(other) });
    checkOther?.(opName, other, dt, target);
    if (typeof other === "object") return into(opName, target, scalarTensor(other, dt, target.dev));
    const write = (): void =>
      launch.done(opName, native.binaryScalarInto(code, target.handle, fitted(Number(other), dt), 0, dt, target.handle), target);
    return change(opName, target, [], write, (before) => onScalar(before, other, 0));
  };
  inPlaceForms.set(`${name}_`, (...args: unknown[]) => {
    const [target, other] = bind(`${name}_`, params, args) as [Tensor, Tensor | Scalar];
    requireTensor(`${name}_`, "input", target);
    return into(`${name}_`, target, other);
  });
  return register<Binary>(name, params, call as Binary, { inPlace: true, differentiable: grad !== null && result !== "bool" });
}

/** A number in an integer dtype, where it wraps around as in torch. */
function fitted(value: number, dt: number): number {
  if ((value >= -128 && value <= 127) || category[dt] !== 1 || dt === Code.int64 || !Number.isInteger(value)) return value;
  const bits = 8 * elementSize[dt]!;
  return Number(dt === Code.uint8 ? BigInt.asUintN(bits, BigInt(value)) : BigInt.asIntN(bits, BigInt(value)));
}

/** Changes values and leaves history as it was. */
function changeOnly(name: string, target: Tensor, write: () => void): Tensor {
  target.live(name);
  write();
  markChanged(target, name);
  return target;
}

/** A result without gradient as the new value of `before`: recorded, with gradients of zero. */
function cut(name: string, before: Tensor, others: readonly Tensor[], result: Tensor): Tensor {
  const inputs = [before, ...others];
  const forms = inputs.map(({ shape, dt }) => ({ shape, dt }));
  const out = result.to(before.dtype);
  return record(name, out, inputs, [], ([g]) => forms.map(({ shape, dt }) => toInput(g!.mul(0), shape, dt)));
}

function bigScalar(value: bigint, like: Tensor): Tensor {
  const out = launch.empty("tensor", [], Code.int64, like.dev);
  fillWith("tensor", out, value);
  return out;
}

/** As torch: a 0-d tensor of the CPU goes where the other operand is; any other mixture is a DeviceError. */
function onOneDevice(name: string, a: Tensor, b: Tensor, stays?: Tensor): [Tensor, Tensor] {
  if (b.dev === 0 && b.shape.length === 0) return [a, b.to(a.device)];
  if (a.dev === 0 && a.shape.length === 0 && a !== stays) return [a.to(b.device), b];
  requireSameDevice(name, a, b);
  return [a, b];
}

/** Sums a gradient back to the shape that was broadcast, and casts it to the dtype that was promoted. */
export function toInput(g: Tensor, shape: Shape, dt: number): Tensor {
  const summed = sameShape(g.shape, shape) ? g : sumTo(g, shape);
  return summed.dt === dt || !isDifferentiable(dt) ? summed : summed.to(launch.dtypeName(dt) as "float32");
}

/** The transpose of broadcasting: sums over the dims that were added or stretched. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  const extra = g.shape.length - shape.length;
  const dims: number[] = [];
  for (let i = 0; i < g.shape.length; i++) if (i < extra || (shape[i - extra] === 1 && g.shape[i] !== 1)) dims.push(i);
  return (dims.length === 0 ? g : g.sum(dims, true)).reshape(shape);
}

/** Operands of a three-operand op, broadcast in shape and promoted; numbers become 0-d tensors. */
export function promoteAll(name: string, operands: readonly (Tensor | Scalar)[]): { tensors: Tensor[]; shape: Shape; dt: number } {
  const strong = operands.filter((x) => x instanceof Tensor);
  if (strong.length === 0) throw new ValueError({ op: name, expected: "at least one Tensor", got: operands.map(describe).join(", ") });
  let shape: Shape = strong[0]!.shape;
  let first = strong[0]!;
  let dt = first.dt;
  for (const t of strong.slice(1)) {
    requireSameDevice(name, first, t);
    shape = broadcastShapes(name, shape, t.shape);
    dt = resultCode(new Tensor(first.shape, dt, first.dev), t);
    if (t.shape.length > first.shape.length) first = t;
  }
  for (const x of operands) if (!(x instanceof Tensor)) dt = promoteWeak(dt, defaultOfCategory(scalarCategory(x)));
  const tensors = operands.map((x) => (x instanceof Tensor ? x : scalarTensor(x, dt, first.dev)));
  return { tensors, shape, dt };
}

/** A 0-d tensor with one value. */
export function scalarTensor(value: Scalar, dt: number, dev = 0): Tensor {
  const out = launch.empty("full", [], dt, dev);
  fillWith("full", out, value);
  return out;
}

export function fillWith(name: string, out: Tensor, value: Scalar): void {
  requireFits(name, value, out.dt);
  if (typeof value === "object") {
    const pair = Float64Array.of(value.re, value.im);
    const number = launch.made(name, [], Code.complex128, 0, [], (owner) => native.fromBuffer(Code.complex128, 0, pair, owner));
    return launch.done(name, native.copyInto(out.handle, number.handle), out);
  }
  const big = typeof value === "bigint" && !Number.isSafeInteger(Number(value));
  launch.done(name, big ? native.fillBigInt(out.handle, value) : native.fill(out.handle, Number(value)), out);
}

// The largest finite number of each dtype.
const largest: Readonly<Record<number, number>> = {
  [Code.uint8]: 255, [Code.int8]: 127, [Code.int16]: 32767, [Code.int32]: 2 ** 31 - 1, [Code.int64]: 2 ** 63,
  [Code.float16]: 65504, [Code.bfloat16]: 3.3895313892515355e38, [Code.float32]: 3.4028235677973366e38, [Code.complex64]: 3.4028235677973366e38,
}; // prettier-ignore

/** As torch: a number that is written must lie in the dtype's range; infinities and NaN are floating, unsigned dtypes wrap negative ones. */
export function requireFits(name: string, value: Scalar, dt: number): void {
  const most = largest[dt];
  if (typeof value === "object" && !isComplex(dt) && value.im !== 0) return refuseValue(name, value, dt);
  if (most === undefined || typeof value === "boolean") return;
  for (const part of typeof value === "object" ? [value.re, value.im] : [Number(value)]) {
    const whole = category[dt] === 1;
    if (!whole && !Number.isFinite(part)) continue;
    const least = !whole ? -most : dt !== Code.uint8 ? -most - 1 : Number.isInteger(part) ? -most : 0;
    if (!(part >= least && part <= most)) refuseValue(name, value, dt);
  }
}
function refuseValue(name: string, value: Scalar, dt: number): never {
  throw new ValueError({ op: name, argument: "value", expected: `a number in the range of ${launch.dtypeName(dt)}`, got: describe(value) });
}

/**
 * The gradient of a fused op: `fast` runs one native kernel; when the pass is itself recorded (createGraph), the definition
 * in plain ops is differentiated instead, so that higher derivatives are right without rules of their own.
 */
export function fusedGrad(
  fast: () => readonly (Tensor | null)[],
  g: Tensor,
  inputs: readonly Tensor[],
  define: (...inputs: Tensor[]) => Tensor,
): readonly (Tensor | null)[] {
  return isGradEnabled() ? differentiateComposition(g, inputs, define) : fast();
}

/** The gradient of a composition in any pass: its graph is built for this only, unless the pass is recorded. */
export function gradOfComposition(
  g: Tensor,
  inputs: readonly Tensor[],
  define: (...inputs: Tensor[]) => Tensor,
): readonly (Tensor | null)[] {
  if (isGradEnabled()) return differentiateComposition(g, inputs, define);
  return withRecording(true, () => {
    const leaves = inputs.map((t) => (t.requiresGrad ? t.detach().requiresGrad_() : t));
    return differentiateComposition(g, leaves, define).map((grad) => grad && grad.detach());
  });
}

let gradOf: (output: Tensor, inputs: readonly Tensor[], g: Tensor) => (Tensor | null)[];
/** Given by src/ops/index.ts: autograd.grad with createGraph and allowUnused. */
export function setGradOf(given: typeof gradOf): void {
  gradOf = given;
}

function differentiateComposition(
  g: Tensor,
  inputs: readonly Tensor[],
  define: (...inputs: Tensor[]) => Tensor,
): readonly (Tensor | null)[] {
  const wanted = inputs.filter((t) => t.requiresGrad);
  const grads = gradOf(define(...inputs), wanted, g);
  return inputs.map((t) => (t.requiresGrad ? grads[wanted.indexOf(t)]! : null));
}
