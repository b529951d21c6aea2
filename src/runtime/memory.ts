/** Frees native memory behind the user's back: minor collections when the allocator asks, finalizers, the out-of-memory ladder. */
import v8 from "node:v8";
import vm from "node:vm";
import { io, native, words } from "./addon.js";
import { Word, type Handle } from "./native.js";

type Gc = (options?: { type: "minor" | "major" }) => void;

const gc: Gc = obtainGc();

// V8 shows gc() only to contexts made after the flag is set.
function obtainGc(): Gc {
  const present = (globalThis as { gc?: Gc }).gc;
  if (present !== undefined) return present;
  // The flag belongs to the process: a worker that starts at the same time may take it back in between.
  for (;;) {
    v8.setFlagsFromString("--expose-gc");
    const made = vm.runInNewContext("globalThis.gc") as Gc | undefined;
    v8.setFlagsFromString("--no-expose-gc");
    if (made !== undefined) return made;
  }
}

// Without GC-time finalizers a registry frees handles, but only when the event loop turns.
const registry = native.basicFinalizers ? null : new FinalizationRegistry<Handle>((handle) => native.release(handle));

/** Ties a handle to the life of its owner where the addon could not do it itself. */
export function adopt(owner: object, handle: Handle): void {
  registry?.register(owner, handle, owner);
}

export function release(owner: object, handle: Handle): void {
  registry?.unregister(owner);
  native.release(handle);
}

/** True after the allocator asked for a collection; tested after each allocating call (a plain load). */
export const collectWanted = (): boolean => words[Word.collect] !== 0;

// Live bytes after the last major collection: survivors of minor ones sit in the old generation and only a major frees them.
let liveAfterMajor = 0;

/** Runs the collection that the allocator asked for. */
export function collect(): void {
  words[Word.collect] = 0;
  gc({ type: "minor" });
  native.collected(0);
  native.memory(0);
  const live = io[0]!;
  if (live > 1.5 * liveAfterMajor + 256 * 2 ** 20) collectAll();
}

/** Runs a minor collection: enough when the dead tensors are young. */
export function collectYoung(): void {
  gc({ type: "minor" });
  native.collected(0);
}

/** Runs a full collection: the last step before giving up on an allocation. */
export function collectAll(): void {
  // With { type: "major" } V8 of Node 20 runs a minor collection.
  gc();
  native.collected(1);
  native.memory(0);
  liveAfterMajor = io[0]!;
}
