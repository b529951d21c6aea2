/** Memory figures that native code writes into shared doubles (native/core/gauge.h), so that any thread reads them at any time. */

/** ORDER GAUGE: the places in the doubles of one device; `ring` holds `slots` entries of `stride` doubles. */
const gauge = { live: 0, cached: 1, peak: 2, cap: 3, total: 4, ring: 8, slots: 1200, stride: 4 } as const;

/** Doubles of one device, and how many devices have them. */
const cellsOfDevice = gauge.ring + gauge.slots * gauge.stride;
export const gaugeCells = 8 * cellsOfDevice;

/** Milliseconds of one entry of a history, and how many entries are kept: ten minutes. */
export const slot = { ms: 500, kept: gauge.slots } as const;

/** Bytes of one device. */
export interface MemoryLevels {
  /** In tensors. */
  readonly live: number;
  /** Freed, kept for the next allocation. */
  readonly cached: number;
  /** The most that was ever in tensors. */
  readonly peak: number;
  /** The limit a person has set, or 0. */
  readonly cap: number;
  readonly total: number;
}

export function readLevels(gauges: Float64Array, device: number): MemoryLevels {
  const at = (place: number): number => gauges[device * cellsOfDevice + place] ?? 0;
  return { live: at(gauge.live), cached: at(gauge.cached), peak: at(gauge.peak), cap: at(gauge.cap), total: at(gauge.total) };
}

/** Bytes in tensors now. */
export const liveBytes = (gauges: Float64Array, device: number): number => gauges[device * cellsOfDevice + gauge.live] ?? 0;

/**
 * The most bytes in tensors in each slot from `from` to `to`, as runs: bytes, number of slots, bytes, number of slots...
 * Slots count half seconds of the monotonic clock; those before the ring's oldest are left out.
 */
export function readHistory(gauges: Float64Array, device: number, from: number, to: number): number[] {
  const base = device * cellsOfDevice;
  const runs: number[] = [];
  const entry = (at: number): number => base + gauge.ring + (at % gauge.slots) * gauge.stride;
  const isKnown = (at: number): boolean => gauges[entry(at)] === at + 1;
  let level = levelBefore(from);
  for (let at = from; at <= to; at++) {
    const known = isKnown(at);
    const high = known ? gauges[entry(at) + 1]! : level;
    if (runs.length > 0 && runs.at(-2) === high) runs[runs.length - 1]!++;
    else runs.push(high, 1);
    if (known) level = gauges[entry(at) + 2]!;
  }
  return runs;

  function levelBefore(first: number): number {
    for (let at = first - 1; at > to - gauge.slots; at--) if (isKnown(at)) return gauges[entry(at) + 2]!;
    for (let at = first; at <= to; at++) if (isKnown(at)) return gauges[entry(at) + 3]!;
    return gauges[base + gauge.live]!;
  }
}
