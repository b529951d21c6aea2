/** Views: other shapes, orders and pieces of the same storage. In-place changes of a view reach its base, gradients included. */
import { isGradEnabled } from "../autograd/mode.js";
import { io, native } from "../runtime/addon.js";
import { Status, type Handle } from "../runtime/native.js";
import { IndexError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { inferShape, numelOf, wrapDim, wrapDims, type Shape } from "../tensor/shape.js";
import { Tensor, metaOf, tagOf } from "../tensor/tensor.js";
import { op, record, recorded } from "./define.js";
import { sumTo } from "./pointwise.js";
import { checkSizes } from "./schema.js";

type Replay = (base: Tensor) => Tensor;
type Sizes = (input: Tensor, ...size: (number | readonly number[] | { size?: readonly number[] })[]) => Tensor;

/** Finishes a view of `base`: shared version, way back to the base, gradient. */
function viewOf(name: string, base: Tensor, out: Tensor, handle: Handle, replay: Replay, grad: (g: Tensor) => Tensor): Tensor {
  launch.finish(name, out, handle, base);
  out.tag = tagOf(base);
  if (!isGradEnabled()) return out;
  const { view } = metaOf(base);
  metaOf(out).view =
    view === null
      ? { base, replay, rewrites: base.ag!.rewrites }
      : { base: view.base, replay: (root) => replay(view.replay(root)), rewrites: view.base.ag?.rewrites ?? 0 };
  return recorded(base) ? record(name, out, [base], [], ([g]) => [grad(g!)]) : out;
}

/** A tensor of zeros with `g` in the place that `replay` shows: the gradient of a view that leaves elements out. */
export function embed(g: Tensor, shape: Shape, replay: Replay): Tensor {
  const out = launch.empty("zeros", shape, g.dt, g.dev);
  launch.done("zeros", native.fill(out.handle, 0), out);
  const place = replay(out.detach());
  launch.done("copy_", native.copyInto(place.handle, g.handle), place, g);
  return recorded(g) ? record("embed", out, [g], [], ([gg]) => [replay(gg!)]) : out;
}

function writeSizes(sizes: readonly number[]): number {
  for (let i = 0; i < sizes.length; i++) io[i] = sizes[i]!;
  return sizes.length;
}

function reshapeTo(name: string, input: Tensor, shape: Shape, mayCopy: boolean): Tensor {
  const handle = input.live(name);
  const out = new Tensor(shape, input.dt, input.dev);
  const made = native.reshape(handle, writeSizes(shape), 0, out);
  const { shape: before } = input;
  const replay: Replay = (base) => reshapeTo(name, base, shape, true);
  if (made !== Status.needsCopy) return viewOf(name, input, out, made, replay, (g) => reshapeTo("reshape", g, before, true));
  if (!mayCopy) {
    throw new ShapeError({
      op: name,
      expected: "a shape that the strides allow as a view",
      got: `${formatShape(shape)} of a tensor of shape ${formatShape(before)} and strides ${formatShape(input.stride())}`,
      hint: "use reshape(), which copies when it must",
    });
  }
  const copied = launch.made(name, shape, input.dt, input.dev, [input], (owner) => native.reshape(handle, writeSizes(shape), 1, owner));
  return recorded(input) ? record(name, copied, [input], [], ([g]) => [reshapeTo("reshape", g!, before, true)]) : copied;
}

/** The elements in another shape: a view where possible, else a copy. One size may be -1. @example arange(6).reshape(2, -1).shape // [2, 3] */
export const reshape: Sizes = op("reshape", "input: tensor, *shape: ints", (input: Tensor, sizes: number[]) =>
  reshapeTo("reshape", input, inferShape("reshape", sizes, input.numel()), true),
);

/** The same storage in another shape; a ShapeError when the strides forbid it. One size may be -1. */
export const view: Sizes = op("view", "input: tensor, *size: ints", (input: Tensor, sizes: number[]) =>
  reshapeTo("view", input, inferShape("view", sizes, input.numel()), false),
);
/** A view with `other`'s shape. */
export const viewAs: (input: Tensor, other: Tensor) => Tensor = op(
  "viewAs",
  "input: tensor, other: tensor",
  (input: Tensor, other: Tensor) => view(input, other.shape),
);
/** {@link reshape} to `other`'s shape. */
export const reshapeAs: (input: Tensor, other: Tensor) => Tensor = op(
  "reshapeAs",
  "input: tensor, other: tensor",
  (input: Tensor, other: Tensor) => reshape(input, other.shape),
);

type FlattenOptions = { startDim?: number; endDim?: number };
/** Joins dims startDim..endDim into one. Default all. @example zeros(2, 3, 4).flatten(1).shape // [2, 12] */
export const flatten: (input: Tensor, startDim?: number | FlattenOptions, endDim?: number | FlattenOptions) => Tensor = op(
  "flatten",
  "input: tensor, startDim: dim = 0, endDim: dim = -1",
  (input: Tensor, startDim: number, endDim: number) => {
    const rank = input.shape.length;
    const start = wrapDim("flatten", startDim, rank, "startDim");
    const end = wrapDim("flatten", endDim, rank, "endDim");
    if (start > end)
      throw new ValueError({ op: "flatten", argument: "startDim", expected: "not after endDim", got: `${startDim} and ${endDim}` });
    if (rank === 0) return reshape(input, [1]);
    const { shape } = input;
    return reshape(input, [...shape.slice(0, start), numelOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
  },
);
/** All elements as one dim. */
export const ravel: (input: Tensor) => Tensor = op("ravel", "input: tensor", (input: Tensor) => reshape(input, [input.numel()]));
/** Splits one dim into several; one size may be -1. */
export const unflatten: (input: Tensor, dim: number, sizes: readonly number[]) => Tensor = op(
  "unflatten",
  "input: tensor, dim: dim, sizes: ints",
  (input: Tensor, dim: number, sizes: number[]) => {
    const d = wrapDim("unflatten", dim, input.shape.length);
    const { shape } = input;
    return view(input, [...shape.slice(0, d), ...inferShape("unflatten", sizes, shape[d]!), ...shape.slice(d + 1)]);
  },
);

type DimsOption = { dim?: number | readonly number[] };
/** Drops dims of size 1: all, or those named that have it. */
export const squeeze: (input: Tensor, dim?: number | readonly number[] | DimsOption) => Tensor = op(
  "squeeze",
  "input: tensor, dim: dims? = null",
  (input: Tensor, dim: number[] | null) => {
    const dims = wrapDims("squeeze", dim, input.shape.length);
    return reshapeTo(
      "squeeze",
      input,
      input.shape.filter((size, i) => size !== 1 || !dims.includes(i)),
      true,
    );
  },
  { inPlace: false },
);
/** Adds a dim of size 1 at `dim`. @example zeros(3).unsqueeze(0).shape // [1, 3] */
export const unsqueeze: (input: Tensor, dim: number | { dim: number }) => Tensor = op(
  "unsqueeze",
  "input: tensor, dim: dim",
  (input: Tensor, dim: number) => {
    const d = wrapDim("unsqueeze", dim, input.shape.length + 1);
    return reshapeTo("unsqueeze", input, [...input.shape.slice(0, d), 1, ...input.shape.slice(d)], true);
  },
);

function permuteTo(name: string, input: Tensor, dims: readonly number[]): Tensor {
  const handle = input.live(name);
  const out = new Tensor(
    dims.map((d) => input.shape[d]!),
    input.dt,
    input.dev,
  );
  const inverse = new Array<number>(dims.length);
  dims.forEach((d, i) => (inverse[d] = i));
  return viewOf(
    name,
    input,
    out,
    native.permute(handle, writeSizes(dims), out),
    (base) => permuteTo(name, base, dims),
    (g) => permuteTo("permute", g, inverse),
  );
}

/** The dims in another order. @example zeros(2, 3, 4).permute(2, 0, 1).shape // [4, 2, 3] */
export const permute: (input: Tensor, ...dims: (number | readonly number[] | { dims?: readonly number[] })[]) => Tensor = op(
  "permute",
  "input: tensor, *dims: ints",
  (input: Tensor, dims: number[]) => {
    if (dims.length !== input.shape.length) {
      throw new ValueError({
        op: "permute",
        argument: "dims",
        expected: `a list of all ${input.shape.length} dims`,
        got: formatShape(dims),
      });
    }
    return permuteTo("permute", input, wrapDims("permute", dims, dims.length));
  },
);

function swap(name: string, input: Tensor, dim0: number, dim1: number): Tensor {
  const rank = input.shape.length;
  const a = wrapDim(name, dim0, rank, "dim0");
  const b = wrapDim(name, dim1, rank, "dim1");
  const dims = input.shape.map((_, i) => (i === a ? b : i === b ? a : i));
  return permuteTo(name, input, dims);
}
type Swap = (input: Tensor, dim0: number, dim1: number) => Tensor;
/** Swaps two dims. */
export const transpose: Swap = op("transpose", "input: tensor, dim0: dim, dim1: dim", (input: Tensor, a: number, b: number) =>
  swap("transpose", input, a, b),
);
/** As {@link transpose}. */
export const swapaxes: Swap = op("swapaxes", "input: tensor, axis0: dim, axis1: dim", (input: Tensor, a: number, b: number) =>
  swap("swapaxes", input, a, b),
);
/** As {@link transpose}. */
export const swapdims: Swap = op("swapdims", "input: tensor, dim0: dim, dim1: dim", (input: Tensor, a: number, b: number) =>
  swap("swapdims", input, a, b),
);
/** The transpose of a matrix; tensors of rank 0 and 1 are returned as they are. */
export const t: (input: Tensor) => Tensor = op("t", "input: tensor", (input: Tensor) => {
  if (input.shape.length > 2)
    throw new ShapeError({ op: "t", argument: "input", expected: "at most 2 dims", got: formatShape(input.shape) });
  return permuteTo(
    "t",
    input,
    input.shape.map((_, i) => input.shape.length - 1 - i),
  );
});
type Moves = number | readonly number[];
/** Moves dims to other positions; the rest keep their order. */
export const movedim: (input: Tensor, source: Moves, destination: Moves) => Tensor = op(
  "movedim",
  "input: tensor, source: dims, destination: dims",
  (input: Tensor, source: number[], destination: number[]) => {
    const rank = input.shape.length;
    if (rank === 0 && source.length === destination.length)
      return permuteTo("movedim", input, wrapDims("movedim", [...source, ...destination].slice(0, 1), 1).slice(1));
    if (source.length !== destination.length) {
      throw new ValueError({
        op: "movedim",
        argument: "destination",
        expected: `as many dims as source (${source.length})`,
        got: formatShape(destination),
      });
    }
    const from = wrapDims("movedim", source, rank);
    const to = wrapDims("movedim", destination, rank);
    const order = new Array<number>(rank).fill(-1);
    from.forEach((d, i) => (order[to[i]!] = d));
    const rest = input.shape.map((_, i) => i).filter((i) => !from.includes(i));
    return permuteTo(
      "movedim",
      input,
      order.map((d) => (d < 0 ? rest.shift()! : d)),
    );
  },
);

function expandTo(name: string, input: Tensor, sizes: readonly number[]): Tensor {
  const extra = sizes.length - input.shape.length;
  const refuse = (): never => {
    throw new ShapeError({
      op: name,
      argument: "size",
      expected: `one that ${formatShape(input.shape)} broadcasts to`,
      got: formatShape(sizes),
    });
  };
  if (extra < 0) refuse();
  const shape = sizes.map((size, i) => {
    const own = i < extra ? 1 : input.shape[i - extra]!;
    if (size === -1) return i < extra ? refuse() : own;
    return own === size || own === 1 ? size : refuse();
  });
  const out = new Tensor(shape, input.dt, input.dev);
  const { shape: before } = input;
  return viewOf(
    name,
    input,
    out,
    native.expand(input.live(name), writeSizes(shape), out),
    (base) => expandTo(name, base, shape),
    (g) => sumTo(g, before),
  );
}

/** Repeats dims of size 1 without copying; -1 keeps a size. @example tensor([[1], [2]]).expand(2, 3).shape // [2, 3] */
export const expand: Sizes = op("expand", "input: tensor, *size: ints", (input: Tensor, sizes: number[]) =>
  expandTo("expand", input, sizes),
);
/** {@link expand} to `other`'s shape. */
export const expandAs: (input: Tensor, other: Tensor) => Tensor = op(
  "expandAs",
  "input: tensor, other: tensor",
  (input: Tensor, other: Tensor) => expandTo("expandAs", input, other.shape),
);
/** {@link expand} as a function of torch. */
export const broadcastTo: Sizes = op("broadcastTo", "input: tensor, *size: ints", (input: Tensor, sizes: number[]) =>
  expandTo("broadcastTo", input, sizes),
);

function sliceOf(name: string, input: Tensor, dim: number, start: number, length: number, step: number): Tensor {
  const { shape } = input;
  const out = new Tensor(
    shape.map((size, i) => (i === dim ? length : size)),
    input.dt,
    input.dev,
  );
  const replay: Replay = (base) => sliceOf(name, base, dim, start, length, step);
  return viewOf(name, input, out, native.slice(input.live(name), dim, start, length, step, out), replay, (g) => embed(g, shape, replay));
}

/** @internal A slice with Python's rules for missing, negative and overlong ends; `dim` is wrapped. */
export function sliceDim(input: Tensor, dim: number, start: number | null, stop: number | null, step: number | null): Tensor {
  const size = input.shape[dim]!;
  const by = step ?? 1;
  if (by < 1)
    throw new ValueError({ op: "slice", argument: "step", expected: "at least 1", got: String(by), hint: "use flip() to reverse" });
  const clip = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
  const from = clip(start ?? 0);
  const length = Math.max(0, Math.ceil((clip(stop ?? size) - from) / by));
  return sliceOf("slice", input, dim, from, length, by);
}

/** `length` elements of `dim` from `start`. */
export const narrow: (input: Tensor, dim: number, start: number, length: number) => Tensor = op(
  "narrow",
  "input: tensor, dim: dim, start: int, length: int",
  (input: Tensor, dim: number, start: number, length: number) => {
    const d = wrapDim("narrow", dim, input.shape.length);
    const size = input.shape[d]!;
    const from = start < 0 ? start + size : start;
    if (length < 0 || from < 0 || from + length > size) {
      throw new IndexError({
        op: "narrow",
        argument: "start",
        expected: `start + length within the size ${size} of dim ${d}`,
        got: `${start} + ${length}`,
      });
    }
    return sliceOf("narrow", input, d, from, length, 1);
  },
);

/** @internal */
export function selectDim(name: string, input: Tensor, dim: number, index: number): Tensor {
  const { shape } = input;
  const size = shape[dim]!;
  if (index < -size || index >= size) {
    throw new IndexError({
      op: name,
      argument: "index",
      expected: `in the range [${-size}, ${size - 1}] of dim ${dim} with size ${size}`,
      got: String(index),
    });
  }
  const at = index < 0 ? index + size : index;
  const out = new Tensor(
    shape.filter((_, i) => i !== dim),
    input.dt,
    input.dev,
  );
  const replay: Replay = (base) => selectDim(name, base, dim, at);
  return viewOf("select", input, out, native.select(input.live(name), dim, at, out), replay, (g) => embed(g, shape, replay));
}

/** The piece at `index` of `dim`, without that dim. */
export const select: (input: Tensor, dim: number, index: number) => Tensor = op(
  "select",
  "input: tensor, dim: dim, index: int",
  (input: Tensor, dim: number, index: number) => {
    if (input.shape.length === 0)
      throw new IndexError({ op: "select", argument: "input", expected: "at least 1 dim", got: "a 0-d tensor" });
    return selectDim("select", input, wrapDim("select", dim, input.shape.length), index);
  },
);

type DimOption = { dim?: number };
/** The pieces along `dim`, without it. @returns size(dim) tensors */
export const unbind: (input: Tensor, dim?: number | DimOption) => Tensor[] = op(
  "unbind",
  "input: tensor, dim: dim = 0",
  (input: Tensor, dim: number) => {
    if (input.shape.length === 0) throw new ShapeError({ op: "unbind", argument: "input", expected: "at least 1 dim", got: "[]" });
    const d = wrapDim("unbind", dim, input.shape.length);
    return Array.from({ length: input.shape[d]! }, (_, i) => selectDim("unbind", input, d, i));
  },
);
/** Pieces of `splitSize` along `dim` (the last may be smaller), or of the given sizes. */
export const split: (input: Tensor, splitSize: number | readonly number[], dim?: number | DimOption) => Tensor[] = op(
  "split",
  "input: tensor, splitSize: ints, dim: dim = 0",
  (input: Tensor, sizes: number[], dim: number) => splitBy("split", input, sizes, dim),
);
function splitBy(name: string, input: Tensor, sizes: readonly number[], dim: number): Tensor[] {
  const d = wrapDim(name, dim, input.shape.length);
  const size = input.shape[d]!;
  let parts = sizes;
  if (sizes.length === 1 && (size !== sizes[0] || size === 0)) {
    const piece = sizes[0]!;
    if (piece < 0 || (piece === 0 && size > 0))
      throw new ValueError({ op: name, argument: "splitSize", expected: "a positive integer", got: String(piece) });
    parts = Array.from({ length: Math.max(1, Math.ceil(size / (piece || 1))) }, (_, i) => Math.min(piece, size - i * piece));
  }
  if (parts.reduce((a, b) => a + b, 0) !== size || parts.some((part) => part < 0)) {
    throw new ValueError({
      op: name,
      argument: "splitSize",
      expected: `sizes that add up to ${size}, the size of dim ${d}`,
      got: formatShape(sizes),
    });
  }
  let start = 0;
  return parts.map((length) => {
    const piece = sliceOf(name, input, d, start, length, 1);
    start += length;
    return piece;
  });
}
/** At most `chunks` pieces of equal size along `dim` (the last may be smaller). */
export const chunk: (input: Tensor, chunks: number, dim?: number | DimOption) => Tensor[] = op(
  "chunk",
  "input: tensor, chunks: int, dim: dim = 0",
  (input: Tensor, chunks: number, dim: number) => {
    if (chunks < 1) throw new ValueError({ op: "chunk", argument: "chunks", expected: "at least 1", got: String(chunks) });
    const size = input.shape[wrapDim("chunk", dim, input.shape.length)]!;
    if (size === 0) return splitBy("chunk", input, new Array<number>(chunks).fill(0), dim);
    return splitBy("chunk", input, [Math.ceil(size / chunks)], dim);
  },
);

function stridedOf(
  name: string,
  input: Tensor,
  shape: Shape,
  strides: readonly number[],
  offset: number,
  replay: Replay,
  grad: (g: Tensor) => Tensor,
): Tensor {
  const out = new Tensor(shape, input.dt, input.dev);
  const handle = input.live(name);
  writeSizes([...shape, ...strides, offset]);
  return viewOf(name, input, out, native.asStrided(handle, shape.length, out), replay, grad);
}

type DiagonalOptions = { offset?: number; dim1?: number; dim2?: number };
/** The diagonal of dims dim1 and dim2 as a last dim. */
export const diagonal: (
  input: Tensor,
  offset?: number | DiagonalOptions,
  dim1?: number | DiagonalOptions,
  dim2?: number | DiagonalOptions,
) => Tensor = op(
  "diagonal",
  "input: tensor, offset: int = 0, dim1: dim = 0, dim2: dim = 1",
  (input: Tensor, offset: number, dim1: number, dim2: number) => diagonalOf(input, offset, dim1, dim2),
);
function diagonalOf(input: Tensor, offset: number, dim1: number, dim2: number): Tensor {
  const { shape } = input;
  const a = wrapDim("diagonal", dim1, shape.length, "dim1");
  const b = wrapDim("diagonal", dim2, shape.length, "dim2");
  if (a === b) throw new ValueError({ op: "diagonal", argument: "dim2", expected: "another dim than dim1", got: String(dim2) });
  const strides = input.stride();
  const length = Math.max(0, Math.min(shape[a]! + Math.min(offset, 0), shape[b]! - Math.max(offset, 0)));
  const start = length === 0 ? 0 : offset >= 0 ? offset * strides[b]! : -offset * strides[a]!;
  const keep = shape.map((_, i) => i).filter((i) => i !== a && i !== b);
  const replay: Replay = (base) => diagonalOf(base, offset, dim1, dim2);
  const outShape = [...keep.map((i) => shape[i]!), length];
  return stridedOf(
    "diagonal",
    input,
    outShape,
    [...keep.map((i) => strides[i]!), strides[a]! + strides[b]!],
    input.storageOffset() + start,
    replay,
    (g) => embed(g, shape, replay),
  );
}

const unfoldBackwardCode = launch.codesOf("structured")("unfoldBackward");
/** All windows of `size` along `dim`, `step` apart, as a last dim. */
export const unfold: (input: Tensor, dimension: number, size: number, step: number) => Tensor = op(
  "unfold",
  "input: tensor, dimension: dim, size: int, step: int",
  (input: Tensor, dimension: number, size: number, step: number) => {
    const { shape } = input;
    const d = wrapDim("unfold", dimension, shape.length, "dimension");
    const length = shape[d] ?? 1;
    if (size < 0 || size > length)
      throw new ValueError({ op: "unfold", argument: "size", expected: `within the size ${length} of dim ${d}`, got: String(size) });
    if (step < 1) throw new ValueError({ op: "unfold", argument: "step", expected: "at least 1", got: String(step) });
    const strides = input.stride();
    const windows = Math.floor((length - size) / step) + 1;
    const outShape = shape.length === 0 ? [size] : [...shape.map((n, i) => (i === d ? windows : n)), size];
    const outStrides = shape.length === 0 ? [1] : [...strides.map((s, i) => (i === d ? s * step : s)), strides[d]!];
    const replay: Replay = (base) => unfold(base, dimension, size, step);
    return stridedOf("unfold", input, outShape, outStrides, input.storageOffset(), replay, (g) => unfoldGrad(g, shape, d, size, step));
  },
);
function unfoldGrad(g: Tensor, shape: Shape, d: number, size: number, step: number): Tensor {
  const out = launch.run("unfoldBackward", unfoldBackwardCode, [g], shape, g.dt, [d, size, step]);
  return recorded(g) ? record("unfoldBackward", out, [g], [], ([gg]) => [unfold(gg!, d, size, step)]) : out;
}

/**
 * A view of the storage with any sizes and strides (in elements). Kept in bounds.
 * Differs: its gradient needs windows that do not overlap and an input that is contiguous.
 */
export const asStrided: (input: Tensor, size: readonly number[], stride: readonly number[], storageOffset?: number | null) => Tensor = op(
  "asStrided",
  "input: tensor, size: ints, stride: ints, storageOffset: int? = null",
  (input: Tensor, size: number[], stride: number[], storageOffset: number | null) => {
    checkSizes("asStrided", size);
    if (size.length !== stride.length || stride.some((s) => s < 0)) {
      throw new ValueError({
        op: "asStrided",
        argument: "stride",
        expected: `${size.length} strides of at least 0`,
        got: describe(stride),
      });
    }
    const offset = storageOffset ?? input.storageOffset();
    native.info(input.live("asStrided"));
    const elements = io[3]! / input.elementSize();
    const last = size.includes(0) ? offset : size.reduce((at, n, i) => at + (n - 1) * stride[i]!, offset);
    if (offset < 0 || last >= Math.max(elements, 1)) {
      throw new IndexError({
        op: "asStrided",
        argument: "size",
        expected: `within the ${elements} elements of the storage`,
        got: `an element at ${last}`,
      });
    }
    const replay: Replay = (base) => asStrided(base, size, stride, offset);
    const { shape } = input;
    return stridedOf("asStrided", input, size, stride, offset, replay, (g) => embed(g, shape, replay));
  },
);

/** The same elements without history: later ops on it are not recorded. Shares the storage. */
export const detach: (input: Tensor) => Tensor = op("detach", "input: tensor", (input: Tensor) => {
  const out = new Tensor(input.shape, input.dt, input.dev);
  launch.finish("detach", out, native.reshape(input.live("detach"), writeSizes(input.shape), 0, out), input);
  out.tag = tagOf(input);
  return out;
});

/** Cuts the tensor itself from its history. */
export function detachInPlace(t: Tensor): Tensor {
  if (t.ag !== null) {
    t.ag.gradFn = null;
    t.ag.requiresGrad = false;
    t.ag.view = null;
  }
  return t;
}
