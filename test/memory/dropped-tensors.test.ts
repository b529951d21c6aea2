/** Memory frees itself: a synchronous loop that drops 20 GB stays small, and live bytes come back to where they were. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { fileURLToPath } from "node:url";

const library = fileURLToPath(new URL("../../build/js/src/index.js", import.meta.url));

/** Runs a program with the built library in a process of its own; it prints one JSON value. */
function run(body: string): Record<string, number> {
  const program = `import * as cg from ${JSON.stringify(`file://${library}`)};\n${body}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    maxBuffer: 2 ** 24,
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, number>;
}

it("a synchronous loop that drops 20 GB of tensors peaks under 0.6 GB", () => {
  const { peak } = run(`
    for (let i = 0; i < 20_000; i++) cg.ones(262_144);
    console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS * 1024 }));`);
  expect(peak).toBeLessThan(0.6e9);
});

it("a training loop without a pause does not grow", () => {
  const { early, late } = run(`
    const w = cg.randn(256, 256, { requiresGrad: true });
    const steps = (n) => { for (let i = 0; i < n; i++) { w.matmul(w).tanh().sum().backward(); w.grad = null; } return cg.memoryStats().peak; };
    const early = steps(200);
    console.log(JSON.stringify({ early, late: steps(2000) }));`);
  expect(late).toBeLessThanOrEqual(early * 1.5);
});

it("every op gives back what it took", () => {
  const { before, after } = run(`
    const x = cg.randn(64, 64);
    const round = () => { x.matmul(x).relu().softmax(1).sort(0).values.sum([0, 1]).item(); x.at([1, 2]); };
    round();
    cg.emptyCache();
    const before = cg.memoryStats().allocated;
    for (let i = 0; i < 1000; i++) round();
    cg.emptyCache();
    console.log(JSON.stringify({ before, after: cg.memoryStats().allocated }));`);
  expect(after).toBe(before);
});

it("an allocation past the cap is an error with sizes, and the runtime goes on", () => {
  const { errors, requested, sum } = run(`
    cg.setMemoryCap(64 * 2 ** 20);
    let errors = 0, requested = 0;
    for (let i = 0; i < 100; i++) {
      try { cg.zeros(2 ** 26); } catch (error) { errors += error instanceof cg.OutOfMemoryError ? 1 : 0; requested = error.requested; }
    }
    console.log(JSON.stringify({ errors, requested, sum: cg.ones(10).sum().item() }));`);
  expect({ errors, requested, sum }).toEqual({ errors: 100, requested: 2 ** 28, sum: 10 });
});

it("scope frees what it made and keeps what it returns", () => {
  const { made, value } = run(`
    const x = cg.ones(1000, 1000);
    const before = cg.memoryStats().tensors;
    const norm = cg.scope(() => x.square().sum().sqrt());
    console.log(JSON.stringify({ made: cg.memoryStats().tensors - before, value: norm.item() }));`);
  expect({ made, value }).toEqual({ made: 1, value: 1000 });
});
