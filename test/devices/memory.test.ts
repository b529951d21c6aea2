/** Memory one can see: figures, blocks and their makers, errors that name the holders, events, profiles. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { openCl } from "./opencl.js";

const library = new URL("../../build/js/src/index.js", import.meta.url).href;

/** Runs a program with the built library in a process of its own, whose heap is small; it prints one JSON value. */
function inProcess(body: string): Record<string, number> {
  const program = `import * as cg from ${JSON.stringify(library)};\n${body}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, number>;
}

const all = openCl === null ? ["cpu"] : ["cpu", openCl];

afterEach(() => {
  for (const device of all) cg.setMemoryCap(0, device);
  cg.recordMemoryHistory(false);
});

describe.each(all)("on %s", (device) => {
  // The CPU does it a hundred times in test/memory.
  const often = device === "cpu" ? [] : [device];
  it.each(often)("says a thousand times what is missing on %s, and gives everything back", () => {
    const { errors, left, sum } = inProcess(`
      const device = ${JSON.stringify(device)};
      cg.zeros(1, { device }).item();
      cg.emptyCache(device);
      const before = cg.memoryStats(device).allocated;
      const round = () => {
        const held = cg.ones(1 << 18, { device });
        cg.setMemoryCap(cg.memoryStats(device).allocated + (1 << 20), device);
        let errors = 0;
        for (let i = 0; i < 1000; i++) {
          try { cg.zeros(1 << 20, { device }); } catch (error) { errors += error instanceof cg.OutOfMemoryError ? 1 : 0; }
        }
        cg.setMemoryCap(0, device);
        return { errors, sum: held.sum().item() };
      };
      const result = round();
      cg.emptyCache(device);
      console.log(JSON.stringify({ ...result, left: cg.memoryStats(device).allocated - before }));`);
    expect({ errors, left, sum }).toEqual({ errors: 1000, left: 0, sum: 1 << 18 });
  });

  it.each(often)("runs twenty thousand temporaries of 10 MB in a synchronous loop on %s with 1 GB", () => {
    const { made, most } = inProcess(`
      const device = ${JSON.stringify(device)};
      cg.setMemoryCap(1e9, device);
      let made = 0;
      for (; made < 20_000; made++) cg.empty(2_500_000, { device });
      console.log(JSON.stringify({ made, most: cg.memoryStats(device).peak }));`);
    expect(made).toBe(20_000);
    expect(most).toBeLessThanOrEqual(1e9);
  });

  it("names who holds the memory that is missing", () => {
    const held = cg.ones(1 << 18, { device });
    cg.setMemoryCap(cg.memoryStats(device).allocated + (1 << 20), device);
    let caught: unknown = null;
    try {
      cg.zeros(1 << 20, { device });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(cg.OutOfMemoryError);
    const { requested, cap, free, holders, message } = caught as cg.OutOfMemoryError;
    expect(requested).toBe(1 << 22);
    expect(free).toBeGreaterThan(0);
    expect(free).toBeLessThan(cap);
    expect(holders[0]).toContain("float32 [262144]");
    expect(message).toMatch(/largest holders? would bring/);
    held.dispose();
  });

  it("finds memory again in a loop that drops its tensors", () => {
    cg.emptyCache(device);
    cg.setMemoryCap(cg.memoryStats(device).allocated + (64 << 20), device);
    for (let i = 0; i < 300; i++) cg.empty(1 << 21, { device });
    expect(cg.memoryStats(device).allocated).toBeLessThan(512 << 20);
  });

  it("shows every block, and who made it while the history was recorded", () => {
    cg.recordMemoryHistory();
    const kept = cg.ones(300, 300, { device }).mul(2);
    const block = cg
      .memorySnapshot(device)
      .flatMap(({ blocks }) => blocks)
      .find(({ holder }) => holder?.made?.kernel === "mul" && holder.shape[0] === 300);
    expect(block!.bytes).toBeGreaterThanOrEqual(kept.nbytes);
    expect(block!.holder!.made!.place.frame).toContain("memory.test.ts");
    expect(cg.memorySummary(device)).toContain("float32 [300, 300], made by mul");
    for (const { bytes, blocks } of cg.memorySnapshot(device)) expect(blocks.reduce((sum, block_) => sum + block_.bytes, 0)).toBe(bytes);
  });

  it("takes a part of the memory as a limit", () => {
    cg.setPerProcessMemoryFraction(0.5, device);
    const { cap, total } = cg.memoryStats(device);
    expect(cap).toBe(Math.floor(total / 2));
    expect(() => cg.setPerProcessMemoryFraction(2, device)).toThrow(cg.ValueError);
  });

  it("marks work with events and reads without blocking", async () => {
    const [start, end] = [new cg.Event({ device }), new cg.Event({ device })];
    expect(() => start.elapsedTime(end)).toThrow(cg.ValueError);
    start.record();
    const x = cg.ones(200, 200, { device }).matmul(cg.ones(200, 200, { device }));
    end.record();
    await end.over();
    expect(end.query()).toBe(true);
    expect(start.elapsedTime(end)).toBeGreaterThanOrEqual(0);
    expect((await x.toTypedArrayAsync())[0]).toBe(200);
  });

  it("profiles every call with its shape, bytes and line, and stops", async () => {
    const w = cg.randn(32, 32, { device, requiresGrad: true });
    const seen = cg.profile(() => {
      const loss = w.matmul(w).tanh().sum();
      loss.backward();
      w.detach().add_(1);
      return loss.item();
    });
    expect(new Set(seen.events.map((event) => event.device))).toEqual(new Set([device]));
    expect(typeof seen.result).toBe("number");
    const product = seen.events.find(({ kernel }) => kernel === "matmul")!;
    expect(product).toMatchObject({ shape: [32, 32], dtype: "float32", device, bytes: 4096 });
    expect(product.place.frame).toContain("memory.test.ts");
    expect(seen.keyAverages().find(({ kernel }) => kernel === "matmul")!.calls).toBeGreaterThanOrEqual(3);
    expect(seen.table()).toMatch(/^kernel .*\n(.*\n)*matmul /);
    const path = join(mkdtempSync(join(tmpdir(), "cellgrad-profile-")), "trace.json");
    seen.exportChromeTrace(path);
    const { traceEvents } = JSON.parse(readFileSync(path, "utf8")) as { traceEvents: { ph: string; dur: number }[] };
    expect(traceEvents).toHaveLength(seen.events.length);
    expect(traceEvents.every(({ ph, dur }) => ph === "X" && dur >= 0)).toBe(true);

    expect(() => cg.profile(() => w.matmul(cg.ones(3, { device })))).toThrow(cg.ShapeError);
    const later = await cg.profile(async () => {
      await Promise.resolve();
      return w.detach().exp();
    });
    expect(later.events.map(({ kernel }) => kernel)).toEqual(["exp"]);
  });
});

it("profiles calls of several results, in place, and of none, on the CPU", () => {
  const x = cg.ones(2, 6);
  const { events } = cg.profile(() => {
    x.topk(3);
    x.add_(1);
    x.tolist();
  });
  expect(events.map(({ kernel, shape, bytes, device }) => [kernel, shape, bytes, device])).toEqual([
    ["topk", [2, 3], 6 * (4 + 8), "cpu"],
    ["add", null, 0, "cpu"],
    ["read", null, 0, "cpu"],
  ]);
});

it("keeps the lines of calls apart in a loop, when their places repeat", () => {
  const x = cg.ones(5);
  const { events } = cg.profile(() => {
    for (let i = 0; i < 50; i++) {
      x.add(1);
      x.add(1);
      x.exp();
    }
  });
  const lines = (kernel: string, from: number, step: number): Set<string | null> =>
    new Set(events.filter((event) => event.kernel === kernel).flatMap(({ place }, i) => (i % step === from ? [place.frame] : [])));
  const [first, second, third] = [lines("add", 0, 2), lines("add", 1, 2), lines("exp", 0, 1)];
  expect([first.size, second.size, third.size]).toEqual([1, 1, 1]);
  expect(new Set([...first, ...second, ...third]).size).toBe(3);
});
