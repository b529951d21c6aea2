/** The device panel over the raw protocol: who holds memory, also while a cell loops and while it is in native code; what a person can free. */
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import {
  devicesMime,
  devicesRef,
  type DeviceActionReply,
  type DevicesPayload,
  type DevicesReply,
  type HolderRow,
  type MemoryMapReply,
  type ViewReply,
} from "../../src/wire/index.js";
import { kernel } from "./kernel.js";

const started = kernel();
const comm_id = randomUUID();
let requests = 0;

beforeAll(async () => {
  await started.client.request("comm_open", { comm_id, target_name: "cellgrad.views", data: {} }).published;
  await started.client.execute(
    `import * as cg from "cellgrad"
const images = cg.randn(64, 3, 32, 32)
const batches = [{ labels: cg.zeros(50_000) }]
const model = new cg.nn.Sequential(new cg.nn.Linear(300, 200), new cg.nn.ReLU())
const opt = new cg.optim.Adam(model.parameters(), { lr: 1e-3 })
model.forward(cg.ones(8, 300)).sum().backward()
opt.step()
let opened = 0
const guarded = { get secret() { opened++; return cg.zeros(70_000) } }
const watched = new Proxy({ inside: 1 }, { get: () => opened++, ownKeys: () => (opened++, []) })`,
    { cellId: "first" },
  );
});

async function ask<Reply extends ViewReply>(question: object): Promise<Reply> {
  const data = { ...question, live: devicesRef, request: ++requests };
  const { published } = started.client.request("comm_msg", { comm_id, data });
  const reply = (await published).find(({ header }) => header.msg_type === "comm_msg");
  return reply!.content.data as unknown as Reply;
}

const look = (since: number | null = null, digest: string | null = null) => ask<DevicesReply>({ kind: "devices", since, digest });
const act = (action: string, storage = 0) => ask<DeviceActionReply>({ kind: "act", action, device: "cpu", storage });
const row = ({ holders }: DevicesReply, name: string): HolderRow | undefined => holders!.find((holder) => holder.name === name);

test("holders go by the notebook's names, with kind and cell, and no getter or proxy of a person runs", async () => {
  const reply = await look();
  const kinds = Object.fromEntries(reply.holders!.map(({ name, kind }) => [name, kind]));
  expect(kinds).toMatchObject({
    images: "variable",
    "batches[0].labels": "variable",
    "model.0.weight": "parameter",
    "model.0.weight.grad": "gradient",
    "opt.state[model.0.weight].exp_avg": "optimizer",
  });
  expect(row(reply, "images")).toMatchObject({
    bytes: 64 * 3 * 32 * 32 * 4,
    shape: [64, 3, 32, 32],
    cell: 1,
    cellId: "first",
    device: "cpu",
  });
  expect(reply.devices[0]!.kinds!.optimizer).toBeGreaterThanOrEqual(2 * 300 * 200 * 4);
  expect((await started.client.execute("opened")).result).toBe("0");
});

test("history starts where the asker's ended, cells lie beneath it, holders come again only when they changed", async () => {
  const first = await look();
  const slots = first.history[0]!.filter((_, i) => i % 2 === 1).reduce((a, b) => a + b, 0);
  expect(slots).toBe(1200);
  expect(first.cells![0]).toMatchObject({ count: 1, id: "first" });
  const second = await look(first.slot, first.digest);
  expect(second.holders).toBeNull();
  const later = second.history[0]!.filter((_, i) => i % 2 === 1).reduce((a, b) => a + b, 0);
  expect(later).toBe(second.slot - first.slot);
  expect(JSON.stringify(second).length).toBeLessThan(1024);
});

test("a loop that never yields is seen with what its graph has saved", async () => {
  const cell = started.client.start('console.log("go"); for (;;) model.forward(cg.ones(512, 300)).relu().sum()');
  await started.client.printed(cell, "go");
  let reply = await look();
  while (reply.devices[0]!.kinds?.saved === 0 || reply.cells === null) reply = await look();
  expect(reply.cells.at(-1)!.end).toBeNull();
  await started.client.interrupt();
  await cell.published;
});

test("in native code the figures are told by shared memory alone", async () => {
  const cell = started.client.start('const a = cg.ones(4000, 4000); console.log("go"); for (;;) a.matmul(a)');
  await started.client.printed(cell, "go");
  let reply = await look();
  while (reply.cells !== null) reply = await look();
  expect(reply.holders).toBeNull();
  expect(reply.devices[0]!.live).toBeGreaterThanOrEqual(4000 * 4000 * 4);
  await started.client.interrupt();
  await cell.published;
});

test("a storage is released, and using it later is a DisposedError; a released gradient is none", async () => {
  await started.client.execute("let spare: cg.Tensor = cg.zeros(500_000)");
  await act("stopRecording"); // has the next answer look again
  const before = await look();
  const { freed } = await act("release", row(before, "spare")!.storage);
  expect(freed).toBeGreaterThanOrEqual(500_000 * 4);
  expect((await started.client.execute("spare.sum()")).error?.ename).toBe("DisposedError");
  expect((await act("release", row(before, "spare")!.storage)).freed).toBe(0);
  await act("release", row(before, "model.0.weight.grad")!.storage);
  expect((await started.client.execute("String(model.parameters().next().value!.grad)")).result).toContain("null");
});

test("the cache is given back, ops note their lines, and the map has every block", async () => {
  await started.client.execute("cg.zeros(1_000_000).dispose()");
  expect((await act("emptyCache")).freed).toBeGreaterThan(0);
  await act("record");
  await started.client.execute("\nconst noted = cg.ones(800, 800).add(1)");
  const reply = await look();
  expect([reply.recording, row(reply, "noted")!.made]).toEqual([true, expect.stringMatching(/^add at .*:2:\d+/)]);
  await act("stopRecording");
  const { segments, others } = await ask<MemoryMapReply>({ kind: "map", device: "cpu" });
  expect(segments[0]!.blocks.some(([, , storage]) => storage === row(reply, "noted")!.storage)).toBe(true);
  expect(others).toBe(0);
});

test("an allocation that fails is shown with who holds the memory", async () => {
  const { error, messages } = await started.client.execute("cg.setMemoryCap(64e6); const huge = cg.zeros(20_000_000)");
  expect(error).toMatchObject({ ename: "OutOfMemoryError", evalue: expect.stringContaining("images: 768 KB") });
  const card = messages.find(({ header }) => header.msg_type === "display_data")!.content.data as Record<string, unknown>;
  const payload = card[devicesMime] as DevicesPayload;
  expect(payload.failure).toMatchObject({ op: "zeros", device: "cpu", requested: 80_000_000 });
  expect(payload.holders.map(({ name }) => name)).toContain("images");
  expect(card["text/plain"]).toContain("zeros asked cpu for 76.3 MB");
});
