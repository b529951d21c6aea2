/** console, process.stdout and process.stderr of user code: each write goes to K at once, tagged with the cell it belongs to. */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { activeCell } from "./cells.js";
import { emitText } from "./channel.js";
import type { StreamName } from "./messages.js";
import { displayTable } from "./tables.js";

type Callback = (error?: Error | null) => void;

/** A stream whose writes are synchronous, so that nothing waits in a buffer when a loop blocks or the process ends. */
class CellStream extends Writable {
  readonly fd: 1 | 2;
  readonly isTTY = false;
  readonly columns = 80;
  readonly #name: StreamName;
  readonly #decoder = new StringDecoder("utf8");

  constructor(name: StreamName) {
    super({ decodeStrings: false });
    this.#name = name;
    this.fd = name === "stdout" ? 1 : 2;
  }

  override write(chunk: string | Uint8Array, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    const done = typeof encoding === "function" ? encoding : callback;
    const text = this.#textOf(chunk, typeof encoding === "string" ? encoding : "utf8");
    if (text !== "") emitText(activeCell.getStore()?.key ?? null, this.#name, text);
    if (done) process.nextTick(done);
    return true;
  }

  /** The process's streams cannot be ended; what is given is written, as by Node's own. */
  override end(chunk?: string | Uint8Array | Callback, encoding?: BufferEncoding | Callback, callback?: Callback): this {
    if (typeof chunk === "function") process.nextTick(chunk);
    else this.write(chunk ?? "", encoding, callback);
    return this;
  }

  #textOf(chunk: string | Uint8Array, encoding: BufferEncoding): string {
    if (typeof chunk === "string" && /^utf-?8$/i.test(encoding)) return chunk;
    if (typeof chunk === "string") return this.#decoder.write(Buffer.from(chunk, encoding));
    return this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }
}

/** Puts the streams and a console over them in place of Node's. */
export function installStreams(): void {
  const stdout = new CellStream("stdout");
  const stderr = new CellStream("stderr");
  Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, value: stdout });
  Object.defineProperty(process, "stderr", { configurable: true, enumerable: true, value: stderr });
  // Not Node's global console: V8's inspector would keep the last thousand arguments, tensors included, alive.
  const console = new Console({ stdout, stderr, colorMode: false });
  const logTable = console.table.bind(console);
  console.table = (data: unknown, columns?: readonly string[]) => {
    if (!displayTable(data, columns)) logTable(data);
  };
  globalThis.console = console;
}
