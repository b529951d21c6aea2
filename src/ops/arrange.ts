/** Views with dims in another order, or repeated without copying. */
import { native } from "../runtime/addon.js";
import { isComplex } from "../tensor/dtype.js";
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import { wrapDim, wrapDims } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { op } from "./define.js";
import { sumTo } from "./pointwise.js";
import { viewOf, writeSizes, type Sizes } from "./views.js";

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
/** The conjugate transpose of matrices; a 0-d tensor stays as it is. [..,n,m] -> [..,m,n] */
export const adjoint: (input: Tensor) => Tensor = op("adjoint", "input: tensor", (input: Tensor) => {
  if (input.shape.length === 1)
    throw new ShapeError({ op: "adjoint", argument: "input", expected: "matrices", got: formatShape(input.shape) });
  const turned = input.shape.length === 0 ? input : swap("adjoint", input, -2, -1);
  return isComplex(input.dt) ? turned.conj() : turned;
});
type Moves = number | readonly number[];
/** Moves dims to other positions; the rest keep their order. */
export const movedim: (input: Tensor, source: Moves, destination: Moves) => Tensor = op(
  "movedim",
  "input: tensor, source: dims, destination: dims",
  (input: Tensor, source: number[], destination: number[]) => {
    const rank = input.shape.length;
    if (rank === 0 && source.length === destination.length)
      return permuteTo("movedim", input, [source, destination].flatMap((dims) => wrapDims("movedim", dims, 1)).slice(0, 0));
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

/** The sum over the dims that broadcasting `size` to this shape added or stretched (torch.Tensor.sum_to_size). */
export const sumToSize: Sizes = op("sumToSize", "input: tensor, *size: ints", (input: Tensor, sizes: number[]) => {
  const extra = input.shape.length - sizes.length;
  if (extra < 0 || sizes.some((size, i) => size !== 1 && size !== input.shape[i + extra]))
    throw new ShapeError({
      op: "sumToSize",
      argument: "size",
      expected: `one that broadcasts to ${formatShape(input.shape)}`,
      got: formatShape(sizes),
    });
  return sizes.length === 0 ? input.sum() : sumTo(input, sizes); // as torch: sums of integers are int64
});

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
