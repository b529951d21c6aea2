/** Walks the table of samples on OpenCL: values and gradients are the CPU's, dtypes and devices are kept. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { openCl } from "./opencl.js";
import { differences, leftToCpu, names } from "./walk.js";

describe.skipIf(openCl === null)("gives the CPU's values and gradients on OpenCL", () => {
  it.each(names)("%s", (name) => {
    expect(differences(name, openCl!)).toEqual([]);
  });
});

it.skipIf(openCl === null)("leaves to the CPU only what is documented", () => {
  expect(Object.keys(cg.fallbacks(openCl!)).filter((kernel) => !leftToCpu.includes(kernel))).toEqual([]);
});
