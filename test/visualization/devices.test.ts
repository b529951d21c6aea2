/** Devices as a cell shows them: names of holders, a history read from the ring, a bundle that is the same in every run. */
import { expect, test } from "vitest";
import { bundleBytes, budget } from "../../src/visualization/tensor/bundle.js";
import { gaugeCells, readHistory, readLevels } from "../../src/wire/gauges.js";
import { devicesMime, memoryParts, partsOf, type DevicesPayload, type DeviceState } from "../../src/wire/devices.js";
import { displaySymbol, type MimeBundle } from "../../src/wire/host.js";
import { RecordingHost } from "./host.js";

const host = new RecordingHost();
const cg = await import("../../src/index.js");

const shown = (): { bundle: MimeBundle; payload: DevicesPayload } => {
  const list = cg.devices() as unknown as { [displaySymbol](): MimeBundle };
  const bundle = list[displaySymbol]();
  return { bundle, payload: bundle.data[devicesMime] as DevicesPayload };
};

/** A ring with what changed in some slots: the most in it and what was left. */
function ring(changes: Readonly<Record<number, readonly [high: number, level: number, before: number]>>, live: number): Float64Array {
  const gauges = new Float64Array(gaugeCells);
  gauges[0] = live;
  for (const [slot, [high, level, before]] of Object.entries(changes))
    gauges.set([Number(slot) + 1, high, level, before], 8 + (Number(slot) % 1200) * 4);
  return gauges;
}

test("a history fills the slots in which nothing changed with what was there", () => {
  const gauges = ring({ 5002: [900, 300, 100], 5004: [700, 700, 300] }, 700);
  expect(readHistory(gauges, 0, 5000, 5006)).toEqual([100, 2, 900, 1, 300, 1, 700, 3]);
  expect(readHistory(gauges, 0, 5003, 5003)).toEqual([300, 1]);
});

test("slots of an earlier round of the ring are not read; without a change the level is that of now", () => {
  expect(readHistory(ring({ 3800: [900, 900, 0] }, 900), 0, 5000, 5001)).toEqual([900, 2]);
  expect(readHistory(ring({}, 42), 0, 7000, 7002)).toEqual([42, 3]);
});

test("the parts of a device add up to its memory, or to its cap", () => {
  const kinds = { variable: 10, parameter: 0, gradient: 0, saved: 30, optimizer: 20, unnamed: 0 };
  const device: DeviceState = {
    name: "cpu",
    description: "",
    reason: "",
    live: 60,
    cached: 5,
    peak: 80,
    cap: 0,
    total: 1000,
    other: 400,
    kinds,
  };
  const sum = (state: DeviceState): number => memoryParts.reduce((all, part) => all + partsOf(state)[part], 0);
  expect(partsOf(device)).toEqual({ tensors: 10, saved: 30, optimizer: 20, cached: 5, other: 400, free: 535 });
  expect([sum(device), sum({ ...device, cap: 100 })]).toEqual([1000, 100]);
});

test("devices() shows the memory by the notebook's names, in at most 24 KB, and native figures are those of the gauges", () => {
  const table = cg.ones(512, 512);
  const lists = new Map([["train", [table.add(1)]]]);
  host.names.set("table", table).set("lists", lists);
  const { bundle, payload } = shown();
  const names = payload.holders.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["table", 'lists["train"][0]']));
  expect(bundle.data["text/plain"]).toContain("1 MB  table: float32 [512, 512], variable");
  expect(JSON.stringify(bundle).length).toBeLessThan(24 * 1024);
  expect(readLevels(host.gauges, 0).live).toBe(cg.memoryStats().allocated);
  host.names.clear();
});

test("ten holders with long names fit into 24 KB as well, with their picture", () => {
  for (let i = 0; i < 12; i++)
    host.names.set(`optimizer.state[encoder.layers.${i}.selfAttention.inProjection]`, cg.ones(1000 + 137 * i, 301 + i));
  const { bundle } = shown();
  expect(bundleBytes(bundle)).toBeLessThanOrEqual(budget.output);
  expect(bundle.data).toHaveProperty("image/png");
  host.names.clear();
});

test("in a run that nobody watches the bundle is the same whatever garbage there is", () => {
  const kept = cg.zeros(100, 100);
  host.names.set("kept", kept);
  host.interactive = false;
  const first = shown().bundle;
  for (let i = 0; i < 10; i++) cg.randn(1000, 10);
  expect(shown().bundle).toEqual(first);
  host.interactive = true;
  host.names.clear();
});
