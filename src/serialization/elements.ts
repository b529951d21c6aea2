/** Elements as files have them: other dtypes over the same bytes, big-endian numbers, unsigned integers that no dtype here has. */
import { io, native } from "../runtime/addon.js";
import { Code, elementSize, isComplex } from "../tensor/dtype.js";
import { fromBuffer } from "../ops/creation.js";
import { finish } from "../tensor/launch.js";
import { Tensor, tagOf } from "../tensor/tensor.js";
import type { Shape } from "../tensor/shape.js";

/** The same bytes of a contiguous tensor as elements of another dtype. Unrecorded. */
export function reinterpret(t: Tensor, dt: number, shape: Shape): Tensor {
  const out = new Tensor(shape, dt, 0);
  const offset = (t.storageOffset() * t.elementSize()) / elementSize[dt]!;
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((n, size) => n * size, 1));
  [...shape, ...strides, offset].forEach((value, i) => (io[i] = value));
  finish("load", out, native.reinterpret(t.live("load"), dt, shape.length, out), t);
  out.tag = tagOf(t);
  return out;
}

/** A tensor with these bytes as its elements (copied). */
export const fromBytes = (bytes: Uint8Array, dt: number, shape: Shape): Tensor =>
  reinterpret(fromBuffer("load", bytes, [bytes.length], Code.uint8, 0), dt, shape);

/** The bytes of a contiguous tensor. */
export const asUint8 = (t: Tensor): Tensor => reinterpret(t, Code.uint8, [t.nbytes]);

/** Big-endian elements made little-endian, or the other way. */
export function swapBytes(t: Tensor): Tensor {
  const size = isComplex(t.dt) ? t.elementSize() / 2 : t.elementSize();
  if (size === 1) return t;
  return reinterpret(
    reinterpret(t, Code.uint8, [t.nbytes / size, size])
      .flip(1)
      .contiguous(),
    t.dt,
    t.shape,
  );
}

/** How to read elements of unsigned types: as signed ones of their size, then as the next wider dtype, in which all their values fit. */
export const unsigned = {
  2: { stored: Code.int16, result: Code.int32, widen: (t: Tensor): Tensor => t.to("int32").bitwiseAnd_(0xffff) },
  4: { stored: Code.int32, result: Code.int64, widen: (t: Tensor): Tensor => t.to("int64").bitwiseAnd_(0xffffffff) },
} as const;

/** A detached, contiguous tensor on the CPU with the elements of `t`. */
export const onHost = (t: Tensor): Tensor => t.detach().to("cpu").contiguous();
