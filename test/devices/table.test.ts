/** Walks the table of samples on OpenCL: values and gradients are the CPU's, dtypes and devices are kept. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { openCl } from "./opencl.js";
import { differences, names } from "./walk.js";

describe.skipIf(openCl === null)("gives the CPU's values and gradients on OpenCL", () => {
  it.each(names)("%s", (name) => {
    expect(differences(name, openCl!)).toEqual([]);
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
