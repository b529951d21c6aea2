/** Archives of numpy.savez and savez_compressed: a zip archive of npy files. */
import { constants as limits } from "node:buffer";
import { constants, crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { native } from "../runtime/addon.js";
import type { Tensor } from "../tensor/tensor.js";
import { writeDurably, type Chunk } from "./durable.js";
import { asUint8, fromBytes, onHost } from "./elements.js";
import { headerBytes, readHeader, writeHeader } from "./npy.js";
import type { TensorFile } from "./tensor-file.js";
import { ZipLayout, type Entry } from "./zip.js";

/** What deflated entries may become together before a file counts as a bomb. */
const usualBytes = (file: TensorFile): number => Math.max(1 << 28, 100 * file.size);

/** Reads the arrays of an archive by name. */
export function readNpz(
  file: TensorFile,
  entries: ReadonlyMap<string, Entry>,
  options: { keys: readonly string[] | null; mmap: boolean; maxBytes: number | null },
): Record<string, Tensor> {
  const arrays = [...entries.values()].filter(({ name }) => name.endsWith(".npy"));
  if (arrays.length < entries.size) file.refuse("an archive of torch.save or numpy.savez", "one with other files");
  const wanted = file.select(options.keys, new Map(arrays.map((entry) => [entry.name.slice(0, -".npy".length), entry])));
  const inflated = wanted.reduce((sum, [, entry]) => sum + (entry.deflated ? entry.size : 0), 0);
  const most = options.maxBytes ?? usualBytes(file);
  if (inflated > most)
    file.refuse(`at most ${most} bytes of arrays`, String(inflated), "if you trust the file, allow more by { maxBytes }");
  return Object.fromEntries(
    wanted.map(([key, entry]) => [key, entry.deflated ? inflate(file, key, entry) : readStored(file, key, entry, options.mmap)]),
  );
}

function readStored(file: TensorFile, key: string, { start, size, crc }: Entry, mmap: boolean): Tensor {
  const head = file.bytes(start, Math.min(headerBytes, size));
  const { dt, shape, length, converts, finish } = readHeader(head, file.refuse);
  checkSize(file, key, length + file.bytesOf(key, shape, dt), size);
  const stored = file.tensor(key, shape, dt, start + length, mmap && !converts);
  // Summing a mapped file up would read it.
  if (!mmap) checkSum(file, key, native.checksum(stored.handle, crc32(head.subarray(0, length))), crc);
  return finish(stored);
}

function inflate(file: TensorFile, key: string, entry: Entry): Tensor {
  if (entry.size > limits.MAX_LENGTH) file.refuse(`"${key}" to inflate to at most ${limits.MAX_LENGTH} bytes`, String(entry.size));
  let bytes: Buffer;
  try {
    bytes = inflateRawSync(file.bytes(entry.start, entry.stored), { maxOutputLength: Math.max(1, entry.size) });
  } catch (cause) {
    return file.refuse(`"${key}" to inflate to ${entry.size} bytes`, (cause as Error).message);
  }
  const { dt, shape, length, finish } = readHeader(bytes.subarray(0, headerBytes), file.refuse);
  checkSize(file, key, length + file.bytesOf(key, shape, dt), bytes.length);
  checkSum(file, key, crc32(bytes), entry.crc);
  return finish(file.checked(key, fromBytes(bytes.subarray(length), dt, shape)));
}

function checkSize(file: TensorFile, key: string, expected: number, got: number): void {
  if (expected !== got) file.refuse(`${expected} bytes for "${key}"`, String(got));
}

function checkSum(file: TensorFile, key: string, sum: number, expected: number): void {
  if (sum !== expected) file.refuse(`"${key}" to have the checksum ${expected}`, String(sum), "the file is damaged");
}

// Tensors are deflated in pieces: zlib takes no more at once than a Buffer holds, and a piece is copied.
const pieceBytes = 1 << 22;

/** Writes arrays by name as numpy.savez does; `compress`: as savez_compressed does. */
export function saveNpz(state: Readonly<Record<string, Tensor>>, path: string, compress: boolean): void {
  const zip = new ZipLayout();
  writeDurably(path, (function* chunks(): Generator<Chunk> {
    for (const [key, given] of Object.entries(state)) {
      const t = onHost(given);
      const header = writeHeader(key, t);
      const crc = native.checksum(t.handle, crc32(header));
      const deflated = compress ? [...deflate(header, t)] : null;
      const stored = deflated === null ? null : deflated.reduce((sum, piece) => sum + piece.length, 0);
      yield zip.entry(`${key}.npy`, header.length + t.nbytes, crc, stored);
      yield* deflated ?? [header, t];
    }
    yield zip.end();
  })()); // prettier-ignore
}

function* deflate(header: Buffer, t: Tensor): Generator<Buffer> {
  yield deflateRawSync(header, { finishFlush: constants.Z_SYNC_FLUSH });
  const bytes = asUint8(t);
  for (let at = 0; at < t.nbytes; at += pieceBytes) {
    const piece = bytes.narrow(0, at, Math.min(pieceBytes, t.nbytes - at)).toTypedArray();
    yield deflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH });
  }
  yield deflateRawSync(Buffer.alloc(0));
}
