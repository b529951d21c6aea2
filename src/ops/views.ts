/** Views: other shapes of the same storage. In-place changes of a view reach its base, gradients included. */
import { isGradEnabled } from "../autograd/mode.js";
import { io, native } from "../runtime/addon.js";
import { Status, type Handle } from "../runtime/native.js";
import { dtypes, elementSize, type DType } from "../tensor/dtype.js";
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { inferShape, numelOf, wrapDim, wrapDims, type Shape } from "../tensor/shape.js";
import { Tensor, metaOf, tagOf } from "../tensor/tensor.js";
import { op, record, recorded } from "./define.js";

export type Replay = (base: Tensor) => Tensor;
export type Sizes = (input: Tensor, ...size: (number | readonly number[] | { size?: readonly number[] })[]) => Tensor;

/** Finishes a view of `base`: shared version, way back to the base, gradient (null: who makes several views of one base records them together). */
export function viewOf(
  name: string,
  base: Tensor,
  out: Tensor,
  handle: Handle,
  replay: Replay,
  grad: ((g: Tensor) => Tensor) | null,
): Tensor {
  launch.finish(name, out, handle, base);
  out.tag = tagOf(base);
  if (!isGradEnabled()) return out;
  const { view } = metaOf(base);
  metaOf(out).view =
    view === null
      ? { base, replay, rewrites: base.ag!.rewrites }
      : {
          base: view.base,
          replay: (root) => replay(view.replay(root)),
          rewrites: view.base.ag?.rewrites ?? 0,
          ...(view.many === true ? { many: true } : {}),
        };
  return grad !== null && recorded(base) ? record(name, out, [base], [], ([g]) => [grad(g!)]) : out;
}

/** @internal Views that one op made together: see ViewOf.many. */
export function together(views: Tensor[]): Tensor[] {
  for (const { ag } of views) if (ag?.view != null) ag.view.many = true;
  return views;
}

/** A tensor of zeros with `g` in the place that `replay` shows: the gradient of a view that leaves elements out. */
export function embed(g: Tensor, shape: Shape, replay: Replay): Tensor {
  const out = launch.empty("zeros", shape, g.dt, g.dev);
  launch.done("zeros", native.fill(out.handle, 0), out);
  const place = replay(out.detach());
  launch.done("copy_", native.copyInto(place.handle, g.handle), place, g);
  return recorded(g) ? record("embed", out, [g], [], ([gg]) => [replay(gg!)]) : out;
}

export function writeSizes(sizes: readonly number[]): number {
  for (let i = 0; i < sizes.length; i++) io[i] = sizes[i]!;
  return sizes.length;
}

function reshapeTo(name: string, input: Tensor, shape: Shape, mayCopy: boolean): Tensor {
  const handle = input.live(name);
  const out = new Tensor(shape, input.dt, input.dev);
  const from = name === "reshape" && recorded(input) && !input.isContiguous() ? "reshapeAlias" : name;
  const made = native.reshape(handle, writeSizes(shape), 0, out);
  const { shape: before } = input;
  const replay: Replay = (base) => reshapeTo(name, base, shape, true);
  if (made !== Status.needsCopy) return viewOf(from, input, out, made, replay, (g) => reshapeTo("reshape", g, before, true));
  if (!mayCopy) {
    throw new ShapeError({
      op: name,
      expected: "a shape that the strides allow as a view",
      got: `${formatShape(shape)} of a tensor of shape ${formatShape(before)} and strides ${formatShape(input.stride())}`,
      hint: "use reshape(), which copies when it must",
      operands: [
        { argument: "input", shape: before, clash: [] },
        { argument: "shape", shape, clash: [...shape.keys()] },
      ],
    });
  }
  const copied = launch.made(name, shape, input.dt, input.dev, [input], (owner) => native.reshape(handle, writeSizes(shape), 1, owner));
  return recorded(input) ? record(name, copied, [input], [], ([g]) => [reshapeTo("reshape", g!, before, true)]) : copied;
}

/** The elements in another shape: a view where possible, else a copy. One size may be -1. @example arange(6).reshape(2, -1).shape // [2, 3] */
export const reshape: Sizes = op("reshape", "input: tensor, *shape: ints", (input: Tensor, sizes: number[]) =>
  reshapeTo("reshape", input, inferShape("reshape", sizes, input.shape), true),
);

type View = (input: Tensor, ...size: (number | readonly number[] | DType | { size?: readonly number[] })[]) => Tensor;
/**
 * The same storage in another shape; a ShapeError when the strides forbid it. One size may be -1.
 * With a dtype: the same bytes read as its elements, without gradient; of another element size where the last dim lies side by side.
 */
export const view: View = op<View>("view", "input: tensor, *size: sizes", (input: Tensor, sizes: number[] | number) =>
  typeof sizes === "number" ? readAs(input, sizes) : reshapeTo("view", input, inferShape("view", sizes, input.shape), false),
);

function readAs(given: Tensor, dt: number): Tensor {
  const input = given.detach();
  const [from, to] = [elementSize[input.dt]!, elementSize[dt]!];
  const strides = [...input.stride()];
  const sizes = [...input.shape];
  let offset = input.storageOffset();
  if (from !== to) {
    const scale = (value: number): number => (value * from) / to;
    const whole = sizes.length > 0 && [scale(sizes.at(-1)!), scale(offset), ...strides.slice(0, -1).map(scale)].every(Number.isInteger);
    if (strides.pop() !== 1 || !whole)
      throw new ShapeError({
        op: "view",
        argument: "dtype",
        expected: `elements that lie side by side and fill whole ones of ${dtypes[dt]}`,
        got: `${input.dtype} ${formatShape(given.shape)} with strides ${formatShape(given.stride())} from element ${offset}`,
      });
    sizes.push(scale(sizes.pop()!));
    strides.forEach((stride, d) => (strides[d] = scale(stride)));
    strides.push(1);
    offset = scale(offset);
  }
  const out = new Tensor(sizes, dt, input.dev);
  [...sizes, ...strides, offset].forEach((value, i) => (io[i] = value));
  const replay: Replay = (base) => readAs(base, dt);
  return viewOf("view", input, out, native.reinterpret(input.live("view"), dt, sizes.length, out), replay, (g) => g);
}
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
    if (start === end) return input; // as in torch, itself
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
    return view(input, [...shape.slice(0, d), ...inferShape("unflatten", sizes, [shape[d]!]), ...shape.slice(d + 1)]);
  },
);

type DimsOption = { dim?: number | readonly number[] | null };
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
