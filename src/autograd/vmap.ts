/** `cg.func.vmap`: a function of one example becomes a function of a batch. */
import { Batched, hoisted, within, type Frame } from "../tensor/batched.js";
import { ShapeError, ValueError, describe } from "../tensor/errors.js";
import { wrapDim } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { readArguments, requireFunction } from "./arguments.js";
import { ops } from "./engine.js";
import { flatten, type Flat } from "./tree.js";

/** The batch dim of each tensor of an argument, null for what every example shares; or arrays and objects of them. */
export type Dims = number | null | readonly Dims[] | { readonly [key: string]: Dims };

/** Options of {@link vmap}. */
export interface VmapOptions {
  /** For all arguments, or a list with one for each. Default 0. */
  inDims?: Dims;
  /** Where the batch dim of the results goes; for all results, or a list with one for each. Default 0. */
  outDims?: number | readonly number[];
  /** Whether examples may draw random numbers: not at all ("error", default), each its own, or all the same. */
  randomness?: "error" | "different" | "same";
  /** How many examples to compute at once, to save memory. Default: all. */
  chunkSize?: number | null;
}

type Fn = (...args: never[]) => unknown;
type Rest = [
  inDims?: Dims | VmapOptions,
  outDims?: number | readonly number[] | VmapOptions,
  randomness?: NonNullable<VmapOptions["randomness"]> | VmapOptions,
];

/**
 * The function that applies `fn` to all examples of a batch at once and gives the results of all (torch.func.vmap). `fn` runs once, on
 * tensors that are shaped like one example; each op works on all of them. It nests, and goes with grad and the other transforms in either
 * order: `vmap(grad(loss))` gives the gradients of each example.
 *
 * Inside, values cannot be read (`item()`, `tolist()`), and tensors that all examples share cannot be changed in place. An op that has no
 * way to work on all examples runs once for each. Differs: an op whose result's shape depends on values works where all shapes are equal.
 * @example func.vmap(func.grad((x) => x.square().sum()))(randn(8, 3)).shape // [8, 3]
 * @throws ShapeError when the batch dims differ in size, ValueError for a draw without `randomness`, or a result that is no Tensor
 */
export function vmap<R = Tensor>(fn: (...args: Tensor[]) => unknown, ...rest: Rest): (...args: Tensor[]) => NoInfer<R>;
export function vmap<F extends Fn, R = ReturnType<F>>(fn: F, ...rest: Rest): (...args: Parameters<F>) => NoInfer<R>;
export function vmap(fn: Fn, ...rest: unknown[]): (...args: unknown[]) => unknown {
  requireFunction("vmap", "fn", fn);
  const options = readArguments<VmapOptions>("vmap", ["inDims", "outDims", "randomness", "chunkSize"], rest);
  const { inDims = 0, outDims = 0, randomness = "error", chunkSize = null } = options;
  if (!["error", "different", "same"].includes(randomness)) {
    throw new ValueError({ op: "vmap", argument: "randomness", expected: `"error", "different" or "same"`, got: describe(randomness) });
  }
  if (chunkSize !== null && !(Number.isInteger(chunkSize) && chunkSize > 0)) {
    throw new ValueError({ op: "vmap", argument: "chunkSize", expected: "a positive integer or null", got: describe(chunkSize) });
  }
  return (...args) => {
    const input = flatten(args);
    const dims = dimsOf(args, inDims);
    const size = batchSize(input.leaves, dims);
    const first = input.leaves.map((leaf, k) => (dims[k] == null ? leaf : (leaf as Tensor).movedim(dims[k], 0)));
    const some = (from: number, count: number): Flat => {
      const part = count === size ? first : first.map((leaf, k) => (dims[k] == null ? leaf : (leaf as Tensor).narrow(0, from, count)));
      return within(count, randomness, (frame) => {
        const built = input.build(part.map((leaf, k) => (dims[k] == null ? leaf : new Batched(leaf as Tensor, frame))));
        const result = flatten(fn(...(built as never[])));
        return { ...result, leaves: result.leaves.map((leaf) => outOf(frame, leaf)) };
      });
    };
    const results = chunksOf(size, chunkSize ?? size).map(([from, count]) => some(from, count));
    const { leaves, build } = results[0]!;
    const whole = leaves.map((leaf, k) => (results.length === 1 ? (leaf as Tensor) : ops.cat(results.map((result) => result.leaves[k] as Tensor), 0))); // prettier-ignore
    const places = typeof outDims === "number" ? whole.map(() => outDims) : outDims;
    if (places.length !== whole.length) {
      throw new ValueError({
        op: "vmap",
        argument: "outDims",
        expected: `one for each of ${whole.length} results`,
        got: String(places.length),
      });
    }
    return build(whole.map((t, k) => (places[k] === 0 ? t : t.movedim(0, wrapDim("vmap", places[k]!, t.shape.length, "outDims")))));
  };
}

/** First example and number of examples of each chunk. */
const chunksOf = (size: number, most: number): [number, number][] =>
  size === 0 ? [[0, 0]] : Array.from({ length: Math.ceil(size / most) }, (_, i) => [i * most, Math.min(most, size - i * most)]);

/** A result of the function with its examples along the first dim; what no example changed is stretched. */
function outOf(frame: Frame, leaf: unknown): Tensor {
  if (!(leaf instanceof Tensor)) {
    throw new ValueError({ op: "vmap", argument: "fn", expected: "a function that returns Tensors", got: describe(leaf) });
  }
  return hoisted(frame, leaf);
}

/** One dim or null a leaf of the arguments. */
function dimsOf(args: readonly unknown[], given: Dims): (number | null)[] {
  if (Array.isArray(given) && given.length !== args.length) {
    throw new ValueError({
      op: "vmap",
      argument: "inDims",
      expected: `one for each of ${args.length} arguments`,
      got: String(given.length),
    });
  }
  return args.flatMap((arg, i) => spread(arg, Array.isArray(given) ? (given as readonly Dims[])[i]! : given));
}

function spread(value: unknown, dims: Dims): (number | null)[] {
  if (dims === null || typeof dims === "number") {
    return flatten(value).leaves.map((leaf) => {
      if (dims === null) return null;
      if (!(leaf instanceof Tensor)) {
        throw new ValueError({
          op: "vmap",
          argument: "inDims",
          expected: "null for what is not a Tensor",
          got: `${dims} for ${describe(leaf)}`,
        });
      }
      return wrapDim("vmap", dims, leaf.shape.length, "inDims");
    });
  }
  return Object.entries(dims).flatMap(([key, inner]) => spread((value as Record<string, unknown> | null)?.[key], inner as Dims));
}

function batchSize(leaves: readonly unknown[], dims: readonly (number | null)[]): number {
  const sizes = [...new Set(leaves.flatMap((leaf, k) => (dims[k] == null ? [] : (leaf as Tensor).shape[dims[k]]!)))];
  if (sizes.length === 0) {
    throw new ValueError({ op: "vmap", argument: "inDims", expected: "at least one batched Tensor", got: "none" });
  }
  if (sizes.length > 1) {
    throw new ShapeError({ op: "vmap", argument: "inDims", expected: "batch dims of one size", got: sizes.join(", ") });
  }
  return sizes[0]!;
}
