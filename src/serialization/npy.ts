/** The npy format: a magic, a version, a Python dict of dtype, order and shape, the elements. Source: numpy/lib/format.py. */
import { Code, codeOf, dtypes } from "../tensor/dtype.js";
import { SerializationError } from "../tensor/errors.js";
import type { Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { writeDurably } from "./durable.js";
import { onHost, swapBytes, unsigned } from "./elements.js";
import type { TensorFile } from "./tensor-file.js";

const magic = Buffer.from("\x93NUMPY", "latin1");

// Numpy itself reads no longer headers unless it is told to trust the file.
const maxHeader = 10_000;

const types: Readonly<Record<string, number>> = {
  b1: Code.bool, u1: Code.uint8, i1: Code.int8, i2: Code.int16, i4: Code.int32, i8: Code.int64, f2: Code.float16, f4: Code.float32,
  f8: Code.float64, c8: Code.complex64, c16: Code.complex128,
}; // prettier-ignore
const names = new Map(Object.entries(types).map(([name, dt]) => [dt, name]));

/** What stands before the elements. */
export interface NpyHeader {
  /** How elements are stored. */
  readonly dt: number;
  /** The shape that their order in the file has: reversed for Fortran's order. */
  readonly shape: Shape;
  /** Bytes of the header. */
  readonly length: number;
  /** True when the stored elements are not yet the result. */
  readonly converts: boolean;
  /** Turns the stored elements into the result. */
  readonly finish: (stored: Tensor) => Tensor;
}

type Refuse = (expected: string, got: string, hint?: string) => never;

export const isNpy = (start: Buffer): boolean => start.subarray(0, 6).equals(magic);

/** The most bytes that {@link readHeader} looks at. */
export const headerBytes = 12 + maxHeader;

/** Reads the header from the first bytes of a file. */
export function readHeader(start: Buffer, refuse: Refuse): NpyHeader {
  if (!isNpy(start) || start.length < 12) refuse("an npy file", "other bytes");
  const version = start[6]!;
  if (version < 1 || version > 3) refuse("version 1, 2 or 3 of npy", String(version));
  const from = version === 1 ? 10 : 12;
  const text = version === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (text > maxHeader || from + text > start.length)
    refuse(`a header of at most ${Math.min(maxHeader, start.length)} bytes`, String(text));
  const dict = start.toString(version === 3 ? "utf8" : "latin1", from, from + text);
  const [, order, type] = /['"]descr['"]\s*:\s*['"]([<>|=])?([a-zA-Z]\d+)['"]/.exec(dict) ?? [];
  const [, fortran] = /['"]fortran_order['"]\s*:\s*(True|False)\b/.exec(dict) ?? [];
  const [, sizes] = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(dict) ?? [];
  if (type === undefined || fortran === undefined || sizes === undefined) return refuse("one dtype, an order and a shape", dict.trim());
  const shape = sizes.split(",").filter((size) => size.trim() !== "").map((size) => Number.parseInt(size, 10)); // prettier-ignore
  const size = type === "u2" ? 2 : type === "u4" ? 4 : null;
  const dt = size === null ? types[type] : unsigned[size].stored;
  if (dt === undefined) {
    const hint = /^[VO]/.test(type) ? "arrays of objects and of types that numpy lacks, such as bfloat16, do not travel in npy" : "convert it in numpy, by astype"; // prettier-ignore
    return refuse(`elements of a dtype of ${dtypes.filter((dtype) => names.has(codeOf[dtype])).join(", ")}`, type, hint);
  }
  const swaps = order === ">" && !/1$/.test(type);
  return {
    dt,
    shape: fortran === "True" ? [...shape].reverse() : shape,
    length: from + text,
    converts: swaps || size !== null,
    finish: (stored) => {
      const little = swaps ? swapBytes(stored) : stored;
      const t = size === null ? little : unsigned[size].widen(little);
      return fortran === "True" ? t.permute(shape.map((_, d) => shape.length - 1 - d)) : t;
    },
  };
}

/** Reads an array as numpy.load does. */
export function readNpy(file: TensorFile, mmap: boolean): Tensor {
  const { dt, shape, length, converts, finish } = readHeader(file.bytes(0, headerBytes), file.refuse);
  return finish(file.tensor("the array", shape, dt, length, mmap && !converts));
}

/** Writes an array as numpy.save does. */
export function saveNpy(given: Tensor, path: string): void {
  const t = onHost(given);
  writeDurably(path, [writeHeader(path, t), t]);
}

/** The header that numpy writes before such elements. @throws SerializationError for bfloat16, which numpy lacks */
export function writeHeader(name: string, t: Tensor): Buffer {
  const type = names.get(t.dt);
  if (type === undefined)
    throw new SerializationError({ op: "save", argument: name, expected: "a dtype that numpy has", got: t.dtype, hint: `convert it by .to("float32"), or save as safetensors` }); // prettier-ignore
  const order = /1$/.test(type) ? "|" : "<";
  const shape = `(${t.shape.join(", ")}${t.shape.length === 1 ? "," : ""})`;
  // Numpy leaves room for the first size to grow.
  const room = " ".repeat(t.shape.length === 0 ? 0 : 21 - String(t.shape[0]).length);
  const text = `{'descr': '${order}${type}', 'fortran_order': False, 'shape': ${shape}, }${room}`;
  const padding = 64 - ((magic.length + 4 + text.length + 1) % 64);
  const header = Buffer.from(`${magic.toString("latin1")}\x01\x00\0\0${text}${" ".repeat(padding)}\n`, "latin1");
  header.writeUInt16LE(header.length - 10, 8);
  return header;
}
