/** The emulated CUDA card of the tests: a driver and a compiler of our own that run CUDA C on the processor. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import type { Device } from "../../src/index.js";

const sources = resolve("test/devices/cuda-emulator");

/** The folder with the emulator's libraries, built when its sources have changed. */
function build(): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(sources).toSorted()) hash.update(readFileSync(`${sources}/${file}`));
  const folder = resolve(`build/test/cuda-emulator-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const beside = `${folder}-${process.pid}`;
  mkdirSync(beside, { recursive: true });
  const compile = (output: string, files: string[], ...flags: string[]): unknown =>
    execFileSync(
      process.env["CXX"] || "c++",
      // Jumps between the stacks of fibers look wrong to the checks of _FORTIFY_SOURCE.
      ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-U_FORTIFY_SOURCE", `-DEMULATOR_KERNEL_H="${sources}/kernel.h"`]
        .concat(flags, "-o", `${beside}/${output}`)
        .concat(files.map((file) => `${sources}/${file}.cpp`)),
    );
  compile("libcuda.so.1", ["driver", "blocks"], "-shared", "-fPIC");
  compile("libnvrtc.so.13", ["nvrtc", "objects"], "-shared", "-fPIC");
  compile(
    "libcublasLt.so.13",
    ["cublaslt"],
    "-shared",
    "-fPIC",
    `-L${beside}`,
    "-Wl,--no-as-needed",
    "-l:libcuda.so.1",
    "-Wl,-rpath,$ORIGIN",
  );
  compile("pack", ["pack", "objects"]);
  compile("selftest", ["selftest"]);
  try {
    renameSync(beside, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // another worker was first
    rmSync(beside, { recursive: true });
  }
  return folder;
}

/** Where the emulator's libraries lie. */
export const emulator = build();
/** What a process needs in its environment to find the emulated card instead of a real one. */
export const environment = { CELLGRAD_CUDA_PATH: emulator, CELLGRAD_CACHE_DIR: resolve("build/test/cellgrad-cache") };
for (const [name, value] of Object.entries(environment)) process.env[name] ??= value;

export const cuda = "cuda:0" as const;
const { devices, loadDevice } = await import("../../src/index.js");
if (!devices().some(({ name }) => name === cuda)) throw new Error(devices().find(({ name }) => name === "cuda")?.reason);

const texts = resolve(`build/test/cuda-texts-${process.pid}`);
let textDevice: Device | null = null;

/** Keeps every CUDA text that `work` asks for on a device without a compiler. Returns the folder of all kept, one a file. */
export function textsOf(work: (device: Device) => void): string {
  if (textDevice === null) {
    mkdirSync(texts, { recursive: true });
    const library = `${texts}/text_device.so`;
    const flags = ["-std=c11", "-shared", "-fPIC", "-I", "native/device", `-DTEXTS="${texts}"`];
    execFileSync("cc", [...flags, "-o", library, "test/devices/null-device/null_device.c"]);
    textDevice = loadDevice(library);
  }
  const { warn } = console;
  console.warn = () => undefined; // that the CPU computes everything
  try {
    work(textDevice);
  } finally {
    console.warn = warn;
  }
  return texts;
}

/** Compiles the texts of `work` together, which takes a tenth of the time of one by one. Returns how many there are. */
export function precompile(work: (device: Device) => void): number {
  return Number(execFileSync(`${emulator}/pack`, [textsOf(work)], { encoding: "utf8" }));
}
