/** What the runtime does and holds: devices, threads, memory. */
import { io, native } from "../runtime/addon.js";
import { collectAll } from "../runtime/memory.js";
import { deviceCode, type Device } from "./device.js";
import { ValueError, describe, formatBytes } from "./errors.js";
import { codeOf, setDefaultDtypeCode, getDefaultDtype, isFloating, type DType } from "./dtype.js";

export { getDefaultDtype };

/** Changes the dtype of new tensors made from numbers. @param dtype a floating dtype */
export function setDefaultDtype(dtype: DType): void {
  const code = codeOf[dtype];
  if (code === undefined || !isFloating(code))
    throw new ValueError({ op: "setDefaultDtype", argument: "dtype", expected: "a floating dtype", got: describe(dtype) });
  setDefaultDtypeCode(code);
}

/** Threads that native work uses. */
export const getNumThreads = (): number => native.threads();

/** Changes the number of threads; results do not depend on it. */
export function setNumThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > 256)
    throw new ValueError({ op: "setNumThreads", argument: "n", expected: "an integer in [1, 256]", got: describe(n) });
  native.setThreads(n);
}

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
}

/** What a device's memory holds now. @example memoryStats().allocated */
export function memoryStats(device: Device = "cpu"): MemoryStats {
  native.memory(deviceCode("memoryStats", device));
  const [allocated, cached, peak, cap, tensors, allocations, cacheHits, collections] = Array.from(io.subarray(0, 8)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { allocated, cached, peak, cap, tensors, allocations, cacheHits, collections };
}

/** {@link memoryStats} as a few lines of text. */
export function memorySummary(device: Device = "cpu"): string {
  const { allocated, cached, peak, cap, tensors, allocations, cacheHits, collections } = memoryStats(device);
  const hits = allocations === 0 ? 0 : Math.round((100 * cacheHits) / allocations);
  return [
    `${device}: ${formatBytes(allocated)} in ${tensors} tensors, peak ${formatBytes(peak)}${cap > 0 ? `, cap ${formatBytes(cap)}` : ""}`,
    `cached ${formatBytes(cached)}; ${allocations} allocations, ${hits} % from the cache; ${collections} collections asked for`,
  ].join("\n");
}

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

/** Waits for all work of a device. */
export const synchronize = (device: Device = "cpu"): void => void native.synchronize(deviceCode("synchronize", device));
