/** Answers the device panel: what changed since it asked last, at a cost of at most half a percent of the processor. */
import { gauges } from "../../runtime/addon.js";
import { deviceCode, knownDevices } from "../../tensor/device.js";
import {
  emptyCache,
  isRecordingHistory,
  memorySnapshot,
  memoryStats,
  recordMemoryHistory,
  releaseStorage,
  type Holder,
  type MemoryBlock,
} from "../../tensor/memory.js";
import { holderKinds, type DeviceActionRequest, type DevicesReply, type DevicesRequest, type MemoryMapReply } from "../../wire/devices.js";
import { readHistory, slot } from "../../wire/gauges.js";
import type { ViewReply, ViewRequest } from "../../wire/views.js";
import { host } from "../live.js";
import { deviceStates, holders, type Holders } from "./state.js";

/** Looking who holds memory takes milliseconds: not more often than this in ms, nor for more than this share of the time. */
const [leastPause, mostShare] = [4000, 0.004];
/** Blocks of a map. */
const mostBlocks = 1500;

let known: Holders | null = null;
let digest = "";
let nextLook = 0;

/** Answers a request about the devices as a whole. */
export function answerDevices(request: ViewRequest): ViewReply {
  if (request.kind === "devices") return answer(request);
  if (request.kind === "act") return { kind: "act", request: request.request, freed: act(request) };
  if (request.kind === "map") return { request: request.request, ...memoryMap(request.device) };
  return { kind: "failed", request: request.request, reason: `devices do not answer ${request.kind}`, retry: false };
}

function answer({ request, since, digest: seen }: DevicesRequest): DevicesReply {
  look();
  const at = Math.floor(Number(process.hrtime.bigint() / 1_000_000n) / slot.ms);
  const from = Math.max(since === null ? 0 : since + 1, at - slot.kept + 1);
  const now = Date.now();
  const earliest = now - (at - from + 2) * slot.ms;
  return {
    kind: "devices",
    request,
    slot: at,
    now,
    devices: deviceStates(known!.kinds),
    history: knownDevices().map(({ available }, code) => (available && from <= at ? readHistory(gauges, code, from, at) : [])),
    cells: (host()?.cells() ?? []).filter(({ end }) => end === null || end >= earliest),
    digest,
    holders: digest === seen ? null : known!.rows,
    others: known!.others,
    recording: isRecordingHistory(),
  };
}

function look(): void {
  const started = performance.now();
  if (known !== null && started < nextLook) return;
  known = holders(true);
  digest = known.rows
    .map(({ device, bytes, name, kind, shape, cell, made }) => [device, bytes, name, kind, shape, cell, made].join())
    .join("\n");
  digest = hash(digest);
  nextLook = started + Math.max(leastPause, (performance.now() - started) / mostShare);
}

/** FNV-1a: tells two lists apart, nothing more. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(36);
}

/** Does what a person asked for; returns the bytes that came back. */
function act({ action, device, storage }: DeviceActionRequest): number {
  nextLook = 0;
  const code = deviceCode("devices", device);
  if (action === "release") return releaseStorage(code, storage);
  if (action !== "emptyCache") return (recordMemoryHistory(action === "record"), 0);
  const before = memoryStats(device);
  emptyCache(device);
  const after = memoryStats(device);
  return before.allocated + before.cached - after.allocated - after.cached;
}

function memoryMap(device: string): Omit<MemoryMapReply, "request"> {
  const all = memorySnapshot(device);
  const free = all.flatMap(({ blocks }) => blocks.flatMap(({ bytes, holder }) => (holder === null ? [bytes] : [])));
  const freeBytes = free.reduce((sum, bytes) => sum + bytes, 0);
  let left = mostBlocks;
  const segments = [...all]
    .sort((a, b) => b.bytes - a.bytes)
    .flatMap(({ bytes, blocks }) => {
      const shown = largest(blocks, left);
      left -= shown.length;
      if (shown.length === 0) return [];
      const kindOf = (holder: Holder | null): number => (holder === null ? -1 : holderKinds.indexOf(holder.kind));
      return [{ bytes, blocks: shown.map(({ bytes, holder }) => [bytes, kindOf(holder), holder?.storage ?? 0] as const) }];
    });
  const largestFree = free.reduce((most, bytes) => Math.max(most, bytes), 0);
  const fragmentation = freeBytes === 0 ? 0 : 1 - largestFree / freeBytes;
  const blocks = all.reduce((sum, segment) => sum + segment.blocks.length, 0);
  return { kind: "map", segments, others: blocks - (mostBlocks - left), fragmentation };
}

/** The largest blocks, in the order of their addresses. */
function largest(blocks: readonly MemoryBlock[], most: number): readonly MemoryBlock[] {
  if (blocks.length <= most) return blocks;
  const kept = new Set([...blocks].sort((a, b) => b.bytes - a.bytes).slice(0, most));
  return blocks.filter((block) => kept.has(block));
}
