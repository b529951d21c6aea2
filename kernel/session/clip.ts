/** How much of what a cell prints a notebook holds: the start, and of the rest a count and the last lines. All of it goes to a file. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { outputFile } from "../runtime/messages.js";

/** Bytes of UTF-8 that are shown as they come. More slows a page down, and Jupyter's server drops what exceeds 3 MB in 3 s. */
const shownBytes = 2 ** 21;
/** Bytes that a file holds: a loop that prints all night must not fill the disk. */
const keptBytes = 2 ** 28;
/** What is shown of the end. */
const [tailLines, tailLength] = [10, 1000];

export class Clip {
  readonly #folder: string;
  readonly #count: number;
  #shown = 0;
  /** What was shown, while it may still be needed for the file. */
  #start: string[] | null = [];
  #file: number | null = null;
  #hiddenBytes = 0;
  #hiddenLines = 0;
  #kept = 0;
  #tail = "";

  /** For the cell number `count`; its file will be in `folder`. */
  constructor(folder: string, count: number) {
    this.#folder = folder;
    this.#count = count;
  }

  /** Takes text that the cell has printed; returns the part to show as it is. */
  take(text: string): string {
    if (this.#hiddenBytes === 0) {
      const size = Buffer.byteLength(text);
      const room = shownBytes - this.#shown;
      const shown =
        size <= room
          ? text
          : Buffer.from(text)
              .subarray(0, room)
              .toString("utf8")
              .replace(/\ufffd$/, "");
      this.#shown += size;
      this.#start?.push(shown);
      if (size <= room) return text;
      this.#hide(text.slice(shown.length));
      return shown;
    }
    this.#hide(text);
    return "";
  }

  /** The cell's output was cleared: it may show as much again. */
  clear(): void {
    this.close();
    this.#shown = this.#hiddenBytes = this.#hiddenLines = this.#kept = 0;
    this.#start = [];
    this.#tail = "";
  }

  /** The cell has ended: what it may still print is little. */
  close(): void {
    this.#start = null;
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  /** What stands for the hidden text; null when there is none. */
  get notice(): string | null {
    if (this.#hiddenBytes === 0) return null;
    const size = `${(this.#hiddenBytes / 1e6).toFixed(1)} MB`;
    const whole = this.#kept === this.#hiddenBytes ? "everything" : "the start";
    const tail = this.#tail
      .split("\n")
      .slice(-tailLines - 1)
      .join("\n")
      .trimEnd();
    return `[${this.#hiddenLines} more lines, ${size}, not shown: kernel.output(${this.#count}) returns ${whole}]\n${tail}`;
  }

  #hide(text: string): void {
    const size = Buffer.byteLength(text);
    this.#hiddenBytes += size;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#hiddenLines++;
    this.#tail = (this.#tail + text).slice(-tailLength);
    if (this.#kept + size > keptBytes || this.#hiddenBytes - size > this.#kept) return;
    try {
      this.#write(text);
      this.#kept += size;
    } catch {
      // No room on the disk: the notice then says that not everything is kept.
    }
  }

  #write(text: string): void {
    const path = outputFile(this.#folder, this.#count);
    if (this.#file === null) {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#file = openSync(path, this.#kept === 0 ? "w" : "a", 0o600);
      if (this.#kept === 0) writeSync(this.#file, (this.#start ?? []).join(""));
      this.#start = null;
    }
    writeSync(this.#file, text);
  }
}
