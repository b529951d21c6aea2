/** Diagonals as matrices and back: diag, diagEmbed, diagflat, diagonalScatter; selectScatter and sliceScatter beside it. */
import { Code } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import { sameShape, wrapDim } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { zeros } from "./creation.js";
import { op, requireRealGrad } from "./define.js";
import { sliceDim } from "./pieces.js";

type OffsetOptions = { offset?: number; dim1?: number; dim2?: number };

/** A tensor of zeros with `input`'s last dim on the diagonals of dims dim1 and dim2. [..,n] -> [..,n,n] */
export const diagEmbed: (
  input: Tensor,
  offset?: number | OffsetOptions,
  dim1?: number | OffsetOptions,
  dim2?: number | OffsetOptions,
) => Tensor = op(
  "diagEmbed",
  "input: tensor, offset: int = 0, dim1: dim = -2, dim2: dim = -1",
  (input: Tensor, offset: number, dim1: number, dim2: number) => {
    if (input.shape.length === 0) throw new ShapeError({ op: "diagEmbed", argument: "input", expected: "at least 1 dim", got: "[]" });
    const rank = input.shape.length + 1;
    const a = wrapDim("diagEmbed", dim1, rank, "dim1");
    const b = wrapDim("diagEmbed", dim2, rank, "dim2");
    if (a === b) throw new ValueError({ op: "diagEmbed", argument: "dim2", expected: "another dim than dim1", got: String(dim2) });
    const size = input.shape.at(-1)! + Math.abs(offset);
    const matrices = zeros([...input.shape.slice(0, -1), size, size], { dtype: input.dtype, device: input.device });
    const rest = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== a && i !== b);
    const place = (i: number): number => (i === a ? rank - 2 : i === b ? rank - 1 : rest.indexOf(i));
    return matrices.diagonalScatter(input, offset, -2, -1).permute(Array.from({ length: rank }, (_, i) => place(i)));
  },
);

/** The sum of a matrix's diagonal; integers give int64. [n,m] -> [] */
export const trace: (input: Tensor) => Tensor = op("trace", "input: tensor", (input: Tensor) => {
  if (input.shape.length !== 2) throw new ShapeError({ op: "trace", argument: "input", expected: "2-d", got: formatShape(input.shape) });
  if (input.dt === Code.bool) throw new DTypeError({ op: "trace", argument: "input", expected: "a dtype other than bool", got: "bool" });
  return input.diagonal().sum();
});

/** A vector as the diagonal of a matrix, or the diagonal of a matrix as a vector (copied). */
export const diag: (input: Tensor, diagonal?: number | { diagonal?: number }) => Tensor = op(
  "diag",
  "input: tensor, diagonal: int = 0",
  (input: Tensor, diagonal: number) => {
    if (input.shape.length !== 1 && input.shape.length !== 2)
      throw new ShapeError({ op: "diag", argument: "input", expected: "1-d or 2-d", got: formatShape(input.shape) });
    return input.shape.length === 1 ? diagEmbed(input, diagonal) : input.diagonal(diagonal).clone();
  },
);
/** All elements on the diagonal of a matrix. */
export const diagflat: (input: Tensor, offset?: number | { offset?: number }) => Tensor = op(
  "diagflat",
  "input: tensor, offset: int = 0",
  (input: Tensor, offset: number) => diagEmbed(input.reshape(-1), offset),
);

/** A copy of `input` in which the piece that `pieceOf` shows is `src`. */
function embedded(name: string, input: Tensor, src: Tensor, pieceOf: (whole: Tensor) => Tensor): Tensor {
  const copy = input.clone();
  const piece = pieceOf(copy);
  if (!sameShape(piece.shape, src.shape))
    throw new ShapeError({ op: name, argument: "src", expected: `of shape ${formatShape(piece.shape)}`, got: formatShape(src.shape) });
  piece.copy_(src);
  return copy;
}

/** A copy of `input` with `src` on a diagonal. */
export const diagonalScatter: (
  input: Tensor,
  src: Tensor,
  offset?: number | OffsetOptions,
  dim1?: number | OffsetOptions,
  dim2?: number | OffsetOptions,
) => Tensor = op(
  "diagonalScatter",
  "input: tensor, src: tensor, offset: int = 0, dim1: dim = 0, dim2: dim = 1",
  (input: Tensor, src: Tensor, offset: number, dim1: number, dim2: number) =>
    embedded("diagonalScatter", input, src, (whole) => whole.diagonal(offset, dim1, dim2)),
);
/** A copy of `input` with `src` at `index` of `dim`. */
export const selectScatter: (input: Tensor, src: Tensor, dim: number, index: number) => Tensor = op(
  "selectScatter",
  "input: tensor, src: tensor, dim: dim, index: int",
  (input: Tensor, src: Tensor, dim: number, index: number) => {
    requireRealGrad("selectScatter", input, src);
    return embedded("selectScatter", input, src, (whole) => whole.select(dim, index));
  },
);
type SliceOptions = { dim?: number; start?: number | null; end?: number | null; step?: number };
/** A copy of `input` with `src` at start:end:step of `dim`. @param dim default 0 */
export const sliceScatter: (
  input: Tensor,
  src: Tensor,
  dim?: number | SliceOptions,
  start?: number | null | SliceOptions,
  end?: number | null | SliceOptions,
  step?: number | SliceOptions,
) => Tensor = op(
  "sliceScatter",
  "input: tensor, src: tensor, dim: dim = 0, start: int? = null, end: int? = null, step: int = 1",
  (input: Tensor, src: Tensor, dim: number, start: number | null, end: number | null, step: number) => {
    requireRealGrad("sliceScatter", input, src);
    const d = wrapDim("sliceScatter", dim, input.shape.length);
    return embedded("sliceScatter", input, src, (whole) => sliceDim(whole, d, start, end, step));
  },
);
