/** Tensors of several threads over one memory: a worker gets a small message and no copy. */
import { io, native } from "../runtime/addon.js";
import { codeOf, elementSize, typedArrayOver, type DType } from "../tensor/dtype.js";
import { ValueError, describe } from "../tensor/errors.js";
import { made } from "../tensor/launch.js";
import { borrow, isInShared, lend, sharedBuffer } from "../tensor/lending.js";
import { setLend, tagOf, type Tensor } from "../tensor/tensor.js";

setLend(lend);

/** What {@link share} gives: a plain object that `postMessage` takes, and {@link fromShared} turns into a tensor on the other side. */
export interface SharedTensor {
  readonly cellgrad: "shared";
  /** The storage, which lives as long as a thread holds it or a tensor of it. */
  readonly buffer: SharedArrayBuffer;
  readonly start: number;
  readonly bytes: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly storageOffset: number;
  readonly requiresGrad: boolean;
}

/** Moves the storage to memory that workers can see, once (torch.Tensor.share_memory_). Its other views go along. */
export function shareMemory(t: Tensor): Tensor {
  sharedBuffer("shareMemory_", t);
  return t;
}

/** True when workers can see the storage. */
export const isShared = (t: Tensor): boolean => isInShared(t);

/**
 * A message that makes this tensor in another thread, over the same memory: writing on one side changes the other. Gradients are each
 * side's own; so is the check for in-place changes. Writes that race give either value.
 * @example worker.postMessage(weights.share()) // in the worker: const weights = fromShared(message)
 */
export function share(t: Tensor): SharedTensor {
  const { buffer, start, bytes } = sharedBuffer("share", t);
  return {
    cellgrad: "shared",
    buffer,
    start,
    bytes,
    dtype: t.dtype,
    shape: t.shape,
    stride: t.stride(),
    storageOffset: t.storageOffset(),
    requiresGrad: t.requiresGrad && t.isLeaf,
  };
}

/**
 * The tensor that {@link share} described.
 * @throws ValueError for anything else, and for sizes that do not fit the memory
 */
export function fromShared(shared: SharedTensor): Tensor {
  const refuse = (expected: string, got: unknown): never => {
    throw new ValueError({ op: "fromShared", argument: "shared", expected, got: describe(got) });
  };
  if (shared?.cellgrad !== "shared" || !(shared.buffer instanceof SharedArrayBuffer)) refuse("what share() gave", shared);
  const { buffer, start, bytes, dtype, shape, stride, storageOffset } = shared;
  const dt = Object.hasOwn(codeOf, dtype) ? codeOf[dtype] : refuse("a dtype", dtype);
  const whole = (list: unknown): boolean =>
    Array.isArray(list) && list.length <= 16 && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!whole(shape) || !whole(stride) || shape.length !== stride.length) refuse("a shape and its strides", shape);
  const size = elementSize[dt]!;
  if (!whole([start, bytes, storageOffset]) || start % size !== 0 || start + bytes > buffer.byteLength)
    refuse("bytes of the buffer", bytes);
  const numel = Math.floor(bytes / size);
  if (!Number.isSafeInteger(shape.reduce((n, size) => n * size, 1))) refuse("a shape that can be counted", shape);
  const last = shape.includes(0) ? -1 : shape.reduce((at, n, i) => at + (n - 1) * stride[i]!, storageOffset);
  if (last >= numel) refuse(`elements within the ${numel} of the storage`, last);
  const storage = borrow("fromShared", typedArrayOver(dt, buffer, start, numel), [numel], dt);
  const t = made("fromShared", shape, dt, 0, [storage], (owner) => {
    [...shape, ...stride, storageOffset].forEach((value, i) => (io[i] = value));
    return native.asStrided(storage.handle, shape.length, owner);
  });
  t.tag = tagOf(storage);
  storage.dispose();
  return shared.requiresGrad ? t.requiresGrad_() : t;
}
