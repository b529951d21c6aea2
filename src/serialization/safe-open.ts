/** `cg.safeOpen`: a safetensors file whose tensors are read one by one, when they are asked for. */
import type { DType } from "../tensor/dtype.js";
import { SerializationError, describe, nearest } from "../tensor/errors.js";
import type { Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { readHeader, type SafetensorsEntry } from "./safetensors.js";
import { TensorFile } from "./tensor-file.js";

/**
 * Opens a safetensors file and reads its header only. Tensors are mapped: their pages are read when an op looks at them, so that a slice of
 * a large tensor costs its own bytes; writing to them changes the copy in memory, never the file.
 * @throws SerializationError for a file that is truncated, overlapping or otherwise not what it says
 * @example
 * const file = safeOpen("model.safetensors");
 * for (const key of file.keys()) console.log(key, file.getShape(key), file.getDtype(key));
 * const head = file.getTensor("embedding.weight").narrow(0, 0, 10);
 */
export const safeOpen = (path: string): SafeOpen => new SafeOpen(path);

/** An open safetensors file; see {@link safeOpen}. Tensors that were read stay when it is closed. */
export class SafeOpen {
  private readonly file: TensorFile;
  private readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  private readonly strings: Readonly<Record<string, string>>;

  constructor(path: string) {
    this.file = new TensorFile(path, "safeOpen");
    try {
      const { entries, metadata } = readHeader(this.file);
      this.entries = entries;
      this.strings = metadata;
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  /** The names of the tensors, in the order of the file. */
  keys(): string[] {
    return [...this.entries.keys()];
  }

  /** The strings that are kept beside the tensors. */
  metadata(): Record<string, string> {
    return { ...this.strings };
  }

  getShape(key: string): Shape {
    return this.entry(key).shape;
  }

  getDtype(key: string): DType {
    return this.entry(key).dtype;
  }

  /** Reads one tensor. */
  getTensor(key: string): Tensor {
    return this.entry(key).read(key, true);
  }

  /** Closes the file. */
  close(): void {
    this.file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private entry(key: string): SafetensorsEntry {
    const entry = this.entries.get(key);
    if (entry !== undefined) return entry;
    const near = typeof key === "string" ? nearest(key, this.keys()) : undefined;
    const hint = near === undefined ? {} : { hint: `did you mean "${near}"?` };
    throw new SerializationError({ op: "safeOpen", argument: "key", expected: `one of ${describe(this.keys())}`, got: describe(key), ...hint }); // prettier-ignore
  }
}
