/** Joining lists of tensors, and splitting into lists: hstack, vstack, dstack, columnStack, blockDiag, tensorSplit, hsplit, vsplit, dsplit, atleast1d ... */
import { ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { broadcastShapes, wrapDim, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { expand } from "./arrange.js";
import { zeros } from "./creation.js";
import { op } from "./define.js";
import { cat } from "./joining.js";
import { sliceDim } from "./pieces.js";

type Joined = (tensors: readonly Tensor[]) => Tensor;
type Each = (...tensors: (Tensor | readonly Tensor[])[]) => Tensor | Tensor[];
const plain = { method: false } as const;

/** Applies `lift` to one tensor, or to each of several: `atleast2d(x)`, `atleast2d([x, y])`. */
function lifting(name: string, lift: (t: Tensor) => Tensor): Each {
  return op<Each>(
    name,
    "*tensors: tensors",
    (tensors: readonly Tensor[]) => (tensors.length === 1 ? lift(tensors[0]!) : tensors.map(lift)),
    plain,
  );
}
const lift1 = (t: Tensor): Tensor => (t.shape.length === 0 ? t.reshape(1) : t);
const lift2 = (t: Tensor): Tensor => (t.shape.length < 2 ? lift1(t).unsqueeze(0) : t);
const lift3 = (t: Tensor): Tensor => (t.shape.length < 3 ? lift2(t).unsqueeze(-1) : t);
/** 0-d tensors as vectors; others as they are. One tensor gives one, several a list. */
export const atleast1d = lifting("atleast1d", lift1);
/** Tensors with fewer than 2 dims as matrices of one row. */
export const atleast2d = lifting("atleast2d", lift2);
/** Tensors with fewer than 3 dims with dims of size 1 around. */
export const atleast3d = lifting("atleast3d", lift3);

function joining(name: string, prepare: (t: Tensor) => Tensor, dimOf: (first: Tensor) => number): Joined {
  return op<Joined>(
    name,
    "tensors: tensors",
    (tensors: readonly Tensor[]) => {
      if (tensors.length === 0)
        throw new ValueError({ op: name, argument: "tensors", expected: "at least one Tensor", got: "an empty list" });
      const list = tensors.map(prepare);
      return cat(list, dimOf(list[0]!));
    },
    plain,
  );
}
/** Joins along columns: vectors along dim 0, others along dim 1. */
export const hstack = joining("hstack", lift1, (t) => (t.shape.length === 1 ? 0 : 1));
/** Joins along rows; vectors are rows. */
export const vstack = joining("vstack", lift2, () => 0);
/** As {@link vstack}. */
export const rowStack = joining("rowStack", lift2, () => 0);
/** Joins along dim 2. */
export const dstack = joining("dstack", lift3, () => 2);
/** Joins along columns; vectors are columns. */
export const columnStack = joining("columnStack", (t) => (t.shape.length < 2 ? t.reshape(t.numel(), 1) : t), () => 1); // prettier-ignore

/** A matrix with the given matrices on its diagonal, zeros elsewhere. Vectors are rows. */
export const blockDiag: (...tensors: (Tensor | readonly Tensor[])[]) => Tensor = op(
  "blockDiag",
  "*tensors: tensors",
  (tensors: readonly Tensor[]) => {
    for (const t of tensors) if (t.shape.length > 2) throw new ShapeError({ op: "blockDiag", argument: "tensors", expected: "at most 2 dims each", got: formatShape(t.shape) }); // prettier-ignore
    if (tensors.length === 0) return zeros(1, 0);
    const blocks = tensors.map(lift2);
    const width = blocks.reduce((n, t) => n + t.shape[1]!, 0);
    let before = 0;
    const rows = blocks.map((t) => {
      const [height, own] = t.shape as [number, number];
      const gap = (n: number): Tensor => zeros(height, n, { dtype: t.dtype, device: t.device });
      const row = cat([gap(before), t, gap(width - before - own)], 1);
      before += own;
      return row;
    });
    return cat(rows);
  },
  plain,
);

/** Tensors expanded to their common shape. */
export const broadcastTensors: (...tensors: (Tensor | readonly Tensor[])[]) => Tensor[] = op(
  "broadcastTensors",
  "*tensors: tensors",
  (tensors: readonly Tensor[]) => {
    const shape = tensors.reduce<Shape>((common, t) => broadcastShapes("broadcastTensors", common, t.shape), []);
    return tensors.map((t) => expand(t, shape));
  },
  plain,
);

type Places = number | readonly number[] | Tensor;

function splitAt(name: string, input: Tensor, places: unknown, d: number): Tensor[] {
  if (input.shape.length === 0) throw new ShapeError({ op: name, argument: "input", expected: "at least 1 dim", got: "a 0-d tensor" });
  const given = places instanceof Tensor ? (places.shape.length === 0 ? Number(places.item()) : (places.tolist() as number[])) : places;
  const size = input.shape[d]!;
  if (Number.isInteger(given)) {
    const sections = given as number;
    if (sections < 1) throw new ValueError({ op: name, argument: "sections", expected: "at least 1", got: String(sections) });
    const [least, longer] = [Math.floor(size / sections), size % sections];
    let start = 0;
    return Array.from({ length: sections }, (_, i) => {
      const length = least + (i < longer ? 1 : 0);
      start += length;
      return input.narrow(d, start - length, length);
    });
  }
  if (!Array.isArray(given) || !given.every(Number.isInteger))
    throw new ValueError({ op: name, argument: "indicesOrSections", expected: "an integer or a list of integers", got: describe(given) });
  const cuts = given as number[];
  return [...cuts, null].map((end, i) => sliceDim(input, d, i === 0 ? 0 : cuts[i - 1]!, end, 1));
}

type Split = (input: Tensor, indicesOrSections: Places | { indices?: Places; sections?: Places; dim?: number }, dim?: number | { dim?: number }) => Tensor[]; // prettier-ignore
/** Views of nearly equal sections along `dim`, or cut at the given indices. */
export const tensorSplit: Split = op(
  "tensorSplit",
  "input: tensor, indicesOrSections: any = null, dim: dim = 0, *, indices: any = null, sections: any = null",
  (input: Tensor, places: unknown, dim: number, indices: unknown, sections: unknown) =>
    splitAt("tensorSplit", input, places ?? indices ?? sections, wrapDim("tensorSplit", dim, input.shape.length)),
);

function directed(
  name: string,
  least: number,
  dimOf: (rank: number) => number,
): (input: Tensor, indicesOrSections: Places | { indices?: Places; sections?: Places }) => Tensor[] {
  const signature = "input: tensor, indicesOrSections: any = null, *, indices: any = null, sections: any = null";
  return op(name, signature, (input: Tensor, given: unknown, indices: unknown, sections: unknown) => {
    const places = given ?? indices ?? sections;
    const rank = input.shape.length;
    if (rank < least)
      throw new ShapeError({
        op: name,
        argument: "input",
        expected: `at least ${least} dim${least === 1 ? "" : "s"}`,
        got: formatShape(input.shape),
      });
    const d = dimOf(rank);
    if (Number.isInteger(places) && ((places as number) < 1 || input.shape[d]! % (places as number) !== 0))
      throw new ValueError({
        op: name,
        argument: "indicesOrSections",
        expected: `a divisor of ${input.shape[d]}, the size of dim ${d}`,
        got: String(places),
      });
    return splitAt(name, input, places, d);
  });
}
/** Splits columns: vectors along dim 0, others along dim 1. */
export const hsplit = directed("hsplit", 1, (rank) => (rank === 1 ? 0 : 1));
/** Splits rows. */
export const vsplit = directed("vsplit", 2, () => 0);
/** Splits along dim 2. */
export const dsplit = directed("dsplit", 3, () => 2);
