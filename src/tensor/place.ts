/** Where in a person's code something happened: the cell and the line, found only when somebody asks. */
import { fileURLToPath } from "node:url";
import { hostSymbol, type Host } from "../wire/host.js";

/** A place in a person's code. */
export interface Place {
  /** Number of the cell, or null outside a notebook. */
  readonly cell: number | null;
  /** The innermost frame that is not of this library, as V8 writes it; null when there is none. */
  readonly frame: string | null;
}

// Frames name files by URL or by path.
const root = new URL("../", import.meta.url).href;
const folder = fileURLToPath(root);
const host = (globalThis as { [hostSymbol]?: Host })[hostSymbol];

/** Remembers the place of now; V8 writes the frames down when `of` reads them. */
export class Trace {
  private readonly error: Error;
  private readonly cell: number | null;

  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 16;
    this.error = new Error("place");
    Error.stackTraceLimit = limit;
    this.cell = host?.cell()?.count ?? null;
  }

  place(): Place {
    const frames = (this.error.stack ?? "").split("\n").slice(1);
    const own = frames.find((frame) => !frame.includes(root) && !frame.includes(folder) && !frame.includes("node:"));
    return { cell: this.cell, frame: own?.trim().replace(/^at /, "") ?? null };
  }
}
