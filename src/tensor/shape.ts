/** Shape arithmetic: broadcasting, dims, contiguous strides. Pure functions on lists of numbers. */
import { IndexError, ShapeError, ValueError, formatShape } from "./errors.js";

export type Shape = readonly number[];

export const emptyShape: Shape = Object.freeze([]);

export function numelOf(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i]!;
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The shape that both broadcast to; throws a ShapeError that names the clashing dim. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b) || b.length === 0) return a;
  if (a.length === 0) return b;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i > a.length ? 1 : a[a.length - i]!;
    const y = i > b.length ? 1 : b[b.length - i]!;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError({
        op,
        expected: `shapes that broadcast: dim -${i} is ${x} and ${y}, and neither is 1`,
        got: `${formatShape(a)} and ${formatShape(b)}`,
        operands: [
          { argument: "input", shape: a, clash: [a.length - i] },
          { argument: "other", shape: b, clash: [b.length - i] },
        ],
      });
    }
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

/** Wraps a dim from [-rank, rank) into [0, rank); a 0-d tensor counts as rank 1. */
export function wrapDim(op: string, dim: number, rank: number, argument = "dim"): number {
  const n = Math.max(rank, 1);
  if (dim < -n || dim >= n) {
    throw new IndexError({ op, argument, expected: `in the range [${-n}, ${n - 1}] of a tensor with ${rank} dims`, got: String(dim) });
  }
  return dim < 0 ? dim + n : dim;
}

/** Wraps a list of dims and refuses repeats. null means all. */
export function wrapDims(op: string, dims: readonly number[] | null, rank: number): number[] {
  if (dims === null) return Array.from({ length: rank }, (_, i) => i);
  const seen = new Set<number>();
  for (const dim of dims) {
    const wrapped = wrapDim(op, dim, rank);
    if (seen.has(wrapped)) {
      throw new ValueError({ op, argument: "dim", expected: "a list without repeated dims", got: formatShape(dims) });
    }
    seen.add(wrapped);
  }
  return [...seen];
}

/** Row-major strides, in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(shape[i]!, 1);
  }
  return strides;
}

/** The shape after reducing `dims` (wrapped). */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): Shape {
  if (dims.length === shape.length && !keepdim) return emptyShape;
  return keepdim ? shape.map((size, i) => (dims.includes(i) ? 1 : size)) : shape.filter((_, i) => !dims.includes(i));
}

/** A bit set of dims, as the native reductions take it. */
export function dimMask(dims: readonly number[]): number {
  let mask = 0;
  for (const dim of dims) mask += 2 ** dim;
  return mask;
}

/** Fills in the one -1 of a requested shape; `from` is the shape that it is to replace. */
export function inferShape(op: string, requested: readonly number[], from: Shape): Shape {
  const numel = numelOf(from);
  let least = 0;
  for (let i = 0; i < requested.length; i++) if (requested[i]! < least) least = requested[i]!;
  if (least === 0 && numelOf(requested) === numel) return requested;
  const hole = requested.indexOf(-1);
  const refuse = (expected: string): never => {
    const operands = [
      { argument: "input", shape: from, clash: [...from.keys()] },
      { argument: "shape", shape: requested, clash: [...requested.keys()] },
    ];
    throw new ShapeError({ op, argument: "shape", expected, got: formatShape(requested), operands });
  };
  if (requested.some((size) => size < -1)) refuse("of sizes of at least 0, and at most one -1");
  if (hole !== requested.lastIndexOf(-1)) refuse("with at most one -1");
  if (hole < 0) return numelOf(requested) === numel ? requested : refuse(`of ${numel} elements, as the input`);
  let known = 1;
  requested.forEach((size, i) => (known *= i === hole ? 1 : size));
  if (known === 0) refuse("one that leaves no choice for -1");
  if (numel % known !== 0) refuse(`of ${numel} elements, as the input`);
  return requested.map((size, i) => (i === hole ? numel / known : size));
}
