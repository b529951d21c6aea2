/** Messages on a pipe: one JSON text a line, as soon as it is whole. Buffers that belong to it follow the line as they are, their lengths before it. */
import type { Socket } from "node:net";

const [newline, bracket] = [0x0a, 0x5b];
const noBuffers: readonly Uint8Array[] = [];
/** Node's own: user code may replace it. */
const { stringify } = JSON;

/** The bytes of a message: `{...}\n`, or `[3,5]{...}\n` and 3 and 5 bytes behind it. */
export function encodeLine(message: object, buffers: readonly Uint8Array[] = noBuffers): readonly Uint8Array[] {
  const text = stringify(message);
  if (text[0] !== "{") throw new Error("Object.prototype has a toJSON method"); // K would not understand
  if (buffers.length === 0) return [Buffer.from(`${text}\n`)];
  return [Buffer.from(`${stringify(buffers.map(({ byteLength }) => byteLength))}${text}\n`), ...buffers];
}

/**
 * Calls `receive` with every line that arrives, without its end, and with its buffers, each in memory of its own.
 * `fail` gets what is thrown; without it that is an uncaught exception.
 */
export function readLines(
  pipe: Socket,
  receive: (line: string, buffers: readonly Uint8Array[]) => void,
  fail?: (error: unknown) => void,
): void {
  const held: Buffer[] = []; // parts of a line whose end has not come
  let attached: Attached | null = null;

  /** Cuts `bytes` behind the line end at `end`; returns the text up to it. */
  const textUpTo = (end: number, bytes: Buffer) => {
    const text = bytes.subarray(0, end);
    return (held.length === 0 ? text : Buffer.concat([...held.splice(0), text])).toString("utf8");
  };

  const take = (bytes: Buffer) => {
    let rest = bytes;
    while (rest.length > 0) {
      if (attached) rest = attached.take(rest);
      else {
        const hasBuffers = (held[0] ?? rest)[0] === bracket;
        const end = hasBuffers ? rest.indexOf(newline) : lastEnd(rest);
        if (end < 0) return void held.push(rest);
        const text = textUpTo(end, rest);
        rest = rest.subarray(end + 1);
        if (hasBuffers) attached = new Attached(text);
        else for (const line of text.split("\n")) receive(line, noBuffers);
      }
      if (attached?.missing !== 0) continue;
      const { line, buffers } = attached;
      attached = null;
      receive(line, buffers);
    }
  };

  pipe.on("data", (bytes: Buffer) => {
    try {
      take(bytes);
    } catch (error) {
      if (!fail) throw error;
      fail(error);
    }
  });
}

/** Where the last line ends that comes before any buffers; many small lines are then decoded at once. */
function lastEnd(bytes: Buffer): number {
  const marked = bytes.indexOf("\n[");
  return marked < 0 ? bytes.lastIndexOf(newline) : marked;
}

/** A line and the buffers that follow it, while they arrive. */
class Attached {
  readonly line: string;
  readonly buffers: readonly Uint8Array[];
  /** Bytes that have not come. */
  missing: number;
  #buffer = 0;
  #offset = 0;

  constructor(text: string) {
    const end = text.indexOf("]") + 1;
    const lengths = JSON.parse(text.slice(0, end)) as number[];
    this.line = text.slice(end);
    this.buffers = lengths.map((length) => new Uint8Array(length));
    this.missing = lengths.reduce((sum, length) => sum + length, 0);
  }

  /** Takes what belongs to the buffers; returns what comes after them. */
  take(bytes: Buffer): Buffer {
    let rest = bytes;
    while (rest.length > 0 && this.missing > 0) {
      const buffer = this.buffers[this.#buffer]!;
      const part = rest.subarray(0, buffer.length - this.#offset);
      buffer.set(part, this.#offset);
      this.#offset += part.length;
      this.missing -= part.length;
      rest = rest.subarray(part.length);
      if (this.#offset === buffer.length) [this.#buffer, this.#offset] = [this.#buffer + 1, 0];
    }
    return rest;
  }
}
