/** Loads the addon, shares the scratch with it, and turns its status codes into errors; the only importer of the native side. */
import { createRequire } from "node:module";
import { hostSymbol, type Host } from "../wire/host.js";
import { gaugeCells } from "../wire/gauges.js";
import type { Native } from "./native.js";

// Majors on which GC-time finalizers are tested; others get the stable Node-API build.
const basicFinalizerMajors = new Set(["20", "22", "24", "26"]);

/** Doubles shared with native code: lists go in and come back here. */
export const io = new Float64Array(16384);

const host = (globalThis as { [hostSymbol]?: Host })[hostSymbol];

/** Shared words; see {@link Word}. The kernel's host brings its own, so that its agent can reach the cancel word. */
export const words: Int32Array = host?.words ?? new Int32Array(new SharedArrayBuffer(16));

/** Has `restore` called when an interrupt has cut code off without its `finally` blocks; outside the kernel there is no such thing. */
export function afterInterrupt(restore: () => void): void {
  host?.afterInterrupt(restore);
}

export const native: Native = load();
native.init(io, words);
/** Memory figures of devices; empty in a worker whose main thread has them. */
export const gauges: Float64Array = host?.gauges ?? new Float64Array(new SharedArrayBuffer(gaugeCells * 8));
native.shareGauges(gauges);
host?.atCellEnd(() => native.flushOutput());

function load(): Native {
  // One BLAS thread: products are split by our own pool. Must be set before OpenBLAS is loaded.
  process.env["OPENBLAS_NUM_THREADS"] = "1";
  const require = createRequire(import.meta.url);
  const major = process.versions.node.split(".")[0]!;
  try {
    if (basicFinalizerMajors.has(major)) return require("#native") as Native;
    return require("#native-compat") as Native;
  } catch (cause) {
    throw new Error("cellgrad: the native runtime is not built, or not for this machine: run `npm run build`", { cause });
  }
}
