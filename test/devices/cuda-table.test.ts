/** Walks the table of samples on the emulated CUDA card: values and gradients are the CPU's, dtypes and devices are kept. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { cuda, precompile } from "./cuda.js";
import { differences, names, run } from "./walk.js";

// Matrix products too are ours here; test/devices/families walks those of cuBLAS.
process.env["CUDA_EMULATOR_CUBLAS"] = "0";

let texts = 0;
beforeAll(() => {
  texts = precompile((device) => names.forEach((name) => run(name, device)));
});

describe("gives the CPU's values and gradients on CUDA", () => {
  it.each(names)("%s", (name) => {
    expect(differences(name, cuda)).toEqual([]);
  });
});

it("leaves no kernel to the CPU that has a program", () => {
  const programs = [...readFileSync("native/kernels/programs/programs.def", "utf8").matchAll(/^PROGRAM\((\w+)\)/gm)].map(
    ([, name]) => name!,
  );
  expect(programs.length).toBeGreaterThan(60);
  const left = Object.keys(cg.fallbacks(cuda));
  expect(programs.filter((name) => left.includes(name))).toEqual([]);
  expect(texts).toBeGreaterThan(250);
});
