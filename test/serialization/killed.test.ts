/** Saves survive a kill: whatever the moment, the file is the old one or the new one, whole, and nothing piles up beside it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as cg from "../../src/index.js";

const library = `file://${fileURLToPath(new URL("../../build/js/src/index.js", import.meta.url))}`;

// Every file holds one number, in two tensors whose sizes it gives.
const program = `import * as cg from ${JSON.stringify(library)};
  const [path, start] = process.argv.slice(1);
  for (let n = Number(start); ; n++) {
    const size = 100_000 + (n % 7) * 100_000;
    cg.save({ a: cg.full([size], n, { dtype: "int32" }), b: cg.full([size / 10], n, { dtype: "int64" }) }, path);
    process.stdout.write(n + "\\n");
  }`;

it.each(["safetensors", "npz"])("%s", async (suffix) => {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad-killed-"));
  const path = join(folder, `a.${suffix}`);
  try {
    let saved = 0;
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "--eval", program, path, String(saved + 1)], { stdio: ["ignore", "pipe", "inherit"] }); // prettier-ignore
      child.stdout.on("data", (text: Buffer) => {
        saved = Number(text.toString().trim().split("\n").at(-1));
        // Somewhere in one of the next saves.
        if (saved % 5 === 0) setTimeout(() => child.kill("SIGKILL"), (round * 7) % 11);
      });
      const [, signal] = (await once(child, "close")) as [number | null, string | null];
      expect(signal).toBe("SIGKILL");
      const { a, b } = cg.load(path) as { a: cg.Tensor; b: cg.Tensor };
      const n = a.at(0).item() as number;
      expect(n).toBeGreaterThanOrEqual(saved);
      expect([a.numel(), a.eq(n).all().item(), b.numel(), b.eq(n).all().item()]).toEqual([100_000 + (n % 7) * 100_000, true, 10_000 + (n % 7) * 10_000, true]); // prettier-ignore
      expect(readdirSync(folder).length).toBeLessThanOrEqual(2); // the next save removes what this one left
      saved = n;
    }
    cg.save({ a: cg.ones(1) }, path);
    expect(readdirSync(folder)).toEqual([`a.${suffix}`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
