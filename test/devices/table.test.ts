/** Walks the table of samples on OpenCL: values and gradients are the CPU's, dtypes and devices are kept. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { makeInputs, samples, type OpName } from "../ops/samples.js";
import { openCl } from "./opencl.js";

const names = Object.keys(samples) as OpName[];
const listOf = (result: unknown): Tensor[] => (Array.isArray(result) ? result : [result]).filter((t) => t instanceof cg.Tensor);
// Uninitialised memory has no value to compare; the results of cpu and, as torch.from_numpy's, of fromTypedArray are on the CPU.
const incomparable = new Set<string>(["empty", "emptyLike", "cpu", "fromTypedArray"]);

interface Run {
  readonly outs: Tensor[];
  readonly grads: (Tensor | null)[];
}

/** The results of a sample on a device, and the gradients of their sum. */
function run(name: OpName, device: string): Run {
  const inputs = makeInputs(name, "float32").map((t) => t.to(device));
  const differentiable = samples[name].noGrad === undefined;
  if (differentiable) inputs.forEach((t, i) => t.isFloatingPoint() && !samples[name].inputs[i]!.fixed && t.requiresGrad_());
  cg.manualSeed(3);
  const outs = cg.withDevice(device, () => listOf(samples[name].call(...inputs)));
  const learning = outs.filter((t) => t.requiresGrad);
  if (differentiable && learning.length > 0)
    learning
      .map((t) => t.mul(t).sum())
      .reduce((a, b) => a.add(b))
      .backward();
  return { outs, grads: inputs.map((t) => t.grad) };
}

function expectSame(got: Tensor, wanted: Tensor, device: string): void {
  expect(got.device).toBe(device);
  expect(got.dtype).toBe(wanted.dtype);
  expect(got.shape).toEqual(wanted.shape);
  const [a, b] = [got.elements(), wanted.elements()];
  a.forEach((value, i) => {
    const other = b[i]!;
    // Relative to large values: some gradients are.
    if (typeof value === "number" && Number.isFinite(other as number))
      expect(Math.abs(value - (other as number))).toBeLessThan(5e-5 * Math.max(1, Math.abs(other as number)));
    else expect(value).toEqual(other);
  });
}

describe.skipIf(openCl === null)("gives the CPU's values and gradients on OpenCL", () => {
  it.each(names.filter((name) => !incomparable.has(name)))("%s", (name) => {
    const [wanted, got] = [run(name, "cpu"), run(name, openCl!)];
    expect(got.outs.length).toBe(wanted.outs.length);
    got.outs.forEach((t, i) => expectSame(t.detach(), wanted.outs[i]!.detach(), openCl!));
    got.grads.forEach((t, i) => {
      expect(t === null).toBe(wanted.grads[i] === null);
      if (t !== null) expectSame(t, wanted.grads[i]!, openCl!);
    });
  });
});

it.skipIf(openCl === null)("leaves no kernel to the CPU that has a program", () => {
  const programs = [...readFileSync("native/kernels/programs/programs.def", "utf8").matchAll(/^PROGRAM\((\w+)\)/gm)].map(
    ([, name]) => name!,
  );
  expect(programs.length).toBeGreaterThan(60);
  const left = Object.keys(cg.fallbacks(openCl!));
  expect(programs.filter((name) => left.includes(name))).toEqual([]);
});
