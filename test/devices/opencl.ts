/** The OpenCL device of the tests: the first of this machine, with the driver's own cache inside build/. */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";

// Read by PoCL when it starts, which is at the first question about devices.
const cache = resolve("build/test/pocl");
mkdirSync(cache, { recursive: true });
process.env["POCL_CACHE_DIR"] ??= cache;
process.env["CELLGRAD_CACHE_DIR"] ??= resolve("build/test/cellgrad-cache");

const { devices } = await import("../../src/index.js");

const found = devices().find((device) => device.name === "opencl:0");
const reason = devices().find((device) => device.name === "opencl")?.reason;

/** The device's name, or null where there is none: its tests are skipped then, which CI does not allow. */
export const openCl = found === undefined ? null : ("opencl:0" as const);

if (openCl === null) {
  if (process.env["CI"] === "true") throw new Error(`CI needs an OpenCL device: ${reason}`);
  console.warn(`Tests on OpenCL are skipped: ${reason} (Debian: apt-get install pocl-opencl-icd ocl-icd-libopencl1)`);
}
