/** The safetensors format: an 8-byte length, a JSON header, the data without gaps. Source: github.com/huggingface/safetensors. */
import { readFileSync } from "node:fs";
import { Code, codeOf, elementSize, typedArrayFor, type DType } from "../tensor/dtype.js";
import { SerializationError, ValueError, describe } from "../tensor/errors.js";
import { numelOf } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { fromBuffer } from "../ops/creation.js";
import { writeDurably } from "./durable.js";

const names: Partial<Record<DType, string>> = {
  bool: "BOOL",
  uint8: "U8",
  int8: "I8",
  int16: "I16",
  int32: "I32",
  int64: "I64",
  float16: "F16",
  bfloat16: "BF16",
  float32: "F32",
  float64: "F64",
  complex64: "C64",
};
const codes = new Map(Object.entries(names).map(([dtype, name]) => [name, codeOf[dtype as DType]]));

// The reference implementation refuses longer headers.
const maxHeader = 100_000_000;

/**
 * Writes tensors to a safetensors file, durably: after a crash there is the old file or the new one.
 * @param state tensors by key, for instance a module's stateDict()
 * @param metadata strings to keep beside them
 * @example save(model.stateDict(), "model.safetensors")
 */
export function save(
  state: Readonly<Record<string, Tensor>>,
  path: string,
  options: { metadata?: Readonly<Record<string, string>> } = {},
): void {
  if (typeof state !== "object" || state === null || state instanceof Tensor) {
    throw new ValueError({
      op: "save",
      argument: "state",
      expected: "an object of Tensors",
      got: describe(state),
      hint: "pass model.stateDict()",
    });
  }
  if (typeof path !== "string" || path === "")
    throw new ValueError({ op: "save", argument: "path", expected: "a file name", got: describe(path) });
  const header: Record<string, unknown> = options.metadata === undefined ? {} : { __metadata__: options.metadata };
  let end = 0;
  for (const [key, t] of Object.entries(state)) {
    if (!(t instanceof Tensor)) throw new ValueError({ op: "save", argument: key, expected: "a Tensor", got: describe(t) });
    const dtype = names[t.dtype];
    if (dtype === undefined)
      throw new SerializationError({ op: "save", argument: key, expected: `a dtype that safetensors knows`, got: t.dtype });
    header[key] = { dtype, shape: t.shape, data_offsets: [end, (end += t.nbytes)] };
  }
  const text = Buffer.from(JSON.stringify(header));
  // Padded with spaces, so that the data is aligned.
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, " ");
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const tensors = Object.values(state);
  writeDurably(path, (function* chunks() {
    yield length;
    yield padded;
    for (const t of tensors) {
      const data = t.toTypedArray();
      yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
  })()); // prettier-ignore
}

interface Entry {
  readonly key: string;
  readonly dt: number;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads the tensors of a safetensors file, by key, in the order of the file.
 * @throws SerializationError for a file that is truncated, overlapping or otherwise not what it says
 * @example model.loadStateDict(load("model.safetensors"))
 */
export function load(path: string): Record<string, Tensor> {
  if (typeof path !== "string" || path === "")
    throw new ValueError({ op: "load", argument: "path", expected: "a file name", got: describe(path) });
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new SerializationError(
      { op: "load", argument: "path", expected: "a file that can be read", got: `${path}: ${(cause as Error).message}` },
      cause,
    );
  }
  const { entries, start } = readHeader(path, bytes);
  return Object.fromEntries(entries.map((entry) => [entry.key, tensorOf(entry, bytes, start)]));
}

function readHeader(path: string, bytes: Buffer): { entries: Entry[]; start: number } {
  const refuse = (expected: string, got: string): never => {
    throw new SerializationError({ op: "load", argument: path, expected, got });
  };
  if (bytes.length < 8) refuse("at least 8 bytes", String(bytes.length));
  const length = Number(bytes.readBigUInt64LE(0));
  if (length > maxHeader || 8 + length > bytes.length) refuse(`a header within the file's ${bytes.length} bytes`, `${length} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  } catch (cause) {
    throw new SerializationError({ op: "load", argument: path, expected: "a JSON header", got: (cause as Error).message }, cause);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) refuse("a JSON object as header", describe(header));
  const entries = Object.entries(header as Record<string, unknown>)
    .filter(([key]) => key !== "__metadata__")
    .map(([key, entry]) => readEntry(key, entry, refuse));
  const size = bytes.length - 8 - length;
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end) refuse(`data of "${entry.key}" to begin at ${end}, without gap or overlap`, String(entry.begin));
    end = entry.end;
  }
  if (end !== size) refuse(`${end} bytes of data`, String(size));
  return { entries, start: 8 + length };
}

function readEntry(key: string, entry: unknown, refuse: (expected: string, got: string) => never): Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const dt = typeof dtype === "string" ? codes.get(dtype) : undefined;
  if (dt === undefined) return refuse(`a known dtype for "${key}"`, describe(dtype));
  const whole = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  if (!whole(shape) || shape.length > 16) return refuse(`a shape for "${key}"`, describe(shape));
  if (!whole(offsets) || offsets.length !== 2 || offsets[1]! < offsets[0]!) return refuse(`two offsets for "${key}"`, describe(offsets));
  const expected = numelOf(shape) * elementSize[dt]!;
  if (offsets[1]! - offsets[0]! !== expected) return refuse(`${expected} bytes for "${key}"`, String(offsets[1]! - offsets[0]!));
  return { key, dt, shape, begin: offsets[0]!, end: offsets[1]! };
}

function tensorOf({ dt, shape, begin, end }: Entry, bytes: Buffer, start: number): Tensor {
  const data = typedArrayFor(dt, numelOf(shape));
  // The file's data need not be aligned for the element type: copy the bytes.
  new Uint8Array(data.buffer).set(bytes.subarray(start + begin, start + end));
  if (dt === Code.bool) for (let i = 0; i < data.length; i++) if (data[i] !== 0) data[i] = 1;
  return fromBuffer("load", data, shape, dt, 0);
}
