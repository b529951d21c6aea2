/** Jupyter's own command-line front ends, headless: console, run, execute. nbconvert is in `tutorials.test.ts`. */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environment, inClone } from "../../scripts/environment.mjs";

const jupyter = inClone(".venv", "bin", "jupyter");
let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "cellgrad ways é "))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = promisify(execFile);
const env = () => ({ ...environment(), TMPDIR: folder, XDG_DATA_HOME: folder });

/** Writes a file; returns its path. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("jupyter run executes a file, and fails with its error", async () => {
  const good = file(
    "good.ts",
    'import * as cg from "cellgrad"\nconst sides: number = 3\nconsole.log("sum", cg.ones(2, sides).sum().item())\n',
  );
  expect((await run(jupyter, ["run", "--kernel", "cellgrad", good], { env: env() })).stdout).toContain("sum 6\n");
  const bad = file("bad.ts", 'throw new RangeError("too far")');
  await expect(run(jupyter, ["run", "--kernel", "cellgrad", bad], { env: env() })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/RangeError.*: too far\n {2}Cell \[1\]:1:7\n/),
  });
});

test("jupyter execute fills a notebook in", async () => {
  const cell = { cell_type: "code", id: "a", metadata: {}, source: "6 * 7", outputs: [], execution_count: null };
  const kernelspec = { name: "cellgrad", display_name: "TypeScript (cellgrad)", language: "typescript" };
  const path = file("n.ipynb", JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: [cell] }));
  await run(jupyter, ["execute", "--inplace", path], { env: env() });
  const [done] = (JSON.parse(readFileSync(path, "utf8")) as { cells: [{ outputs: object[] }] }).cells;
  expect(done.outputs).toMatchObject([{ output_type: "execute_result", data: { "text/plain": ["42"] } }]);
});

test("a runner keeps every line that a notebook prints, each under its cell (row 3)", async () => {
  const sources = ["a", "b", "c"].map((name) => `for (let i = 0; i < 1000; i++) console.log("${name}", i)`);
  const cells = sources.map((source, i) => ({ cell_type: "code", id: `c${i}`, metadata: {}, source, outputs: [], execution_count: null }));
  const kernelspec = { name: "cellgrad", display_name: "TypeScript (cellgrad)", language: "typescript" };
  const path = file("lines.ipynb", JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells }));
  await run(jupyter, ["execute", "--inplace", path], { env: env() });
  const done = (JSON.parse(readFileSync(path, "utf8")) as { cells: { outputs: { text: string[] }[] }[] }).cells;
  const lines = (name: string) => Array.from({ length: 1000 }, (_, i) => `${name} ${i}\n`).join("");
  expect(done.map(({ outputs }) => outputs.flatMap(({ text }) => text).join(""))).toEqual(["a", "b", "c"].map(lines));
});

test("jupyter console takes lines, shows results and errors, and ends with its input", async () => {
  const child = spawn(jupyter, ["console", "--kernel", "cellgrad", "--simple-prompt"], { env: env(), stdio: ["pipe", "pipe", "pipe"] });
  let shown = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (shown += text.toString()));
  child.stdin.end('const y: number = 4\ny * 2\nconsole.log("printed", y)\nlet z: string = y\n');
  await new Promise((resolve) => child.on("close", resolve));
  expect(shown).toMatch(/cellgrad \S+: TypeScript with tensors[^]*Out\[2\]: 8\n[^]*printed 4\n/);
  expect(shown).toMatch(/TS2322.*: Type 'number' is not assignable to type 'string'\.\n {2}Cell \[4\]:1:5\n/);
});
