/** Durable writes: a temporary name in the same folder, synced, renamed, the folder synced. A crash leaves the old file or the new one. */
import { closeSync, fchmodSync, fsyncSync, openSync, readdirSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import { native } from "../runtime/addon.js";
import { SerializationError } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";

/** What a file is made of: bytes, and the elements of contiguous tensors on the CPU. */
export type Chunk = Uint8Array | Tensor;

/** @throws SerializationError when the file cannot be written; what was there before is then untouched */
export function writeDurably(path: string, chunks: Iterable<Chunk>): void {
  try {
    write(path, chunks);
  } catch (cause) {
    // What the system says has a code; anything else is an error of its own.
    if (!(cause instanceof Error && "code" in cause)) throw cause;
    throw new SerializationError({ op: "save", argument: "path", expected: "a file that can be written", got: cause.message }, cause);
  }
}

function write(path: string, chunks: Iterable<Chunk>): void {
  const { target, mode } = whatIsAt(path);
  const folder = dirname(target);
  removeAbandoned(folder, basename(target));
  const temporary = join(folder, `${prefix(basename(target))}${process.pid}.${randomBytes(6).toString("hex")}`);
  const file = openSync(temporary, "wx", 0o666);
  try {
    try {
      if (mode !== null) fchmodSync(file, mode);
      for (const chunk of chunks) writeChunk(file, chunk);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const directory = openSync(folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Where a link leads, and the mode of the file there; null when there is none yet. Only files are replaced: a rename would put one in the place of /dev/null. */
function whatIsAt(path: string): { target: string; mode: number | null } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { target: path, mode: null };
  if (!stats.isFile()) {
    const got = stats.isDirectory() ? `the folder ${path}` : `${path}, which is none`;
    throw new SerializationError({ op: "save", argument: "path", expected: "a file", got });
  }
  return { target: realpathSync(path), mode: stats.mode & 0o777 };
}

function writeChunk(file: number, chunk: Chunk): void {
  if (!(chunk instanceof Tensor)) {
    for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at, chunk.length - at);
    return;
  }
  const status = native.writeFile(chunk.live("save"), file);
  if (status === 0) return;
  throw new SerializationError({ op: "save", expected: "room for the elements", got: `error ${status} of the system` });
}

/** Temporary names say who writes: this machine, then the process. */
const prefix = (name: string): string => `.${name}.${hostname()}.`;

/** Removes what processes of this machine left behind when they were killed while they wrote the same file. */
function removeAbandoned(folder: string, name: string): void {
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(prefix(name))) continue;
    const [, pid] = /^(\d+)\.[0-9a-f]{12}$/.exec(entry.slice(prefix(name).length)) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(folder, entry), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
