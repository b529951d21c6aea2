/** `cg.save` and `cg.load`: the format follows the name when writing, the contents when reading. */
import { SerializationError, ValueError, describe } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { bind, parseSignature } from "../ops/schema.js";
import { readCsv } from "./csv.js";
import { isNpy, readNpy, saveNpy } from "./npy.js";
import { readNpz, saveNpz } from "./npz.js";
import { readHeader, saveSafetensors } from "./safetensors.js";
import { TensorFile } from "./tensor-file.js";
import { readTorch, saveTorch } from "./torch-file.js";
import { isZip, readEntries } from "./zip.js";

export interface SaveOptions {
  /** Strings to keep in a safetensors file. */
  metadata?: Readonly<Record<string, string>> | null;
  /** Deflates the arrays of an npz file (numpy.savez_compressed). Default false. */
  compress?: boolean;
}

const saveParams = parseSignature("*, metadata: any? = null, compress: bool = false");

/**
 * Writes tensors to a file, durably: after a crash there is the old file or the new one. The name says the format: `.pt` and `.pth` a
 * checkpoint as torch.save writes it (nested objects and arrays of tensors, numbers, strings), `.npy` one array and `.npz` arrays by key as
 * numpy writes them, any other a safetensors file (tensors by key).
 * @throws SerializationError where the format has no such dtype, or the file cannot be written
 * @example save({ model: model.stateDict(), epoch: 3 }, "checkpoint.pt")
 */
export function save(value: unknown, path: string, options: SaveOptions = {}): void {
  if (typeof path !== "string" || path === "")
    throw new ValueError({ op: "save", argument: "path", expected: "a file name", got: describe(path) });
  const [metadata, compress] = bind("save", saveParams, [options]) as [Readonly<Record<string, string>> | null, boolean];
  const [, type = ""] = /\.(\w+)$/.exec(path.toLowerCase()) ?? [];
  if (/^(csv|tsv|arrow|feather|parquet)$/.test(type))
    throw new SerializationError({ op: "save", argument: "path", expected: "a format of tensors", got: `.${type}`, hint: "save as .npz or .safetensors" }); // prettier-ignore
  if (type === "pt" || type === "pth") return saveTorch(value, path);
  if (type !== "npy") return type === "npz" ? saveNpz(tensorsOf(value), path, compress) : saveSafetensors(tensorsOf(value), path, metadata);
  if (value instanceof Tensor) return saveNpy(value, path);
  throw new ValueError({ op: "save", argument: "value", expected: "a Tensor", got: describe(value), hint: "save several as .npz" });
}

function tensorsOf(value: unknown): Record<string, Tensor> {
  if (typeof value !== "object" || value === null || value instanceof Tensor || Array.isArray(value))
    throw new ValueError({ op: "save", argument: "value", expected: "an object of Tensors", got: describe(value), hint: "pass model.stateDict()" }); // prettier-ignore
  for (const [key, t] of Object.entries(value))
    if (!(t instanceof Tensor)) throw new ValueError({ op: "save", argument: key, expected: "a Tensor", got: describe(t) });
  return value as Record<string, Tensor>;
}

export interface LoadOptions {
  /**
   * Maps the file instead of reading it: nothing is copied, pages are read when an op looks at them, and writing to a tensor changes the
   * copy in memory, never the file. The file must not be cut off while its tensors live; `save` never does that. Default false.
   */
  mmap?: boolean;
  /** The tensors or columns to read; null: all. Not for checkpoints. */
  keys?: readonly string[] | null;
  /** What the compressed arrays of an npz file may take in memory. Default: 256 MB, or 100 times the file if that is more. */
  maxBytes?: number | null;
}

const loadParams = parseSignature("*, mmap: bool = false, keys: any? = null, maxBytes: int? = null");

/**
 * Reads what {@link save}, PyTorch, numpy and safetensors write, and tables: checkpoints of torch.save (nothing of them is run: they may hold
 * tensors, numbers, strings, lists and dicts), npy (a tensor), npz and safetensors (tensors by key), and by their
 * names `.csv` and `.tsv` with a first row of names (tensors by column, lists of strings for text).
 * @throws SerializationError for a file that is truncated, overlapping or otherwise not what it says
 * @example model.loadStateDict(load("model.safetensors", { mmap: true }))
 */
export function load<T = Record<string, Tensor>>(path: string, options: LoadOptions = {}): T {
  const [mmap, keys, maxBytes] = bind("load", loadParams, [options]) as [boolean, unknown, number | null];
  if (keys !== null && !(Array.isArray(keys) && keys.every((key) => typeof key === "string")))
    throw new ValueError({ op: "load", argument: "keys", expected: "a list of names", got: describe(keys) });
  const file = new TensorFile(path);
  try {
    return read(file, { mmap, keys, maxBytes }) as T;
  } finally {
    file.close();
  }
}

function read(file: TensorFile, options: { mmap: boolean; keys: readonly string[] | null; maxBytes: number | null }): unknown {
  const { mmap, keys } = options;
  const start = file.bytes(0, 8);
  if (isZip(start)) {
    const entries = readEntries(file);
    return [...entries.keys()].some((name) => name.endsWith("/data.pkl"))
      ? readTorch(file, entries, mmap)
      : readNpz(file, entries, options);
  }
  if (isNpy(start)) return readNpy(file, mmap);
  if (isArrow(start)) file.refuse("a file that cellgrad reads", "an Arrow table", arrowHint);
  if (/\.[ct]sv$/i.test(file.path)) return readCsv(file, keys);
  const entries = file.select(keys, readHeader(file).entries);
  return Object.fromEntries(entries.map(([key, entry]) => [key, entry.read(key, mmap)]));
}

const isArrow = (start: Buffer): boolean => start.toString("latin1", 0, 6) === "ARROW1";

// The package loops for ever on some damaged files: who reads one has to trust it.
const arrowHint = "fromTypedArray(column.toArray()) shares a column of the apache-arrow package";
