/** How library and kernel find each other inside the runtime process: well-known symbols, so that neither imports the other. */
import type { CellSpan } from "./devices.js";

/** A MIME bundle: JSON values or strings (binary types base64) by MIME type. */
export interface MimeBundle {
  readonly data: { readonly [mime: string]: unknown };
  readonly metadata?: { readonly [mime: string]: unknown };
}

/** A value with this method is shown by its MIME bundle (Deno's convention: the plain `data` record, or a promise of it; a whole {@link MimeBundle} when it has metadata). */
export const displaySymbol = Symbol.for("Jupyter.display");

/** Key of the {@link Host} on globalThis. Absent in plain Node. */
export const hostSymbol = Symbol.for("cellgrad.host");

/** Key of the {@link Views} on globalThis. */
export const viewsSymbol = Symbol.for("cellgrad.views");

/** A line of a cell that has run. */
export interface SourceLine {
  /** Number of the cell, and its notebook id. */
  readonly cell: number;
  readonly cellId: string | null;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** A call as a cell has it: `x.matmul(cg.randn(5))` has the receiver `x` and the arguments `cg.randn(5)`; a list counts as its elements. */
export interface CallSource extends SourceLine {
  readonly name: string;
  readonly receiver: string | null;
  readonly arguments: readonly string[];
}

/** What the kernel's runtime process offers the library; set before user code or the library loads. */
export interface Host {
  /** Sends display_data (or update_display_data) under the running cell at once, even from a synchronous loop. */
  display(bundle: MimeBundle, options?: { readonly displayId?: string; readonly update?: boolean }): void;
  /** Word [Word.cancel] of this Int32Array over a SharedArrayBuffer is set to 1 to stop native work. */
  readonly words: Int32Array;
  /** Where native code writes the memory figures of devices ({@link readLevels}), for every thread of the process. */
  readonly gauges: Float64Array;
  /** What the notebook's top-level names hold now; runs no getter. */
  variables(): readonly (readonly [name: string, value: unknown])[];
  /** When the last cells ran, oldest first. */
  cells(): readonly CellSpan[];
  /** The cell whose code runs now (followed through async code), or null. `id` is the notebook's cell id. */
  cell(): { readonly id: string | null; readonly count: number; readonly code: string } | null;
  /** The line that last gave a top-level name its value, as far as the cells' text tells. */
  declarationOf(name: string): SourceLine | null;
  /** The call at a place that a stack names, `Cell [cell]:line:column`. */
  callAt(cell: number, line: number, column: number): CallSource | null;
  /** The calls of a function or method of this name in the text of the cells that have run, oldest first. */
  callsOf(name: string): readonly CallSource[];
  /** Registers work that must be finished before the kernel reports the cell as done (e.g. a final picture). */
  beforeIdle(task: () => void | Promise<void>): void;
  /** Has `finish` called at the end of every cell, before it is reported. */
  atCellEnd(finish: () => void): void;
  /** Has `restore` called whenever running code was cut off by an interrupt: what it left half done, no `finally` has put right. */
  afterInterrupt(restore: () => void): void;
  /** False when nobody can open comms (nbconvert, jupyter execute): live extras are skipped. */
  readonly interactive: boolean;
}

/**
 * What the library offers the kernel's agent: answers a front end's request on the comm target {@link viewsTarget} synchronously,
 * at any time, also between two bytecodes of a running loop. JSON text in, JSON text out; must not run user code or block.
 */
export interface Views {
  request(message: string): string;
  /** Runs code that uses the library between any two steps of it, and leaves no trace. */
  aside<Value>(look: () => Value): Value;
  /** A value of the library as a debugger shows it; null for any other value. */
  describe(value: unknown): Description | null;
}

/** A value of the library in a line. */
export interface Description {
  /** Its class: `Tensor`. */
  readonly type: string;
  /** `float32 [2, 3] [[0.1, 0.2, 0.3], …`. */
  readonly text: string;
  /** What is worth a look inside it, by name, without its internals. */
  parts(): { readonly [name: string]: unknown };
}

/** The comm target of every live view. The front end opens it; data of a comm_msg is a request, the reply is a comm_msg. */
export const viewsTarget = "cellgrad.views";
