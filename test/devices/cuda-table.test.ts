/** Walks the table of samples on the emulated CUDA card: values and gradients are the CPU's, dtypes and devices are kept. */
import { beforeAll, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { differences, leftToCpu, names, run } from "./walk.js";

// Matrix products too are ours here; test/devices/products walks those of cuBLASLt.
process.env["CUDA_EMULATOR_CUBLAS"] = "0";
const { cuda, precompile } = await import("./cuda.js");

let texts = 0;
beforeAll(() => {
  texts = precompile((device) => names.forEach((name) => run(name, device)));
});

describe("gives the CPU's values and gradients on CUDA", () => {
  it.each(names)("%s", (name) => {
    expect(differences(name, cuda)).toEqual([]);
  });
});

it("leaves to the CPU only what is documented", () => {
  expect(Object.keys(cg.fallbacks(cuda)).filter((kernel) => !leftToCpu.includes(kernel))).toEqual([]);
  expect(texts).toBeGreaterThan(250);
});
