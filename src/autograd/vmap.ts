/** `cg.func.vmap`: a function of one example becomes a function of a batch. */
import { ShapeError, ValueError, describe } from "../tensor/errors.js";
import { wrapDim } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { readArguments, requireFunction } from "./arguments.js";
import { ops } from "./engine.js";
import { flatten } from "./tree.js";

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
}

type Fn = (...args: never[]) => unknown;
type Rest = [
  inDims?: Dims | VmapOptions,
  outDims?: number | readonly number[] | VmapOptions,
  randomness?: NonNullable<VmapOptions["randomness"]> | VmapOptions,
];

/**
 * The function that applies `fn` to each example of a batch and stacks the results (torch.func.vmap). It nests, and goes with grad and the
 * other transforms in either order. Differs: `fn` runs once for each example, so any code may be inside, but it is no faster than a loop.
 * @example func.vmap(func.grad((x) => x.square().sum()))(randn(8, 3)).shape // [8, 3]
 */
export function vmap<R = Tensor>(fn: (...args: Tensor[]) => unknown, ...rest: Rest): (...args: Tensor[]) => R;
export function vmap<F extends Fn, R = ReturnType<F>>(fn: F, ...rest: Rest): (...args: Parameters<F>) => R;
export function vmap(fn: Fn, ...rest: unknown[]): (...args: unknown[]) => unknown {
  requireFunction("vmap", "fn", fn);
  const options = readArguments<VmapOptions>("vmap", ["inDims", "outDims", "randomness"], rest);
  const { inDims = 0, outDims = 0, randomness = "error" } = options;
  if (!["error", "different", "same"].includes(randomness)) {
    throw new ValueError({ op: "vmap", argument: "randomness", expected: `"error", "different" or "same"`, got: describe(randomness) });
  }
  return (...args) => {
    const input = flatten(args);
    const dims = dimsOf(args, inDims);
    const size = batchSize(input.leaves, dims);
    const state = ops.rngState();
    const results = Array.from({ length: size }, (_, i) => {
      if (randomness === "same") ops.setRngState(state);
      const one = input.leaves.map((leaf, k) => (dims[k] === null ? leaf : (leaf as Tensor).select(dims[k]!, i)));
      const result = flatten(fn(...(input.build(one) as never[])));
      if (randomness === "error" && ops.rngUsed(state)) {
        throw new ValueError({
          op: "vmap",
          argument: "randomness",
          expected: `"different" or "same" for a function that draws random numbers`,
          got: `"error"`,
        });
      }
      return result;
    });
    return results[0]!.build(
      results[0]!.leaves.map((_, k) =>
        stackAt(
          results.map((result) => result.leaves[k]),
          k,
          outDims,
        ),
      ),
    );
  };
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
  if (sizes[0] === 0) throw new ShapeError({ op: "vmap", argument: "inDims", expected: "at least one example", got: "0" });
  return sizes[0]!;
}

function stackAt(results: readonly unknown[], k: number, outDims: number | readonly number[]): Tensor {
  const wrong = results.find((t) => !(t instanceof Tensor));
  if (wrong !== undefined) throw new ValueError({ op: "vmap", argument: "fn", expected: "to return Tensors", got: describe(wrong) });
  const batch = ops.stack(results as readonly Tensor[]);
  const dim = typeof outDims === "number" ? outDims : outDims[k]!;
  return dim === 0 ? batch : batch.movedim(0, wrapDim("vmap", dim, batch.shape.length, "outDims"));
}
