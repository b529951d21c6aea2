/** Where tensors live: creation, moves, mixtures, modules, what falls back. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as cg from "../../src/index.js";
import { openCl } from "./opencl.js";

const device = openCl ?? "cpu";

it("lists what is there, and why the rest is not", () => {
  const list = cg.devices();
  expect(list[0]!.name).toBe("cpu");
  for (const { available, reason } of list) expect(reason === "").toBe(available);
});

it("refuses a device that is absent with the reason", () => {
  expect(() => cg.zeros(2, { device: "cuda:7" })).toThrow(cg.DeviceError);
  expect(() => cg.zeros(2, { device: "opencel" })).toThrow(/did you mean "opencl"/);
});

describe.skipIf(openCl === null)("on OpenCL", () => {
  beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => undefined));
  afterEach(() => {
    cg.setDefaultDevice(null);
    cg.setFallback(true);
    vi.restoreAllMocks();
  });

  it("moves tensors there and back, strided ones too", () => {
    const t = cg.arange(12).reshape(3, 4).t();
    const there = t.to(device);
    expect(there.device).toBe(device);
    expect(there.tolist()).toEqual(t.tolist());
    expect(there.to(device)).toBe(there);
    expect(there.cpu().device).toBe("cpu");
    expect(there.t().cpu().tolist()).toEqual(t.t().tolist());
    expect(String(there)).toBe(String(t).replace(/\)$/, `, device='${device}')`));
  });

  it("keeps every dtype's bits on the way", () => {
    for (const dtype of cg.dtypes) {
      const t = cg.tensor([0, 1, 2.5, 100]).to(dtype);
      expect(t.to(device).cpu().toTypedArray()).toEqual(t.toTypedArray());
    }
  });

  it("follows { device }, withDevice and setDefaultDevice, across awaits", async () => {
    expect(cg.ones(2, { device }).device).toBe(device);
    expect(cg.tensor([1, 2], { device }).tolist()).toEqual([1, 2]);
    const inside = await cg.withDevice(device, async () => {
      await Promise.resolve();
      return [cg.zeros(2), cg.randn(3), cg.zeros(1, { device: "cpu" })];
    });
    expect(inside.map((t) => t.device)).toEqual([device, device, "cpu"]);
    expect(cg.zeros(2).device).toBe("cpu");
    cg.setDefaultDevice(device);
    expect(cg.getDefaultDevice()).toBe(device);
    expect(cg.arange(3).device).toBe(device);
  });

  it("refuses tensors of two devices, but takes a number of the CPU", () => {
    const a = cg.ones(2, 2, { device });
    for (const mixture of [() => a.add(cg.ones(2, 2)), () => a.matmul(cg.ones(2, 2)), () => cg.cat([a, cg.ones(2, 2)])])
      expect(mixture).toThrow(cg.DeviceError);
    expect(a.add(cg.tensor(2)).tolist()).toEqual([
      [3, 3],
      [3, 3],
    ]);
    expect(cg.tensor(2).sub(a).device).toBe(device);
  });

  it("sends gradients back over a move", () => {
    const x = cg.tensor([1, 2, 3], { requiresGrad: true });
    x.to(device).square().sum().backward();
    expect(x.grad!.device).toBe("cpu");
    expect(x.grad!.tolist()).toEqual([2, 4, 6]);
  });

  it("moves modules with their buffers", () => {
    const net = new cg.nn.BatchNorm2d(3).to(device);
    expect([...net.parameters(), ...net.buffers()].map((t) => t.device)).toEqual(Array.from({ length: 5 }, () => device));
  });

  it("copies between devices in place", () => {
    const there = cg.zeros(2, 3, { device });
    there.t().copy_(cg.arange(6).reshape(3, 2));
    expect(there.tolist()).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ]);
    const here = cg.zeros(3);
    here.copy_(there.select(0, 1));
    expect(here.tolist()).toEqual([1, 3, 5]);
  });

  it("counts what the CPU computed instead, says it once, and refuses when asked to", () => {
    const before = cg.fallbacks(device)["randperm"] ?? 0;
    const draw = (): cg.Tensor => cg.randperm(5, { device });
    draw();
    expect(draw().tolist().toSorted()).toEqual([0, 1, 2, 3, 4]);
    expect(cg.fallbacks(device)["randperm"]! - before).toBe(2);
    expect(vi.mocked(console.warn).mock.calls.filter(([text]) => String(text).includes("randperm"))).toHaveLength(before === 0 ? 1 : 0);
    cg.setFallback(false);
    expect(draw).toThrow(cg.NotImplementedError);
  });
});
