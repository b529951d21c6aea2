/** Walks the table of samples: values, layouts, gradients, dtypes, errors, threads. Each op is one test a property. */
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { registry } from "../../src/ops/define.js";
import { makeInputs, samples, type OpName } from "./samples.js";

const names = Object.keys(samples) as OpName[];
const listOf = (result: unknown): Tensor[] => (Array.isArray(result) ? result : [result]).filter((t) => t instanceof cg.Tensor);
const learnable = (name: OpName): Tensor[] =>
  makeInputs(name, "float64").map((t, i) => (t.isFloatingPoint() && !samples[name].inputs[i]!.fixed ? t.requiresGrad_() : t));
const numbers = (t: Tensor): number[] => t.elements().map(Number);

it("has a row for every op, and an op for every row", () => {
  expect(names.toSorted()).toEqual([...registry.keys()].toSorted());
});

describe("equals its reference, element by element, with broadcasting", () => {
  it.each(names.filter((name) => samples[name].reference))("%s", (name) => {
    const { call, reference } = samples[name];
    for (const [dtype, digits] of [
      ["float64", 9],
      ["float32", 4],
    ] as const) {
      const inputs = makeInputs(name, dtype);
      const [out] = listOf(call(...inputs));
      const wide = inputs.map((t) => numbers(t.detach().expand(out!.shape)));
      numbers(out!).forEach((value, i) => expect(value).toBeCloseTo(Number(reference!(...wide.map((list) => list[i]!))), digits));
    }
  });
});

describe("does not care how its inputs lie in memory", () => {
  it.each(names.filter((name) => samples[name].inputs.length > 0 && !samples[name].noGrad?.includes("random")))("%s", (name) => {
    const [plain, strided] = (["contiguous", "strided"] as const).map((layout) =>
      listOf(samples[name].call(...makeInputs(name, "float64", layout))),
    );
    plain!.forEach((t, i) => {
      expect(strided![i]!.shape).toEqual(t.shape);
      // Sums may be taken in another order.
      numbers(t).forEach((value, k) => expect(numbers(strided![i]!)[k]).toBeCloseTo(value, 12));
    });
  });
});

describe("has the gradient that differences show", () => {
  it.each(names.filter((name) => samples[name].noGrad === undefined))("%s", (name) => {
    const inputs = learnable(name);
    expect(cg.autograd.gradcheck((...x) => listOf(samples[name].call(...x)), inputs)).toBe(true);
  });
});

describe("has the second derivative that differences show", () => {
  it.each(names.filter((name) => samples[name].noGrad === undefined && samples[name].noSecond === undefined))("%s", (name) => {
    const inputs = learnable(name);
    expect(cg.autograd.gradgradcheck((...x) => listOf(samples[name].call(...x)), inputs, { eps: 1e-5, atol: 1e-4 })).toBe(true);
  });
});

/** Inputs with imaginary parts, or null where the op refuses complex numbers. */
function complexInputs(name: OpName): Tensor[] | null {
  cg.manualSeed(3);
  const inputs = makeInputs(name, "float64").map((t, i) => {
    if (!t.isFloatingPoint() || samples[name].inputs[i]!.fixed) return t;
    return cg.complex(t, cg.rand(t.shape, { dtype: "float64" }).mul(0.7).sub(0.2)).requiresGrad_();
  });
  try {
    samples[name].call(...inputs);
  } catch (error) {
    expect(error).toBeInstanceOf(cg.CellgradError);
    return null;
  }
  return inputs;
}

// torch gives these no gradient for complex numbers either.
const realOnly: readonly string[] = ["silu", "embedding"];

describe("has the gradients of complex numbers that differences show, where it takes them", () => {
  it.each(names.filter((name) => samples[name].noGrad === undefined && !realOnly.includes(name)))("%s", (name) => {
    const inputs = complexInputs(name);
    if (inputs === null) return;
    const run = (...x: Tensor[]): Tensor[] => listOf(samples[name].call(...x));
    expect(cg.autograd.gradcheck(run, inputs)).toBe(true);
    if (samples[name].noSecond === undefined) expect(cg.autograd.gradgradcheck(run, inputs, { eps: 1e-5, atol: 1e-4 })).toBe(true);
  });
});

const support = new Map<string, string[]>();

describe("takes a dtype, or refuses it by name", () => {
  it.each(names)("%s", (name) => {
    const supported: string[] = [];
    for (const dtype of cg.dtypes) {
      try {
        samples[name].call(...makeInputs(name, dtype));
        supported.push(dtype);
      } catch (error) {
        expect(error).toBeInstanceOf(cg.CellgradError);
      }
    }
    expect(supported).toEqual(expect.arrayContaining(samples[name].inputs.some((input) => input.dtype === undefined) ? ["float32"] : []));
    support.set(name, supported);
  });
});

describe("gives the same bits with one thread and with two", () => {
  it.each(names.filter((name) => samples[name].inputs.length > 0))("%s", (name) => {
    const run = (threads: number): number[][] => {
      cg.setNumThreads(threads);
      cg.manualSeed(7);
      return listOf(samples[name].call(...makeInputs(name, "float32"))).map(numbers);
    };
    const before = cg.getNumThreads();
    const [one, two] = [run(1), run(2)];
    cg.setNumThreads(before);
    expect(two).toEqual(one);
  });
});

describe("names a disposed tensor instead of using it", () => {
  it.each(names.filter((name) => samples[name].inputs.length > 0))("%s", (name) => {
    const inputs = makeInputs(name, "float32");
    inputs[0]!.dispose();
    expect(() => samples[name].call(...inputs)).toThrow(cg.DisposedError);
  });
});

describe("answers nonsense from plain JavaScript with an error of the family", () => {
  const nonsense: unknown[] = [undefined, null, NaN, "three", {}, [], () => 0, Symbol("s")];
  const spaces = { ...cg, ...cg.nn.functional } as unknown as Record<string, (...args: unknown[]) => unknown>;
  it.each(names.filter((name) => typeof spaces[name] === "function"))("%s", (name) => {
    for (const value of nonsense) {
      for (const args of [[value], [value, value], [cg.ones(2, 2), value], [cg.ones(2, 2), cg.ones(2, 2), value]]) {
        try {
          spaces[name]!(...args);
        } catch (error) {
          expect(error, `${name}(${args.map(String).join(", ")})`).toBeInstanceOf(cg.CellgradError);
        }
      }
    }
  });
});

/** The arguments after the receiver, where a sample calls the method of its own name; null where it calls a function. */
function methodArguments(name: OpName): unknown[] | null {
  const [receiver, ...rest] = makeInputs(name, "float64");
  if (receiver === undefined) return null;
  let captured: unknown[] | null = null;
  const spy = new Proxy(receiver, {
    get: (t, key) => (key === name ? (...args: unknown[]) => ((captured = args), t) : Reflect.get(t, key)),
  });
  try {
    samples[name].call(spy, ...rest);
  } catch {
    return captured;
  }
  return captured;
}

describe("changes a tensor in place to what it would return", () => {
  const changing = names.filter((name) => `${name}_` in cg.Tensor.prototype && samples[name].reference && methodArguments(name) !== null);
  it.each(changing)("%s_", (name) => {
    const expected = listOf(samples[name].call(...makeInputs(name, "float64")))[0]!;
    const [target] = makeInputs(name, "float64");
    const change = (): Tensor =>
      (target as unknown as Record<string, (...args: unknown[]) => Tensor>)[`${name}_`]!(...methodArguments(name)!);
    expect(change()).toBe(target);
    expect(numbers(target!)).toEqual(numbers(expected));
  });
});

// The support table of the README is written from what passed here.
afterAll(() => {
  mkdirSync("build/test", { recursive: true });
  const rows = [...support].map(([op, dtypes]) => ({ op, dtypes, grad: samples[op as OpName].noGrad === undefined, devices: ["cpu"] }));
  writeFileSync("build/test/support.json", JSON.stringify(rows));
});
