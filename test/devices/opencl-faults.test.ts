/** OpenCL where things go wrong: a fault in a kernel, and an interrupt while the device works. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openCl } from "./opencl.js";

const module = (path: string): string => JSON.stringify(new URL(`../../build/js/src/${path}`, import.meta.url).href);

/** Runs a program with the built library in a process of its own; it prints one JSON value. */
function inProcess(settings: Record<string, string>, body: string): Record<string, unknown> {
  const program = `import * as cg from ${module("index.js")};
    import { words } from ${module("runtime/addon.js")};
    const device = "opencl:0";
    ${body}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    env: { ...process.env, ...settings },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const folder = mkdtempSync(join(tmpdir(), "cellgrad-faults-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The environment in which the n-th kernel faults. */
function faultAt(n: number): Record<string, string> {
  const flags = ["-std=gnu11", "-O1", "-Wall", "-Werror", "-shared", "-fPIC"];
  execFileSync("cc", [...flags, "-o", `${folder}/libOpenCL.so.1`, resolve("test/devices/faulty-opencl/faulty_opencl.c"), "-ldl"]);
  const own = /\S*libOpenCL\.so\S*$/m.exec(readFileSync("/proc/self/maps", "utf8"))![0];
  return { REAL_OPENCL: own, FAULT_LAUNCH: String(n), LD_LIBRARY_PATH: folder };
}

describe.skipIf(openCl === null)("on OpenCL", () => {
  it("a fault in a kernel loses the device and its tensors; the CPU goes on", () => {
    const result = inProcess(
      faultAt(4),
      `const caught = (body) => { try { return String(body()); } catch (error) { return error.constructor.name; } };
      const x = cg.ones(10, { device });
      const before = x.add(1).sum().item();
      const y = x.mul(3).mul(2); // the launch succeeds: the fault shows when somebody waits
      const errors = [() => y.tolist(), () => y.cpu(), () => x.add(1), () => cg.zeros(1 << 20, { device }), () => cg.ones(3).to(device),
        () => cg.synchronize(device), () => new cg.Event({ device }).record(), () => new cg.Stream(device)].map(caught);
      y.dispose();
      cg.emptyCache(device);
      console.log(JSON.stringify({ before, errors, sum: cg.ones(5).sum().item() }));`,
    );
    expect(result).toEqual({ before: 20, errors: Array.from({ length: 8 }, () => "DeviceLostError"), sum: 5 });
  });

  // The cancel word is what an interrupt sets; the product takes a second on any processor.
  it("an interrupt ends a wait for a long kernel, and the result is there later", () => {
    const result = inProcess(
      {},
      `const x = cg.ones(1280, 1280, { device });
      x.sum().item();
      const y = x.matmul(x);
      const done = new cg.Event({ device }).record();
      Atomics.store(words, 1, 1);
      const waits = [() => y.cpu(), () => cg.synchronize(device), () => done.synchronize(), () => cg.currentStream(device).synchronize()];
      const errors = waits.map((wait) => { try { wait(); return "waited"; } catch (error) { return error.constructor.name; } });
      Atomics.store(words, 1, 0);
      const copied = cg.ones(4).to(device); // is not held up by the product
      const early = done.query();
      console.log(JSON.stringify({ errors, early, corner: y.at(3, 4).item(), copied: copied.sum().item() }));`,
    );
    expect(result).toEqual({ errors: Array.from({ length: 4 }, () => "InterruptedError"), early: false, corner: 1280, copied: 4 });
  });
});
