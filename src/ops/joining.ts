/** Joining, repeating and reordering whole tensors: cat, stack, flip, tril, triu. */
import { promoteTypes } from "../tensor/dtype.js";
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { dimMask, wrapDim, wrapDims, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { op, record, recorded, recordedAny, requireSameDevice } from "./define.js";
import { withInPlace } from "./in-place.js";

const code = launch.codesOf("structured");

type Join = (tensors: readonly Tensor[], dim?: number | { dim?: number }) => Tensor;

/** Joins tensors along an existing dim; other dims must agree. @example cat([zeros(2, 3), ones(1, 3)]).shape // [3, 3] */
export const cat: Join = op(
  "cat",
  "tensors: tensors, dim: dim = 0",
  (tensors: readonly Tensor[], dim: number) => catAlong("cat", tensors, dim),
  { method: false },
);
/** As {@link cat}. */
export const concat: Join = op(
  "concat",
  "tensors: tensors, dim: dim = 0",
  (tensors: readonly Tensor[], dim: number) => catAlong("concat", tensors, dim),
  { method: false },
);
/** As {@link cat}. */
export const concatenate: Join = op(
  "concatenate",
  "tensors: tensors, dim: dim = 0",
  (tensors: readonly Tensor[], dim: number) => catAlong("concatenate", tensors, dim),
  { method: false },
);

/** Dims outside `along` in which a shape differs from another, all of them where the ranks do. */
const clashing = (shape: Shape, other: Shape, along: number): number[] =>
  [...shape.keys()].filter((dim) => shape.length !== other.length || (dim !== along && shape[dim] !== other[dim]));

function catAlong(name: string, given: readonly Tensor[], dim: number): Tensor {
  if (given.length === 0) throw new ValueError({ op: name, argument: "tensors", expected: "at least one Tensor", got: "an empty list" });
  // torch lets empty 1-d tensors join anything
  const kept = given.filter((t) => !(t.shape.length === 1 && t.shape[0] === 0));
  const list = kept.length === 0 ? given : kept;
  const first = list[0]!;
  if (first.shape.length === 0) throw new ShapeError({ op: name, argument: "tensors", expected: "at least 1 dim", got: "a 0-d tensor" });
  const d = wrapDim(name, dim, first.shape.length);
  let dt = given[0]!.dt;
  for (const t of given) dt = promoteTypes(dt, t.dt);
  let total = 0;
  list.forEach((t, i) => {
    requireSameDevice(name, first, t);
    t.live(name);
    if (t.shape.length !== first.shape.length || t.shape.some((size, k) => k !== d && size !== first.shape[k])) {
      throw new ShapeError({
        op: name,
        expected: `tensors[${i}] to agree with tensors[0] outside dim ${d}`,
        got: `${formatShape(t.shape)} and ${formatShape(first.shape)}`,
        operands: [
          { argument: "tensors[0]", shape: first.shape, clash: clashing(first.shape, t.shape, d) },
          { argument: `tensors[${i}]`, shape: t.shape, clash: clashing(t.shape, first.shape, d) },
        ],
      });
    }
    total += t.shape[d]!;
  });
  const inputs = list.map((t) => (t.dt === dt ? t : t.to(launch.dtypeName(dt) as "float32")));
  const shape = first.shape.map((size, i) => (i === d ? total : size));
  const out = launch.run(name, code("cat"), inputs, shape, dt, [d]);
  const skipped = list === given ? [] : given.filter((t) => t.requiresGrad && !list.includes(t));
  if (!recordedAny([...inputs, ...skipped])) return out;
  const sizes = inputs.map((t) => t.shape[d]!);
  const skippedTypes = skipped.map((t) => t.dtype);
  return record("cat", out, [...inputs, ...skipped], [], ([g], node) => {
    let start = 0;
    const parts = sizes.map((size, i) => {
      start += size;
      return node.needs(i) ? g!.narrow(d, start - size, size) : null;
    });
    return [...parts, ...skippedTypes.map((dtype) => g!.reshape(-1).narrow(0, 0, 0).to(dtype))];
  });
}

/** Joins tensors of one shape along a dim of their own. @example stack([zeros(3), ones(3)]).shape // [2, 3] */
export const stack: Join = op(
  "stack",
  "tensors: tensors, dim: dim = 0",
  (tensors: readonly Tensor[], dim: number) => {
    if (tensors.length === 0)
      throw new ValueError({ op: "stack", argument: "tensors", expected: "at least one Tensor", got: "an empty list" });
    const { shape } = tensors[0]!;
    tensors.forEach((t, i) => {
      if (t.shape.length !== shape.length || t.shape.some((size, k) => size !== shape[k])) {
        throw new ShapeError({
          op: "stack",
          expected: `tensors[${i}] to have the shape of tensors[0]`,
          got: `${formatShape(t.shape)} and ${formatShape(shape)}`,
        });
      }
    });
    const d = wrapDim("stack", dim, shape.length + 1);
    return catAlong(
      "stack",
      tensors.map((t) => t.unsqueeze(d)),
      d,
    );
  },
  { method: false },
);

/** The elements in reverse order along the given dims (copied). */
export const flip: (input: Tensor, ...dims: (number | readonly number[] | { dims?: number | readonly number[] })[]) => Tensor = op(
  "flip",
  "input: tensor, *dims: ints",
  (input: Tensor, given: number[]) => {
    input.live("flip");
    const dims = wrapDims("flip", given, input.shape.length).filter((d) => d < input.shape.length);
    const out = launch.run("flip", code("flip"), [input], input.shape, input.dt, [dimMask(dims)]);
    return recorded(input) ? record("flip", out, [input], [], ([g]) => [g!.flip(dims)]) : out;
  },
);

type Triangle = (input: Tensor, diagonal?: number | { diagonal?: number }) => Tensor;
function triangle(name: "tril" | "triu"): Triangle {
  const call = op<Triangle>(name, "input: tensor, diagonal: int = 0", (input: Tensor, diagonal: number) => {
    if (input.shape.length < 2)
      throw new ShapeError({ op: name, argument: "input", expected: "at least 2 dims", got: formatShape(input.shape) });
    const out = launch.run(name, code(name), [input], input.shape, input.dt, [diagonal]);
    return recorded(input) ? record(name, out, [input], [], ([g]) => [name === "tril" ? g!.tril(diagonal) : g!.triu(diagonal)]) : out;
  });
  return withInPlace(name, call);
}
/** The lower triangles of matrices, zero above `diagonal`. */
export const tril = triangle("tril");
/** The upper triangles of matrices, zero below `diagonal`. */
export const triu = triangle("triu");

/** Repeats the tensor along each dim (copied); leading dims may be added. @example tensor([1, 2]).repeat(2, 2).shape // [2, 4] */
export const repeat: (input: Tensor, ...repeats: (number | readonly number[] | { repeats?: readonly number[] })[]) => Tensor = op(
  "repeat",
  "input: tensor, *repeats: ints",
  (input: Tensor, repeats: number[]) => {
    const extra = repeats.length - input.shape.length;
    if (extra < 0 || repeats.some((n) => n < 0)) {
      throw new ValueError({
        op: "repeat",
        argument: "repeats",
        expected: `at least ${input.shape.length} counts of at least 0`,
        got: formatShape(repeats),
      });
    }
    const shape = [...new Array<number>(extra).fill(1), ...input.shape];
    // [n, s, ...] with n stretched, then n and s joined
    const split = input.reshape(shape.flatMap((size) => [1, size])).expand(shape.flatMap((size, i) => [repeats[i]!, size]));
    return split.reshape(shape.map((size, i) => size * repeats[i]!));
  },
);
