/** Repeating and turning: repeatInterleave, tile, fliplr, flipud, roll, rot90. */
import { Code } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { wrapDim, wrapDims } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { arange } from "./creation.js";
import { op } from "./define.js";
import { cat } from "./joining.js";
import { searchsorted } from "./searching.js";

type InterleaveOptions = { dim?: number | null; outputSize?: number | null };
/**
 * Each element (or piece along `dim`) repeated, one after the other. `repeats` is a number or one number a piece.
 * With a tensor of counts alone: each index as often as its count.
 * @example repeatInterleave(tensor([1, 2]), 2) // [1., 1., 2., 2.]
 */
export const repeatInterleave: (
  input: Tensor,
  repeats?: number | Tensor | InterleaveOptions | null,
  dim?: number | null | InterleaveOptions,
  options?: { outputSize?: number | null },
) => Tensor = op(
  "repeatInterleave",
  "input: tensor, repeats: any? = null, dim: dim? = null, *, outputSize: int? = null",
  (input: Tensor, repeats: unknown, dim: number | null, outputSize: number | null) => {
    if (repeats === null) return placesOf(input, outputSize);
    if (dim !== null && input.shape.length === 0)
      throw new ShapeError({ op: "repeatInterleave", argument: "dim", expected: "none for a 0-d tensor", got: String(dim) });
    const x = dim === null ? input.reshape(-1) : input;
    const d = wrapDim("repeatInterleave", dim ?? 0, x.shape.length);
    const size = x.shape[d]!;
    if (typeof repeats === "number") {
      if (!Number.isInteger(repeats) || repeats < 0)
        throw new ValueError({ op: "repeatInterleave", argument: "repeats", expected: "an integer of at least 0", got: String(repeats) });
      requireTotal(outputSize, size * repeats);
      const shape = [...x.shape.slice(0, d + 1), repeats, ...x.shape.slice(d + 1)];
      return x.unsqueeze(d + 1).expand(shape).clone().flatten(d, d + 1); // prettier-ignore
    }
    if (!(repeats instanceof Tensor))
      throw new ValueError({ op: "repeatInterleave", argument: "repeats", expected: "an integer or a Tensor", got: describe(repeats) });
    const counts = repeats.shape.length === 0 || repeats.numel() === 1 ? repeats.reshape(1).expand(size) : repeats;
    if (counts.shape.length !== 1 || counts.shape[0] !== size)
      throw new ShapeError({
        op: "repeatInterleave",
        argument: "repeats",
        expected: `of shape [${size}]`,
        got: formatShape(repeats.shape),
      });
    return x.indexSelect(d, placesOf(counts, outputSize));
  },
);

function requireTotal(outputSize: number | null, total: number): void {
  if (outputSize !== null && outputSize !== total)
    throw new ValueError({ op: "repeatInterleave", argument: "outputSize", expected: String(total), got: String(outputSize) });
}

/** Index i as often as counts[i]. */
function placesOf(counts: Tensor, outputSize: number | null): Tensor {
  if (counts.dt !== Code.int64 && counts.dt !== Code.int32)
    throw new DTypeError({ op: "repeatInterleave", argument: "repeats", expected: "int64 or int32", got: counts.dtype });
  if (counts.shape.length !== 1)
    throw new ShapeError({ op: "repeatInterleave", argument: "repeats", expected: "a vector", got: formatShape(counts.shape) });
  if (counts.numel() === 0) return counts.clone();
  if (Number(counts.amin().item()) < 0)
    throw new ValueError({ op: "repeatInterleave", argument: "repeats", expected: "counts of at least 0", got: "negative ones" });
  const ends = counts.to("int64").cumsum(0);
  const total = Number(ends.at(-1).item());
  requireTotal(outputSize, total);
  return searchsorted(ends, arange(total), { right: true }).to(counts.dtype);
}

/** As `repeat`, but missing leading counts are 1. @example tile(tensor([1, 2]), [2]) // [1., 2., 1., 2.] */
export const tile: (input: Tensor, ...dims: (number | readonly number[] | { dims?: readonly number[] })[]) => Tensor = op(
  "tile",
  "input: tensor, *dims: ints",
  (input: Tensor, dims: number[]) => input.repeat([...new Array<number>(Math.max(0, input.shape.length - dims.length)).fill(1), ...dims]),
);

/** Columns in reverse order (copied). */
export const fliplr: (input: Tensor) => Tensor = op("fliplr", "input: tensor", (input: Tensor) => {
  if (input.shape.length < 2)
    throw new ShapeError({ op: "fliplr", argument: "input", expected: "at least 2 dims", got: formatShape(input.shape) });
  return input.flip(1);
});
/** Rows in reverse order (copied). */
export const flipud: (input: Tensor) => Tensor = op("flipud", "input: tensor", (input: Tensor) => {
  if (input.shape.length < 1) throw new ShapeError({ op: "flipud", argument: "input", expected: "at least 1 dim", got: "[]" });
  return input.flip(0);
});

type RollOptions = { shifts?: number | readonly number[]; dims?: number | readonly number[] | null };
/** Elements moved on by `shifts` along `dims` (of the flattened tensor without dims); what leaves comes in again at the start. */
export const roll: (
  input: Tensor,
  shifts: number | readonly number[] | RollOptions,
  dims?: number | readonly number[] | RollOptions | null,
) => Tensor = op("roll", "input: tensor, shifts: ints, dims: ints? = null", (input: Tensor, shifts: number[], dims: number[] | null) => {
  if (dims === null || dims.length === 0) {
    if (shifts.length !== 1)
      throw new ValueError({ op: "roll", argument: "shifts", expected: "one number without dims", got: formatShape(shifts) });
    return shifted(input.reshape(-1), shifts[0]!, 0).reshape(input.shape);
  }
  if (dims.length !== shifts.length)
    throw new ValueError({ op: "roll", argument: "dims", expected: `as many as shifts (${shifts.length})`, got: formatShape(dims) });
  if (input.numel() === 0) return input.clone();
  return dims.reduce((x, dim, i) => shifted(x, shifts[i]!, rollDim(x, dim)), input);
});
function rollDim(x: Tensor, dim: number): number {
  if (x.shape.length === 0) throw new ShapeError({ op: "roll", argument: "dims", expected: "none for a 0-d tensor", got: String(dim) });
  return wrapDim("roll", dim, x.shape.length, "dims");
}
function shifted(x: Tensor, by: number, d: number): Tensor {
  const size = x.shape[d]!;
  const start = size === 0 ? 0 : (((size - by) % size) + size) % size;
  return start === 0 ? x.clone() : cat([x.narrow(d, start, size - start), x.narrow(d, 0, start)], d);
}

type Rot90Options = { k?: number; dims?: readonly number[] };
/** Turned by k times 90 degrees in the plane of two dims, from the first to the second (copied). @param k default 1 @param dims default [0, 1] */
export const rot90: (input: Tensor, k?: number | Rot90Options, dims?: readonly number[] | Rot90Options) => Tensor = op(
  "rot90",
  "input: tensor, k: int = 1, dims: ints = [0,1]",
  (input: Tensor, k: number, given: number[]) => {
    const rank = input.shape.length;
    if (given.length !== 2 || rank < 2)
      throw new ValueError({
        op: "rot90",
        argument: "dims",
        expected: "two dims of a tensor with at least 2",
        got: `${formatShape(given)} of ${rank}`,
      });
    const [a, b] = wrapDims("rot90", given, rank) as [number, number];
    const quarter = ((k % 4) + 4) % 4;
    if (quarter === 1) return input.flip(b).transpose(a, b);
    if (quarter === 2) return input.flip(a, b);
    return quarter === 3 ? input.flip(a).transpose(a, b) : input.clone();
  },
);
