/** The elements of a tensor, read by native kernels through views; nothing is recorded by autograd. */
import { withRecording } from "../../autograd/mode.js";
import { abs } from "../../ops/unary.js";
import { io, native } from "../../runtime/addon.js";
import { Code, isComplex } from "../../tensor/dtype.js";
import { codesOf, made, run, runMany } from "../../tensor/launch.js";
import { Tensor } from "../../tensor/tensor.js";
import { poolings, type Elements, type Region } from "./elements.js";

const kernel = codesOf("structured");
const stats = kernel("stats");
const histogram = kernel("histogram");
const thumbnail = kernel("thumbnail");

export function elementsOf(tensor: Tensor): Elements {
  return {
    shape: tensor.shape,
    dtype: tensor.dtype,
    numel: tensor.numel(),
    statistics() {
      const [min, max, mean, m2, nan, positiveInfinity, negativeInfinity, zeros, firstNaN] = doubles(
        run("stats", stats, [orderable(tensor)], [9], Code.float64, []),
      ) as unknown as [number, number, number, number, number, number, number, number, number];
      return { min, max, mean, m2, nan, positiveInfinity, negativeInfinity, zeros, firstNaN };
    },
    histogram(lo, hi, bins) {
      using counts = run("histogram", histogram, [orderable(tensor)], [bins], Code.int64, [lo, hi]);
      return Array.from(counts.toTypedArray() as BigInt64Array, Number);
    },
    pool(region, height, width, pooling, center) {
      const slice = orderable(slicedTo(tensor, region));
      const outputs = [
        { shape: [height, width], dt: Code.float32 },
        { shape: [height, width], dt: Code.uint8 },
      ];
      const [values, flags] = runMany("thumbnail", thumbnail, [slice], outputs, [center, poolings[pooling]]);
      return { height, width, values: values!.toTypedArray() as Float32Array, flags: flags!.toTypedArray() as Uint8Array };
    },
    read(region) {
      return slicedTo(tensor, region)
        .elements()
        .map((value) => (typeof value === "object" ? `${value.re}${value.im < 0 ? "-" : "+"}${Math.abs(value.im)}i` : value));
    },
  };
}

// Kernels of statistics are the CPU's; they take bool, integers, float32 and float64.
function orderable(given: Tensor): Tensor {
  const tensor =
    given.dev === 0
      ? given
      : made("cpu", given.shape, given.dt, 0, [given], (owner) => native.toDevice(given.live("display"), 0, 0, owner));
  if (isComplex(tensor.dt)) return withRecording(false, () => abs(tensor));
  if (tensor.dt !== Code.float16 && tensor.dt !== Code.bfloat16) return tensor;
  return made("cast", tensor.shape, Code.float32, tensor.dev, [tensor], (owner) => native.cast(tensor.handle, Code.float32, owner));
}

/** A 2-D view of a region. */
function slicedTo(tensor: Tensor, { row, column, index, start, size }: Region): Tensor {
  let view = tensor;
  // From the last dim, so that the numbers of the dims before it stay what they are.
  for (let dim = tensor.shape.length - 1; dim >= 0; dim--) {
    if (dim === row || dim === column) continue;
    const shape = view.shape.filter((_, d) => d !== dim);
    view = viewOf(view, shape, (owner, handle) => native.select(handle, dim, index[dim]!, owner));
  }
  if (row === null) view = viewOf(view, [1, view.shape[0]!], (owner, handle) => expandTo(handle, [1, tensor.shape[column]!], owner));
  else if (row > column) view = viewOf(view, [view.shape[1]!, view.shape[0]!], (owner, handle) => transpose(handle, owner));
  for (const dim of [0, 1] as const) {
    if (start[dim] === 0 && size[dim] === view.shape[dim]) continue;
    const shape = view.shape.map((length, d) => (d === dim ? size[dim] : length));
    view = viewOf(view, shape, (owner, handle) => native.slice(handle, dim, start[dim], size[dim], 1, owner));
  }
  return view;
}

function viewOf(tensor: Tensor, shape: readonly number[], make: (owner: Tensor, handle: number) => number): Tensor {
  return made("view", shape, tensor.dt, tensor.dev, [tensor], (owner) => make(owner, tensor.handle));
}

function expandTo(handle: number, shape: readonly number[], owner: Tensor): number {
  io.set(shape);
  return native.expand(handle, shape.length, owner);
}

function transpose(handle: number, owner: Tensor): number {
  io.set([1, 0]);
  return native.permute(handle, 2, owner);
}

function doubles(tensor: Tensor): number[] {
  const values = Array.from(tensor.toTypedArray() as Float64Array);
  tensor.dispose();
  return values;
}
