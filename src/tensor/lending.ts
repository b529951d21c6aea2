/** Memory shared with JavaScript: tensors over typed arrays, typed arrays over tensors, storages in shared buffers. */
import { markAsUntransferable } from "node:worker_threads";
import { io, native } from "../runtime/addon.js";
import { typedArrayOver, type TypedArray } from "./dtype.js";
import { DeviceError, ValueError, formatShape } from "./errors.js";
import { done, made } from "./launch.js";
import type { Shape } from "./shape.js";
import { tagOf, type Tensor } from "./tensor.js";

/** A tensor over the elements of `data`, which it keeps alive. */
export function borrow(name: string, data: ArrayBufferView, shape: Shape, dt: number): Tensor {
  const t = made(name, shape, dt, 0, [], (owner) => {
    for (let i = 0; i < shape.length; i++) io[i] = shape[i]!;
    return native.borrow(dt, shape.length, data, owner);
  });
  hold(t, data.buffer, data.byteOffset);
  return t;
}

/** True for a buffer whose memory may go away or shrink under a tensor. */
export const isUnsteady = ({ buffer }: ArrayBufferView): boolean =>
  (buffer as { resizable?: boolean }).resizable === true || (buffer as { growable?: boolean }).growable === true;

/** A typed array over the memory of a tensor. */
export function lend(t: Tensor): TypedArray {
  const op = "toTypedArray";
  requireHost(op, t);
  if (!t.isContiguous()) {
    throw new ValueError({
      op,
      argument: "copy",
      expected: "true for a tensor that is not contiguous",
      got: `false for shape ${formatShape(t.shape)} with strides ${formatShape(t.stride())}`,
      hint: "call contiguous() first",
    });
  }
  const { buffer, start } = t.tag?.lender ?? moveTo(op, t, new ArrayBuffer(storageBytes(op, t)));
  return typedArrayOver(t.dt, buffer, start + t.storageOffset() * t.elementSize(), t.numel());
}

/** The shared buffer that the storage of `t` lies in; it is moved there when it lies elsewhere. */
export function sharedBuffer(
  op: string,
  t: Tensor,
): { readonly buffer: SharedArrayBuffer; readonly start: number; readonly bytes: number } {
  requireHost(op, t);
  const bytes = storageBytes(op, t);
  const { buffer, start } = isInShared(t) ? t.tag!.lender! : moveTo(op, t, new SharedArrayBuffer(bytes));
  return { buffer: buffer as SharedArrayBuffer, start, bytes };
}

export const isInShared = (t: Tensor): boolean => t.tag?.lender?.buffer instanceof SharedArrayBuffer;

function moveTo(op: string, t: Tensor, buffer: ArrayBufferLike): { readonly buffer: ArrayBufferLike; readonly start: number } {
  done(op, native.moveInto(t.live(op), new Uint8Array(buffer)), t);
  return hold(t, buffer, 0);
}

function hold(t: Tensor, buffer: ArrayBufferLike, start: number): { readonly buffer: ArrayBufferLike; readonly start: number } {
  // A transferred buffer would leave the tensor without memory.
  if (buffer instanceof ArrayBuffer) markAsUntransferable(buffer);
  return (tagOf(t).lender = { buffer, start });
}

function storageBytes(op: string, t: Tensor): number {
  done(op, native.info(t.live(op)), t);
  return io[3]!;
}

function requireHost(op: string, t: Tensor): void {
  if (t.dev !== 0) throw new DeviceError({ op, expected: "a tensor on the CPU", got: t.device, hint: `move it with .to("cpu")` });
}
