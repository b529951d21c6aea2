/** What a device's memory holds: figures, blocks, who made them, and the limits a person sets. */
import type { HolderKind } from "../wire/devices.js";
import { io, native } from "../runtime/addon.js";
import { collectAll } from "../runtime/memory.js";
import { observe } from "../runtime/observe.js";
import type { Handle } from "../runtime/native.js";
import { deviceCode, type Device } from "./device.js";
import { dtypes, type DType } from "./dtype.js";
import { ValueError, describe, formatBytes, formatShape } from "./errors.js";
import { claims } from "./names.js";
import { Trace, type Place } from "./place.js";
import { poolLines } from "./pool.js";
import { isSaved } from "./saved-marks.js";
import type { Shape } from "./shape.js";

/** Memory of one device, in bytes. */
export interface MemoryStats {
  /** In live tensors. */
  readonly allocated: number;
  /** Freed, kept for the next allocation. */
  readonly cached: number;
  /** The most that was ever allocated; see {@link resetPeakMemoryStats}. */
  readonly peak: number;
  /** The cap, or 0 for none. */
  readonly cap: number;
  readonly tensors: number;
  readonly allocations: number;
  readonly cacheHits: number;
  /** Collections that the allocator asked for. */
  readonly collections: number;
  /** All memory of the device. */
  readonly total: number;
}

const keys = ["allocated", "cached", "peak", "cap", "tensors", "allocations", "cacheHits", "collections", "total"] as const;

/** What a device's memory holds now. @example memoryStats().allocated */
export function memoryStats(device: Device = "cpu"): MemoryStats {
  native.memory(deviceCode("memoryStats", device));
  return Object.fromEntries(keys.map((key, i) => [key, io[i]!])) as unknown as MemoryStats;
}

/** {@link memoryStats} and the largest holders as a few lines of text. */
export function memorySummary(device: Device = "cpu"): string {
  const { allocated, cached, peak, cap, tensors, allocations, cacheHits, collections } = memoryStats(device);
  const hits = allocations === 0 ? 0 : Math.round((100 * cacheHits) / allocations);
  const largest = holders(deviceCode("memorySummary", device), 5).map((holder) => `  ${describeHolder(holder)}`);
  return [
    `${device}: ${formatBytes(allocated)} in ${tensors} tensors, peak ${formatBytes(peak)}${cap > 0 ? `, cap ${formatBytes(cap)}` : ""}`,
    `cached ${formatBytes(cached)}; ${allocations} allocations, ${hits} % from the cache; ${collections} collections asked for`,
    ...poolLines(device),
    ...(largest.length > 0 ? ["largest:", ...largest] : []),
  ].join("\n");
}

/** A storage, and what is known of it. */
export interface Holder {
  readonly storage: number;
  readonly bytes: number;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Tensors that share the storage: all must go before its memory comes back. */
  readonly tensors: number;
  /** As the notebook reaches it, `model.0.weight`; null when no top-level name leads to it, and outside notebooks. */
  readonly name: string | null;
  readonly kind: HolderKind;
  /** The number of the cell that ran when it was made; null outside notebooks. */
  readonly cell: number | null;
  /** Milliseconds since it was made. */
  readonly age: number;
  /** What made it, when {@link recordMemoryHistory} was on. */
  readonly made: { readonly kernel: string; readonly place: Place } | null;
}

/** @internal The largest storages of a device. */
export function holders(code: number, most: number): Holder[] {
  return storagesOf(code, true)
    .map(({ holder }) => holder)
    .sort((a, b) => b.bytes - a.bytes || a.storage - b.storage)
    .slice(0, most);
}

const kindWords: Readonly<Partial<Record<HolderKind, string>>> = {
  saved: "saved for backward",
  gradient: "gradient",
  optimizer: "optimizer",
};

/** A holder in a few words: `images: 4 MB float32 [1024, 1024], made by matmul in cell 3`. */
export function describeHolder({ bytes, dtype, shape, tensors, name, kind, cell, made }: Holder): string {
  const who = name ?? kindWords[kind];
  const shared = tensors > 1 ? `, shared by ${tensors} tensors` : "";
  const by = made === null ? "" : ` by ${made.kernel}`;
  const where = `${cell === null ? "" : ` in cell ${cell}`}${made?.place.frame == null ? "" : ` at ${made.place.frame}`}`;
  const origin = by + where === "" ? "" : `, made${by}${where}`;
  return `${who === undefined ? "" : `${who}: `}${formatBytes(bytes)} ${dtype} ${formatShape(shape)}${shared}${origin}`;
}

interface Found {
  readonly address: number;
  readonly holder: Holder;
}

interface Row {
  readonly list: Float64Array;
  readonly at: number;
  readonly rank: number;
  readonly handles: readonly Handle[];
}

/** What native.storages() lists, cut into storages. */
function storageRows(code: number): Row[] {
  const list = native.storages(code);
  const rows: Row[] = [];
  for (let at = 0; at < list.length;) {
    const [tensors, rank] = [list[at + 5]!, list[at + 7]!];
    const handles = at + 8 + rank;
    rows.push({ list, at, rank, handles: Array.from(list.subarray(handles, handles + tensors)) });
    at = handles + tensors;
  }
  return rows;
}

/** @internal Every storage of a device, by age; `named` looks for who holds them, which takes milliseconds. */
export function storagesOf(code: number, named: boolean): Found[] {
  const rows = storageRows(code);
  const owners = new Map<Handle, number>();
  if (named) for (const { list, at, handles } of rows) for (const handle of handles) owners.set(handle, list[at]!);
  const claimed = named ? claims(owners) : null;
  return rows.map(({ list, at, rank, handles }) => {
    const [storage, address, bytes, age, cell] = list.subarray(at, at + 5) as unknown as [number, number, number, number, number];
    const claim = claimed?.get(storage);
    const made = makers.get(storage);
    const holder: Holder = {
      storage,
      bytes,
      shape: Array.from(list.subarray(at + 8, at + 8 + rank)),
      dtype: dtypes[list[at + 6]!]!,
      tensors: handles.length,
      name: claim?.name ?? null,
      kind: claim?.kind ?? (handles.some(isSaved) ? "saved" : "unnamed"),
      cell: cell === 0 ? null : cell,
      age,
      made: made === undefined ? null : { kernel: made.kernel, place: made.trace.place() },
    };
    return { address, holder };
  });
}

/** A stretch of memory: a tensor's, or free. */
export interface MemoryBlock {
  readonly address: number;
  readonly bytes: number;
  /** Null when the block is free. */
  readonly holder: Holder | null;
}

/** A piece of memory that the driver gave, and the blocks it was cut into. */
export interface MemorySegment {
  readonly address: number;
  readonly bytes: number;
  readonly blocks: readonly MemoryBlock[];
}

/**
 * Every block of a device's memory and who made it (torch.cuda.memory_snapshot).
 * Differs: the CPU has no segments; its live blocks are in one, in the order of their addresses.
 */
export function memorySnapshot(device: Device = "cpu"): readonly MemorySegment[] {
  const code = deviceCode("memorySnapshot", device);
  const live = storagesOf(code, true).sort((a, b) => a.address - b.address);
  if (code === 0) {
    const blocks = live.map(({ address, holder }) => ({ address, bytes: holder.bytes, holder }));
    return [{ address: blocks[0]?.address ?? 0, bytes: blocks.reduce((sum, { bytes }) => sum + bytes, 0), blocks }];
  }
  const byAddress = new Map(live.map(({ address, holder }) => [address, holder]));
  const segments = new Map<number, MemoryBlock[]>();
  const list = native.stretches(code);
  for (let i = 0; i < list.length; i += 4) {
    const [address, bytes, segment] = [list[i]!, list[i + 1]!, list[i + 2]!];
    const blocks = segments.get(segment) ?? [];
    segments.set(segment, blocks);
    blocks.push({ address, bytes, holder: byAddress.get(address) ?? null });
  }
  return [...segments].map(([address, blocks]) => ({ address, bytes: blocks.reduce((sum, { bytes }) => sum + bytes, 0), blocks }));
}

// -- who made what

const makers = new Map<number, { readonly kernel: string; readonly trace: Trace }>();
let stop: (() => void) | null = null;
const forgetEvery = 1 << 14; // entries between two looks for storages that are gone

/**
 * Notes for every storage that is made from now on which op made it, in which cell and line; off forgets all of it
 * (torch.cuda.memory._record_memory_history). Costs about a microsecond an op while it is on.
 */
export function recordMemoryHistory(enabled = true): void {
  stop?.();
  stop = null;
  if (!enabled) return makers.clear();
  stop = observe(({ kernel, handle }) => {
    if (handle < 0) return;
    native.info(handle);
    const storage = io[5]!;
    if (!makers.has(storage)) makers.set(storage, { kernel, trace: new Trace() });
    if (makers.size % forgetEvery === 0) forgetDead();
  });
}

/** @internal */
export const isRecordingHistory = (): boolean => stop !== null;

function forgetDead(): void {
  const live = new Set(native.devices().flatMap((_, code) => storagesOf(code, false).map(({ holder }) => holder.storage)));
  for (const storage of makers.keys()) if (!live.has(storage)) makers.delete(storage);
}

/**
 * @internal Frees a storage although somebody holds it: whoever uses it later gets a DisposedError; a gradient is simply none any more.
 * @returns the bytes that came back; 0 when it was gone
 */
export function releaseStorage(code: number, storage: number): number {
  const owners = new Map<Handle, number>();
  const row = storageRows(code).find(({ at, list }) => list[at] === storage);
  if (row === undefined) return 0;
  for (const handle of row.handles) owners.set(handle, storage);
  const leaf = claims(owners).get(storage)?.leaf ?? null;
  if (leaf?.ag) leaf.ag.grad = null;
  for (const handle of row.handles) native.release(handle);
  return row.list[row.at + 2]!;
}

// -- limits

/** Starts a new peak at what is allocated now. */
export const resetPeakMemoryStats = (device: Device = "cpu"): void => native.resetPeak(deviceCode("resetPeakMemoryStats", device));

/** Frees dropped tensors (a full collection) and gives cached memory back to the system. */
export function emptyCache(device: Device = "cpu"): void {
  collectAll();
  native.emptyCache(deviceCode("emptyCache", device));
}

/** Limits a device's memory, in bytes; 0: no limit. Past it allocations are an OutOfMemoryError. */
export function setMemoryCap(bytes: number, device: Device = "cpu"): void {
  if (!Number.isFinite(bytes) || bytes < 0)
    throw new ValueError({ op: "setMemoryCap", argument: "bytes", expected: "a number of at least 0", got: describe(bytes) });
  native.setMemoryCap(deviceCode("setMemoryCap", device), bytes);
}

/** Limits a device to a part of its memory (torch.cuda.set_per_process_memory_fraction). @param fraction in [0, 1] */
export function setPerProcessMemoryFraction(fraction: number, device: Device = "cpu"): void {
  if (!(fraction >= 0 && fraction <= 1))
    throw new ValueError({ op: "setPerProcessMemoryFraction", argument: "fraction", expected: "in [0, 1]", got: describe(fraction) });
  setMemoryCap(Math.floor(memoryStats(device).total * fraction), device);
}
