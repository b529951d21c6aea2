/** `cellgrad run`: notebooks from the command line, with parameters. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inClone } from "../../scripts/environment.mjs";

const parameters = `const lr = 0.001
let name = "x"
const layers = [1, 2]
let mode: "a" | "b" = "a"`;

interface Cell {
  readonly metadata: { readonly tags?: readonly string[] };
  readonly source: string | readonly string[];
  readonly outputs: readonly Record<string, unknown>[];
}

let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "cellgrad run é "))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a notebook of code cells, the first of them tagged `parameters`. */
function write(...sources: readonly string[]): string {
  const cells = sources.map((source, index) => ({
    cell_type: "code",
    id: `cell-${index}`,
    metadata: index === 0 ? { tags: ["parameters"] } : {},
    source,
    outputs: [{ output_type: "stream", name: "stdout", text: "of an earlier run" }],
    execution_count: 9,
  }));
  const path = join(folder, "in.ipynb");
  const kernelspec = { name: "cellgrad", display_name: "TypeScript (cellgrad)", language: "typescript" };
  writeFileSync(path, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells }));
  return path;
}

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [inClone("build/js/kernel/cli.js"), "run", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (log += text.toString()));
  const ended = new Promise<{ readonly code: number | null; readonly log: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, log })),
  );
  return { child, ended };
}

const run = (...args: readonly string[]) => start(...args).ended;
const output = () => join(folder, "out.ipynb");
const saved = () => (JSON.parse(readFileSync(output(), "utf8")) as { readonly cells: readonly Cell[] }).cells;

test("parameters go into a cell after the tagged one, read by the types it declares", async () => {
  const path = write(
    parameters,
    "console.log(lr * 2, name, layers, mode)",
    "await display(1, { displayId: 'd' })",
    "await display.update('d', 2)",
  );
  const { code, log } = await run(path, "-p", "lr=0.01", "-p", "name=5", "-p", "layers=[7]", "-p", "mode=b", "-o", output());
  expect(log).toMatch(/^cell 1 of 4 {2}[\d.]+ s\ncell 2 of 5 [^]*cell 5 of 5 {2}[\d.]+ s\n$/);
  expect(code).toBe(0);
  const cells = saved();
  expect(cells[1]).toMatchObject({
    metadata: { tags: ["injected-parameters"] },
    source: ["// Parameters\n", "const lr: number = 0.01\n", 'name = "5"\n', "const layers: number[] = [7]\n", 'mode = "b"'],
    outputs: [],
  });
  expect(cells[2]!.outputs).toEqual([{ output_type: "stream", name: "stdout", text: ["0.02 5 [ 7 ] b\n"] }]);
  expect(cells[3]!.outputs).toMatchObject([{ data: { "text/plain": ["2"] } }]);
  expect((await run(output(), "-p", "lr=1", "-o", output())).code).toBe(0);
  expect(saved().filter(({ metadata }) => metadata.tags?.includes("injected-parameters"))).toHaveLength(1);
});

test.each([
  ["lr=abc", "TS2322: Type 'string' is not assignable to type 'number'."],
  ["mode=c", `TS2322: Type '"c"' is not assignable to type '"a" | "b"'.`],
  ["rate=1", "-p rate: the notebook's parameters are lr, name, layers, mode"],
  ["lr", "-p lr: expected name=value"],
])("-p %s is refused: %s", async (parameter, message) => {
  const { code, log } = await run(write(parameters), "-p", parameter);
  expect(log).toContain(message);
  expect(code).toBe(1);
});

test("the first error ends the run, is told, and what was done is saved", async () => {
  const { code, log } = await run(write("console.log(1)", 'throw new Error("no")', "console.log(3)"), "-o", output());
  expect(log).toMatch(/cell 2 failed:\nError: no\n {2}Cell \[2\]:1:7\n/);
  expect(code).toBe(1);
  expect(saved().map(({ outputs }) => outputs.map(({ output_type: type }) => type))).toEqual([["stream"], ["error"], []]);
  expect(readdirSync(folder).sort()).toEqual(["in.ipynb", "out.ipynb"]);
});

test("Ctrl-C stops the cell that runs and saves the notebook", async () => {
  const { child, ended } = start(write('import { writeFileSync } from "node:fs"; writeFileSync("going", ""); for (;;);'), "-o", output());
  await expect.poll(() => readdirSync(folder), { timeout: 30_000 }).toContain("going");
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(saved()[0]!.outputs).toMatchObject([{ ename: "KeyboardInterrupt" }]);
});
