/** Trees of tensors: a tensor, or arrays and plain objects of trees. Derivatives of functions take and give them. */
import { Tensor } from "../tensor/tensor.js";

export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** A tree's leaves in order, and the way back from other leaves. */
export interface Flat {
  readonly leaves: readonly unknown[];
  readonly build: (leaves: readonly unknown[]) => unknown;
}

/** Takes a tree apart. Whatever is neither an array nor a plain object is a leaf. */
export function flatten(tree: unknown): Flat {
  if (Array.isArray(tree)) return join(tree.map(flatten), (parts) => parts);
  if (isPlain(tree)) {
    const keys = Object.keys(tree);
    return join(
      keys.map((key) => flatten(tree[key])),
      (parts) => Object.fromEntries(keys.map((key, i) => [key, parts[i]])),
    );
  }
  return { leaves: [tree], build: ([leaf]) => leaf };
}

function join(parts: readonly Flat[], make: (parts: readonly unknown[]) => unknown): Flat {
  return {
    leaves: parts.flatMap((part) => part.leaves),
    build: (leaves) => {
      let at = 0;
      return make(parts.map((part) => part.build(leaves.slice(at, (at += part.leaves.length)))));
    },
  };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !(value instanceof Tensor) && Object.getPrototypeOf(value) === Object.prototype;
}
