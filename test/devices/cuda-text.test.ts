/** Every program in CUDA C, as a C++ compiler sees it: a device that keeps the texts it is given walks the table of samples. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it, vi } from "vitest";
import * as cg from "../../src/index.js";
import { makeInputs, samples, type OpName } from "../ops/samples.js";

const folder = resolve("build/test/cuda-texts");

// What nvcc knows by itself.
const shim = `#include <math.h>
#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(n)
struct Place { unsigned x; };
extern Place blockIdx, threadIdx;
void __syncthreads();
unsigned __umulhi(unsigned, unsigned);
float __uint_as_float(unsigned);
unsigned __float_as_uint(float);
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
`;

/** A text in a namespace of its own that leaves no macros behind. */
function enclosed(text: string, i: number): string {
  const macros = [...text.matchAll(/^#define (\w+)/gm)].map(([, name]) => `#undef ${name}\n`);
  return `namespace text${i} {\n${text.replaceAll('extern "C" ', "")}}\n${macros.join("")}`;
}

it("writes CUDA C that compiles, for every op of the table, and each text once", () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const library = `${folder}/text_device.so`;
  const flags = ["-std=c11", "-shared", "-fPIC", "-I", "native/device", `-DTEXTS="${folder}"`];
  execFileSync("cc", [...flags, "-o", library, "test/devices/null-device/null_device.c"]);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const device = cg.loadDevice(library);
  for (const name of Object.keys(samples) as OpName[]) {
    const inputs = makeInputs(name, "float32").map((t) => t.to(device));
    if (samples[name].noGrad === undefined) for (const t of inputs) if (t.isFloatingPoint()) t.requiresGrad_();
    const outs = [cg.withDevice(device, () => samples[name].call(...inputs))].flat().filter((t) => t instanceof cg.Tensor);
    const learned = outs.filter((t) => t.requiresGrad && t.isFloatingPoint());
    if (learned.length > 0)
      learned
        .map((t) => t.sum())
        .reduce((a, b) => a.add(b))
        .backward();
  }
  const x = cg.ones(4, 3, { device, requiresGrad: true });
  for (const Optimizer of [cg.optim.SGD, cg.optim.Adam]) {
    x.grad = x.detach();
    new Optimizer([x], { lr: 0.1 }).step();
  }
  for (const dtype of ["float64", "float16", "bfloat16", "int8", "bool"] as const) x.detach().t().to(dtype).add(x.detach().t()).to(dtype);
  vi.restoreAllMocks();

  const texts = new Set(
    readdirSync(folder)
      .filter((file) => file.endsWith(".cu"))
      .map((file) => readFileSync(`${folder}/${file}`, "utf8")),
  );
  expect(texts.size).toBeGreaterThan(250);
  const program = `${folder}/all.cpp`;
  writeFileSync(program, shim + [...texts].map(enclosed).join(""));
  const { status, stderr } = spawnSync("c++", ["-std=c++17", "-w", "-fsyntax-only", program], { encoding: "utf8" });
  expect(
    stderr
      .split("\n")
      .filter((line) => line.includes("error"))
      .slice(0, 5),
  ).toEqual([]);
  expect(status).toBe(0);
});
