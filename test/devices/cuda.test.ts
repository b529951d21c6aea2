/** CUDA where things go wrong, on the emulated card: no driver, no compiler, no memory, a fault in a kernel, a slow card. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { emulator, environment } from "./cuda.js";

const library = new URL("../../build/js/src/index.js", import.meta.url).href;

/** Runs a program with the built library in a process of its own, where `settings` tell the emulator what happens; it prints one JSON value. */
function inProcess(settings: Record<string, string>, body: string): Record<string, unknown> {
  const program = `import * as cg from ${JSON.stringify(library)};
    const caught = (body) => { try { return body(); } catch (error) { return error.constructor.name; } };
    ${body}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    env: { ...process.env, ...environment, ...settings },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Why the device is absent, with a folder of our own in which only these of the emulator's files lie. */
function reason(files: string[], settings: Record<string, string> = {}): unknown {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad-cuda-"));
  for (const file of files) cpSync(join(emulator, file), join(folder, file));
  const own = { CELLGRAD_CUDA_PATH: folder, VIRTUAL_ENV: "", CONDA_PREFIX: "", PATH: "", ...settings };
  const found = inProcess(own, `console.log(JSON.stringify(cg.devices().find(({ name }) => name.startsWith("cuda"))));`);
  rmSync(folder, { recursive: true });
  return found["reason"];
}

describe("devices() says why there is no card", () => {
  it("without a driver", () => expect(reason([])).toBe("libcuda.so.1, NVIDIA's driver, was not found"));
  it("without a card", () =>
    expect(reason(["libcuda.so.1", "libnvrtc.so.13"], { CUDA_EMULATOR_CARDS: "0" })).toMatch(/is installed, but it finds no card/));
  it("without a compiler", () =>
    expect(reason(["libcuda.so.1"])).toMatch(/1 card is there, but its compiler NVRTC was not found \(pip install nvidia-cuda-nvrtc/));
});

describe("matrix products are by kernels of cellgrad", () => {
  const program = `
    const { description } = cg.devices().find(({ name }) => name === "cuda:0");
    const x = cg.tensor([[1, 2], [3, 4]], { device: "cuda:0" });
    console.log(JSON.stringify({ description, product: x.matmul(x).tolist() }));`;
  const product = [[7, 10], [15, 22]]; // prettier-ignore

  it("where there is no cuBLASLt, and devices() says so", () => {
    const folder = mkdtempSync(join(tmpdir(), "cellgrad-cuda-"));
    for (const file of ["libcuda.so.1", "libnvrtc.so.13"]) cpSync(join(emulator, file), join(folder, file));
    const result = inProcess({ CELLGRAD_CUDA_PATH: folder, VIRTUAL_ENV: "", CONDA_PREFIX: "", PATH: process.env["PATH"]! }, program);
    rmSync(folder, { recursive: true });
    expect(result).toMatchObject({ product });
    expect(result["description"]).toMatch(/by kernels of cellgrad: cuBLASLt was not found \(pip install nvidia-cublas\)$/);
  });

  it("where it does not start", () => {
    const result = inProcess({ CUDA_EMULATOR_CUBLAS: "0" }, program);
    expect(result).toMatchObject({ product });
    expect(result["description"]).toMatch(/by kernels of cellgrad: .*libcublasLt.so.13 does not start \(status 1\)$/);
  });
});

describe("memory", () => {
  // The allocator's ladder takes the next rung; what was asked for is there in the end.
  it.each([1, 2, 3, 4])("that the driver refuses once, at allocation %d, is found after giving the cache back", (n) => {
    const program = `
      const big = () => cg.ones(3 << 20, { device: "cuda:0" });
      let sum = 0;
      for (let i = 0; i < 4; i++) sum += big().sum().item() + cg.zeros(7, { device: "cuda:0" }).add(1).sum().item();
      console.log(JSON.stringify({ sum }));`;
    expect(inProcess({ CUDA_EMULATOR_FAIL_ALLOCATION: String(n) }, program)).toEqual({ sum: 4 * ((3 << 20) + 7) });
  });

  it("that is missing is an OutOfMemoryError, a hundred times, and the device goes on", () => {
    const result = inProcess(
      { CUDA_EMULATOR_MEMORY: String(64 << 20) },
      `const held = cg.ones(8 << 20, { device: "cuda:0" });
      const errors = {};
      for (let i = 0; i < 100; i++) {
        const got = caught(() => cg.empty(12 << 20, { device: "cuda:0" }));
        errors[got] = (errors[got] ?? 0) + 1;
      }
      console.log(JSON.stringify({ errors, sum: held.sum().item(), total: cg.memoryStats("cuda:0").total }));`,
    );
    expect(result).toEqual({ errors: { OutOfMemoryError: 100 }, sum: 8 << 20, total: 64 << 20 });
  });

  // The emulator says that another process has a part.
  it("that other processes have is neither free in the error nor ours", () => {
    const result = inProcess(
      { CUDA_EMULATOR_MEMORY: String(64 << 20), CUDA_EMULATOR_OTHERS: String(30 << 20) },
      `const held = cg.ones(4 << 20, { device: "cuda:0" });
      const got = (() => { try { return cg.empty(8 << 20, { device: "cuda:0" }); } catch (error) { return error; } })();
      console.log(JSON.stringify({ free: got.free, name: got.constructor.name, sum: held.sum().item() }));`,
    );
    expect(result).toMatchObject({ name: "OutOfMemoryError", sum: 4 << 20 });
    expect(result["free"]).toBeLessThanOrEqual((64 - 30 - 16) << 20);
  });

  it("of 1 GB is enough for 20 000 temporaries of 10 MB in a synchronous loop", () => {
    const result = inProcess(
      { CUDA_EMULATOR_MEMORY: String(1 << 30) },
      `for (let i = 0; i < 20_000; i++) cg.empty(10 << 18, { device: "cuda:0" });
      console.log(JSON.stringify({ peak: cg.memoryStats("cuda:0").peak }));`,
    );
    expect(result["peak"]).toBeLessThanOrEqual(1 << 30);
  });
});

it("a fault in a kernel loses the device and its tensors; the CPU goes on", () => {
  const result = inProcess(
    { CUDA_EMULATOR_FAULT_LAUNCH: "4" },
    `const x = cg.ones(10, { device: "cuda:0" });
    const before = x.add(1).sum().item();
    const y = x.mul(3); // the launch succeeds: the fault shows when somebody waits
    const errors = [() => y.at(0).item(), () => y.tolist(), () => y.cpu(), () => x.add(1), () => cg.zeros(1 << 20, { device: "cuda:0" }),
      () => cg.ones(3).to("cuda:0"), () => cg.synchronize("cuda:0"), () => new cg.Event({ device: "cuda:0" }).record()].map(caught);
    const message = (() => { try { y.tolist(); } catch (error) { return error.message; } })();
    y.dispose();
    cg.emptyCache("cuda:0");
    console.log(JSON.stringify({ before, errors: [...new Set(errors.map(String))], message, sum: cg.ones(5).sum().item() }));`,
  );
  expect(result).toMatchObject({ before: 20, errors: ["DeviceLostError"], sum: 5 });
  expect(result["message"]).toMatch(/cuda:0, which was lost.*restart of the kernel/s);
});

// The emulator does nothing before somebody waits: what the host changes meanwhile must not matter.
it("a slow card gets the bytes that were there when a call was made", () => {
  const result = inProcess(
    {},
    `const host = new Float32Array(5 << 20).map((_, i) => i % 1000);
    const moved = cg.fromTypedArray(host).to("cuda:0");
    host.fill(-1);
    const sums = [];
    for (let i = 0; i < 40; i++) sums.push(cg.tensor([i, i]).to("cuda:0"));
    const back = moved.cpu().toTypedArray();
    let wrong = 0;
    for (let i = 0; i < back.length; i++) wrong += back[i] === i % 1000 ? 0 : 1;
    console.log(JSON.stringify({ wrong, sum: cg.stack(sums).sum().item() }));`,
  );
  expect(result).toEqual({ wrong: 0, sum: 2 * 780 });
});

it("programs are compiled once and come from the disk in the next process", () => {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad-programs-"));
  const program = `console.log(JSON.stringify({ sum: cg.ones(9, { device: "cuda:0" }).mul(5).sum().item(), left: cg.fallbacks("cuda:0") }));`;
  const settings = { CELLGRAD_CACHE_DIR: folder };
  expect(inProcess(settings, program)).toEqual({ sum: 45, left: {} });
  expect(inProcess({ ...settings, CXX: "false" }, program)).toEqual({ sum: 45, left: {} });
  rmSync(folder, { recursive: true });
});

it("a kernel lives on when the card is lost", async () => {
  const { Client } = await import("../../kernel/client/client.js");
  Object.assign(process.env, environment, { CUDA_EMULATOR_FAULT_LAUNCH: "1" });
  const client = await Client.start({ folder: process.cwd() });
  delete process.env["CUDA_EMULATOR_FAULT_LAUNCH"];
  const { reply } = await client.execute('import * as cg from "cellgrad"; cg.ones(3, { device: "cuda:0" }).tolist()');
  expect(reply).toMatchObject({ status: "error", ename: "DeviceLostError" });
  const { messages } = await client.execute("cg.ones(3).sum().item()");
  expect(JSON.stringify(messages.map(({ content }) => content))).toContain('"text/plain":"3"');
  await client.stop();
});

describe("the emulator", () => {
  const selftest = (name: string): string => execFileSync(`${emulator}/selftest`, [emulator, name], { encoding: "utf8" }).trim();
  it("runs threads that wait for each other", () => expect(selftest("reverses")).toBe("0 0 0 0 63 0"));
  it("shows a missing barrier", () => expect(selftest("races")).not.toBe("0 0 0 0 63 0"));
  it("ends the context when a kernel writes past its memory, not before somebody waits", () =>
    expect(selftest("overruns")).toMatch(/^0 0 700 700 /));
  it("ends the context when a barrier is not reached by all", () => expect(selftest("diverges")).toMatch(/^0 0 719 719 /));
  it("refuses what does not compile", () => expect(selftest("misspelt")).toBe("6"));
});
