/** New tensors: from JavaScript values, filled, counted. */
import { io, native } from "../runtime/addon.js";
import { Code, category, codeOfTypedArray, complexOf, defaultDtypeCode, isIntegral, typedArrayFor, type DType } from "../tensor/dtype.js";
import { defaultDeviceCode, type Device } from "../tensor/device.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { borrow, isUnsteady } from "../tensor/lending.js";
import { numelOf, type Shape } from "../tensor/shape.js";
import { Tensor, type Complex, type Scalar } from "../tensor/tensor.js";
import { pow } from "./binary.js";
import { castTo, op, register } from "./define.js";
import { pinMemory } from "./pinning.js";
import { fillWith } from "./pointwise.js";
import { bind, checkSizes, isComplexNumber, isOptions, parseSignature } from "./schema.js";

const code = launch.codesOf("structured");

/** Options of every function that makes a tensor. */
export interface TensorOptions {
  /** Default: float32 (see setDefaultDtype), or what the data says. */
  dtype?: DType | null;
  /** Default "cpu". */
  device?: Device | null;
  /** Records ops on the tensor for backward. Default false. */
  requiresGrad?: boolean;
}

/** Options of {@link tensor}, zeros, ones and empty. */
export interface PinnableOptions extends TensorOptions {
  /** In pinned memory, from which a device copies while the host goes on; see `Tensor.pinMemory`. Default false. */
  pinMemory?: boolean;
}
const pinning = ", pinMemory: bool = false";
const making = "*, dtype: dtype? = null, device: device? = null, requiresGrad: bool = false";

function withGrad(t: Tensor, requiresGrad: boolean): Tensor {
  return requiresGrad ? t.requiresGrad_() : t;
}

// -- from data

/** What {@link tensor} takes: a scalar, nested arrays of scalars or tensors, or a typed array. */
export type TensorData = Scalar | Complex | ArrayBufferView | Tensor | readonly TensorData[];

/**
 * Makes a tensor from JavaScript values (copied). Numbers give the default dtype (float32), bigint int64, booleans bool,
 * a typed array its own dtype; nested arrays must not be ragged.
 * @example tensor([[1, 2], [3, 4]]).shape // [2, 2]
 * @throws ShapeError for ragged arrays
 */
export const tensor: (data: TensorData, options?: PinnableOptions) => Tensor = op(
  "tensor",
  `data: any, ${making}${pinning}`,
  (data: TensorData, dt: number | null, dev: number | null, requiresGrad: boolean, pin: boolean) => {
    const made = fromData("tensor", data, dt, dev);
    return withGrad(pin ? pinMemory(made) : made, requiresGrad);
  },
  { method: false },
);
/** As {@link tensor}, but a tensor that fits already is returned itself, and a typed array that fits is shared: see {@link fromTypedArray}. */
export const asTensor: (data: TensorData, options?: TensorOptions) => Tensor = op(
  "asTensor",
  `data: any, *, dtype: dtype? = null, device: device? = null`,
  (data: TensorData, dt: number | null, dev: number | null) =>
    data instanceof Tensor || (ArrayBuffer.isView(data) && codeOfTypedArray(data) >= 0 && !isUnsteady(data))
      ? shared(data instanceof Tensor ? data : fromTypedArray(data), dt, dev)
      : fromData("asTensor", data, dt, dev),
  { method: false },
);
const shared = (t: Tensor, dt: number | null, dev: number | null): Tensor => onDevice(castTo(t, dt ?? t.dt), dev ?? t.dev);

/**
 * A tensor over the memory of a typed array, in a given shape (torch.from_numpy): writing to one changes the other. Default shape: [length].
 * Arrays of a resizable buffer are copied.
 * @example const t = fromTypedArray(samples, [100, 2]) // samples: a Float32Array of 200
 */
export const fromTypedArray: (data: ArrayBufferView, shape?: readonly number[] | null) => Tensor = op(
  "fromTypedArray",
  "data: any, shape: ints? = null",
  (data: ArrayBufferView, shape: number[] | null) => {
    const dt = ArrayBuffer.isView(data) ? codeOfTypedArray(data) : -1;
    if (dt < 0)
      throw new ValueError({ op: "fromTypedArray", argument: "data", expected: "a typed array such as Float32Array", got: describe(data) });
    const { length } = data as Float32Array;
    if (shape !== null && numelOf(checkSizes("fromTypedArray", shape, "shape")) !== length) {
      throw new ShapeError({ op: "fromTypedArray", argument: "shape", expected: `a shape of ${length} elements`, got: formatShape(shape) });
    }
    return isUnsteady(data)
      ? fromBuffer("fromTypedArray", data, shape ?? [length], dt, 0)
      : borrow("fromTypedArray", data, shape ?? [length], dt);
  },
  { method: false },
);

/** `t` on a device; itself when it is there. Unrecorded. */
const onDevice = (t: Tensor, dev: number): Tensor =>
  t.dev === dev ? t : launch.made("to", t.shape, t.dt, dev, [t], (owner) => native.toDevice(t.live("to"), dev, 0, owner));

function fromData(name: string, data: TensorData, dt: number | null, given: number | null): Tensor {
  if (data instanceof Tensor) return onDevice(castTo(data.detach(), dt ?? data.dt), given ?? data.dev).clone();
  const dev = given ?? defaultDeviceCode();
  if (ArrayBuffer.isView(data)) {
    const own = codeOfTypedArray(data);
    if (own < 0) throw new ValueError({ op: name, argument: "data", expected: "a typed array of a supported type", got: describe(data) });
    const t = fromBuffer(name, data, [(data as Float32Array).length], own, dev);
    return dt === null ? t : castTo(t, dt);
  }
  const shape: number[] = [];
  for (let level: unknown = data; isList(level) && !(ArrayBuffer.isView(level) && shape.length === 0);) {
    shape.push(level.length);
    if (level.length === 0) break;
    level = level[0];
  }
  const leaves: unknown[] = [];
  gather(name, data, shape, 0, leaves);
  const kind = leaves.length === 0 ? 2 : leaves.reduce((widest: number, leaf) => Math.max(widest, leafKind(name, leaf)), 0);
  // Kinds: 0 bool, 1 bigint, 2 number, 3 complex.
  const own = [Code.bool, Code.int64, defaultDtypeCode(), complexOf(defaultDtypeCode())][kind]!;
  const target = dt ?? own;
  if (kind === 3 && category[target] !== 3)
    throw new DTypeError({ op: name, argument: "dtype", expected: "a complex dtype for complex data", got: launch.dtypeName(target) });
  const storage = pickStorage(target, kind);
  const buffer = typedArrayFor(storage, leaves.length);
  for (let i = 0; i < leaves.length; i++) write(buffer, storage, i, leaves[i]);
  const made = fromBuffer(name, buffer, shape, storage, dev);
  return castTo(made, target);
}

/** Numbers are written as float64 and cast by native code where the target is not a plain typed array. */
function pickStorage(target: number, kind: number): number {
  if (kind === 3 || category[target] === 3)
    return target === Code.complex128 || kind !== 3 ? (category[target] === 3 ? target : Code.float64) : target;
  if (target === Code.int64) return kind === 2 ? Code.float64 : Code.int64;
  return target === Code.float32 || target === Code.float64 || target === Code.bool
    ? kind === 1 && target === Code.bool
      ? Code.int64
      : target
    : Code.float64;
}

function write(buffer: ArrayBufferView, storage: number, i: number, leaf: unknown): void {
  if (category[storage] === 3) {
    const out = buffer as Float64Array;
    const complex = typeof leaf === "object" ? (leaf as Complex) : { re: Number(leaf), im: 0 };
    out[2 * i] = complex.re;
    out[2 * i + 1] = complex.im;
  } else if (storage === Code.int64) (buffer as BigInt64Array)[i] = BigInt(leaf as bigint | boolean);
  else (buffer as Float64Array)[i] = storage === Code.bool ? (leaf ? 1 : 0) : Number(leaf);
}

const isList = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || ArrayBuffer.isView(value);

function leafKind(name: string, leaf: unknown): number {
  switch (typeof leaf) {
    case "boolean":
      return 0;
    case "bigint":
      return 1;
    case "number":
      return 2;
    default:
      if (isComplexNumber(leaf)) return 3;
      throw new ValueError({ op: name, argument: "data", expected: "numbers, booleans, bigints or arrays of them", got: describe(leaf) });
  }
}

function gather(name: string, value: unknown, shape: readonly number[], depth: number, leaves: unknown[]): void {
  if (value instanceof Tensor && depth > 0) {
    const inner = value.tolist();
    return gather(name, inner, Array.isArray(inner) && shape.length === depth ? [...shape, -1] : shape, depth, leaves);
  }
  if (depth === shape.length) {
    if (isList(value)) throw ragged(name, shape, depth, value);
    leaves.push(value);
    return;
  }
  if (!isList(value) || value.length !== shape[depth]) throw ragged(name, shape, depth, value);
  for (let i = 0; i < value.length; i++) gather(name, value[i], shape, depth + 1, leaves);
}

function ragged(name: string, shape: readonly number[], depth: number, value: unknown): ShapeError {
  const expected = depth === shape.length ? `a scalar at depth ${depth}` : `${shape[depth]} items at depth ${depth}, as in the first row`;
  return new ShapeError({ op: name, argument: "data", expected, got: isList(value) ? `${value.length} items` : describe(value) });
}

export function fromBuffer(name: string, data: ArrayBufferView, shape: Shape, dt: number, dev: number): Tensor {
  const host = launch.made(name, shape, dt, 0, [], (owner) => {
    for (let i = 0; i < shape.length; i++) io[i] = shape[i]!;
    return native.fromBuffer(dt, shape.length, data, owner);
  });
  return onDevice(host, dev);
}

// -- filled

type SizeArgs = (number | readonly number[] | (PinnableOptions & { size?: readonly number[] }))[];
type Filled = (...size: SizeArgs) => Tensor;

function filled(name: string, value: number | null): Filled {
  const body = (size: number[], dt: number | null, dev: number | null, requiresGrad: boolean, pin: boolean): Tensor => {
    const made = launch.empty(name, checkSizes(name, size), dt ?? defaultDtypeCode(), dev ?? defaultDeviceCode());
    const out = pin ? pinMemory(made) : made;
    if (value !== null) fillWith(name, out, value);
    return withGrad(out, requiresGrad);
  };
  return op<Filled>(name, `*size: ints, ${making}${pinning}`, body, { method: false, differentiable: false });
}

/** A tensor of zeros. @example zeros(2, 3), zeros([2, 3], { dtype: "int64" }) */
export const zeros = filled("zeros", 0);
/** A tensor of ones. */
export const ones = filled("ones", 1);
/** A tensor with uninitialised elements. */
export const empty = filled("empty", null);

/** A tensor of one value: a number gives the default dtype, bigint int64, boolean bool. @example full([2, 2], 7) */
export const full: (size: number | readonly number[], fillValue: Scalar, options?: TensorOptions) => Tensor = op(
  "full",
  `size: ints, fillValue: scalar, ${making}`,
  (size: number[], value: Scalar, dt: number | null, dev: number | null, requiresGrad: boolean) => {
    const out = launch.empty("full", checkSizes("full", size), dt ?? scalarCode(value), dev ?? defaultDeviceCode());
    fillWith("full", out, value);
    return withGrad(out, requiresGrad);
  },
  { method: false, differentiable: false },
);
const scalarCode = (value: Scalar): number =>
  typeof value === "object"
    ? complexOf(defaultDtypeCode())
    : typeof value === "boolean"
      ? Code.bool
      : typeof value === "bigint"
        ? Code.int64
        : defaultDtypeCode();

type Like = (input: Tensor, options?: TensorOptions) => Tensor;
function like(name: string, value: number | null): Like {
  const body = (input: Tensor, dt: number | null, dev: number | null, requiresGrad: boolean): Tensor => {
    const out = launch.empty(name, input.shape, dt ?? input.dt, dev ?? input.dev);
    if (value !== null) fillWith(name, out, value);
    return withGrad(out, requiresGrad);
  };
  return op<Like>(name, `input: tensor, ${making}`, body, { method: false, differentiable: false });
}
/** Zeros with the shape, dtype and device of `input`. */
export const zerosLike = like("zerosLike", 0);
/** Ones with the shape, dtype and device of `input`. */
export const onesLike = like("onesLike", 1);
/** Uninitialised, with the shape, dtype and device of `input`. */
export const emptyLike = like("emptyLike", null);
/** One value with the shape, dtype and device of `input`. */
export const fullLike: (input: Tensor, fillValue: Scalar, options?: TensorOptions) => Tensor = op(
  "fullLike",
  `input: tensor, fillValue: scalar, ${making}`,
  (input: Tensor, value: Scalar, dt: number | null, dev: number | null, requiresGrad: boolean) => {
    const out = launch.empty("fullLike", input.shape, dt ?? input.dt, dev ?? input.dev);
    fillWith("fullLike", out, value);
    return withGrad(out, requiresGrad);
  },
  { method: false, differentiable: false },
);

// -- counted

const arangeParams = parseSignature(`start: number, end: number? = null, step: number = 1, ${making}`);
type ArangeOptions = TensorOptions & { start?: Scalar; end?: Scalar | null; step?: Scalar };

function arangeOf(...args: (Scalar | ArangeOptions)[]): Tensor {
  const named = isOptions(args.at(-1)) ? (args.at(-1) as Record<string, unknown>) : {};
  const positional = isOptions(args.at(-1)) ? args.length - 1 : args.length;
  const full = positional === 0 && named["start"] === undefined ? [0, ...args] : args;
  const [a, b, step, dt, dev, requiresGrad] = bind("arange", arangeParams, full) as [
    Scalar,
    Scalar | null,
    Scalar,
    number | null,
    number | null,
    boolean,
  ];
  const [start, end] = b === null ? [0, a] : [a, b];
  const [from, to, by] = [Number(start), Number(end), Number(step)];
  if (!Number.isFinite(from) || !Number.isFinite(to))
    throw new ValueError({ op: "arange", argument: "end", expected: "finite bounds", got: `${from} and ${to}` });
  if (by === 0 || Number.isNaN(by)) throw new ValueError({ op: "arange", argument: "step", expected: "not zero", got: String(by) });
  if ((to - from) / by < 0)
    throw new ValueError({ op: "arange", argument: "end", expected: "reached from start by step", got: `${from} to ${to} by ${by}` });
  const whole = [from, to, by].every(Number.isInteger);
  const n = Math.max(0, Math.ceil((to - from) / by));
  requireNumbers("arange", dt);
  return withGrad(
    launch.run("arange", code("arange"), [], [n], dt ?? (whole ? Code.int64 : defaultDtypeCode()), [from, by], dev ?? defaultDeviceCode()),
    requiresGrad,
  );
}

/**
 * Numbers from start (default 0) to end (excluded), step apart; int64 when all are integers, else the default dtype.
 * @example arange(4) // [0, 1, 2, 3]
 */
export const arange: (...args: (Scalar | ArangeOptions)[]) => Tensor = register("arange", arangeParams, arangeOf, {
  method: false,
  differentiable: false,
});

/** As torch: a sequence of numbers cannot be bool. */
function requireNumbers(op: string, dt: number | null): void {
  if (dt === Code.bool) throw new DTypeError({ op, argument: "dtype", expected: "a dtype other than bool", got: "bool" });
}

/** An end of linspace: a number, or what a 0-d tensor holds. */
function endOf(name: string, argument: string, value: Tensor | Scalar): Scalar {
  if (!(value instanceof Tensor)) return value;
  if (value.shape.length > 0)
    throw new ShapeError({ op: name, argument, expected: "a number or a 0-d tensor", got: formatShape(value.shape) });
  return value.item<Scalar>();
}

function complexSteps(start: Scalar, end: Scalar, steps: number, dt: number | null, dev: number | null): Tensor {
  const target = dt ?? complexOf(defaultDtypeCode());
  if (category[target] !== 3)
    throw new DTypeError({
      op: "linspace",
      argument: "dtype",
      expected: "a complex dtype for complex ends",
      got: launch.dtypeName(target),
    });
  const [a, b] = [start, end].map((x) => (typeof x === "object" ? x : { re: Number(x), im: 0 })) as [Complex, Complex];
  const part = (from: number, to: number): Tensor =>
    launch.run("linspace", code("linspace"), [], [steps], Code.float64, [from, to], dev ?? defaultDeviceCode());
  return castTo(part(a.im, b.im).mul({ re: 0, im: 1 }).add(part(a.re, b.re)), target);
}

/** `steps` numbers from start to end, both included. @example linspace(0, 1, 3) // [0., 0.5, 1.] */
export const linspace: (start: Tensor | Scalar, end: Tensor | Scalar, steps: number | TensorOptions, options?: TensorOptions) => Tensor =
  op(
    "linspace",
    `start: operand, end: operand, steps: int, ${making}`,
    (from: Tensor | Scalar, to: Tensor | Scalar, steps: number, dt: number | null, dev: number | null, requiresGrad: boolean) => {
      const [first, last] = [endOf("linspace", "start", from), endOf("linspace", "end", to)];
      if (typeof first === "object" || typeof last === "object") return withGrad(complexSteps(first, last, steps, dt, dev), requiresGrad);
      const [start, end] = [Number(first), Number(last)];
      if (steps < 0) throw new ValueError({ op: "linspace", argument: "steps", expected: "at least 0", got: String(steps) });
      if (steps > 1) requireNumbers("linspace", dt);
      // As torch: integers are even steps between ends that lost their fractions.
      const ends = dt !== null && isIntegral(dt) ? [Math.trunc(start), Math.trunc(end)] : [start, end];
      return withGrad(
        launch.run("linspace", code("linspace"), [], [steps], dt ?? defaultDtypeCode(), ends, dev ?? defaultDeviceCode()),
        requiresGrad,
      );
    },
    { method: false, differentiable: false },
  );
/** `steps` numbers from base^start to base^end, evenly spaced in the exponent. @param base default 10 */
export const logspace: (
  start: Tensor | Scalar,
  end: Tensor | Scalar,
  steps: number,
  base?: number | (TensorOptions & { base?: number }),
  options?: TensorOptions,
) => Tensor = op(
  "logspace",
  `start: operand, end: operand, steps: int, base: float = 10.0, ${making}`,
  (
    from: Tensor | Scalar,
    to: Tensor | Scalar,
    steps: number,
    base: number,
    dt: number | null,
    dev: number | null,
    requiresGrad: boolean,
  ) => {
    const [first, last] = [endOf("logspace", "start", from), endOf("logspace", "end", to)];
    if (typeof first === "object" || typeof last === "object") {
      const exponents = complexSteps(first, last, steps, Code.complex128, dev);
      return withGrad(castTo(pow(base, exponents), dt ?? complexOf(defaultDtypeCode())), requiresGrad);
    }
    const [start, end] = [Number(first), Number(last)];
    if (steps < 0) throw new ValueError({ op: "logspace", argument: "steps", expected: "at least 0", got: String(steps) });
    if (steps > 1) requireNumbers("logspace", dt);
    const ends = dt !== null && isIntegral(dt) ? [Math.trunc(start), Math.trunc(end)] : [start, end];
    const exponents = launch.run("logspace", code("linspace"), [], [steps], Code.float64, ends, dev ?? defaultDeviceCode());
    return withGrad(castTo(pow(base, exponents), dt ?? defaultDtypeCode()), requiresGrad);
  },
  { method: false, differentiable: false },
);
/** The identity matrix [n, m]. @param m default n */
export const eye: (n: number, m?: number | null | (TensorOptions & { m?: number | null }), options?: TensorOptions) => Tensor = op(
  "eye",
  `n: int, m: int? = null, ${making}`,
  (n: number, m: number | null, dt: number | null, dev: number | null, requiresGrad: boolean) =>
    withGrad(
      launch.run("eye", code("eye"), [], checkSizes("eye", [n, m ?? n], "n"), dt ?? defaultDtypeCode(), [], dev ?? defaultDeviceCode()),
      requiresGrad,
    ),
  { method: false, differentiable: false },
);
