/** The Tensor: a native handle with its shape, dtype and device; methods of ops are added by src/ops/methods.ts. */
import { io, native } from "../runtime/addon.js";
import { chosen } from "../runtime/chosen.js";
import { release } from "../runtime/memory.js";
import type { Handle } from "../runtime/native.js";
import { DeviceEvent } from "./event.js";
import { deviceName, type Device } from "./device.js";
import { Code, dtypes, isDifferentiable, typedArrayFor, type DType, type TypedArray } from "./dtype.js";
import { AutogradError, DTypeError, DisposedError, ValueError, describe, formatShape, type CellgradError } from "./errors.js";
import { formatTensor } from "./print.js";
import { numelOf, wrapDim, type Shape } from "./shape.js";
import { trace } from "./trace.js";

/** What the tensor layer needs to know of a graph node; src/autograd defines the rest. */
export interface GradFn {
  readonly name: string;
  /** The nodes of the inputs, with the number of the output that the input is; null for inputs without history. */
  readonly nextFunctions: readonly (readonly [GradFn | null, number])[];
  /** Calls `hook(gradInputs, gradOutputs)` after the gradient was computed; a returned list replaces the gradients of the inputs. */
  registerHook(hook: (gradInputs: Grads, gradOutputs: Grads) => Grads | void | null): { remove(): void };
  /** Calls `hook(gradOutputs)` before the gradient is computed; a returned list replaces what it is computed from. */
  registerPrehook(hook: (gradOutputs: Grads) => Grads | void | null): { remove(): void };
  /** @internal Adds a hook on the gradient of one output; returns what removes it. */
  hook(output: number, run: (grad: Tensor) => Tensor | void | null): () => void;
  /** @internal Keeps the gradient of one output in `t.grad`. */
  retain(output: number, t: Tensor): void;
}

type Grads = readonly (Tensor | null)[];

/** Life of one storage as autograd sees it; views share it. Made when a tensor is first saved or viewed. */
export interface StorageTag {
  /** Counts in-place changes. */
  version: number;
  /** A graph node keeps this storage: in-place ops record where they happened. */
  saved: boolean;
  /** The first in-place change since the storage was last saved. */
  culprit: { readonly op: string; readonly shape: Shape; readonly place: Error } | null;
  /** The JavaScript buffer that the storage lies in, when it does. */
  lender: { readonly buffer: ArrayBufferLike; readonly start: number } | null;
}

/** A differentiable view remembers how it was made, so that in-place changes reach its base. */
export interface ViewOf {
  readonly base: Tensor;
  readonly replay: (base: Tensor) => Tensor;
  /** One of several views that one op made, or a view of one: torch forbids to record changes of it. */
  many?: boolean;
  /** The base's rewrite count when gradFn was last right. */
  rewrites: number;
}

export interface AutogradMeta {
  requiresGrad: boolean;
  grad: Tensor | null;
  gradFn: GradFn | null;
  /** Which output of gradFn this tensor is. */
  output: number;
  retainsGrad: boolean;
  /** Hooks of a leaf; a result's hooks sit on its node. */
  hooks: ((grad: Tensor) => Tensor | void | null)[] | null;
  postAccumulate: ((tensor: Tensor) => void)[] | null;
  view: ViewOf | null;
  /** Counts in-place ops that replaced gradFn. */
  rewrites: number;
  /** The accumulation node of a leaf. */
  leaf: GradFn | null;
}

let refreshView: (t: Tensor) => void;
/** Given by src/autograd/node.ts. */
export function setRefreshView(given: typeof refreshView): void {
  refreshView = given;
}
/** gradFn, rebuilt for a view whose base was changed in place since. */
function historyOf(t: Tensor, ag: AutogradMeta): GradFn | null {
  if (isStale(ag)) refreshView(t);
  return ag.gradFn;
}
const isStale = ({ view }: AutogradMeta): boolean => view !== null && view.rewrites !== (view.base.ag?.rewrites ?? 0);

/** A scalar or nested arrays of scalars: what `tolist()` returns. */
export type Nested = number | bigint | boolean | Complex | Nested[];
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** A number beside a tensor; an integer-valued one acts as Python's int. */
export type Scalar = number | bigint | boolean | Complex;

/**
 * An n-dimensional array of one dtype on one device.
 * Made by `tensor()`, `zeros()`, `randn()` and the like, and by every op.
 */
export class Tensor {
  /** @internal */ handle: Handle = -1;
  /** Sizes of the dims. */
  readonly shape: Shape;
  /** @internal dtype code */ readonly dt: number;
  /** @internal device code */ readonly dev: number;
  /** @internal */ tag: StorageTag | null = null;
  /** @internal */ ag: AutogradMeta | null = null;

  /** @internal Ops make tensors; use `tensor()`, `zeros()` and so on. */
  constructor(shape: Shape, dt: number, dev: number) {
    this.shape = shape;
    this.dt = dt;
    this.dev = dev;
  }

  get dtype(): DType {
    return dtypes[this.dt]!;
  }

  get device(): Device {
    return deviceName(this.dev);
  }

  /** The number of dims. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The number of dims. */
  dim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  numel(): number {
    return numelOf(this.shape);
  }

  /** The shape, or the size of one dim (negative counts from the end). */
  size(): Shape;
  size(dim: number): number;
  size(dim?: number): Shape | number {
    return dim === undefined ? this.shape : this.shape[wrapDim("size", integer("size", "dim", dim), this.shape.length)]!;
  }

  /** Strides in elements, or that of one dim. */
  stride(): readonly number[];
  stride(dim: number): number;
  stride(dim?: number): readonly number[] | number {
    const rank = this.info("stride");
    if (dim !== undefined) return io[9 + rank + wrapDim("stride", integer("stride", "dim", dim), rank)]!;
    return Array.from(io.subarray(9 + rank, 9 + 2 * rank));
  }

  /** Elements between the start of the storage and the first element. */
  storageOffset(): number {
    this.info("storageOffset");
    return io[1]!;
  }

  /** Bytes of one element. */
  elementSize(): number {
    return [1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16][this.dt]!;
  }

  /** Bytes of all elements. */
  get nbytes(): number {
    return this.numel() * this.elementSize();
  }

  /** Bytes of one element. */
  get itemsize(): number {
    return this.elementSize();
  }

  /** True when the elements lie without gaps in row-major order, or in that of a format: see `contiguous()`. */
  isContiguous({ memoryFormat = "contiguousFormat" }: { memoryFormat?: string } = {}): boolean {
    const rank = memoryFormat === "channelsLast" ? 4 : memoryFormat === "channelsLast3d" ? 5 : -1;
    if (rank < 0) return this.answer("isContiguous", native.isContiguous(this.live("isContiguous"))) === 1 || this.numel() === 0;
    return rank === this.shape.length && (this as Tensor).movedim(1, -1).isContiguous();
  }

  isFloatingPoint(): boolean {
    return this.dt >= Code.float16 && this.dt <= Code.float64;
  }

  isComplex(): boolean {
    return this.dt >= Code.complex64;
  }

  /** Address of the first element (CPU). */
  dataPtr(): number {
    this.info("dataPtr");
    return io[8]!;
  }

  /** Counts in-place changes of the storage. */
  get _version(): number {
    return native.version(this.live("_version"));
  }

  /**
   * The value of a one-element tensor: a number; bigint for an int64 beyond 2^53, boolean for bool, `{ re, im }` for complex dtypes.
   * The type says number unless another is asked for. @example tensor([1, 2]).eq(2).any().item<boolean>() // true
   */
  item<T extends Scalar = number>(): T {
    return this.scalar() as T;
  }

  private scalar(): Scalar {
    if (this.numel() !== 1) {
      throw new ValueError({
        op: "item",
        expected: "a tensor with one element",
        got: `shape ${formatShape(this.shape)}`,
        hint: "use tolist()",
      });
    }
    const handle = this.settled("item");
    if (this.dt === Code.int64) return narrow(native.itemBigInt(handle));
    native.item(handle);
    if (this.dt >= Code.complex64) return { re: io[0]!, im: io[1]! };
    return this.dt === Code.bool ? io[0] !== 0 : io[0]!;
  }

  /**
   * The elements in row-major order: Float32Array for float32, BigInt64Array for int64, Uint8Array for bool... Copied by default.
   * With { copy: false } the array and the tensor share memory: writing to one changes the other. The first such call moves the tensor's
   * storage into a JavaScript buffer; a tensor made by fromTypedArray is there already.
   */
  toTypedArray({ copy = true }: { copy?: boolean } = {}): TypedArray {
    if (!copy) return lend(this);
    const data = typedArrayFor(this.dt, this.numel());
    const status = native.toBuffer(this.live("toTypedArray"), data);
    if (status < 0) throw readFailure("toTypedArray", status, this);
    return data;
  }

  /** As {@link toTypedArray}, without blocking on a device that works asynchronously. */
  async toTypedArrayAsync(): Promise<TypedArray> {
    this.live("toTypedArrayAsync");
    if (this.dev !== 0) await new DeviceEvent(this.dev).over();
    return this.toTypedArray();
  }

  /** Nested arrays of numbers (int64 beyond 2^53 as bigint, bool as booleans, complex as `{ re, im }`); the number itself for a 0-d tensor. */
  // How deep the arrays are nested is known when it runs: as with JSON.parse, the caller says what it expects.
  // oxlint-disable-next-line no-explicit-any
  tolist<T extends Nested = any[]>(): T {
    return nest(this.elements(), this.shape) as T;
  }

  /** @internal The elements as JavaScript values, in row-major order. */
  elements(): Exclude<Nested, Nested[]>[] {
    if (this.dt === Code.float16 || this.dt === Code.bfloat16) return halves(this.toTypedArray() as Uint16Array, this.dt);
    const data = this.toTypedArray();
    if (data instanceof BigInt64Array) return Array.from(data, narrow);
    if (this.dt === Code.bool) return Array.from(data, (value) => value !== 0);
    if (this.dt < Code.complex64) return Array.from(data);
    return Array.from({ length: data.length / 2 }, (_, i) => ({ re: data[2 * i]!, im: data[2 * i + 1]! }));
  }

  /** @internal A plain view with other sizes and strides, from the first element; at most 16 dims. */
  strided(sizes: Shape, strides: readonly number[]): Tensor {
    const view = new Tensor(sizes, this.dt, this.dev);
    const offset = this.storageOffset();
    [...sizes, ...strides, offset].forEach((value, i) => (io[i] = value));
    view.handle = native.asStrided(this.handle, sizes.length, view);
    return view;
  }

  /** Gives the memory back now; later use is a DisposedError. Twice is a no-op. Nobody needs it: memory frees itself. */
  dispose(): void {
    if (this.handle < 0) return;
    release(this, this.handle);
    this.handle = -1;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** True after {@link dispose}. */
  get disposed(): boolean {
    return this.handle < 0;
  }

  // -- autograd state

  /** True when ops on this tensor are recorded for backward. */
  get requiresGrad(): boolean {
    const { ag } = this;
    if (ag === null || ag.requiresGrad) return ag !== null;
    return isStale(ag) ? ag.view!.base.requiresGrad : ag.gradFn !== null;
  }

  set requiresGrad(value: boolean) {
    if (typeof value !== "boolean") {
      throw new ValueError({ op: "requiresGrad", argument: "value", expected: "true or false", got: describe(value) });
    }
    if (!value && this.ag?.gradFn) {
      throw new AutogradError({ op: "requiresGrad", expected: "a leaf", got: "the result of an op", hint: "use detach()" });
    }
    if (value && !isDifferentiable(this.dt)) {
      throw new DTypeError({ op: "requiresGrad", expected: "a floating or complex dtype", got: this.dtype });
    }
    if (value || this.ag !== null) metaOf(this).requiresGrad = value;
  }

  /** Sets {@link requiresGrad} and returns the tensor. */
  requiresGrad_(requiresGrad = true): this {
    this.requiresGrad = requiresGrad;
    return this;
  }

  /** The accumulated gradient, or null. Only leaves have one, and results that were asked to keep it with {@link retainGrad}. */
  get grad(): Tensor | null {
    if (trace !== null) trace.grad(this, "read");
    const { ag } = this;
    if (ag === null) return null;
    if (ag.grad === null && ag.gradFn !== null && !ag.retainsGrad) warnOfNonLeaf(this);
    return ag.grad;
  }

  set grad(value: Tensor | null) {
    if (value !== null && !(value instanceof Tensor)) {
      throw new ValueError({ op: "grad", argument: "value", expected: "a Tensor or null", got: describe(value) });
    }
    if (value !== null && (value.shape.length !== this.shape.length || value.shape.some((size, i) => size !== this.shape[i]))) {
      throw new ValueError({
        op: "grad",
        argument: "value",
        expected: `a tensor of shape ${formatShape(this.shape)}`,
        got: formatShape(value.shape),
      });
    }
    if (trace !== null) trace.grad(this, "set");
    if (value !== null || this.ag !== null) metaOf(this).grad = value;
  }

  /** The graph node that made this tensor, or null for a leaf. */
  get gradFn(): GradFn | null {
    return this.ag === null ? null : historyOf(this, this.ag);
  }

  /** True unless the tensor is the recorded result of an op. */
  get isLeaf(): boolean {
    return this.ag === null || historyOf(this, this.ag) === null;
  }

  /** Keeps `.grad` of a result of an op, too. No effect on a leaf, which keeps it anyway. */
  retainGrad(): void {
    if (!this.requiresGrad)
      throw new AutogradError({ op: "retainGrad", expected: "a tensor that requires grad", got: "one that does not" });
    const meta = metaOf(this);
    if (meta.gradFn === null || meta.retainsGrad) return;
    meta.retainsGrad = true;
    meta.gradFn.retain(meta.output, this);
  }

  /** True for a result of an op that was asked to keep its gradient. */
  get retainsGrad(): boolean {
    return this.ag !== null && this.ag.retainsGrad;
  }

  /** Calls `hook(grad)` whenever the gradient of this tensor is computed; a returned tensor replaces it. */
  registerHook(hook: (grad: Tensor) => Tensor | void | null): { remove(): void } {
    if (typeof hook !== "function")
      throw new ValueError({ op: "registerHook", argument: "hook", expected: "a function", got: describe(hook) });
    if (!this.requiresGrad)
      throw new AutogradError({ op: "registerHook", expected: "a tensor that requires grad", got: "one that does not" });
    const meta = metaOf(this);
    if (meta.gradFn !== null) return { remove: meta.gradFn.hook(meta.output, hook) };
    const entry: typeof hook = (grad) => hook(grad);
    (meta.hooks ??= []).push(entry);
    return { remove: () => void (meta.hooks = meta.hooks!.filter((other) => other !== entry)) };
  }

  /** Calls `hook(tensor)` after a gradient was added to the `.grad` of this leaf. */
  registerPostAccumulateGradHook(hook: (tensor: Tensor) => void): { remove(): void } {
    const op = "registerPostAccumulateGradHook";
    if (typeof hook !== "function") throw new ValueError({ op, argument: "hook", expected: "a function", got: describe(hook) });
    if (!this.requiresGrad) throw new AutogradError({ op, expected: "a tensor that requires grad", got: "one that does not" });
    const meta = metaOf(this);
    if (meta.gradFn !== null)
      throw new AutogradError({ op, expected: "a leaf", got: "the result of an op", hint: "use registerHook() on results" });
    const entry: typeof hook = (t) => hook(t);
    (meta.postAccumulate ??= []).push(entry);
    return { remove: () => void (meta.postAccumulate = meta.postAccumulate!.filter((other) => other !== entry)) };
  }

  // -- words

  /** As torch prints: precision 4, summarised above 1000 elements. */
  toString(): string {
    return formatTensor(this);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.disposed ? `tensor(disposed, shape=${formatShape(this.shape)})` : formatTensor(this);
  }

  /** What JSON.stringify writes: the nested arrays of {@link tolist}. */
  toJSON(): Nested {
    return this.tolist();
  }

  /** A one-element tensor compares as its number: `loss < 0.1`. */
  [Symbol.toPrimitive](hint: string): number | string {
    if (hint !== "number") return this.toString();
    if (numelOf(this.shape) !== 1)
      throw new ValueError({
        op: "number",
        expected: "a tensor with one element where JavaScript takes a number",
        got: `shape ${formatShape(this.shape)}`,
        hint: "operators take numbers: use neg(), add(), mul(), lt()",
      });
    return Number(this.item());
  }

  /** @internal The handle, or an error that names `op`. */
  live(op: string): Handle {
    if (this.handle < 0) throw this.gone(op);
    return this.handle;
  }

  /** @internal Why there is no handle. */
  gone(op: string): CellgradError {
    return new DisposedError({ op, expected: "a live tensor", got: `one of shape ${formatShape(this.shape)} that was disposed` });
  }

  /** The handle, when the device has done all work before: its failures come now. */
  private settled(op: string): Handle {
    const handle = this.live(op);
    const status = this.dev === 0 ? 0 : native.synchronize(this.dev, chosen("stream", this.dev));
    if (status < 0) throw readFailure(op, status, this);
    return handle;
  }

  private info(op: string): number {
    return this.answer(op, native.info(this.live(op)));
  }

  private answer(op: string, status: number): number {
    if (status < 0) throw readFailure(op, status, this);
    return status;
  }
}

let lend: (t: Tensor) => TypedArray;
/** @internal Given by src/ops/sharing.ts: a typed array over the memory of a tensor. */
export function setLend(given: typeof lend): void {
  lend = given;
}

let readFailure: (op: string, status: number, t: Tensor) => Error;
/** Given by launch.ts: the error behind a status of reading a tensor. */
export function setReadFailure(given: typeof readFailure): void {
  readFailure = given;
}

let warned = false;

/** Says once a process why a result of an op has no `.grad`. */
function warnOfNonLeaf(t: Tensor): void {
  if (warned) return;
  warned = true;
  console.warn(
    `cellgrad: the .grad of a tensor that is not a leaf was read (shape ${formatShape(t.shape)}, made by ${t.gradFn!.name}). ` +
      "backward() does not fill it: call retainGrad() on the tensor before, or read the .grad of the leaf.",
  );
}

/** The autograd state of a tensor, made on first use. */
export function metaOf(t: Tensor): AutogradMeta {
  return (t.ag ??= {
    requiresGrad: false,
    grad: null,
    gradFn: null,
    output: 0,
    retainsGrad: false,
    hooks: null,
    postAccumulate: null,
    view: null,
    rewrites: 0,
    leaf: null,
  });
}

/** The storage's tag, made on first use. */
export function tagOf(t: Tensor): StorageTag {
  return (t.tag ??= { version: 0, saved: false, culprit: null, lender: null });
}

const narrow = (value: bigint): number | bigint => (value >= -9007199254740992n && value <= 9007199254740992n ? Number(value) : value);

function nest(flat: Exclude<Nested, Nested[]>[], shape: Shape): Nested {
  if (shape.length === 0) return flat[0]!;
  let position = 0;
  const build = (dim: number): Nested[] =>
    Array.from({ length: shape[dim]! }, () => (dim === shape.length - 1 ? flat[position++]! : build(dim + 1)));
  return build(0);
}

const bits = new DataView(new ArrayBuffer(4));

function halves(data: Uint16Array, dt: number): number[] {
  return Array.from(data, (half) => (dt === Code.bfloat16 ? (bits.setUint32(0, half << 16), bits.getFloat32(0)) : halfToNumber(half)));
}

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function integer(op: string, argument: string, value: unknown): number {
  if (Number.isInteger(value)) return value as number;
  throw new ValueError({ op, argument, expected: "an integer", got: describe(value) });
}
