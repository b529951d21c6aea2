/** Walks the table of samples at sizes that threads split, and over many calls: the same bits on any number of threads, no byte left behind. */
import { expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { makeInputs, samples, type OpName } from "./samples.js";

const names = Object.keys(samples) as OpName[];
const listOf = (result: unknown): Tensor[] => (Array.isArray(result) ? result : [result]).filter((t) => t instanceof cg.Tensor);

/** The results of an op, then the gradients of its inputs. */
function run(name: OpName, factor: number): Tensor[] {
  const { inputs: rows, noGrad, call } = samples[name];
  const inputs = makeInputs(name, "float32", "contiguous", factor);
  const leaves = noGrad === undefined ? inputs.filter((t, i) => t.isFloatingPoint() && !rows[i]!.fixed).map((t) => t.requiresGrad_()) : [];
  const results = listOf(call(...inputs));
  const sums = results.filter((t) => t.requiresGrad).map((t) => (t.isComplex() ? t.abs() : t).sum());
  if (sums.length > 0) sums.reduce((a, b) => a.add(b)).backward();
  return [...results.map((t) => t.detach()), ...leaves.flatMap((t) => t.grad ?? [])];
}

const bytesOf = (t: Tensor): Buffer => {
  const { buffer, byteOffset, byteLength } = t.toTypedArray();
  return Buffer.from(buffer, byteOffset, byteLength);
};

// Dims become so many times as large, by the number of dims: 80 000 elements or so.
const factors = [1, 8000, 80, 16, 7, 4];
const takesTensors = names.filter((name) => samples[name].inputs.length > 0);

it("results and gradients have the same bits with one thread and with two, where threads split", () => {
  const before = cg.getNumThreads();
  const differ: string[] = [];
  let walked = 0;
  const bits = (name: OpName, factor: number, threads: number): Buffer[] => {
    cg.setNumThreads(threads);
    cg.manualSeed(7);
    return run(name, factor).map(bytesOf);
  };
  cg.setMemoryCap(cg.memoryStats().allocated + 2 ** 28);
  try {
    for (const name of takesTensors) {
      const factor = factors[Math.max(...samples[name].inputs.map(({ shape }) => shape.length))] ?? 3;
      try {
        const [one, two] = [bits(name, factor, 1), bits(name, factor, 2)];
        walked++;
        if (!one.every((bytes, i) => bytes.equals(two[i]!))) differ.push(name);
      } catch (error) {
        // The sample's other arguments fit its own sizes only, or the result of the larger ones does not fit the cap.
        expect(error).toBeInstanceOf(cg.CellgradError);
      }
    }
  } finally {
    cg.setMemoryCap(0);
    cg.setNumThreads(before);
  }
  expect(differ).toEqual([]);
  expect(walked).toBeGreaterThan(0.9 * takesTensors.length);
});

// 10 000 by hand: CELLGRAD_ROUNDS=10000 npm test -- ops walk
const rounds = Number(process.env["CELLGRAD_ROUNDS"] ?? 5);

it(`no op leaves a byte behind, called ${rounds} times with its gradient`, () => {
  /** What `count` calls leave; live bytes only count once all that is dropped was collected. */
  const left = (ops: readonly OpName[], count: number): number => {
    cg.emptyCache();
    const before = cg.memoryStats().allocated;
    for (const name of ops) for (let i = 0; i < count; i++) run(name, 1);
    cg.emptyCache();
    return cg.memoryStats().allocated - before;
  };
  left(names, 1); // constants that are made once
  if (left(names, rounds) === 0) return;
  expect(names.filter((name) => left([name], rounds) > 0)).toEqual([]);
  expect(left(names, rounds)).toBe(0);
});
