/** Streams, pinned memory and pools: on OpenCL, on the CPU, and on the emulated card, where work waits until somebody waits for it. */
import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { environment } from "./cuda.js";
import { openCl } from "./opencl.js";

const library = new URL("../../build/js/src/index.js", import.meta.url).href;

/** Runs a program on the emulated card in a process of its own; it prints one JSON value. */
function onCard(body: string): Record<string, unknown> {
  const program = `import * as cg from ${JSON.stringify(library)};
    const device = "cuda:0";
    ${body}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const all = openCl === null ? ["cpu"] : ["cpu", openCl];
afterEach(() => cg.setDefaultDevice(null));

const hang = { timeout: 30_000 };

describe.each(all)("streams on %s", (device) => {
  it("order the work of each, and wait for each other", async () => {
    const [a, b] = [new cg.Stream(device), new cg.Stream(device)];
    const x = cg.withStream(a, () => cg.ones(64, 64, { device }).mul(2));
    b.waitStream(a);
    const y = cg.withStream(b, () => x.matmul(x));
    b.synchronize();
    expect(y.sum().item()).toBe(64 ** 3 * 4);
    // The mark that is asked for is work itself, if of no length.
    await expect.poll(() => b.query(), hang).toBe(true);
    cg.synchronize(device);
    await expect.poll(() => a.query(), hang).toBe(true);
  });

  it("follow an async body across its awaits, and are left with it", async () => {
    const side = new cg.Stream(device);
    const numbers = (): number => cg.currentStream(device).number;
    const before = numbers();
    const inside = cg.withStream(side, async () => {
      const first = numbers();
      await new Promise((resolve) => setTimeout(resolve, 1));
      cg.withStream(cg.defaultStream(device), () => cg.ones(3, { device }));
      return [first, numbers(), cg.ones(5, { device }).sum().item()];
    });
    expect([before, numbers()]).toEqual([0, 0]);
    expect(await inside).toEqual([side.number, side.number, 5]);
    expect(numbers()).toBe(0);
    expect(() => cg.withStream(side, () => cg.ones(2, { device }).matmul(cg.ones(3, { device })))).toThrow(cg.ShapeError);
    expect(numbers()).toBe(0);
  });

  it("set events and wait for them", () => {
    const [a, b] = [new cg.Stream(device), new cg.Stream(device)];
    const [start, end] = [new cg.Event({ device }), new cg.Event({ device })];
    a.recordEvent(start);
    const x = cg.withStream(a, () => cg.ones(300, 300, { device }).exp());
    end.record(a);
    b.waitEvent(end);
    cg.withStream(b, () => x.add(1));
    end.synchronize();
    expect(end.query()).toBe(true);
    expect(start.elapsedTime(end)).toBeGreaterThanOrEqual(0);
    x.recordStream(b);
  });

  it("refuse what is no stream, or of another device", () => {
    expect(() => cg.withStream(null as never, () => 0)).toThrow(cg.ValueError);
    expect(() => cg.withStream(new cg.Stream(device), null as never)).toThrow(cg.ValueError);
    expect(() => new cg.Stream("cuda:7")).toThrow(cg.DeviceError);
    expect(() => new cg.Stream(device).waitEvent({} as never)).toThrow(cg.ValueError);
    if (device !== "cpu") expect(() => new cg.Event({ device: "cpu" }).record(new cg.Stream(device))).toThrow(cg.DeviceError);
  });

  it("have pools with figures of their own, which go back as a whole", async () => {
    const pool = new cg.MemPool(`pool of ${device}`, { device });
    const kept = cg.useMemPool(pool, () => cg.zeros(1 << 20, { device }).add(1));
    await cg.useMemPool(pool, async () => {
      await Promise.resolve();
      cg.zeros(1 << 18, { device }).dispose();
    });
    cg.zeros(1 << 20, { device }).dispose();
    const { allocated, peak, allocations } = pool.stats();
    expect(allocated).toBeGreaterThanOrEqual(kept.nbytes);
    expect(peak).toBeGreaterThanOrEqual(2 * kept.nbytes - (1 << 22));
    expect(allocations).toBe(3);
    expect(cg.memPools(device)).toContain(pool);
    expect(cg.memorySummary(device)).toContain(`pool "pool of ${device}": `);
    const reserved = (): number => cg.memoryStats(device).allocated + cg.memoryStats(device).cached;
    const before = reserved();
    pool.release();
    expect(kept.sum().item()).toBe(1 << 20);
    kept.dispose();
    cg.scope(() => undefined);
    for (let i = 0; i < 3 && pool.stats().allocated > 0; i++) cg.emptyCache(device);
    expect(pool.stats()).toMatchObject({ allocated: 0, cached: 0 });
    if (device !== "cpu") expect(reserved()).toBeLessThan(before);
    expect(() => cg.useMemPool(pool, () => 0)).toThrow(cg.ValueError);
    expect(cg.memPools(device)).not.toContain(pool);
  });
});

describe.skipIf(openCl === null)("pinned memory on OpenCL", () => {
  const device = openCl!;
  it("holds tensors of the CPU that copies leave from and arrive in", () => {
    const t = cg.arange(1000).reshape(10, 100).t().pinMemory();
    expect([t.isPinned(), t.device, t.isContiguous(), t.pinMemory() === t]).toEqual([true, "cpu", true, true]);
    expect(cg.ones(3).isPinned()).toBe(false);
    expect(cg.tensor([1, 2], { pinMemory: true }).add(1).tolist()).toEqual([2, 3]);
    expect(cg.zeros(3, { pinMemory: true }).isPinned()).toBe(true);
    const there = t.to(device, { nonBlocking: true }).mul(2);
    const back = there.to("cpu", { nonBlocking: true });
    cg.synchronize(device);
    expect(back.isPinned()).toBe(true);
    expect(back.tolist()).toEqual(t.mul(2).tolist());
    const target = cg.zeros(100, 10).pinMemory();
    target.copy_(there, { nonBlocking: true } as never);
    cg.synchronize(device);
    expect(target.tolist()).toEqual(back.tolist());
  });

  it("is refused for tensors of a device", () => expect(() => cg.ones(2, { device }).pinMemory()).toThrow(cg.DeviceError));

  it("holds the batches of a DataLoader that is asked to", () => {
    const data = new cg.utils.data.TensorDataset(cg.arange(10), cg.arange(10).mul(2));
    const batches = [...new cg.utils.data.DataLoader(data, { batchSize: 4, pinMemory: true })];
    expect(batches.map(([x, y]) => [x!.isPinned(), y!.isPinned(), x!.shape[0]])).toEqual([
      [true, true, 4],
      [true, true, 4],
      [true, true, 2],
    ]);
  });
});

// The emulated card does nothing on a stream before somebody waits for it: the widest skew that a card may show.
describe("a card whose streams are skewed", () => {
  const producer = `const [a, b] = [new cg.Stream(device), new cg.Stream(device)];
    const x = cg.zeros(4096, { device });
    cg.synchronize(device);
    cg.withStream(a, () => { for (let i = 0; i < 8; i++) x.add_(1); });`;
  const consumer = `const y = cg.withStream(b, () => x.mul(2));
    console.log(JSON.stringify({ right: cg.withStream(b, () => y.eq(16).sum().item()) }));`;

  it("shows a missing wait", () => expect(onCard(producer + consumer)).toEqual({ right: 0 }));
  it("is right with waitStream", () => expect(onCard(`${producer} b.waitStream(a); ${consumer}`)).toEqual({ right: 4096 }));
  it("is right with waitEvent", () =>
    expect(onCard(`${producer} const done = a.recordEvent(); b.waitEvent(done); ${consumer}`)).toEqual({ right: 4096 }));

  // The block is of stream a; b still reads it when it is freed and a asks for as much.
  it("keeps a freed block from its own stream until the others are done", () => {
    const result = onCard(`
      const [a, b] = [new cg.Stream(device), new cg.Stream(device)];
      const x = cg.withStream(a, () => cg.full([5 << 20], 3, { device }));
      b.waitStream(a);
      const address = x.dataPtr();
      // More work than the card does while somebody only asks whether it is over.
      const ys = cg.withStream(b, () => Array.from({ length: 12 }, () => x.narrow(0, 0, 8).mul(2)));
      x.dispose();
      const z = cg.withStream(a, () => cg.full([5 << 20], 7, { device }));
      const moved = z.dataPtr() !== address;
      a.synchronize();
      const right = cg.withStream(b, () => cg.cat(ys).eq(6).all().item());
      const reserved = () => cg.memoryStats(device).allocated + cg.memoryStats(device).cached;
      const before = reserved();
      cg.withStream(a, () => cg.full([5 << 20], 7, { device })); // nothing is under way: the first block is free again
      console.log(JSON.stringify({ moved, right, grown: reserved() - before }));`);
    expect(result).toEqual({ moved: true, right: true, grown: 0 });
  });

  it("copies from pinned memory later, and from other memory as it is now", () => {
    const result = onCard(`
      const [pinned, plain] = [cg.ones(1000).pinMemory(), cg.ones(1000)];
      const [later, now] = [pinned.to(device, { nonBlocking: true }), plain.to(device, { nonBlocking: true })];
      const waited = pinned.to(device);
      pinned.fill_(5); // too early: the card has not copied it yet
      const late = pinned.to(device, { nonBlocking: true });
      pinned.fill_(9);
      plain.fill_(9);
      const sums = [later, now, waited, late].map((t) => t.sum().item());
      const back = later.to("cpu", { nonBlocking: true });
      const early = back.sum().item();
      cg.synchronize(device);
      console.log(JSON.stringify({ sums, early: early === null || Number.isNaN(early), back: back.sum().item() }));`);
    expect(result).toEqual({ sums: [1000, 1000, 1000, 9000], early: true, back: 1000 });
  });

  it("does not give pinned memory away before it was copied", () => {
    const result = onCard(`
      const right = [];
      for (let i = 0; i < 20; i++) {
        const host = cg.full([2000], i).pinMemory();
        right.push(host.to(device, { nonBlocking: true }));
        host.dispose();
      }
      console.log(JSON.stringify({ wrong: right.filter((t, i) => !t.eq(i).all().item()).length }));`);
    expect(result).toEqual({ wrong: 0 });
  });
});
