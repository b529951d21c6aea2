/** A file that tensors are read from: bounds are checked before memory is asked for, and elements are read or mapped where they lie. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { io, native } from "../runtime/addon.js";
import { Status } from "../runtime/native.js";
import { Code, elementSize } from "../tensor/dtype.js";
import { SerializationError, ValueError, describe } from "../tensor/errors.js";
import { empty, finish } from "../tensor/launch.js";
import { numelOf, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { asUint8 } from "./elements.js";

// Mapping costs a page and one of the 65 530 mappings that Linux grants a process.
const leastToMap = 1 << 16;

/** An open file, to read from. */
export class TensorFile {
  readonly size: number;
  private readonly fd: number;

  constructor(
    readonly path: string,
    private readonly op = "load",
  ) {
    if (typeof path !== "string" || path === "")
      throw new ValueError({ op, argument: "path", expected: "a file name", got: describe(path) });
    try {
      // Non-blocking: opening a named pipe would wait for its writer.
      this.fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (cause) {
      throw new SerializationError({ op, argument: "path", expected: "a file that can be read", got: (cause as Error).message }, cause);
    }
    const stats = fstatSync(this.fd);
    this.size = stats.size;
    if (stats.isFile()) return;
    this.close();
    this.refuse("a file", stats.isDirectory() ? "a folder" : "something else");
  }

  close(): void {
    closeSync(this.fd);
  }

  readonly refuse = (expected: string, got: string, hint?: string): never => {
    throw new SerializationError({ op: this.op, argument: this.path, expected, got, ...(hint === undefined ? {} : { hint }) });
  };

  /** Up to `length` bytes from `position` on; fewer where the file ends. */
  bytes(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.size - position)));
    let at = 0;
    for (let count = 1; at < bytes.length && count > 0; at += count) count = readSync(this.fd, bytes, at, bytes.length - at, position + at);
    return bytes.subarray(0, at);
  }

  /** Checks a shape that the file states: the number of bytes of its elements. */
  bytesOf(name: string, shape: unknown, dt: number): number {
    const whole = Array.isArray(shape) && shape.length <= 16 && shape.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
    // Empty tensors too have strides that must be numbers.
    if (!whole || !Number.isSafeInteger((shape as number[]).reduce((n, size) => n * (size || 1), elementSize[dt]!)))
      this.refuse(`a shape for "${name}"`, describe(shape));
    return numelOf(shape as Shape) * elementSize[dt]!;
  }

  /** The elements from `position` on; mapped, they are read when they are looked at, and writing to them does not reach the file. */
  tensor(name: string, shape: Shape, dt: number, position: number, mmap: boolean): Tensor {
    const bytes = this.bytesOf(name, shape, dt);
    if (position + bytes > this.size) this.refuse(`${bytes} bytes for "${name}" at ${position}`, `a file of ${this.size} bytes`);
    const t = (mmap && bytes >= leastToMap ? this.map(shape, dt, position) : null) ?? this.read(name, shape, dt, position);
    return this.checked(name, t);
  }

  /** Refuses bools with other bytes than 0 and 1. */
  checked(name: string, t: Tensor): Tensor {
    const wrong = t.dt === Code.bool && t.numel() > 0 && (asUint8(t).amax().item() as number) > 1;
    return wrong ? this.refuse(`bools in "${name}"`, "other bytes") : t;
  }

  /** The entries with the given keys, in their order; all for null. */
  select<T>(keys: readonly string[] | null, entries: ReadonlyMap<string, T>): (readonly [string, T])[] {
    if (keys === null) return [...entries];
    return keys.map((key) => [key, entries.get(key) ?? this.refuse(`an entry "${key}"`, `entries ${describe([...entries.keys()])}`)]);
  }

  private read(name: string, shape: Shape, dt: number, position: number): Tensor {
    const t = empty(this.op, shape, dt, 0);
    const status = native.readFile(t.handle, this.fd, position);
    return status === 0
      ? t
      : this.refuse(`"${name}" to be readable`, status > 0 ? `error ${status} of the system` : "a file that was cut off");
  }

  /** null where the elements do not lie at a multiple of their size. */
  private map(shape: Shape, dt: number, position: number): Tensor | null {
    const t = new Tensor(shape, dt, 0);
    for (let i = 0; i < shape.length; i++) io[i] = shape[i]!;
    const handle = native.mapFile(dt, shape.length, this.fd, position, t);
    return handle === Status.needsCopy ? null : finish(this.op, t, handle, t);
  }
}
