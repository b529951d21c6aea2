/** Live views of tensors: requests as a front end sends them. */
import { beforeAll, describe, expect, test } from "vitest";
import { arange } from "../../src/index.js";
import { io } from "../../src/runtime/addon.js";
import { displayTensor } from "../../src/visualization/tensor/display.js";
import { views } from "../../src/visualization/live.js";
import { decodeBytes, tensorMime, tileCodes, type LiveRef, type TensorPayload, type ViewReply } from "../../src/wire/index.js";
import { RecordingHost } from "./host.js";
import { floats, tensorOf } from "./tensors.js";

const host = new RecordingHost();

function refOf(tensor: Parameters<typeof displayTensor>[0]): LiveRef {
  return (displayTensor(tensor).data[tensorMime] as TensorPayload).live!;
}

function ask(live: LiveRef, question: object): ViewReply {
  return JSON.parse(views.request(JSON.stringify({ request: 7, live, ...question }))) as ViewReply;
}

const tensor = floats([4, 60, 80], (i) => (i === 4800 + 81 ? NaN : i === 4802 ? Infinity : i / 1000));
let live: LiveRef;
beforeAll(() => void (live = refOf(tensor)));

describe("a tile", () => {
  const slice = { kind: "tile", row: 1, column: 2, index: [1, 0, 0], pooling: "extreme", center: 0 };
  test("holds the elements of its window to 1/131,000 of their range", () => {
    const reply = ask(live, { ...slice, window: [0, 0, 10, 20], size: [10, 20] });
    if (reply.kind !== "tile") throw new Error(JSON.stringify(reply));
    const codes = new Uint16Array(decodeBytes(reply.codes).buffer);
    expect([reply.height, reply.width, codes[81 - 60], codes[2]]).toEqual([10, 20, tileCodes.nan, tileCodes.positiveInfinity]);
    const value = reply.lo + (codes[5]! / tileCodes.steps) * (reply.hi - reply.lo);
    expect(Math.abs(value - 4.805)).toBeLessThanOrEqual((reply.hi - reply.lo) / 131_000);
  });
  test("pooled to one pixel still shows the NaN", () => {
    const reply = ask(live, { ...slice, window: [0, 0, 60, 80], size: [1, 1] });
    expect(reply.kind === "tile" && new Uint16Array(decodeBytes(reply.codes).buffer)[0]).toBe(tileCodes.nan);
  });
  test("outside the tensor is refused in words", () => {
    expect(ask(live, { ...slice, window: [0, 0, 61, 80], size: [1, 1] })).toMatchObject({
      kind: "failed",
      reason: expect.stringContaining("window"),
    });
    expect(ask(live, { ...slice, column: 9, window: [0, 0, 1, 1], size: [1, 1] })).toMatchObject({ kind: "failed", request: 7 });
  });
});

test("values are exact: float32 in its shortest form, int64 beyond 2^53", () => {
  const thirds = refOf(floats([2, 9], (i) => i / 3));
  expect(ask(thirds, { kind: "value", index: [0, 1] })).toMatchObject({ text: "0.33333334" });
  const large = refOf(tensorOf([10], new BigInt64Array(10).fill(9007199254740993n), "int64"));
  expect(ask(large, { kind: "value", index: [3] })).toMatchObject({ text: "9007199254740993" });
});

test("cells are a window of exact texts", () => {
  expect(ask(live, { kind: "cells", row: 1, column: 2, index: [1, 0, 0], window: [0, 0, 2, 3] })).toMatchObject({
    height: 2,
    width: 3,
    texts: ["4.8", "4.801", "Infinity", "4.88", "NaN", "4.882"],
  });
});

test("a line is the envelope of a vector", () => {
  const reply = ask(refOf(floats([1000], (i) => Math.sin(i))), { kind: "line", dim: 0, index: [0], start: 0, length: 1000, size: 10 });
  if (reply.kind !== "line") throw new Error(JSON.stringify(reply));
  const [lo, hi] = [new Float32Array(decodeBytes(reply.lo).buffer), new Float32Array(decodeBytes(reply.hi).buffer)];
  expect(lo[0]).toBe(Math.fround(Math.min(...Array.from({ length: 100 }, (_, i) => Math.sin(i)))));
  expect(hi[9]).toBe(Math.fround(Math.max(...Array.from({ length: 100 }, (_, i) => Math.sin(900 + i)))));
});

test("pictures come as RGB", () => {
  const reply = ask(refOf(floats([5, 3, 16, 8], (i) => (i % 128) / 128)), { kind: "images", first: 3, count: 9, size: 8, lo: 0, hi: 1 });
  expect(reply).toMatchObject({ kind: "images", count: 2, height: 8, width: 4 });
  expect(reply.kind === "images" && decodeBytes(reply.pixels).length).toBe(2 * 8 * 4 * 3);
  const upTo = (hi: number): ViewReply =>
    ask(refOf(floats([1, 1, 8, 8], () => 0.25)), { kind: "images", first: 0, count: 1, size: 8, lo: 0, hi });
  const level = (reply: ViewReply): number | false => reply.kind === "images" && decodeBytes(reply.pixels)[0]!;
  expect([level(upTo(1)), level(upTo(0.5)), upTo(0).kind]).toEqual([64, 128, "failed"]);
});

test("the same tensor keeps its reference; its payload is current", () => {
  expect(refOf(tensor)).toEqual(live);
  expect(ask(live, { kind: "tensor" })).toMatchObject({ kind: "tensor", payload: { shape: [4, 60, 80], live } });
});

test("a disposed tensor and another session are gone, nonsense fails", () => {
  const short = floats([3, 3], (i) => i);
  const ref = refOf(short);
  short.dispose();
  expect(ask(ref, { kind: "value", index: [0, 0] })).toMatchObject({ kind: "gone", reason: "freed" });
  expect(ask({ ...live, session: "before" }, { kind: "tensor" })).toMatchObject({ kind: "gone", reason: "restarted" });
  expect(JSON.parse(views.request("{"))).toMatchObject({ kind: "failed" });
  expect(JSON.parse(views.request('{"kind":"tile"}'))).toMatchObject({ kind: "failed" });
});

test("a request between two lines of an op leaves the scratch as it was", () => {
  io.set([3, 1, 4, 1, 5]);
  ask(live, { kind: "tensor" });
  expect([...io.subarray(0, 5)]).toEqual([3, 1, 4, 1, 5]);
});

async function collected(): Promise<void> {
  const { collectAll } = await import("../../src/runtime/memory.js");
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    (globalThis as { gc?: () => void }).gc?.();
    collectAll();
  }
}

test("a view does not keep a large tensor alive", async () => {
  const ref = ((): LiveRef => refOf(floats([600, 600], (i) => i)))();
  await collected();
  expect(ask(ref, { kind: "tensor" })).toMatchObject({ kind: "gone", reason: "freed" });
});

test("a result without a name can be browsed until 8 MB of others were shown, its graph is not kept", async () => {
  const ref = ((): LiveRef => refOf(arange(90_000, { dtype: "float32", requiresGrad: true }).reshape(300, 300).mul(2)))();
  await collected();
  expect(ask(ref, { kind: "value", index: [0, 3] })).toMatchObject({ text: "6" });
  expect(ask(ref, { kind: "tensor" })).toMatchObject({ payload: { gradFn: null } });
  for (let i = 0; i < 9; i++) refOf(floats([512, 512], () => i));
  await collected();
  expect(ask(ref, { kind: "value", index: [0, 3] })).toMatchObject({ kind: "gone", reason: "freed" });
});

test("a row is a window of one dim twice", () => {
  const row = refOf(floats([5], (i) => i / 2));
  expect(ask(row, { kind: "cells", row: 0, column: 0, index: [0], window: [0, 1, 1, 3] })).toMatchObject({
    height: 1,
    width: 3,
    texts: ["0.5", "1", "1.5"],
  });
});

test("a headless run offers nothing", () => {
  host.interactive = false;
  expect((displayTensor(floats([9], () => 1)).data[tensorMime] as TensorPayload).live).toBeNull();
  host.interactive = true;
});
