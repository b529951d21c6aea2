/** Tensors of positions and combinations: meshgrid, cartesianProd, combinations, trilIndices, triuIndices, vander. */
import { Code, isIntegral } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { arange, ones, type TensorOptions } from "./creation.js";
import { op } from "./define.js";
import { nonzero } from "./gathering.js";
import { cat, stack } from "./joining.js";

const plain = { method: false } as const;

type GridOptions = { indexing?: "ij" | "xy" };
/** Coordinates of a grid: vectors expanded along dims of their own. `indexing` "xy" swaps the first two dims. Default "ij". */
export const meshgrid: (...tensors: (Tensor | readonly Tensor[] | GridOptions)[]) => Tensor[] = op(
  "meshgrid",
  "*tensors: tensors, *, indexing: ij|xy = ij",
  (given: readonly Tensor[], indexing: "ij" | "xy") => {
    if (given.length === 0) throw new ValueError({ op: "meshgrid", argument: "tensors", expected: "at least one Tensor", got: "none" });
    for (const t of given) {
      if (t.shape.length > 1)
        throw new ShapeError({ op: "meshgrid", argument: "tensors", expected: "0-d or 1-d", got: formatShape(t.shape) });
      if (t.dt !== given[0]!.dt) throw new DTypeError({ op: "meshgrid", argument: "tensors", expected: given[0]!.dtype, got: t.dtype });
    }
    const swapped = indexing === "xy" && given.length >= 2;
    const tensors = swapped ? [given[1]!, given[0]!, ...given.slice(2)] : given;
    const shape = tensors.map((t) => t.numel());
    const grids = tensors.map((t, i) => t.reshape(shape.map((size, k) => (k === i ? size : 1))).expand(shape));
    return swapped ? [grids[1]!, grids[0]!, ...grids.slice(2)] : grids;
  },
  plain,
);

/** All tuples of elements of the vectors, as rows; of one vector itself. */
export const cartesianProd: (...tensors: (Tensor | readonly Tensor[])[]) => Tensor = op(
  "cartesianProd",
  "*tensors: tensors",
  (tensors: readonly Tensor[]) => {
    for (const t of tensors)
      if (t.shape.length !== 1)
        throw new ShapeError({ op: "cartesianProd", argument: "tensors", expected: "vectors", got: formatShape(t.shape) });
    if (tensors.length === 1) return tensors[0]!;
    return stack(meshgrid(tensors).map((t) => t.flatten()), 1); // prettier-ignore
  },
  plain,
);

type CombinationsOptions = { r?: number; withReplacement?: boolean };
/** All choices of r elements of a vector, in order, as rows. @param r default 2 */
export const combinations: (input: Tensor, r?: number | CombinationsOptions, withReplacement?: boolean | CombinationsOptions) => Tensor =
  op(
    "combinations",
    "input: tensor, r: int = 2, withReplacement: bool = false",
    (input: Tensor, r: number, withReplacement: boolean) => {
      if (input.shape.length !== 1)
        throw new ShapeError({ op: "combinations", argument: "input", expected: "1-d", got: formatShape(input.shape) });
      if (r < 0) throw new ValueError({ op: "combinations", argument: "r", expected: "at least 0", got: String(r) });
      if (r === 0) return input.detach().narrow(0, 0, 0).clone();
      // Rows of places that ascend, strictly without replacement; grown by one column at a time.
      const n = input.numel();
      let rows = arange(n).reshape(n, 1);
      for (let k = 1; k < r; k++) {
        const next = arange(n);
        const fits = withReplacement ? next.ge(rows.narrow(1, k - 1, 1)) : next.gt(rows.narrow(1, k - 1, 1));
        const places = nonzero(fits);
        rows = cat([rows.indexSelect(0, places.select(1, 0)), places.narrow(1, 1, 1)], 1);
      }
      return input.indexSelect(0, rows.reshape(-1)).reshape(rows.shape);
    },
    { method: true },
  );

type Indices = (row: number, col: number, offset?: number | (TensorOptions & { offset?: number }), options?: TensorOptions) => Tensor;
function triangleIndices(name: "trilIndices" | "triuIndices"): Indices {
  return op<Indices>(
    name,
    "row: int, col: int, offset: int = 0, *, dtype: dtype? = null, device: device? = null",
    (row: number, col: number, offset: number, dt: number | null) => {
      if (row < 0 || col < 0)
        throw new ValueError({ op: name, argument: "row", expected: "sizes of at least 0", got: `${row} and ${col}` });
      if (dt !== null && dt !== Code.int64 && dt !== Code.int32)
        throw new DTypeError({ op: name, argument: "dtype", expected: "int64 or int32", got: launch.dtypeName(dt) });
      const all = ones(row, col, { dtype: "bool" });
      const places = nonzero(name === "trilIndices" ? all.tril(offset) : all.triu(offset)).t().contiguous(); // prettier-ignore
      const dtype = dt ?? Code.int64;
      return dtype === Code.int64 ? places : places.to(launch.dtypeName(dtype) as "int32");
    },
    { method: false, differentiable: false },
  );
}
/** Rows and columns of the lower triangle of a [row, col] matrix, int64 [2, count]. */
export const trilIndices = triangleIndices("trilIndices");
/** Rows and columns of the upper triangle of a [row, col] matrix, int64 [2, count]. */
export const triuIndices = triangleIndices("triuIndices");

type VanderOptions = { N?: number | null; increasing?: boolean };
/** Vandermonde's matrix: columns are powers of a vector, descending unless `increasing`. [n] -> [n, N]. @param N default n */
export const vander: (x: Tensor, N?: number | null | VanderOptions, increasing?: boolean | VanderOptions) => Tensor = op(
  "vander",
  "x: tensor, N: int? = null, increasing: bool = false",
  (x: Tensor, N: number | null, increasing: boolean) => {
    if (x.shape.length !== 1) throw new ShapeError({ op: "vander", argument: "x", expected: "1-d", got: formatShape(x.shape) });
    const count = N ?? x.numel();
    if (count < 0) throw new ValueError({ op: "vander", argument: "N", expected: "at least 0", got: String(count) });
    const first = ones(x.numel(), Math.min(1, count), { dtype: isIntegral(x.dt) ? "int64" : x.dtype });
    if (count <= 1) return first;
    const rows = x.unsqueeze(1).expand(-1, count - 1);
    const powers = cat([first, rows.cumprod(1)], 1);
    return increasing ? powers : powers.flip(1);
  },
  plain,
);
