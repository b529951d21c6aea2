/** The script that checks a real card (test/gpu) runs to its end on the emulated one, with small sizes. */
import { execFileSync, spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { emulator } from "./cuda.js";

it("packs its kit and passes every check on the emulated card", () => {
  const kit = execFileSync(process.execPath, ["test/gpu/pack.mjs"], { encoding: "utf8" }).trim();
  const settings = { CELLGRAD_CUDA_PATH: emulator, GPU_CHECK_DRY: "1", CUDA_EMULATOR_MEMORY: String(256 << 20) };
  const { stdout, stderr, status } = spawnSync("bash", [`${kit}/run.sh`], { encoding: "utf8", env: { ...process.env, ...settings } });
  for (const check of ["parity", "memory", "fault", "mnist", "times"]) expect(stdout, stderr).toMatch(new RegExp(`^${check} +ok: `, "m"));
  expect(stdout).toMatch(/^\| matmul f32 4096\^3 \| [\d.]+ \|/m);
  expect(stdout).toMatch(/^passed$/m);
  expect(status).toBe(0);
});

it("says why it cannot, where there is no card", () => {
  const kit = execFileSync(process.execPath, ["test/gpu/pack.mjs"], { encoding: "utf8" }).trim();
  const { stdout, status } = spawnSync("bash", [`${kit}/run.sh`], { encoding: "utf8", env: { ...process.env, CELLGRAD_CUDA_PATH: "" } });
  expect(stdout).toMatch(/cuda: libcuda.so.1, NVIDIA's driver, was not found/);
  expect(status).toBe(1);
});
