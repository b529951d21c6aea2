/** What a bare machine is told, and how steps decide whether to run. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { inClone, root } from "../../scripts/environment.mjs";
import { runSteps } from "../../scripts/steps.mjs";
import { finished, homeless } from "./clone.js";

test("a machine without compiler and Python is told all that is missing, and the one command, at once", async () => {
  const bin = mkdtempSync(join(tmpdir(), "bare "));
  symlinkSync(process.execPath, join(bin, "node"));
  const { code, output, seconds } = await finished(process.execPath, [inClone("scripts/start.mjs")], root, homeless({ PATH: bin }));
  rmSync(bin, { recursive: true });
  expect(code).toBe(1);
  expect(output).toContain("This machine lacks Python 3.11 or later with venv and ensurepip, and a C++20 compiler.");
  expect(output).toContain("sudo apt-get install -y --no-install-recommends python3 python3-venv g++");
  expect(seconds).toBeLessThan(5); // under 1 s alone; Node itself may have to wait for a core
});

test("an unknown option is refused with the usage", async () => {
  const { code, output } = await finished(process.execPath, [inClone("scripts/start.mjs"), "--prot", "1"], root, homeless());
  expect(code).toBe(2);
  expect(output).toContain("Usage: npm start [-- --no-browser --port N]");
});

test("a step runs once, again when its input changes, and takes the steps that need it along", async () => {
  const { step, change, remove } = twoSteps();
  const silent = vi.spyOn(console, "log").mockImplementation(() => {});
  expect(await runSteps(step())).toBe(2);
  expect(await runSteps(step())).toBe(0);
  change();
  expect(await runSteps(step())).toBe(2);
  silent.mockRestore();
  remove();
});

test("a step that failed is not up to date, and says why", async () => {
  const { step, remove } = twoSteps();
  const said: string[] = [];
  const spy = vi.spyOn(console, "log").mockImplementation((text: unknown) => void said.push(String(text)));
  const broken = step().map((each) => ({ ...each, run: () => Promise.reject(new Error("no compiler")) }));
  await expect(runSteps(broken)).rejects.toThrow("no compiler");
  expect(await runSteps(step())).toBe(2);
  spy.mockRestore();
  expect(said[0]).toMatch(/✗ .*first failed: no compiler/);
  remove();
});

/** Two steps in a scratch folder of build/, the second needing the first. */
function twoSteps() {
  const name = `step-test-${Math.random().toString(36).slice(2)}`;
  const folder = join("build", name);
  const write = (file: string, text: string): void => writeFileSync(inClone(folder, file), text);
  mkdirSync(inClone(folder), { recursive: true });
  write("source", "1");
  const make = (which: string, needs: string[]) => ({
    name: `${name} ${which}`,
    needs: needs.map((need) => `${name} ${need}`),
    inputs: which === "first" ? [join(folder, "source")] : [],
    outputs: [join(folder, which)],
    run: async () => write(which, "done"),
  });
  const remove = (): void => {
    rmSync(inClone(folder), { recursive: true });
    for (const which of ["first", "second"]) rmSync(inClone("build/stamps", `${name}-${which}`), { force: true });
  };
  return { step: () => [make("first", []), make("second", ["first"])], change: () => write("source", "2"), remove };
}
