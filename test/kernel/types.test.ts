/** The type checker over a session (rows 36 and 40 to 44 of the acceptance list): what stops a cell, what is only said, what is noticed later. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { kernel } from "./kernel.js";

const folder = mkdtempSync(join(tmpdir(), "cellgrad types é-"));
const write = (path: string, text: string) => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
};
write("base.ts", "export const base: number = 1\n");
write("model.ts", 'import { base } from "./base"\nexport const width = base * 2\n');
write("node_modules/untyped/package.json", '{ "name": "untyped", "version": "1.0.0", "main": "index.js" }');
write("node_modules/untyped/index.js", "exports.one = 1\n");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const started = kernel({ folder });
const run = (code: string, cellId?: string) => started.client.execute(code, cellId === undefined ? {} : { cellId });

test("a type error has its number, line and column in the cell, and nothing of the cell runs (row 41)", async () => {
  const { error, stdout, reply } = await run('console.log("ran")\nconst n: number = "text"');
  expect(stdout).toBe("");
  expect(error).toMatchObject({ ename: "TS2322", evalue: "Type 'string' is not assignable to type 'number'." });
  const count = Number(reply.execution_count);
  expect(stripVTControlCharacters(error!.traceback.join("\n"))).toContain(`Cell [${count}]:2:7\n    1 | console.log("ran")\n  > 2 |`);
});

test("a function may name what a later cell defines, and is checked against it then (row 36)", async () => {
  const first = await run("function ask(n: number) { return answer(n).toFixed() }", "ask");
  expect(first.error).toBeNull();
  expect(first.stderr).toContain("'answer' is not defined yet");
  const second = await run("function answer(text: string) { return text.length }", "answer");
  expect(second.stderr).toContain("no longer fits: 1:41 TS2345");
  expect((await run("function answer(n: number) { return n + 0.4 }", "answer")).stderr).toBe("");
  expect((await run("ask(41)")).result).toBe("'41'");
  expect((await run("[1].map(() => nowhere)")).error!.ename).toBe("TS2304");
});

test("a rerun that breaks an earlier cell says which; a later cell that takes a name for something else does not (row 42)", async () => {
  await run("const rate = 0.1", "rate");
  await run("rate.toFixed(2)", "use");
  expect((await run("const rate = '0.1'", "rate")).stderr).toMatch(
    /^Cell \[\d+\] no longer fits: 1:6 TS2551: Property 'toFixed' does not exist/,
  );
  expect((await run("const rate = 0.2", "rate")).stderr).toBe("");
  expect((await run("const rate = true", "another")).stderr).toBe("");
});

test("a name of a refused cell leads to that cell, once however often it is used", async () => {
  const { reply } = await run("const wide = 'no'.nothing", "broken");
  const { error } = await run("wide + wide\nwide * 2", "use");
  expect(error!.evalue).toBe(
    `Cannot find name 'wide': cell [${String(reply.execution_count)}] declares it, and did not run for its own errors.`,
  );
  expect(error!.traceback.join("\n").match(/Cannot find name/g)).toHaveLength(1);
  await run("const wide = 2", "broken");
  expect((await run("wide + wide", "use")).result).toBe("4");
});

test("the types of an edited module are there with its values, also through another module (row 40)", async () => {
  expect((await run('import { width } from "./model"\nwidth.toFixed()')).result).toBe("'2'");
  write("base.ts", "export const base: number = 2\n");
  write("model.ts", 'import { base } from "./base"\nexport const width = `${base} wide`\n');
  await expect
    .poll(async () => (await run('import { width } from "./model"\nwidth.toUpperCase()')).result, { timeout: 20_000 })
    .toBe("'2 WIDE'");
});

test("a package without types is told of once (row 41)", async () => {
  expect((await run('import untyped from "untyped"; untyped.one')).stderr).toMatch(
    /TS7016: Could not find a declaration file for module 'untyped'/,
  );
  expect(await run('import untyped from "untyped"; untyped.one')).toMatchObject({ stderr: "", result: "1" });
});

describe("tsconfig.json (row 43)", () => {
  test("appears, is edited and goes, and the next cells are what it says", async () => {
    const becomes = async (code: string, ename: string | null) =>
      expect.poll(async () => (await run(code)).error?.ename ?? null, { timeout: 20_000 }).toBe(ename);
    await becomes("function loose(x) { return x }", "TS7006");
    write("shared.json", '{ "compilerOptions": { "strict": false, "jsx": "react", "jsxFactory": "h" } }');
    write("tsconfig.json", '{ "extends": "./shared.json" }');
    await becomes("function loose(x) { return x }", null);
    const jsx =
      "declare global { namespace JSX { interface IntrinsicElements { b: { id: string } } } }\nconst h = (...all: any[]) => all.slice(0, 3)";
    expect((await run(`${jsx}; <b id="x">{1}</b>`)).result).toBe("[ 'b', { id: 'x' }, 1 ]");
    write("shared.json", '{ "compilerOptions": { "strict": true } }');
    await becomes("function loose(x) { return x }", "TS7006");
    write("tsconfig.json", '{ "cellgrad": { "typeErrors": "warn" } }');
    await becomes("const loose: string = 1", null);
    expect((await run("const loose: string = 1; loose")).stderr).toContain("TS2322");
    rmSync(join(folder, "tsconfig.json"));
    await becomes("const loose: string = 1", "TS2322");
  });
});
