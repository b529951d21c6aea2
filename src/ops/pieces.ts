/** Views of pieces: slices, selections, splits. */
import { native } from "../runtime/addon.js";
import { Code, isIntegral } from "../tensor/dtype.js";
import { IndexError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { wrapDim } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { zeros } from "./creation.js";
import { op, recordMany, recorded } from "./define.js";
import { cat, stack } from "./joining.js";
import { embed, together, viewOf, type Replay } from "./views.js";

function sliceOf(name: string, input: Tensor, dim: number, start: number, length: number, step: number, alone = true): Tensor {
  const { shape } = input;
  const out = new Tensor(
    shape.map((size, i) => (i === dim ? length : size)),
    input.dt,
    input.dev,
  );
  const replay: Replay = (base) => sliceOf(name, base, dim, start, length, step);
  const grad = alone ? (g: Tensor): Tensor => embed(g, shape, replay) : null;
  return viewOf(name, input, out, native.slice(input.live(name), dim, start, length, step, out), replay, grad);
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
export const narrow: (input: Tensor, dim: number, start: number | Tensor, length: number) => Tensor = op(
  "narrow",
  "input: tensor, dim: dim, start: any, length: int",
  (input: Tensor, dim: number, given: unknown, length: number) => {
    const start =
      given instanceof Tensor && given.shape.length === 0 && isIntegral(given.dt) && given.dt !== Code.bool ? Number(given.item()) : given;
    if (typeof start !== "number" || !Number.isInteger(start))
      throw new ValueError({ op: "narrow", argument: "start", expected: "an integer, or a 0-d integer tensor", got: describe(given) });
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
export function selectDim(name: string, input: Tensor, dim: number, index: number, alone = true): Tensor {
  const { shape } = input;
  const size = shape[dim]!;
  if (index < -size || index >= size) {
    throw new IndexError({
      op: name,
      argument: "index",
      expected:
        size === 0 ? `of a dim with elements, dim ${dim} has none` : `in the range [${-size}, ${size - 1}] of dim ${dim} with size ${size}`,
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
  const grad = alone ? (g: Tensor): Tensor => embed(g, shape, replay) : null;
  return viewOf("select", input, out, native.select(input.live(name), dim, at, out), replay, grad);
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
    const pieces = Array.from({ length: input.shape[d]! }, (_, i) => selectDim("unbind", input, d, i, false));
    return recordedTogether("unbind", input, pieces, (grads) => stack(grads, d));
  },
);
/** Pieces of `splitSize` along `dim` (the last may be smaller), or of the given sizes. */
export const split: (input: Tensor, splitSize: number | readonly number[], dim?: number | DimOption) => Tensor[] = op(
  "split",
  "input: tensor, splitSize: any, dim: dim = 0",
  (input: Tensor, given: unknown, dim: number) => {
    const sizes = Array.isArray(given) ? (given as number[]) : [given as number];
    if (!sizes.every(Number.isInteger))
      throw new ValueError({ op: "split", argument: "splitSize", expected: "an integer or a list of integers", got: describe(given) });
    if (Array.isArray(given)) return piecesOf("split", input, sizes, wrapDim("split", dim, input.shape.length));
    return splitBy("split", input, sizes, dim);
  },
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
  return piecesOf(name, input, parts, d);
}
function piecesOf(name: string, input: Tensor, parts: readonly number[], d: number): Tensor[] {
  const size = input.shape[d]!;
  if (parts.reduce((a, b) => a + b, 0) !== size || parts.some((part) => part < 0)) {
    throw new ValueError({
      op: name,
      argument: "splitSize",
      expected: `sizes that add up to ${size}, the size of dim ${d}`,
      got: formatShape(parts),
    });
  }
  let start = 0;
  const pieces = parts.map((length) => {
    const piece = sliceOf(name, input, d, start, length, 1, false);
    start += length;
    return piece;
  });
  return recordedTogether(name, input, pieces, (grads) => cat(grads, d));
}
/** Records views that share `input` out among them as one step back, which puts their gradients side by side. */
function recordedTogether(name: string, input: Tensor, pieces: Tensor[], join: (grads: Tensor[]) => Tensor): Tensor[] {
  together(pieces);
  if (!recorded(input) || pieces.length === 0) return pieces;
  const shapes = pieces.map(({ shape }) => shape);
  recordMany(name, pieces, [input], [], (grads) => {
    const some = grads.find((g) => g !== null)!;
    return [join(grads.map((g, i) => g ?? zeros([], { dtype: some.dtype, device: some.device }).expand(shapes[i]!)))];
  });
  return pieces;
}
/** Pieces of the given sizes along `dim` (torch.split_with_sizes). */
export const splitWithSizes: (input: Tensor, splitSizes: readonly number[], dim?: number | DimOption) => Tensor[] = op(
  "splitWithSizes",
  "input: tensor, splitSizes: ints, dim: dim = 0",
  (input: Tensor, sizes: number[], dim: number) =>
    piecesOf("splitWithSizes", input, sizes, wrapDim("splitWithSizes", dim, input.shape.length)),
);
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
