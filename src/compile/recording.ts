/** One recorded run of a function: what it launched lies in native code, what else it did is noted here. */
import { nextSequence } from "../autograd/node.js";
import { afterInterrupt, io, native } from "../runtime/addon.js";
import type { Tensor } from "../tensor/tensor.js";
import { setTrace, trace, type Trace } from "../tensor/trace.js";

/** What happened to the `.grad` of a leaf: what it was when it was first looked at, unless it was set before that. */
interface GradAccess {
  readonly before: Tensor | null;
  readonly read: boolean;
}

export class Recording implements Trace {
  readonly numbers: (() => readonly number[])[] = [];
  readonly guards: (() => boolean)[] = [];
  readonly grads = new Map<Tensor, GradAccess>();
  readonly changes: { readonly tensor: Tensor; readonly op: string }[] = [];
  /** Nodes of earlier graphs have smaller numbers. */
  readonly firstNode = nextSequence();
  settled = true;
  private reason: string | null = null;
  private ended = false;

  /** Records from here on; `given` are the tensors that later runs bring anew. */
  constructor(given: readonly Tensor[]) {
    given.forEach((t, i) => (io[i] = t.live("compile")));
    native.traceBegin(given.length);
    setTrace(this);
  }

  /** Why the run cannot be replayed, or null. */
  get refusal(): string | null {
    return this.reason ?? (native.traceRefusal() || null);
  }

  refuse(reason: string): void {
    this.reason ??= reason;
  }

  unsettled(): void {
    this.settled = false;
  }

  fresh<T extends readonly number[]>(first: number, numbers: () => T): T {
    const now = numbers();
    native.traceFresh(first, now.length);
    this.numbers.push(numbers);
    return now;
  }

  grad(leaf: Tensor, access: "read" | "set"): void {
    if (!this.grads.has(leaf)) this.grads.set(leaf, { before: leaf.ag?.grad ?? null, read: access === "read" });
  }

  visited(sequence: number): void {
    if (sequence < this.firstNode) this.refuse("backward() goes on into a graph that was made before the call");
  }

  changed(tensors: readonly Tensor[], op: string): void {
    for (const tensor of tensors) this.changes.push({ tensor, op });
  }

  guard(holds: () => boolean): void {
    this.guards.push(holds);
  }

  /** Ends the recording; the handles in `io` and the answer are native's traceEnd. */
  end(results: number, incoming: number, outgoing: number): number {
    this.ended = true;
    if (trace === this) setTrace(null);
    return native.traceEnd(results, incoming, outgoing);
  }

  /** Ends a recording that makes no plan. Harmless after its end. */
  abandon(): void {
    if (!this.ended) this.end(-1, 0, 0);
  }
}

// An interrupt unwinds without running `finally`.
afterInterrupt(() => {
  if (trace instanceof Recording) trace.abandon();
});
