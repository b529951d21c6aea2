/** The safetensors format: an 8-byte length, a JSON header, the data without gaps. Source: github.com/huggingface/safetensors. */
import { codeOf, dtypes, type DType } from "../tensor/dtype.js";
import { SerializationError, ValueError, describe } from "../tensor/errors.js";
import type { Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { writeDurably, type Chunk } from "./durable.js";
import { onHost, unsigned } from "./elements.js";
import type { TensorFile } from "./tensor-file.js";

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

/** Writes tensors by key. @param metadata strings to keep beside them */
export function saveSafetensors(
  state: Readonly<Record<string, Tensor>>,
  path: string,
  metadata: Readonly<Record<string, string>> | null,
): void {
  if (metadata !== null && Object.values(metadata).some((value) => typeof value !== "string"))
    throw new ValueError({ op: "save", argument: "metadata", expected: "an object of strings", got: describe(metadata) });
  if ("__metadata__" in state)
    throw new ValueError({ op: "save", argument: "state", expected: "keys other than __metadata__", got: "it", hint: "pass { metadata }" });
  // Widest elements first: all lie at multiples of their size then, so that they can be mapped.
  const tensors = Object.entries(state).sort(([, a], [, b]) => b.elementSize() - a.elementSize());
  const offsets = new Map<string, [number, number]>();
  let end = 0;
  for (const [key, t] of tensors) offsets.set(key, [end, (end += t.nbytes)]);
  const header: Record<string, unknown> = metadata === null ? {} : { __metadata__: metadata };
  for (const [key, t] of Object.entries(state)) {
    const dtype = names[t.dtype];
    if (dtype === undefined)
      throw new SerializationError({ op: "save", argument: key, expected: `a dtype that safetensors knows`, got: t.dtype, hint: "save as .pt or .npz" }); // prettier-ignore
    header[key] = { dtype, shape: t.shape, data_offsets: offsets.get(key) };
  }
  const text = Buffer.from(JSON.stringify(header));
  // Padded with spaces, so that the data is aligned.
  const start = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  start.writeBigUInt64LE(BigInt(start.length - 8));
  text.copy(start, 8);
  writeDurably(path, (function* chunks(): Generator<Chunk> {
    yield start;
    for (const [, t] of tensors) yield onHost(t);
  })()); // prettier-ignore
}

/** Where a tensor is in the file, and how it is stored there. */
export interface SafetensorsEntry {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
  readonly read: (key: string, mmap: boolean) => Tensor;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads the header and checks that the tensors cover the data without gap or overlap. */
export function readHeader(file: TensorFile): SafetensorsHeader {
  const { refuse, size } = file;
  if (size < 8) refuse("at least 8 bytes", String(size));
  const length = Number(file.bytes(0, 8).readBigUInt64LE());
  if (length > maxHeader || 8 + length > size) refuse(`a header within the file's ${size} bytes`, `${length} bytes`);
  const text = file.bytes(8, length);
  if (!looksPlain(text)) refuse("a header of tensors", "other JSON");
  let header: unknown;
  try {
    header = JSON.parse(text.toString("utf8"));
  } catch (cause) {
    refuse("a JSON header", (cause as Error).message);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) return refuse("a JSON object as header", describe(header));
  const { __metadata__: metadata = {}, ...tensors } = header as Record<string, unknown>;
  if (!isMetadata(metadata)) return refuse("strings as metadata", describe(metadata));
  const entries = new Map(Object.entries(tensors).map(([key, entry]) => [key, readEntry(file, key, entry, 8 + length)]));
  let end = 0;
  for (const [key, entry] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end) refuse(`data of "${key}" to begin at ${end}, without gap or overlap`, String(entry.begin));
    end = entry.end;
  }
  if (end !== size - 8 - length) refuse(`${end} bytes of data`, String(size - 8 - length));
  return { entries, metadata };
}

/** Brackets and braces cost far more in memory than in the file: no more of them than tensors need, and no deeper. */
function looksPlain(text: Buffer): boolean {
  let depth = 0;
  let opened = 0;
  for (let i = 0, quoted = false; i < text.length; i++) {
    const c = text[i]!;
    if (c === 0x22) quoted = !quoted;
    else if (quoted) i += c === 0x5c ? 1 : 0;
    else if (c === 0x7b || c === 0x5b) {
      opened++;
      if (++depth > 3) return false;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return opened <= text.length / 12 + 8;
}

const isMetadata = (value: unknown): value is Record<string, string> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every((item) => typeof item === "string");

function readEntry(file: TensorFile, key: string, entry: unknown, start: number): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const wide = dtype === "U16" ? unsigned[2] : dtype === "U32" ? unsigned[4] : null;
  const dt = wide?.stored ?? (typeof dtype === "string" ? codes.get(dtype) : undefined);
  if (dt === undefined) return file.refuse(`a known dtype for "${key}"`, describe(dtype));
  const whole = Array.isArray(offsets) && offsets.length === 2 && offsets.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const [begin, end] = whole ? (offsets as [number, number]) : file.refuse(`two offsets for "${key}"`, describe(offsets));
  const expected = file.bytesOf(key, shape, dt);
  if (end - begin !== expected) return file.refuse(`${expected} bytes for "${key}"`, String(end - begin));
  return {
    dtype: dtypes[wide?.result ?? dt]!,
    shape: shape as number[],
    begin,
    end,
    read: (key, mmap) => {
      const t = file.tensor(key, shape as number[], dt, start + begin, mmap && wide === null);
      return wide === null ? t : wide.widen(t);
    },
  };
}
