/** The devices as they are now, and who holds their memory: what panel, picture and text are made of. */
import { gauges, native } from "../../runtime/addon.js";
import { knownDevices } from "../../tensor/device.js";
import { memoryStats, storagesOf, type Holder } from "../../tensor/memory.js";
import { holderKinds, type DeviceState, type HolderKind, type HolderRow } from "../../wire/devices.js";
import { readLevels, type MemoryLevels } from "../../wire/gauges.js";
import { host } from "../live.js";

/** Holders that are listed. */
const mostHolders = 10;

export interface Holders {
  readonly rows: readonly HolderRow[];
  readonly others: number;
  /** Bytes by kind, by device. */
  readonly kinds: readonly Readonly<Record<HolderKind, number>>[];
}

/** Figures of every device that was looked for; `kinds` are those of {@link holders}. */
export function deviceStates(kinds: Holders["kinds"] | null): DeviceState[] {
  return knownDevices().map(({ name, description, reason, available }, code) => {
    const levels = available ? levelsOf(code, name) : { live: 0, cached: 0, peak: 0, cap: 0, total: 0 };
    return { name, description, reason, ...levels, other: available ? otherBytes(code, levels) : null, kinds: kinds?.[code] ?? null };
  });
}

// A worker's own gauges are empty: it asks instead.
function levelsOf(code: number, name: string): MemoryLevels {
  const levels = readLevels(gauges, code);
  if (levels.total > 0) return levels;
  const { allocated: live, cached, peak, cap, total } = memoryStats(name);
  return { live, cached, peak, cap, total };
}

/** What other processes have, where the device says how much is left. */
function otherBytes(code: number, { live, cached, total }: MemoryLevels): number | null {
  const left = native.available(code);
  return left < 0 ? null : Math.max(0, total - left - live - cached);
}

/** Who holds the memory of all devices, the largest first. `timed`: with the time at which each was made. */
export function holders(timed: boolean): Holders {
  const now = Date.now();
  const ids = new Map((host()?.cells() ?? []).map(({ count, id }) => [count, id]));
  const found: { device: string; holder: Holder }[] = [];
  const kinds = knownDevices().map(({ name, available }, code) => {
    const sums = Object.fromEntries(holderKinds.map((kind) => [kind, 0])) as Record<HolderKind, number>;
    if (!available) return sums;
    for (const { holder } of storagesOf(code, true)) {
      sums[holder.kind] += holder.bytes;
      found.push({ device: name, holder });
    }
    return sums;
  });
  found.sort((a, b) => b.holder.bytes - a.holder.bytes || a.holder.storage - b.holder.storage);
  const rows = found.slice(0, mostHolders).map(({ device, holder }) => ({
    ...holderRow(holder, device),
    cellId: holder.cell === null ? null : (ids.get(holder.cell) ?? null),
    born: timed ? now - holder.age : null,
  }));
  return { rows, others: found.length - rows.length, kinds };
}

/** A holder as it is stored: without what depends on time. */
export function holderRow({ storage, bytes, shape, dtype, tensors, name, kind, cell, made }: Holder, device: string): HolderRow {
  const place = made === null ? null : `${made.kernel}${made.place.frame === null ? "" : ` at ${made.place.frame}`}`;
  return { device, storage, bytes, name, kind, shape, dtype, tensors, cell, cellId: null, made: place, born: null };
}
