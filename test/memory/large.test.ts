/** Tensors of more than 2^31 elements and storages of more than 4 GB: in a process of their own, one at a time on a machine. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const library = `file://${fileURLToPath(new URL("../../build/js/src/index.js", import.meta.url))}`;

/** What the machine can give without swapping, in bytes. */
const available = Number(/MemAvailable:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
const needed = 5e9;
const reason = available < needed ? `: needs ${needed / 1e9} GB of free memory, the machine has ${(available / 1e9).toFixed(1)}` : "";

/** Runs a program that prints a JSON object of results by name. */
function run(body: string): Record<string, unknown> {
  const program = `import * as cg from ${JSON.stringify(library)};
    const results = {}; ${body}; console.log(JSON.stringify(results));`;
  const lock = join(tmpdir(), "cellgrad-large-tests.lock");
  const { status, stdout, stderr } = spawnSync("flock", [lock, process.execPath, "--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe.skipIf(reason !== "")(`a tensor of 2^31 + 12 345 elements${reason}`, () => {
  it("is filled, read, reduced, searched, indexed and written to beyond 2^31", () => {
    const results = run(`
      const n = 2 ** 31 + 12_345, far = 2 ** 31 + 1, u8 = { dtype: "uint8" };
      const positions = cg.tensor([BigInt(far), 0n, BigInt(n - 1)]);
      const x = cg.zeros(n, u8);
      x.narrow(0, n - 5, 5).fill_(3);
      x.setAt([far], 7);
      results.item = [x.at(n - 1).item(), x.at(-6).item(), x.at(far).item(), x.at(2 ** 31).item()];
      results.sum = x.sum().item();
      results.argmax = x.argmax().item();
      results.amax = x.amax().item();
      results.countNonzero = x.countNonzero().item();
      results.gather = x.gather(0, positions).tolist();
      results.indexSelect = x.indexSelect(0, positions).tolist();
      results.take = x.take(positions).tolist();
      results.at = x.at([far, n - 1]).tolist();
      results.nonzero = x.nonzero().flatten().tolist();
      x.scatter_(0, cg.tensor([BigInt(far + 1)]), cg.tensor([9], u8));
      x.add_(1);
      results.changed = [x.at(0).item(), x.at(far + 1).item(), x.at(n - 1).item()];
      results.cumsum = x.narrow(0, far - 3, 6).cumsum(0).tolist();
      results.typed = [...x.narrow(0, far, 3).toTypedArray()];
      results.rows = x.narrow(0, 0, 2 ** 31).view(2, 2 ** 30).sum(1).tolist();
      results.every = x.at(cg.slice(null, null, 2)).sum().item();
    `);
    const n = 2 ** 31 + 12_345;
    const far = 2 ** 31 + 1;
    expect(results).toEqual({
      item: [3, 0, 7, 0],
      sum: 22,
      argmax: far,
      amax: 7,
      countNonzero: 6,
      gather: [7, 0, 3],
      indexSelect: [7, 0, 3],
      take: [7, 0, 3],
      at: [7, 3],
      nonzero: [far, n - 5, n - 4, n - 3, n - 2, n - 1],
      changed: [1, 10, 4],
      cumsum: [1, 2, 3, 11, 21, 22],
      typed: [8, 10, 1],
      rows: [2 ** 30, 2 ** 30],
      every: (n + 1) / 2 + 9 + 3 * 3, // the 10 at far + 1 and three of the last five are at even places
    });
  });
});

it("a tensor of more than 4 GB is mapped from a file and written to, at both ends", () => {
  const results = run(`
    import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
    const n = 2 ** 30 + 77, folder = mkdtempSync("${tmpdir()}/cellgrad-large-"), path = folder + "/x.safetensors";
    try {
      // A file of holes: it takes a block on the disk.
      const header = Buffer.from(JSON.stringify({ x: { dtype: "F32", shape: [n], data_offsets: [0, 4 * n] } }).padEnd(88));
      const file = openSync(path, "w");
      writeSync(file, Buffer.concat([Buffer.from([88, 0, 0, 0, 0, 0, 0, 0]), header]));
      ftruncateSync(file, 96 + 4 * n);
      writeSync(file, new Uint8Array(Float32Array.of(1.5, 2.5).buffer), 0, 8, 96 + 4 * (n - 2));
      closeSync(file);
      const x = cg.safeOpen(path).getTensor("x");
      results.ends = x.narrow(0, n - 3, 3).tolist();
      x.setAt([0], 4);
      x.narrow(0, n - 1, 1).mul_(2);
      results.changed = [x.at(0).item(), x.at(-1).item(), cg.load(path, { mmap: true }).x.at(-1).item()];
    } finally { rmSync(folder, { recursive: true }); }
  `);
  expect(results).toEqual({ ends: [0, 1.5, 2.5], changed: [4, 5, 2.5] });
});
