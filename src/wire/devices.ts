/** What a person sees of devices: their memory, who holds it, how it went, and what an allocation failed on. */
import type { MemoryLevels } from "./gauges.js";
import { isRecord, type LiveRef } from "./live.js";

export const devicesMime = "application/vnd.cellgrad.devices.v1+json";

/** What the kernel's devices answer to in every session: a panel asks before any output is there. */
export const devicesRef: LiveRef = { session: "*", id: "devices" };

/** Why a storage is alive. `unnamed`: a running function has it, a closure, or nobody who was found. */
export const holderKinds = ["variable", "parameter", "gradient", "saved", "optimizer", "unnamed"] as const;
export type HolderKind = (typeof holderKinds)[number];

/** A device as it is now. */
export interface DeviceState extends MemoryLevels {
  readonly name: string;
  readonly description: string;
  /** Why the device is absent; "" for one that is there. */
  readonly reason: string;
  /** Bytes of the device that others use, this process's other memory among them; null where nobody tells. */
  readonly other: number | null;
  /** Bytes in tensors by why they are alive; null while nobody could look. */
  readonly kinds: Readonly<Record<HolderKind, number>> | null;
}

/** A storage and who holds it. */
export interface HolderRow {
  readonly device: string;
  readonly storage: number;
  readonly bytes: number;
  /** As the notebook reaches it: `model.0.weight`, `batches[3]`; null for none. */
  readonly name: string | null;
  readonly kind: HolderKind;
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Tensors that share it. */
  readonly tensors: number;
  /** The cell that made it: its number and its notebook id. */
  readonly cell: number | null;
  readonly cellId: string | null;
  /** Kernel and place that made it, when memory history is recorded. */
  readonly made: string | null;
  /** When it was made: milliseconds since 1970. Null in a stored payload, so that it does not depend on time. */
  readonly born: number | null;
}

/** The parts of a device's memory, in the order in which they are drawn. */
export const memoryParts = ["tensors", "saved", "optimizer", "cached", "other", "free"] as const;
export type MemoryPart = (typeof memoryParts)[number];

/** What the parts are called. */
export const partNames: Readonly<Record<MemoryPart, string>> = {
  tensors: "tensors",
  saved: "saved for backward",
  optimizer: "optimizer",
  cached: "cached",
  other: "everything else",
  free: "free",
};

/** Bytes of each part; they add up to the device's memory, or to its cap. */
export function partsOf({ live, cached, cap, total, other, kinds }: DeviceState): Readonly<Record<MemoryPart, number>> {
  const saved = Math.min(live, kinds?.saved ?? 0);
  const optimizer = Math.min(live - saved, kinds?.optimizer ?? 0);
  const size = cap > 0 ? Math.min(cap, total) : total;
  const others = cap > 0 ? 0 : (other ?? 0);
  return { tensors: live - saved - optimizer, saved, optimizer, cached, other: others, free: Math.max(0, size - live - cached - others) };
}

/** An allocation that failed. */
export interface FailedAllocation {
  readonly op: string;
  readonly device: string;
  readonly requested: number;
  readonly free: number;
}

export interface DevicesPayload {
  readonly version: 1;
  readonly summary: string;
  readonly live: LiveRef | null;
  readonly devices: readonly DeviceState[];
  /** The largest first; `others` says how many are not listed. */
  readonly holders: readonly HolderRow[];
  readonly others: number;
  readonly failure: FailedAllocation | null;
}

/** A cell that ran: milliseconds since 1970; `end` is null while it runs. */
export interface CellSpan {
  readonly count: number;
  readonly id: string | null;
  readonly start: number;
  readonly end: number | null;
}

/** Asks for everything that changed: history after slot `since` (null: all of it), holders when their digest is not `digest`. */
export interface DevicesRequest {
  readonly request: number;
  readonly live: LiveRef;
  readonly kind: "devices";
  readonly since: number | null;
  readonly digest: string | null;
}

export interface DevicesReply {
  readonly kind: "devices";
  readonly request: number;
  /** The slot and the milliseconds since 1970 of this answer. */
  readonly slot: number;
  readonly now: number;
  readonly devices: readonly DeviceState[];
  /** By device, from the slot after `since` on: runs of bytes and numbers of slots. */
  readonly history: readonly (readonly number[])[];
  /** Cells that ran since; null when the kernel's main thread is in native code and only figures could be read. */
  readonly cells: readonly CellSpan[] | null;
  readonly digest: string;
  /** Null when they are those of the digest asked with. */
  readonly holders: readonly HolderRow[] | null;
  readonly others: number;
  /** Whether ops note their lines. */
  readonly recording: boolean;
}

/** What a person does: free a storage, give the cache of a device back, have ops note their lines from now on or no longer. */
export interface DeviceActionRequest {
  readonly request: number;
  readonly live: LiveRef;
  readonly kind: "act";
  readonly action: "release" | "emptyCache" | "record" | "stopRecording";
  readonly device: string;
  /** Of `release`; 0 otherwise. */
  readonly storage: number;
}

export interface DeviceActionReply {
  readonly kind: "act";
  readonly request: number;
  /** Bytes that came back. */
  readonly freed: number;
}

/** The blocks of a device's memory. */
export interface MemoryMapRequest {
  readonly request: number;
  readonly live: LiveRef;
  readonly kind: "map";
  readonly device: string;
}

export interface MemoryMapReply {
  readonly kind: "map";
  readonly request: number;
  /** Blocks in the order of their addresses: bytes, then the index in {@link holderKinds} or -1 for a free one, then the storage or 0. */
  readonly segments: readonly { readonly bytes: number; readonly blocks: readonly (readonly [number, number, number])[] }[];
  /** Blocks that are not listed: small ones. */
  readonly others: number;
  /** 1 - largest free block / all free bytes; 0 when nothing is free. */
  readonly fragmentation: number;
}

export function isDevicesPayload(value: unknown): value is DevicesPayload {
  return isRecord(value) && value.version === 1 && Array.isArray(value.devices) && Array.isArray(value.holders);
}
