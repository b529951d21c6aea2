/** Devices of a kernel in the middle of a training: live, as the file holds them, and as the card of a failed allocation. */
import {
  devicesMime,
  devicesRef,
  slot,
  type CellSpan,
  type DeviceState,
  type DevicesPayload,
  type DevicesReply,
  type HolderKind,
  type HolderRow,
  type MemoryMapReply,
  type ViewReply,
  type ViewRequest,
} from "../../src/wire/index.js";
import type { GalleryItem } from "./item.js";
import { normal } from "./random.js";

const MB = 1 << 20;
const now = Date.UTC(2026, 0, 5, 12);
const slotNow = 4000;

const kinds = (saved: number, optimizer: number, variable: number): Record<HolderKind, number> => ({
  variable: variable * MB,
  parameter: 45 * MB,
  gradient: 45 * MB,
  saved: saved * MB,
  optimizer: optimizer * MB,
  unnamed: 12 * MB,
});

const devices: readonly DeviceState[] = [
  {
    name: "cpu",
    description: "AMD EPYC 9354, avx512, 8 threads",
    reason: "",
    live: 1860 * MB,
    cached: 420 * MB,
    peak: 2900 * MB,
    cap: 0,
    total: 16384 * MB,
    other: 5200 * MB,
    kinds: kinds(820, 360, 578),
  },
  {
    name: "opencl:0",
    description: "pthread-AMD EPYC 9354, OpenCL 3.0 PoCL, driver 3.1",
    reason: "",
    live: 610 * MB,
    cached: 158 * MB,
    peak: 700 * MB,
    cap: 1024 * MB,
    total: 8192 * MB,
    other: null,
    kinds: kinds(310, 90, 108),
  },
  {
    name: "cuda",
    description: "",
    reason: "libcuda.so.1 was not found",
    live: 0,
    cached: 0,
    peak: 0,
    cap: 0,
    total: 0,
    other: null,
    kinds: null,
  },
];

const names: readonly (readonly [name: string | null, kind: HolderKind, shape: readonly number[], cell: number, tensors: number])[] = [
  ["train.images", "variable", [60000, 1, 28, 28], 2, 1],
  ["the graph of loss", "saved", [512, 64, 24, 24], 6, 2],
  ["the graph of loss", "saved", [512, 32, 26, 26], 6, 1],
  ["model.features.3.weight", "parameter", [1024, 3136], 4, 2],
  ["model.features.3.weight.grad", "gradient", [1024, 3136], 6, 1],
  ["opt.state[model.features.3.weight].exp_avg", "optimizer", [1024, 3136], 6, 1],
  ["opt.state[model.features.3.weight].exp_avg_sq", "optimizer", [1024, 3136], 6, 1],
  ["batches[3]", "variable", [512, 1, 28, 28], 5, 1],
  [null, "unnamed", [512, 10], 6, 1],
];

const rows = (timed: boolean): HolderRow[] =>
  names.map(([name, kind, shape, cell, tensors], i) => ({
    device: "cpu",
    storage: i + 1,
    bytes: shape.reduce((a, b) => a * b, 4),
    name,
    kind,
    shape,
    dtype: "float32",
    tensors,
    cell,
    cellId: `cell-${cell}`,
    made: i === 1 ? "conv2d at forward (Cell [4]:9:22)" : null,
    born: timed ? now - (12 - cell) * 9_500 : null,
  }));

const cells: readonly CellSpan[] = [
  { count: 2, id: "cell-2", start: now - 520_000, end: now - 440_000 },
  { count: 4, id: "cell-4", start: now - 410_000, end: now - 407_000 },
  { count: 5, id: "cell-5", start: now - 380_000, end: now - 330_000 },
  { count: 6, id: "cell-6", start: now - 250_000, end: null },
];

/** Bytes by slot: a data set that is loaded, then a training whose activations come and go. */
function history(scale: number): number[] {
  const noise = normal(11);
  const runs: number[] = [];
  for (let i = 0; i < slot.kept; i++) {
    const t = now - (slot.kept - 1 - i) * slot.ms;
    const loaded = t > cells[0]!.start ? Math.min(1, (t - cells[0]!.start) / 80_000) * 460 : 20;
    const trains = t > cells[3]!.start ? 900 + 480 * Math.abs(Math.sin(t / 21_000)) + 40 * noise() : 0;
    const made = t > cells[2]!.start && t < cells[2]!.end! ? 260 : 0;
    runs.push(Math.round((loaded + made + trains) * scale) * MB, 1);
  }
  return runs;
}

function payload(fields: Partial<DevicesPayload>): DevicesPayload {
  const summary = "cpu, opencl:0 · 2.41 GB in tensors";
  return { version: 1, summary, live: null, devices, holders: rows(false), others: 214, failure: null, ...fields };
}

function item(name: string, of: DevicesPayload, answer?: (request: ViewRequest) => ViewReply): GalleryItem {
  const bundle = { data: { [devicesMime]: of, "text/plain": of.summary } };
  return answer ? { name, bundle, answer } : { name, bundle };
}

function answer(request: ViewRequest): ViewReply {
  if (request.kind === "act") return { kind: "act", request: request.request, freed: 420 * MB };
  if (request.kind === "map") return { request: request.request, ...map() };
  if (request.kind !== "devices") return { kind: "failed", request: request.request, reason: "not asked here", retry: false };
  const all: DevicesReply = {
    kind: "devices",
    request: request.request,
    slot: slotNow,
    now,
    devices,
    history: request.since === null ? [history(1), history(0.33), []] : [[], [], []],
    cells,
    digest: "a",
    holders: request.digest === "a" ? null : rows(true),
    others: 214,
    recording: true,
  };
  return all;
}

function map(): Omit<MemoryMapReply, "request"> {
  const noise = normal(3);
  const blocks = Array.from({ length: 160 }, (_, i): [number, number, number] => [
    Math.ceil(2 * MB * Math.exp(1.3 * noise())),
    i % 7 === 0 ? -1 : Math.abs(Math.round(2.2 * noise())) % 6,
    i,
  ]);
  return { kind: "map", segments: [{ bytes: blocks.reduce((sum, [bytes]) => sum + bytes, 0), blocks }], others: 0, fragmentation: 0.62 };
}

export function deviceItems(): GalleryItem[] {
  const [, opencl] = devices;
  const failure = { op: "matmul", device: "opencl:0", requested: 400 * MB, free: 256 * MB };
  const summary = "out of memory on opencl:0: matmul asked for 400 MB, 256 MB are free";
  const card = payload({ summary, devices: [{ ...opencl!, kinds: null }], holders: rows(false).slice(0, 5), others: 0, failure });
  return [item(devicesRef.id, payload({ live: devicesRef }), answer), item("devices, stored", payload({})), item("out of memory", card)];
}
