/** Runs as a notebook sees them: a card at the start, points while it runs, one bundle at the end. */
import { decode } from "fast-png";
import { expect, test } from "vitest";
import * as cg from "../../src/index.js";
import { bundleBytes, budget } from "../../src/visualization/tensor/bundle.js";
import { views } from "../../src/visualization/live.js";
import type { Run } from "../../src/visualization/index.js";
import { decodeBytes, runMime, storedCurves, vegaliteMime, type RunPayload, type ViewReply } from "../../src/wire/index.js";
import { RecordingHost } from "./host.js";
import { normal } from "./tensors.js";

const host = new RecordingHost();
const noise = normal(11);

function lastBundle() {
  return host.shown.at(-1)!.bundle;
}

function ask(payload: RunPayload, question: object): ViewReply {
  return JSON.parse(views.request(JSON.stringify({ request: 1, live: payload.live, ...question }))) as ViewReply;
}

test("the memory of tensors is kept by step, at most 128 of them, and never in a headless run", async () => {
  const held: cg.Tensor[] = [];
  const grow = (): void => {
    const run = cg.track();
    for (let i = 0; i < 300; i++) {
      if (i === 150) held.push(cg.zeros(1 << 20));
      run.log({ loss: i });
    }
  };
  await host.run("memory", "", grow);
  const { memory } = lastBundle().data[runMime] as RunPayload;
  expect(memory!.steps.length).toBeLessThanOrEqual(128);
  expect(memory!.steps.toSorted((a, b) => a - b)).toEqual(memory!.steps);
  const { bytes } = memory!.devices.find(({ name }) => name === "cpu")!;
  expect(bytes.at(-1)! - bytes[0]!).toBeGreaterThanOrEqual(4 << 20);
  host.interactive = false;
  await host.run("headless", "", grow);
  host.interactive = true;
  expect((lastBundle().data[runMime] as RunPayload).memory).toBeNull();
});

test("a loop leaves one display, updated once, within 24 KB", async () => {
  await host.run("loop", "", () => {
    const run = cg.track();
    for (const batch of run.steps(
      Array.from({ length: 50 }, (_, i) => i),
      { epochs: 4 },
    )) {
      run.log({ loss: 1 / (1 + run.step) + 0.01 * noise(), acc: batch / 50 });
    }
  });
  const [first, last] = host.shown.slice(-2);
  expect([first!.update, last!.update, last!.displayId === first!.displayId]).toEqual([false, true, true]);
  const payload = last!.bundle.data[runMime] as RunPayload;
  expect(payload).toMatchObject({ status: "finished", sequence: 200, name: "run 1", summary: "run 1 · finished · 200 steps · 4 epochs" });
  expect(payload.series.map(({ name, count, bestIs }) => [name, count, bestIs])).toEqual([
    ["loss", 200, "min"],
    ["acc", 200, "max"],
  ]);
  expect(bundleBytes(last!.bundle)).toBeLessThanOrEqual(budget.output);
  const png = decode(Buffer.from(last!.bundle.data["image/png"] as string, "base64"));
  expect(png.width).toBeGreaterThan(400);
  const curves = storedCurves(last!.bundle.data[vegaliteMime]);
  expect(curves.map(({ series, ghost, steps }) => [series, ghost, steps.length])).toEqual([
    ["loss", null, 200],
    ["acc", null, 200],
  ]);
});

test("panels share the axis of steps, though one curve begins late", async () => {
  await host.run("late", "", () => {
    const run = cg.track();
    for (let step = 0; step < 40; step++) run.log({ loss: 1 / (1 + step), ...(step % 20 === 19 ? { accuracy: step } : {}) });
  });
  expect(lastBundle().data[vegaliteMime]).toMatchObject({ vconcat: [{}, {}], resolve: { scale: { x: "shared" } } });
});

test("four noisy curves of thousands of points fit and keep their extremes", async () => {
  const peak: number[] = [];
  await host.run("four", "", () => {
    const run = cg.track();
    for (let i = 0; i < 5000; i++) {
      const value = Math.exp(-i / 1000) + 0.1 * noise();
      peak.push(value);
      run.log({ loss: value, "val loss, mean": 2 * value, "top.1": noise(), lr: 1e-3 });
    }
  });
  expect(bundleBytes(lastBundle())).toBeLessThanOrEqual(budget.output);
  const [loss] = storedCurves(lastBundle().data[vegaliteMime]);
  expect(loss!.values.length).toBeLessThanOrEqual(400);
  expect(Math.max(...loss!.values)).toBeCloseTo(Math.max(...peak), 3);
  expect(Math.min(...loss!.values)).toBeCloseTo(Math.min(...peak), 3);
});

test("a view pulls every point, and only new ones", async () => {
  await host.run("pull", "", () => {
    const run = cg.track();
    const payload = lastBundle().data[runMime] as RunPayload;
    for (let i = 0; i < 1000; i++) run.log({ loss: i / 3 });
    const first = ask(payload, { kind: "points", since: 0, limit: 600 });
    if (first.kind !== "points") throw new Error(JSON.stringify(first));
    expect([first.sequence, first.total, first.status]).toEqual([600, 1000, "running"]);
    const rest = ask(payload, { kind: "points", since: 600, limit: 10_000 });
    if (rest.kind !== "points") throw new Error(JSON.stringify(rest));
    const steps = new Float64Array(decodeBytes(rest.points[0]!.steps).buffer);
    const values = new Float32Array(decodeBytes(rest.points[0]!.values).buffer);
    expect([steps.length, steps[0], steps.at(-1), values[0]]).toEqual([400, 600, 999, Math.fround(200)]);
    const range = ask(payload, { kind: "range", from: 0, to: 999, size: 10, ghost: null });
    expect(range.kind === "range" && new Float64Array(decodeBytes(range.points[0]!.steps).buffer).length).toBe(20);
    expect(ask(payload, { kind: "bundle" })).toMatchObject({ kind: "bundle", data: { [runMime]: { status: "running" } } });
  });
});

test("the run before is a ghost that says which number changed", async () => {
  const train = (run: Run): void => {
    for (let i = 0; i < 20; i++) run.log({ loss: i });
  };
  const code = "const opt = new optim.Adam(model.parameters(), { lr: 1e-3 })";
  await host.run("again", code, () => train(cg.track({ config: { width: 64 } })));
  await host.run("again", code.replace("1e-3", "3e-3"), () => train(cg.track({ config: { width: 128 } })));
  const payload = lastBundle().data[runMime] as RunPayload;
  expect(payload.ghosts).toEqual([{ id: "1", label: "run 1: width 64 -> 128, lr 1e-3 -> 3e-3" }]);
  expect(storedCurves(lastBundle().data[vegaliteMime]).map(({ ghost }) => ghost)).toEqual([null, "1"]);
  // A view asks for all of it, without knowing its last step.
  const ghost = ask(payload, { kind: "range", from: 0, to: Number.MAX_SAFE_INTEGER, size: 600, ghost: "1" });
  expect(ghost.kind === "range" && new Float64Array(decodeBytes(ghost.points[0]!.steps).buffer).length).toBe(20);
  for (let i = 0; i < 8; i++) await host.run("again", code, () => train(cg.track()));
  expect((lastBundle().data[runMime] as RunPayload).ghosts.length).toBe(5);
});

test("a loop that is left keeps its points; one that is interrupted says so", async () => {
  await host.run("break", "", () => {
    const run = cg.track();
    for (const i of run.steps([1, 2, 3, 4])) {
      run.log({ loss: i });
      if (i === 2) break;
    }
  });
  expect(lastBundle().data[runMime]).toMatchObject({ status: "finished", sequence: 2 });
  await host.run("interrupt", "", () => {
    const run = cg.track();
    const steps = run.steps([1, 2, 3, 4]);
    steps.next();
    run.log({ loss: 1 });
  });
  expect(lastBundle().data[runMime]).toMatchObject({ status: "interrupted" });
});

test("the first NaN is marked", async () => {
  await host.run("nan", "", () => {
    const run = cg.track();
    for (let i = 0; i < 100; i++) run.log({ loss: i === 40 ? NaN : 1 });
  });
  expect(JSON.stringify(lastBundle().data[vegaliteMime])).toContain("NaN at step 40");
});

test("a headless run is stored equal byte for byte", async () => {
  host.interactive = false;
  const stored: string[] = [];
  for (let i = 0; i < 2; i++) {
    await host.run(`headless ${i}`, "", async () => {
      cg.manualSeed(3);
      const model = new cg.nn.Linear(4, 2);
      const run = cg.track({ watch: model });
      for (const x of run.steps([cg.randn(3, 4), cg.randn(3, 4), cg.randn(3, 4)], { epochs: 20 })) {
        const loss = model.forward(x).square().sum();
        model.zeroGrad();
        loss.backward();
        run.log({ loss });
        await new Promise((resolve) => setTimeout(resolve, i));
      }
    });
    stored.push(JSON.stringify(lastBundle()));
  }
  host.interactive = true;
  expect(stored[0]).toBe(stored[1]);
  expect(stored[0]).toContain('"names":["weight","bias"]');
});

test("what is not a number is refused by name", () => {
  const run = cg.track();
  expect(() => run.log({ loss: undefined as unknown as number })).toThrow(/log: expected loss to be a number or a one-element tensor/);
  expect(() => [...run.steps([], { epochs: -1 })]).toThrow(/epochs/);
});

test("log() takes about a microsecond", () => {
  const run = cg.track();
  const loss = cg.tensor(0.5);
  const time = (value: number | cg.Tensor): number => {
    const rounds = Array.from({ length: 20 }, () => {
      const start = performance.now();
      for (let i = 0; i < 2000; i++) run.log({ loss: value });
      return (performance.now() - start) / 2000;
    });
    return Math.min(...rounds) * 1000;
  };
  const [number, tensor] = [time(0.5), time(loss)];
  console.log(`run.log: ${number.toFixed(2)} µs with a number, ${tensor.toFixed(2)} µs with a tensor`);
  // The goal is 2; the best of twenty rounds on a shared machine may be a little over it.
  expect(number).toBeLessThanOrEqual(4);
  expect(tensor).toBeLessThanOrEqual(4);
});
