/** What a cell's error looks like (rows 7, 39, 41 of the acceptance list). */
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { kernel } from "./kernel.js";

const started = kernel();
const plain = (lines: readonly string[]) => stripVTControlCharacters(lines.join("\n"));

test("an error names its cell, line and column, draws the line, and leaves the kernel's frames out (row 7)", async () => {
  const { error, reply } = await started.client.execute("function f(n: number): number {\n  throw new TypeError('bad');\n}\nf(1)");
  expect(plain(error!.traceback)).toBe(`TypeError: bad
  Cell [1]:2:9 in f
    1 | function f(n: number): number {
  > 2 |   throw new TypeError('bad');
      |         ^
    3 | }
  Cell [1]:4:1`);
  expect(reply).toMatchObject({ status: "error", ename: "TypeError", evalue: "bad", traceback: error!.traceback });
});

test("columns and lines are the cell's when it holds what is rewritten", async () => {
  const { error } = await started.client.execute(
    "enum Level { Low, High }\nimport { sep } from 'node:path';\nconst l: Level = Level.High; throw new Error(sep + l)",
  );
  expect(plain(error!.traceback)).toContain("Cell [2]:3:36");
});

test("a function of an earlier cell is named after that cell", async () => {
  const { client } = started;
  await client.execute("function thrower() {\n  throw new RangeError('later');\n}");
  const { error } = await client.execute("thrower()");
  expect(plain(error!.traceback)).toMatch(/Cell \[3\]:2:9 in thrower\n[^]*Cell \[4\]:1:1$/);
});

test("an error that came through an await draws the line that waited", async () => {
  const { error } = await started.client.execute("let waited = 0\nawait fetch('http://127.0.0.1:1')");
  expect(plain(error!.traceback)).toMatch(/^TypeError: fetch failed\n {2}Cell \[\d+\]:2:1\n.*\n {2}> 2 \| await fetch.*\n {6}\| \^\n/);
});

test("what an error carries beside its message is shown, unless the message says it", async () => {
  const { client } = started;
  const carries = async (code: string) =>
    plain((await client.execute(code)).error!.traceback)
      .split("\n")
      .at(-1);
  expect(await carries("throw Object.assign(new Error('x'), { code: 'E_X', detail: { a: 1 } })")).toBe(
    "  { code: 'E_X', detail: { a: 1 } }",
  );
  expect(await carries("import { readFileSync } from 'node:fs'; readFileSync('/no/file')")).toMatch(/\^$/);
  expect(await carries("import { ones } from 'cellgrad'; ones(2).backward()")).toMatch(/\^$/);
});

test("causes and members of an aggregate follow", async () => {
  const { error } = await started.client.execute(
    "throw new Error('outer', { cause: new AggregateError([new TypeError('one'), 'two'], 'inner') })",
  );
  const text = plain(error!.traceback);
  expect(text).toContain("Caused by: AggregateError: inner");
  expect(text).toContain("[0]: TypeError: one");
  expect(text).toContain("[1]: 'two'");
});

test("of many members of an aggregate the first are shown", async () => {
  const { error } = await started.client.execute(
    "throw new AggregateError(Array.from({ length: 1000 }, (_, i) => new Error(`m${i}`)), 'all')",
  );
  const text = plain(error!.traceback);
  expect(text).toContain("[9]: Error: m9");
  expect(text).not.toContain("m10");
  expect(text).toMatch(/\n… and 990 more errors$/);
});

test("an error of a disposal shows the one that was already on its way", async () => {
  const { error } = await started.client.execute(
    "{ using r = { [Symbol.dispose]() { throw new RangeError('closing') } }; throw new TypeError('working') }",
  );
  const text = plain(error!.traceback);
  expect(text).toContain("Thrown by a disposal: RangeError: closing");
  expect(text).toContain("Suppressed: TypeError: working");
});

test("a frame of evaluated text has the text's line, and the call follows", async () => {
  const { error } = await started.client.execute("eval(\"throw new Error('inside')\")");
  expect(plain(error!.traceback)).toMatch(/\n {2}<anonymous>:1:7 in eval\n {2}Cell \[\d+\]:1:1\n/);
});

test("anything can be thrown", async () => {
  const { client } = started;
  for (const [thrown, evalue] of [
    ["5", "5"],
    ["null", "null"],
    ["undefined", "undefined"],
    ["{ a: 1 }", "{ a: 1 }"],
  ]) {
    const { error } = await client.execute(`throw ${thrown}`);
    expect([error!.ename, error!.evalue]).toEqual(["Uncaught", evalue]);
  }
  const { error } = await client.execute(
    "throw { get message() { throw 1 }, toString() { throw 2 }, [Symbol.for('nodejs.util.inspect.custom')]() { throw 3 } }",
  );
  expect(error!.ename).toBe("Uncaught");
});

test("an error whose own parts throw, or are none, is told by what is left", async () => {
  const { client } = started;
  const cells = {
    "class E extends Error { override get message(): string { throw 1 } override get cause() { throw 2 } override get name(): string { throw 3 } } throw new E()":
      "Error",
    "throw Object.assign(new AggregateError([], 'all'), { errors: null })": "AggregateError",
    "throw Object.defineProperty(new AggregateError([], 'all'), 'errors', { get() { throw 1 } })": "AggregateError",
    "throw Object.freeze(new RangeError('frozen'))": "RangeError",
  };
  for (const [code, ename] of Object.entries(cells)) expect((await client.execute(code)).error!.ename).toBe(ename);
});

test("frames are named after cells also where a package writes stacks its own way", async () => {
  const { client } = started;
  await client.execute("const written = Error.prepareStackTrace; Error.prepareStackTrace = undefined");
  const { error } = await client.execute("JSON.parse('{')");
  await client.execute("Error.prepareStackTrace = written");
  expect(plain(error!.traceback)).toMatch(/\n {2}Cell \[\d+\]:1:6\n {2}> 1 \| JSON\.parse/);
});

test("a syntax error points at its place, and nothing runs", async () => {
  const { client } = started;
  const { error } = await client.execute("globalThis.touched = 1;\nconst = 3");
  expect(error!.ename).toBe("SyntaxError");
  expect(plain(error!.traceback)).toMatch(/Cell \[\d+\]:2:7\n/);
  expect((await client.execute("'touched' in globalThis")).result).toBe("false");
});

test("a type error stops the cell, with its code, line and column, and nothing runs (row 41)", async () => {
  const { client } = started;
  const { error, reply } = await client.execute("globalThis.touched = 1;\nconst size: number = 'large'");
  expect(reply.status).toBe("error");
  expect(error!.ename).toMatch(/^TS\d+$/);
  expect((await client.execute("'touched' in globalThis")).result).toBe("false");
  const single = await client.execute("const x = [1, 2];\nx.lenght");
  expect(plain(single.error!.traceback)).toMatch(
    /^TS2551: Property 'lenght' does not exist on type 'number\[\]'. Did you mean 'length'\?\n {2}Cell \[\d+\]:2:3\n/,
  );
});

test("strict null errors are found, @ts-nocheck lets a cell run (row 41)", async () => {
  const { client } = started;
  const code = "const o: { a?: number } = {};\no.a.toFixed()";
  expect((await client.execute(code)).error!.ename).toBe("TS18048");
  expect((await client.execute(`// @ts-nocheck\n${code}`)).error!.ename).toBe("TypeError");
});

test("a cell that fails leaves earlier names intact and those it had assigned visible (row 39)", async () => {
  const { client } = started;
  await client.execute("let before = 1");
  await client.execute("before = 2; let assigned = 3; throw new Error('stop')");
  expect((await client.execute("[before, assigned]")).result).toBe("[ 2, 3 ]");
});

test("an error from deep inside the library shows where the cell called it, and no frame of a builtin that the library used", async () => {
  const { client } = started;
  const code = 'import * as cg from "cellgrad";\nconst z = cg.ones(3, { requiresGrad: true }).exp();\n';
  const changed = await client.execute(`${code}const y = z.exp(); y.mul_(2);\ny.sum().backward()`);
  expect(changed.error!.ename).toBe("AutogradError");
  expect(changed.error!.traceback[1]).toMatch(/^  Cell \[\d+\]:4:9$/);
  const parsed = await client.execute("[1].map(() => JSON.parse('{bad'))");
  expect(parsed.error!.traceback.join("\n")).not.toContain("anonymous");
  const leaf = await client.execute("cg.ones(3).backward()");
  expect(leaf.error!.traceback[1]).toMatch(/^  Cell \[\d+\]:1:12$/);
});

test("a type is named without the folder it comes from", async () => {
  const { error } = await started.client.execute('import * as lib from "cellgrad"; lib.nn.Nothing; lib.ones(1).nothing');
  expect(error!.traceback.join("\n")).toContain("does not exist on type 'typeof nn'");
  expect(error!.traceback.join("\n")).not.toMatch(/import\(|build/);
});

test("a stack overflow is an ordinary error", async () => {
  const { error } = await started.client.execute("function deep(): number { return deep() + 1 }\ndeep()");
  expect([error!.ename, error!.evalue]).toEqual(["RangeError", "Maximum call stack size exceeded"]);
});

test("shapes that do not fit are drawn, with the lines that made them and what works; the traceback says the same", async () => {
  const { client } = started;
  await client.execute('import * as cg from "cellgrad"\nconst images = cg.randn(4, 3, 8, 8)');
  const { error, messages } = await client.execute("\nimages.matmul(cg.randn(5))");
  const display = messages.find(({ header }) => header.msg_type === "display_data")!.content as { data: Record<string, string> };
  expect(Object.keys(display.data)).toEqual(["application/vnd.cellgrad.shape-error.v1+json", "image/png", "text/plain"]);
  const text = display.data["text/plain"]!;
  expect(text).toMatch(/input = images +\[4, 3, 8, >8<\] {2}from cell \d+, line 2: const images = cg\.randn\(4, 3, 8, 8\)\n/);
  expect(text).toMatch(/other = cg\.randn\(5\) +\[>5<\] {2}from cell \d+, line 2: images\.matmul\(cg\.randn\(5\)\)\n/);
  expect(text).toContain("works: cg.randn(5) of shape [8]  gives [4, 3, 8]");
  expect(plain(error!.traceback).endsWith(text)).toBe(true);
});

test("the first value of a run that is not finite: the one line of the cells that calls its op, or the line that anomaly mode noted", async () => {
  const { client } = started;
  await client.execute('import * as cg from "cellgrad"\nconst weight = cg.ones(2, { requiresGrad: true })');
  await client.execute("function entropy(p: cg.Tensor) {\n  return p.mul(p.log10()).sum().neg()\n}");
  const train =
    "const run = cg.track()\nfor (const x of [1, 0]) {\n  const loss = entropy(weight.mul(x))\n  loss.backward()\n  run.log({ loss })\n}";
  const textOf = async (code: string): Promise<string> => {
    const { messages } = await client.execute(code);
    const shown = messages.filter(({ header }) => header.msg_type === "update_display_data").at(-1)!.content as {
      data: Record<string, string>;
    };
    return shown.data["text/plain"]!;
  };
  const once = await textOf(train);
  expect(once).toMatch(/loss is NaN at step 1: made by log10\nthe cells call it once: cell \d+, line 2: return p\.mul\(p\.log10\(\)\)/);
  expect(once).toContain("its operand held 2 zeros (at [0], [1]) in float32 [2]");
  const told = await textOf(
    `cg.ones(1).log10()\ncg.autograd.detectAnomaly(() => {\n${train.replace("loss.backward()", "try { loss.backward() } catch {}")}\n})`,
  );
  expect(told).toMatch(/made by log10\ncell \d+, line 2: return p/);
});
