/** Runs native work for ops: makes the result tensor, translates failures, retries once after a full collection. */
import { afterInterrupt, io, native, words } from "../runtime/addon.js";
import { adopt, collect, collectAll, collectYoung } from "../runtime/memory.js";
import { Status, Word, type Handle } from "../runtime/native.js";
import { dtypes, isComplex } from "./dtype.js";
import { deviceName, noticeFallbacks } from "./device.js";
import {
  CellgradError,
  DTypeError,
  DeviceError,
  DeviceLostError,
  DisposedError,
  IndexError,
  InterruptedError,
  NotImplementedError,
  OutOfMemoryError,
  ValueError,
  formatShape,
} from "./errors.js";
import { describeHolder, holders } from "./memory.js";
import type { Shape } from "./shape.js";
import { Tensor, setReadFailure } from "./tensor.js";

const ownFinalizers = !native.basicFinalizers;

// Tensors made inside the innermost scope(), or null outside.
let collecting: Tensor[] | null = null;
afterInterrupt(() => (collecting = null));

/** Collects the tensors that `body` makes; returns them with its result. */
export function collectMade<T>(body: () => T): { result: T; made: readonly Tensor[] } {
  const outer = collecting;
  const made: Tensor[] = [];
  collecting = made;
  try {
    return { result: body(), made };
  } finally {
    collecting = outer;
  }
}

/** Gives a fresh handle to its tensor and lets the allocator have the collection it asked for. */
export function settle(out: Tensor, handle: Handle): Tensor {
  out.handle = handle;
  if (ownFinalizers) adopt(out, handle);
  if (collecting !== null) collecting.push(out);
  if (words[Word.collect] !== 0) collect();
  if (out.dev !== 0) noticeFallbacks(out.dev);
  return out;
}

/** The slow path of a negative answer: one more try after a full collection when memory ran out, else an error. */
function recover(op: string, status: number, out: Tensor, inputs: readonly Tensor[], again: () => Handle): Tensor {
  if (status === Status.outOfMemory) {
    status = afterCollecting(again);
    if (status >= 0) return settle(out, status);
  }
  throw failure(op, status, inputs, out.dev);
}

/** The rungs above the allocator's own: a minor collection, which costs microseconds, then a full one. */
function afterCollecting(again: () => number): number {
  collectYoung();
  const status = again();
  if (status !== Status.outOfMemory) return status;
  collectAll();
  return again();
}

/** The error behind a negative status. */
export function failure(op: string, status: number, inputs: readonly Tensor[], dev = inputs[0]?.dev ?? 0): Error {
  native.failure();
  const [a, b, c, d] = [io[0]!, io[1]!, io[2]!, io[3]!];
  switch (status) {
    case Status.outOfMemory:
      // A device that was lost refuses memory too.
      if (dev !== 0 && native.synchronize(dev, -1) === Status.deviceLost) return lost(op, dev);
      return outOfMemory(op, dev, a, b, c, d);
    case Status.cancelled:
      return new InterruptedError({ op, expected: "to finish", got: "an interrupt" });
    case Status.staleHandle: {
      const taken = inputs.find((t) => t.handle >= 0 && t.tag?.lender?.buffer.byteLength === 0);
      if (taken !== undefined) return transferred(op, taken);
      const dead = inputs.find((t) => t.handle < 0);
      return (dead ?? inputs[0]!).gone(op);
    }
    case Status.indexOutOfRange:
      return new IndexError({
        op,
        argument: "index",
        expected: b === 0 ? "of a dim with elements" : `in the range [${c}, ${b - 1}]`,
        got: String(a),
      });
    case Status.unsupportedDType: {
      if (inputs.some((t) => isComplex(t.dt)))
        return new DTypeError({ op, expected: "real numbers", got: "complex ones", hint: "it has no meaning for complex numbers" });
      const kinds = [...new Set(inputs.map((t) => t.dtype))].join(" and ");
      return new NotImplementedError({ op, expected: "a dtype with a kernel on this device", got: kinds === "" ? "this one" : kinds });
    }
    case Status.deviceLost:
      return lost(op, dev);
    case Status.mixedDevices:
      return new DeviceError({
        op,
        expected: "tensors on one device",
        got: `${deviceName(a)} and ${deviceName(b)}`,
        hint: `move one with .to("${deviceName(a)}")`,
      });
    case Status.noKernel:
      return new NotImplementedError({
        op,
        expected: `a kernel for it on ${inputs[0]?.device ?? "this device"}`,
        got: "none",
        hint: "setFallback(true) lets the CPU compute it",
      });
    case Status.notCompiled:
      return new DeviceError({
        op,
        expected: `a program that ${inputs[0]?.device ?? "the device"} compiles`,
        got: native.compileLog().trim(),
      });
    case Status.overlap:
      return new ValueError({
        op,
        expected: a === 1 ? "a tensor whose elements have places of their own" : "operands that share no memory with what is written",
        got: a === 1 ? "one whose elements share memory, such as an expanded one" : "another part of the same memory",
        hint: "clone() it first",
      });
    default:
      return new CellgradError({
        op,
        expected: "valid arguments",
        got: `native status ${status} for ${inputs.map((t) => formatShape(t.shape)).join(", ")}`,
      });
  }
}

function transferred(op: string, t: Tensor): DisposedError {
  return new DisposedError({
    op,
    expected: "a tensor that has its memory",
    got: `one of shape ${formatShape(t.shape)} over an ArrayBuffer that was transferred`,
    hint: "tensor(data) copies what fromTypedArray(data) shares",
  });
}

const lost = (op: string, dev: number): DeviceLostError =>
  new DeviceLostError({
    op,
    expected: "a working device",
    got: `${deviceName(dev)}, which was lost`,
    hint: "its tensors are gone; work on the CPU goes on, a restart of the kernel brings the device back",
  });

/** Who holds the memory, beside the figures of the failed allocation. */
function outOfMemory(op: string, dev: number, requested: number, allocated: number, cached: number, cap: number): OutOfMemoryError {
  native.memory(dev);
  const room = Math.max(0, (cap > 0 ? cap : io[8]!) - allocated);
  const left = native.available(dev);
  const free = left < 0 ? room : Math.min(room, left);
  const largest = holders(dev, 10).map((holder) => ({ bytes: holder.bytes, text: describeHolder(holder), holder }));
  return new OutOfMemoryError(op, deviceName(dev), { requested, allocated, cached, cap, free }, largest);
}

export function unary(op: string, code: number, a: Tensor, dt: number, outDt: number): Tensor {
  const out = new Tensor(a.shape, outDt, a.dev);
  const handle = native.unary(code, a.handle, dt, out);
  return handle >= 0 ? settle(out, handle) : recover(op, handle, out, [a], () => native.unary(code, a.handle, dt, out));
}

export function unaryAttr(op: string, code: number, a: Tensor, p0: number, p1: number, dt: number): Tensor {
  const out = new Tensor(a.shape, dt, a.dev);
  const handle = native.unaryAttr(code, a.handle, p0, p1, dt, out);
  return handle >= 0 ? settle(out, handle) : recover(op, handle, out, [a], () => native.unaryAttr(code, a.handle, p0, p1, dt, out));
}

export function binary(op: string, code: number, a: Tensor, b: Tensor, shape: Shape, dt: number, outDt: number): Tensor {
  const out = new Tensor(shape, outDt, a.dev);
  const handle = native.binary(code, a.handle, b.handle, dt, out);
  return handle >= 0 ? settle(out, handle) : recover(op, handle, out, [a, b], () => native.binary(code, a.handle, b.handle, dt, out));
}

export function binaryScalar(op: string, code: number, a: Tensor, scalar: number, scalarFirst: 0 | 1, dt: number, outDt: number): Tensor {
  const out = new Tensor(a.shape, outDt, a.dev);
  const handle = native.binaryScalar(code, a.handle, scalar, scalarFirst, dt, out);
  if (handle >= 0) return settle(out, handle);
  return recover(op, handle, out, [a], () => native.binaryScalar(code, a.handle, scalar, scalarFirst, dt, out));
}

export function binaryAttr(op: string, code: number, a: Tensor, b: Tensor, p0: number, p1: number, shape: Shape, dt: number): Tensor {
  const out = new Tensor(shape, dt, a.dev);
  const handle = native.binaryAttr(code, a.handle, b.handle, p0, p1, dt, out);
  if (handle >= 0) return settle(out, handle);
  return recover(op, handle, out, [a, b], () => native.binaryAttr(code, a.handle, b.handle, p0, p1, dt, out));
}

export function ternary(op: string, code: number, a: Tensor, b: Tensor, c: Tensor, p0: number, shape: Shape, dt: number): Tensor {
  const out = new Tensor(shape, dt, b.dev);
  const handle = native.ternary(code, a.handle, b.handle, c.handle, p0, dt, out);
  if (handle >= 0) return settle(out, handle);
  return recover(op, handle, out, [a, b, c], () => native.ternary(code, a.handle, b.handle, c.handle, p0, dt, out));
}

/** A uninitialised, contiguous tensor. */
export function empty(op: string, shape: Shape, dt: number, dev: number): Tensor {
  const out = new Tensor(shape, dt, dev);
  const make = (): Handle => {
    for (let i = 0; i < shape.length; i++) io[i] = shape[i]!;
    return native.empty(dt, dev, shape.length, out);
  };
  const handle = make();
  return handle >= 0 ? settle(out, handle) : recover(op, handle, out, [], make);
}

/** A result with the given shape and dtype from any native call that answers a handle (`make` fills `io` itself). */
export function made(
  op: string,
  shape: Shape,
  dt: number,
  dev: number,
  inputs: readonly Tensor[],
  make: (owner: Tensor) => Handle,
): Tensor {
  const out = new Tensor(shape, dt, dev);
  const handle = make(out);
  return handle >= 0 ? settle(out, handle) : recover(op, handle, out, inputs, () => make(out));
}

/** As {@link made}; null where the device has no kernel for it. */
export function tryMade(
  op: string,
  shape: Shape,
  dt: number,
  dev: number,
  inputs: readonly Tensor[],
  make: (owner: Tensor) => Handle,
): Tensor | null {
  const out = new Tensor(shape, dt, dev);
  const handle = make(out);
  if (handle === Status.noKernel) return null;
  return handle >= 0 ? settle(out, handle) : recover(op, handle, out, inputs, () => make(out));
}

/** A view or conversion of `a`: `made` for the hot path, without a closure on success. */
export const finish = (op: string, out: Tensor, handle: Handle, a: Tensor): Tensor => {
  if (handle >= 0) return settle(out, handle);
  throw failure(op, handle, [a]);
};

/** One output of a structured kernel. */
export interface OutputSpec {
  readonly shape: Shape;
  readonly dt: number;
}

/** Runs a structured kernel (native/kernels/structured.def) that makes one output. */
export function run(
  op: string,
  kernel: number,
  inputs: readonly Tensor[],
  shape: Shape,
  dt: number,
  attrs: readonly number[],
  dev = inputs[0]?.dev ?? 0,
): Tensor {
  const out = new Tensor(shape, dt, dev);
  let status = launch(kernel, inputs, [out], attrs, dev);
  if (status === Status.outOfMemory) status = afterCollecting(() => launch(kernel, inputs, [out], attrs, dev));
  if (status < 0) throw failure(op, status, inputs, dev);
  return settle(out, io[0]!);
}

/** Runs a structured kernel with several outputs. */
export function runMany(
  op: string,
  kernel: number,
  inputs: readonly Tensor[],
  outputs: readonly OutputSpec[],
  attrs: readonly number[],
): Tensor[] {
  const dev = inputs[0]?.dev ?? 0;
  const outs = outputs.map(({ shape, dt }) => new Tensor(shape, dt, dev));
  let status = launch(kernel, inputs, outs, attrs, dev);
  if (status === Status.outOfMemory) status = afterCollecting(() => launch(kernel, inputs, outs, attrs, dev));
  if (status < 0) throw failure(op, status, inputs, dev);
  // io is overwritten by what a collection asks the allocator.
  const handles = outs.map((_, i) => io[i]!);
  outs.forEach((out, i) => settle(out, handles[i]!));
  return outs;
}

function launch(kernel: number, inputs: readonly Tensor[], outs: readonly Tensor[], attrs: readonly number[], dev: number): number {
  let n = 0;
  for (let i = 0; i < inputs.length; i++) io[n++] = inputs[i]!.handle;
  for (let i = 0; i < outs.length; i++) {
    const { dt, shape } = outs[i]!;
    io[n++] = dt;
    io[n++] = shape.length;
    for (let d = 0; d < shape.length; d++) io[n++] = shape[d]!;
  }
  for (let i = 0; i < attrs.length; i++) io[n++] = attrs[i]!;
  return native.run(kernel, inputs.length, outs.length, attrs.length, dev, outs[0]!, outs[1], outs[2], outs[3]);
}

/** Runs a structured kernel in place. */
export function runInto(op: string, kernel: number, inputs: readonly Tensor[], outs: readonly Tensor[], attrs: readonly number[]): void {
  let n = 0;
  for (let i = 0; i < inputs.length; i++) io[n++] = inputs[i]!.handle;
  for (let i = 0; i < outs.length; i++) io[n++] = outs[i]!.handle;
  for (let i = 0; i < attrs.length; i++) io[n++] = attrs[i]!;
  const status = native.runInto(kernel, inputs.length, outs.length, attrs.length);
  if (status < 0) throw failure(op, status, [...inputs, ...outs]);
}

setReadFailure((op, status, t) => failure(op, status, [t]));

/** Throws when a native in-place call failed. */
export function done(op: string, status: number, ...tensors: Tensor[]): void {
  if (status < 0) throw failure(op, status, tensors);
}

/** name -> code of one native family; asking for a missing row is a start-up error that names it. */
export function codesOf(family: string): (name: string) => number {
  const codes = new Map(native.names(family).map((name, code) => [name, code]));
  return (name) => {
    const code = codes.get(name);
    if (code === undefined)
      throw new Error(`cellgrad: the native runtime has no ${family} kernel "${name}"; rebuild it with \`npm run build\``);
    return code;
  };
}

export const dtypeName = (code: number): string => dtypes[code]!;
