/** A device from a shared library, built out of tree against the one header. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as cg from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "cellgrad plugin "));
afterAll(() => rmSync(folder, { recursive: true }));

/** Compiles C to a shared library and returns its path. */
function compile(name: string, source: string): string {
  const library = `${folder}/${name}.so`;
  execFileSync("cc", ["-std=c11", "-Wall", "-Werror", "-shared", "-fPIC", "-I", "native/device", "-o", library, source]);
  return library;
}

let library: string;
beforeAll(() => {
  library = compile("null_device", "test/devices/null-device/null_device.c");
});

describe("a plug-in", () => {
  it("brings a device, on which the CPU computes what it cannot", () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    expect(cg.loadDevice(library)).toBe("null:0");
    expect(cg.devices().find(({ name }) => name === "null:0")).toMatchObject({
      available: true,
      description: "memory without a processor",
    });
    const x = cg.randn(4, 5, { device: "null:0" as cg.Device, requiresGrad: true });
    const y = x.matmul(x.t()).softmax(1);
    y.square().sum().backward();
    const z = x.detach().cpu().requiresGrad_();
    z.matmul(z.t()).softmax(1).square().sum().backward();
    expect(y.device).toBe("null:0");
    expect(x.grad!.tolist()).toEqual(z.grad!.tolist());
    expect(cg.fallbacks("null:0")["matmul"]).toBeGreaterThan(0);
    cg.setFallback(false);
    expect(() => x.detach().exp()).toThrow(/exp: expected a kernel for it on null:0/);
    cg.setFallback(true);
    vi.restoreAllMocks();
  });

  it("has the memory that it says", () => {
    const rows = Array.from({ length: 3 }, () => cg.empty(1 << 21, { device: "null:0" as cg.Device }));
    expect(cg.memoryStats("null:0")).toMatchObject({ total: 64 << 20 });
    expect(() => rows.concat(Array.from({ length: 8 }, () => cg.empty(1 << 21, { device: "null:0" as cg.Device })))).toThrow(
      cg.OutOfMemoryError,
    );
  });

  it("is refused with the reason when it is something else", () => {
    expect(() => cg.loadDevice(library)).toThrow(/there is a device null:0 already/);
    expect(() => cg.loadDevice(`${folder}/absent.so`)).toThrow(/cannot be opened/);
    writeFileSync(`${folder}/other.c`, "int other;\n");
    expect(() => cg.loadDevice(compile("other", `${folder}/other.c`))).toThrow(/no function cg_open_driver/);
    writeFileSync(`${folder}/later.c`, '#include "driver.h"\nconst cg_driver* cg_open_driver(uint32_t v) { (void)v; return 0; }\n');
    expect(() => cg.loadDevice(compile("later", `${folder}/later.c`))).toThrow(/does not serve version 2/);
    expect(() => cg.loadDevice(7 as never)).toThrow(cg.ValueError);
  });
});
