/** The language service over cells, with the real TypeScript server. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startLanguage } from "../../kernel/language/language.js";
import type { Language } from "../../kernel/language/service.js";
import type { Cell } from "../../kernel/language/types.js";

// A server starts in 0.2 s on an idle machine, in seconds on a busy one.
vi.setConfig({ testTimeout: 60_000 });

const hang = { timeout: 30_000, interval: 20 };

const root = mkdtempSync(join(tmpdir(), "cellgrad language é "));
const library = join(root, "library.d.ts");
const open: Language[] = [];

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(root, "notebook "));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

let bare: { readonly language: Language; readonly folder: string } | null = null;

/** Starts the language in a folder with these files. */
async function start(files: Record<string, string>) {
  const folder = folderWith(files);
  const language = startLanguage({ folder, library, checkDeadline: 20_000, askDeadline: 20_000 });
  open.push(language);
  await language.ready;
  return { language, folder };
}

/** A session whose cells are checked and committed one after another. Sessions without files share a server. */
async function openSession(files?: Record<string, string>) {
  const { language, folder } = files ? await start(files) : (bare ??= await start({}));
  language.reset();
  let count = 0;
  /** Checks a cell, commits it, and returns its diagnostics as text. */
  async function cell(code: string, id = `cell ${count + 1}`): Promise<string[]> {
    const each: Cell = { id, count: ++count, code };
    const result = await language.check(each);
    if (result.status !== "checked") throw new Error(result.status);
    language.commit(each);
    return result.diagnostics.map(({ code: number, line, column, message }) => `TS${number} ${line}:${column} ${message}`);
  }
  return { language, cell, folder };
}

beforeAll(() => {
  writeFileSync(
    library,
    "/** A tensor. */\nexport declare class Tensor { readonly shape: number[]; matmul(other: Tensor): Tensor }\nexport declare function zeros(...shape: number[]): Tensor;\n",
  );
});

afterAll(async () => {
  await Promise.all(open.map((language) => language.dispose()));
  rmSync(root, { recursive: true });
});

describe("check", () => {
  it("finds a type error with its number, line and column in the cell (row 41)", async () => {
    const { cell } = await openSession();
    expect(await cell('import * as cg from "cellgrad"\nconst x = cg.zeros(2, 3)')).toEqual([]);
    expect(await cell("// a comment\n  x.matmull(x)")).toEqual([
      "TS2551 2:5 Property 'matmull' does not exist on type 'Tensor'. Did you mean 'matmul'?",
    ]);
    expect(await cell("{ a: x.shapes }")).toEqual(["TS2551 1:8 Property 'shapes' does not exist on type 'Tensor'. Did you mean 'shape'?"]);
    expect(await cell("/* 😀 */ nowhere")).toEqual(["TS2304 1:10 Cannot find name 'nowhere'."]);
  });

  it("is strict, and knows Node and top-level await", async () => {
    const { cell } = await openSession();
    expect(await cell("const found = [1].find((x) => x > 1); found.toFixed()")).toEqual(["TS18048 1:39 'found' is possibly 'undefined'."]);
    expect(
      await cell(
        'import { readFile } from "node:fs/promises"\nconst text: string = await readFile("x", "utf8")\nprocess.pid; [1].toSorted(); import.meta.dirname',
      ),
    ).toEqual([]);
    expect(
      await cell(
        "for await (const i of (async function* () { yield 1 })()) i; using r = null; await using s = null; display(1); clearOutput()",
      ),
    ).toEqual([]);
    expect(await cell("document")).toHaveLength(1);
  });

  it("carries every kind of name to later cells", async () => {
    const { cell } = await openSession();
    await cell(`import type { Stats } from "node:fs"; import path, { sep as separator } from "node:path"
let count = 0; const k = Symbol("k"); var v = "v"; export const exported = 1
function identity<T>(x: T): T { return x }
class Box<T> { #secret = 1; constructor(readonly value: T) {} map<U>(f: (x: T) => U) { return new Box(f(this.value)) } }
enum Colour { Red } namespace N { export const deep = { a: 1 } }
interface Point { x: number } type Pair<A> = [A, A]; const [first, { second }] = [1, { second: "s" }] as const`);
    expect(
      await cell(`count = 5; v = "w"; const p: Point = { x: 1 }; const pair: Pair<number> = [1, 2]; let s: Stats | null = null
const checks: [number, "s", 1, { a: number }, string, string, Colour.Red] = [identity(1), second, exported, N.deep, path.join("a"), separator, Colour.Red]
new Box(1).map((x) => x.toFixed()).value.length; const o = { [k]: 1 }; o[k].toFixed(); first.toFixed()`),
    ).toEqual([]);
    expect(await cell("count = 'text'")).toEqual(["TS2322 1:1 Type 'string' is not assignable to type 'number'."]);
    expect(await cell("exported = 2")).toEqual(["TS2588 1:1 Cannot assign to 'exported' because it is a constant."]);
    expect(await cell("new Box(1) as Box<string>")).toEqual([
      expect.stringMatching(/^TS2352 1:1 Conversion of type 'Box<number>' to type 'Box<string>' may be a mistake/),
    ]);
  });

  it("lets a name be declared again as anything (row 34)", async () => {
    const { cell } = await openSession();
    for (const code of [
      "const n = 1",
      "let n = 'x'",
      "function n() { return 1 }",
      "class n {}",
      "enum n { A }",
      "type n = 1",
      "interface n { a: 1 }",
      "const n = 2",
    ]) {
      expect(await cell(code)).toEqual([]);
    }
    expect(await cell("n.toFixed()")).toEqual([]);
  });

  it("checks a statement that only calls something of a name that may change", async () => {
    const { cell } = await openSession();
    await cell("let rate = 1");
    expect(await cell("rate.trim()")).toEqual(["TS2339 1:6 Property 'trim' does not exist on type 'number'."]);
  });

  it("does not check a cell that says // @ts-nocheck, and honours // @ts-expect-error", async () => {
    const { cell } = await openSession();
    expect(await cell("// @ts-nocheck\nnothing.at.all")).toEqual([]);
    expect(await cell("// @ts-expect-error\nnothing.at.all")).toEqual([]);
  });

  it("keeps the meaning a value was computed with, and gives functions the new one", async () => {
    const { cell } = await openSession();
    await cell("let data = [1, 2]");
    await cell("const head = data[0]!");
    await cell("function last() { return data.at(-1)! }");
    await cell("let data = ['a', 'b']");
    expect(await cell("head.toFixed(); last().toUpperCase()")).toEqual([]);
  });

  it("forgets nothing that a rerun of a cell no longer declares", async () => {
    const { cell } = await openSession();
    await cell("let a = 1", "same");
    await cell("let b = a", "same");
    expect(await cell("a + b")).toEqual([]);
  });

  it("forgets everything on reset", async () => {
    const { cell, language } = await openSession();
    await cell("let a = 1");
    language.reset();
    expect(await cell("a")).toEqual(["TS2304 1:1 Cannot find name 'a'."]);
  });
});

describe("the notebook's folder", () => {
  it("gives local modules and their edits", async () => {
    const { cell, folder } = await openSession({
      "util.ts": "export const u = 1",
      "lib/more.js": "export const m = 'x'",
      "data.json": '{ "a": [1] }',
    });
    expect(
      await cell(
        'import { u } from "./util"; import { u as u2 } from "./util.ts"; import { m } from "./lib/more.js"; import data from "./data.json"\nu.toFixed(); m.length; data.a[0]',
      ),
    ).toEqual([]);
    writeFileSync(join(folder, "util.ts"), "export const u = 'text'");
    await expect.poll(async () => cell('import { u as u3 } from "./util"; u3.toUpperCase()'), { timeout: 5000 }).toEqual([]);
  });

  it("is told how to get a package that is not there", async () => {
    const { cell } = await openSession();
    const advice = async (specifier: string) => /(?: To install.*)?$/.exec((await cell(`import "${specifier}"`))[0] ?? "none")![0];
    expect(await advice("d3-array")).toBe(' To install it: await kernel.install("d3-array")');
    expect(await advice("@scope/name/deep/file.js")).toBe(' To install it: await kernel.install("@scope/name")');
    expect(await cell('import x from "lodash"')).toEqual([
      "TS2307 1:15 Cannot find module 'lodash' or its corresponding type declarations. To install it: await kernel.install(\"lodash\")",
    ]);
    for (const other of ["./none", "#none", "/none"]) expect(await advice(other)).toBe("");
  });

  it("is told what the running Node lacks, unless its tsconfig.json says what there is", async () => {
    const code = "Promise.withResolvers<number>().resolve(1)";
    const lacks = `TS2550 1:9 Property 'withResolvers' does not exist on type 'PromiseConstructor'. Node ${process.versions.node}, which runs the cells, does not have it.`;
    const { cell } = await openSession();
    expect(await cell(code)).toEqual("withResolvers" in Promise ? [] : [lacks]);
    const chosen = await openSession({ "tsconfig.json": '{ "compilerOptions": { "lib": ["es2015"] } }' });
    expect((await chosen.cell(code))[0]).toMatch(/^TS2550 .* Try changing the 'lib' compiler option to 'es2024' or later\.$/);
  });

  it("is not strict where a notebook imports tslab, unless its tsconfig.json says so", async () => {
    const loose = "let nothing = { x: null }; nothing.x?.y; function untyped(n) { return n }";
    const { cell, language } = await openSession({ "tsconfig.json": '{ "compilerOptions": { "noImplicitAny": true } }' });
    expect(await cell(loose)).not.toEqual([]);
    expect(await cell('import * as tslab from "tslab"')).toEqual([]);
    expect(await cell(loose)).toEqual([]);
    language.reset();
    expect(await cell(loose)).not.toEqual([]);
    const strict = await openSession({ "tsconfig.json": '{ "compilerOptions": { "strict": true } }' });
    await strict.cell('import * as tslab from "tslab"');
    expect(await strict.cell(loose)).not.toEqual([]);
  });

  it("gives its tsconfig.json, comments, extends and all (row 43)", async () => {
    const { cell, language, folder } = await openSession({
      "tsconfig.json":
        '{ // strict is too strict\n "extends": "./base.json", "compilerOptions": { "strict": false, }, "include": ["src"], "cellgrad": { "typeErrors": "warn" } }',
      "base.json":
        '{ "compilerOptions": { "noUncheckedIndexedAccess": true, "experimentalDecorators": true, "lib": ["esnext", "dom"], "paths": { "@/*": ["./src/*"] } } }',
      "src/deep.ts": "export const deep = 1",
    });
    expect(language.typeErrors).toBe("warn");
    expect(language.transformSettings).toMatchObject({
      jsx: null,
      experimentalDecorators: true,
      paths: { "@/*": [join(folder, "src/*")] },
    });
    expect(
      await cell(
        'import { deep } from "@/deep"; document.title; deep.toFixed(); function f(x) { return x }; (null as string | null).length',
      ),
    ).toEqual([]);
  });

  it("takes a tsconfig.json of a parent folder, JSX included (row 43)", async () => {
    const folder = folderWith({
      "tsconfig.json": '{ "compilerOptions": { "jsx": "react", "jsxFactory": "h", "noImplicitAny": false } }',
      "deep/er/x.ts": "",
    });
    const language = startLanguage({ folder: join(folder, "deep/er"), library, checkDeadline: 20_000 });
    open.push(language);
    await language.ready;
    expect(language.transformSettings.jsx).toEqual({ runtime: "classic", pragma: "h" });
    const code =
      "declare global { namespace JSX { interface IntrinsicElements { b: { id: string } } interface Element { tag: string } } }\nfunction h(...all): JSX.Element { return { tag: 'b' } }\nconst e = <b id={1} />";
    const result = await language.check({ id: "1", count: 1, code });
    expect(result.status === "checked" && result.diagnostics.map(({ code: number, line }) => [number, line])).toEqual([[2322, 3]]);
  });

  it("warns of packages without types", async () => {
    const { cell, language } = await openSession({
      "node_modules/untyped/index.js": "module.exports = 1",
      "node_modules/untyped/package.json": '{ "name": "untyped", "version": "1.0.0" }',
    });
    const result = await language.check({ id: "x", count: 1, code: 'import untyped from "untyped"' });
    expect(result.status === "checked" && result.diagnostics.filter(({ category }) => category === "error")).toEqual([]);
    expect(await cell('import missing from "no-such-package"')).toEqual([expect.stringMatching(/^TS2307 1:21/)]);
  });
});

describe("stale", () => {
  it("names the cells that a redefinition broke (row 42)", async () => {
    const { cell, language } = await openSession();
    await cell("function area(r: number) { return r * r }", "a");
    await cell("const x = area(2)", "b");
    await cell("const y = 1", "c");
    expect(await language.stale()).toEqual([]);
    await cell("function area(r: string) { return r.length }", "a");
    expect(await language.stale()).toMatchObject([{ cell: { id: "b" }, diagnostics: [{ code: 2345, line: 1, column: 16 }] }]);
    await cell("const x = area('2')", "b");
    expect(await language.stale()).toEqual([]);
  });
});

describe("assistance", () => {
  it("completes names of other cells with kinds, types and documentation (rows 54, 55)", async () => {
    const { cell, language } = await openSession();
    await cell(
      '/** Doubles. */\nfunction double(x: number) { return x * 2 }\nconst doubt = 1; import * as cg from "cellgrad"; let t = cg.zeros(1)',
    );
    const found = await language.complete("1 + doub", 8);
    expect(found).toMatchObject({ start: 4, end: 8, receiver: null });
    expect(found!.items).toEqual([
      { text: "double", label: "double", kind: "function", signature: "function double(x: number): number", documentation: "Doubles." },
      { text: "doubt", label: "doubt", kind: "constant", signature: "const doubt: 1" },
    ]);
    expect((await language.complete("t.", 2))!.items.map(({ text, kind }) => [text, kind])).toEqual([
      ["matmul", "method"],
      ["shape", "property"],
    ]);
    expect((await language.complete("double(3).toF", 13))!.items.map(({ text }) => text)).toEqual(["toFixed"]);
    expect((await language.complete("const t = [1]; t.", 17))!.items.map(({ text }) => text)).toContain("toSorted");
  });

  it("proposes what a module exports, with the import that it takes (row 54)", async () => {
    const { cell, language } = await openSession({ "shapes.ts": "export class Zebra {}\nexport const zest = 1\n" });
    const propose = async (code: string, name: string) => {
      const { items } = (await language.complete(code, code.length))!;
      const found = items.filter(({ label }) => label === name);
      return found.map(({ text, kind, source, edits, signature }) => ({ text, kind, source, edits, signature }));
    };
    const item = { text: "zeros", kind: "function", source: "cellgrad", signature: "function zeros(...shape: number[]): Tensor" };
    const edit = (at: number, text: string) => ({ ...item, edits: [{ start: at, end: at, text }] });
    expect(await propose("const x = zer", "zeros")).toEqual([edit(0, 'import { zeros } from "cellgrad"\n')]);
    expect(await propose("// @ts-nocheck\nconst x = zer", "zeros")).toEqual([edit(15, 'import { zeros } from "cellgrad"\n')]);
    expect(await propose("let a = 1;\nzer", "zeros")).toEqual([edit(0, 'import { zeros } from "cellgrad";\n')]);
    expect(await propose("import { Tensor } from 'cellgrad'\nzer", "zeros")).toEqual([edit(15, ", zeros")]);
    expect(await propose("import { zeros } from 'cellgrad'\nzer", "zeros")).toMatchObject([{ text: "zeros", source: undefined }]);
    expect(await propose("const zer", "zeros")).toEqual([]);
    expect(await propose("'zer", "zeros")).toEqual([]);
    await cell("import { zest } from './shapes'");
    expect(await propose("new Zeb", "Zebra")).toMatchObject([{ kind: "class", source: "./shapes" }]);
    await cell("import * as cg from 'cellgrad'");
    expect(await propose("const x = zer", "zeros")).toMatchObject([{ text: "cg.zeros", source: "cellgrad", edits: undefined }]);
    expect(await propose("const x: Ten", "Tensor")).toMatchObject([{ text: "cg.Tensor", kind: "class" }]);
  });

  it("completes inside code that does not parse", async () => {
    const { cell, language } = await openSession();
    await cell("let t = { alpha: 1, beta: 2 }");
    expect((await language.complete("function f() {\n  if (t.", 23))!.items.map(({ text }) => text)).toEqual(["alpha", "beta"]);
    expect((await language.complete("const t = 'x'\nfoo(t.toUp", 24))!.items.map(({ text }) => text)).toEqual(["toUpperCase"]);
  });

  it("counts cursors in code points (row 11)", async () => {
    const { cell, language } = await openSession();
    await cell("let t = { alpha: 1 }");
    const code = "'😀😀'; t.al";
    expect(await language.complete(code, [...code].length)).toMatchObject({ items: [{ text: "alpha" }], start: 8, end: 10, receiver: "t" });
    expect(await language.hover("'😀'; t", 5)).toMatchObject({ start: 5, end: 6, expression: "t" });
  });

  it("explains what is under the cursor (row 54)", async () => {
    const { cell, language } = await openSession();
    await cell("/**\n * Adds.\n * @param a one\n */\nfunction add(a: number, b = 1) { return a + b }");
    const hover = await language.hover("add(1)", 1);
    expect(hover!.plain).toBe("function add(a: number, b?: number): number\n\nAdds.\n\n@param a — one");
    expect(hover!.markdown).toContain("```typescript\nfunction add");
    expect(await language.hover("a.b.c", 2)).toMatchObject({ expression: "a.b" });
    expect(await language.hover("f().g", 4)).toMatchObject({ expression: null });
    expect(await language.hover("   ", 1)).toBeNull();
  });

  it("helps with the call that is being typed (row 54)", async () => {
    const { cell, language } = await openSession();
    await cell("function add(a: number, b = 1) { return a + b }");
    expect(await language.signature("add(1, ", 7)).toEqual({
      signatures: [{ label: "add(a: number, b?: number): number", parameters: ["a: number", "b?: number"] }],
      activeSignature: 0,
      activeParameter: 1,
    });
  });

  it("finds definitions in other cells, in this one and in files", async () => {
    const { cell, language } = await openSession();
    await cell("\nfunction add() {}\nlet changing = 1");
    expect(await language.definition("add()", 1)).toMatchObject({ cell: { id: "cell 1" }, line: 2, column: 10 });
    expect(await language.definition("changing", 1)).toMatchObject({ cell: { id: "cell 1" }, line: 3, column: 5 });
    expect(await language.definition("const here = 1\nhere", 16)).toMatchObject({ cell: null, path: null, line: 1, column: 7 });
    expect(await language.definition("import * as cg from 'cellgrad'; cg.zeros", 36)).toMatchObject({ cell: null, path: library });
  });
});

describe("a notebook that is being written", () => {
  it("is checked where an edit can change something, and nowhere else", async () => {
    const { language } = await openSession();
    const told: string[] = [];
    const notebook = language.openNotebook((id, found) => void told.push(`${id}: ${found.map(({ code }) => code).join()}`));
    const cells = new Map([
      ["a", "const size = 3"],
      ["b", "const half = size / 2"],
      ["c", "const word = 'three'"],
      ["d", "half.toFixed() + word"],
    ]);
    const write = (id: string, code: string) => {
      told.length = 0;
      cells.set(id, code);
      notebook.update([...cells].map(([each, text]) => ({ id: each, code: text })));
    };
    write("a", "const size = 3");
    await expect.poll(() => told, hang).toEqual(["a: ", "b: ", "c: ", "d: "]);
    write("a", "const size = '3'");
    await expect.poll(() => told, hang).toEqual(["a: ", "b: 2362", "d: "]);
    write("d", "half.toFixed() + word + 1");
    await expect.poll(() => told, hang).toEqual(["d: "]);
    write("c", "const word = 'four'");
    await expect.poll(() => told, hang).toEqual(["c: ", "d: "]);
    notebook.close();
  });

  it("is checked again by the server that takes the place of one that died", async () => {
    const { language } = await start({});
    const told = new Map<string, readonly number[]>();
    const notebook = language.openNotebook(
      (id, found) =>
        void told.set(
          id,
          found.map(({ code }) => code),
        ),
    );
    notebook.update([{ id: "a", code: "let v = 1" }]);
    await expect.poll(() => told.get("a"), hang).toEqual([]);
    process.kill(language.pid!, "SIGKILL");
    notebook.update([
      { id: "a", code: "let v = '1'" },
      { id: "b", code: "v.toFixed()" },
    ]);
    await expect.poll(() => told.get("b"), hang).toEqual([2551]);
    notebook.close();
  });
});

describe("a server that fails", () => {
  it("never keeps a cell waiting, and comes back with all cells", async () => {
    const folder = folderWith({});
    const language = startLanguage({ folder, library, checkDeadline: 300, askDeadline: 300 });
    open.push(language);
    await language.ready;
    language.commit({ id: "1", count: 1, code: "let kept = 1" });
    const pid = serverPid(language);
    process.kill(pid, "SIGSTOP");
    const hung = await language.check({ id: "2", count: 2, code: "kept.x" });
    expect(hung.status).toBe("late");
    expect(await language.complete("kept.", 5)).toBeNull();
    process.kill(pid, "SIGKILL");
    expect(hung.status === "late" && (await hung.later)).toBeNull();
    expect((await language.check({ id: "3", count: 3, code: "1" })).status).toBe("unavailable");
    await expect
      .poll(async () => (await language.check({ id: "4", count: 4, code: "kept.x" })).status, { timeout: 10_000 })
      .toBe("checked");
    const back = await language.check({ id: "5", count: 5, code: "kept.x" });
    expect(back.status === "checked" && back.diagnostics).toMatchObject([{ code: 2339 }]);
  });
});

describe("a long session", () => {
  it("keeps no document of cells that cannot run again and own no name any more", async () => {
    const language = startLanguage({ folder: folderWith({}), library, checkDeadline: 20_000 });
    open.push(language);
    await language.ready;
    const { documents } = (language as unknown as { server: { documents: ReadonlyMap<string, string> } }).server;
    const before = documents.size;
    for (let count = 1; count <= 60; count++) {
      const cell = { id: null, count, code: `const x${count % 3} = ${count}; x${count % 3} + 1` };
      expect(await language.check(cell)).toMatchObject({ status: "checked", diagnostics: [] });
      language.commit(cell);
    }
    expect(documents.size).toBeLessThan(before + 20);
  });
});

/** T's process, which nothing outside the language needs to know. */
function serverPid(language: Language): number {
  return (language as unknown as { server: { pid: number } }).server.pid;
}

describe("speed", () => {
  it.each([30, 300])(
    "checks in flat time over %i cells (row 44)",
    async (cells) => {
      const { cell } = await openSession();
      const times: number[] = [];
      await cell(
        "interface Sample { a: number }\nfunction start<T extends Sample>(x: T) { return x }\nlet v0 = start({ a: 0 }), v1 = v0, v2 = v0",
      );
      for (let i = 3; i < cells; i++) {
        const begin = performance.now();
        const found = await cell(
          `class Box${i}<T> { constructor(public v: T) {} map<U>(f: (x: T) => U) { return new Box${i}(f(this.v)) } }\nlet v${i} = new Box${i}(v${i % 3}).map((x) => start({ a: x.a + process.pid })).v`,
        );
        times.push(performance.now() - begin);
        expect(found).toEqual([]);
      }
      const sorted = times.toSorted((a, b) => a - b);
      const [median, p95] = [sorted[sorted.length >> 1]!, sorted[Math.floor(sorted.length * 0.95)]!];
      console.log(`type check over ${cells} cells: median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
      const lastMedian = times.slice(-20).toSorted((a, b) => a - b)[10]!;
      expect(lastMedian).toBeLessThan(5 * median);
    },
    60_000,
  );
});
