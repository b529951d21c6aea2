/** What the library tells a recording of native work (src/compile) that the work itself does not show. */
import type { Tensor } from "./tensor.js";

export interface Trace {
  /** Says why this run must not be replayed. */
  refuse(reason: string): void;
  /** Says that this run set something up that later runs will find: they are to be recorded instead. */
  unsettled(): void;
  /** The next structured kernel takes `numbers()` as its attributes from `first` on, asked anew in every replay. */
  fresh<T extends readonly number[]>(first: number, numbers: () => T): T;
  /** A leaf's `.grad` is about to be read or set. */
  grad(leaf: Tensor, access: "read" | "set"): void;
  /** The backward pass came to a node of the graph; later nodes have larger numbers. */
  visited(sequence: number): void;
  /** An op changed tensors in place. */
  changed(tensors: readonly Tensor[], op: string): void;
  /** The run went one way because of something that is not a tensor; `holds` tells whether it still is so. */
  guard(holds: () => boolean): void;
}

/** The recording under way, or null. */
export let trace: Trace | null = null;

export function setTrace(given: Trace | null): void {
  trace = given;
}
