/** What is wrong in a notebook while it is written (part of row 54 of the acceptance list): squiggles, before and after cells ran. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CompletionsReply, DefinedReply, ResolvedReply } from "../../src/wire/editor.js";
import { kernel, withKernel } from "./kernel.js";
import { WrittenNotebook } from "./notebook.js";

const started = kernel();

/** On a busy machine the kernel answers without what comes too late: then it is asked again. */
const patient = { timeout: 20_000, interval: 50 };

test("errors stand in the cell's own lines and columns, in UTF-16 units", async () => {
  const notebook = await WrittenNotebook.open(started.client);
  const told = await notebook.write({ a: "const n = 1", b: '// 😀\n"😀"; n.toFix', c: "({ x: n,\n y: missing })", d: "" });
  expect(told).toEqual({
    a: [],
    b: ["TS2551 2:9-14 Property 'toFix' does not exist on type '1'. Did you mean 'toFixed'?"],
    c: ["TS2304 2:5-12 Cannot find name 'missing'."],
    d: [],
  });
  await notebook.close();
});

test("cells mean what they would if they ran in order: moved, redefined, edited above", async () => {
  const notebook = await WrittenNotebook.open(started.client);
  const cells = { one: "let v = 1", use: "v.toFixed()", two: 'let v = "text"', again: "v.trim()" };
  expect(await notebook.write(cells)).toEqual({ one: [], use: [], two: [], again: [] });
  const moved = notebook.told("use");
  const { one, use, two, again } = cells;
  await notebook.write({ one, two, use, again });
  expect(await moved).toEqual(["TS2551 1:3-10 Property 'toFixed' does not exist on type 'string'. Did you mean 'fixed'?"]);
  const back = notebook.told("use");
  await notebook.write({ two, one, use, again });
  expect(await back).toEqual([]);
  const edited = notebook.told("use");
  await notebook.write({ two, one: "let w = 1", use, again });
  expect(await edited).toEqual(["TS2551 1:3-10 Property 'toFixed' does not exist on type 'string'. Did you mean 'fixed'?"]);
  await notebook.close();
});

test("code that does not parse is underlined where it breaks, and the cells below keep their types", async () => {
  const notebook = await WrittenNotebook.open(started.client);
  await notebook.write({ a: "function twice(n: number) { return 2 * n }", b: "twice(2).toFixed()" });
  expect(await notebook.write({ a: "function twice(n: number) { return 2 * }", b: "twice('2')" })).toEqual({
    a: ["TS1109 1:40-41 Expression expected."],
    b: ["TS2345 1:7-10 Argument of type 'string' is not assignable to parameter of type 'number'."],
  });
  await notebook.close();
});

test("a function may name what a cell below defines; a name that nothing defines is said to be open", async () => {
  const notebook = await WrittenNotebook.open(started.client);
  const first = "function ask() { return reply().length }";
  expect(await notebook.write({ first })).toEqual({
    first: ["warning TS2304 1:25-30 'reply' is not defined yet: a later cell can do it."],
  });
  const known = notebook.told("first");
  await notebook.write({ first, second: "function reply() { return 42 }" });
  expect(await known).toEqual(["TS2339 1:33-39 Property 'length' does not exist on type 'number'."]);
  await notebook.close();
});

test("names of cells that ran hold where no cell above writes them, also while a cell runs", async () => {
  const { client } = started;
  await client.execute("const ran = { depth: 3 }", { cellId: "gone" });
  const notebook = await WrittenNotebook.open(client);
  const cell = client.start('console.log("go"); for (;;);', { cellId: "loop" });
  await client.printed(cell, "go");
  expect(await notebook.write({ use: "ran.depth.toFixed()", wrong: "ran.width" })).toEqual({
    use: [],
    wrong: ["TS2339 1:5-10 Property 'width' does not exist on type '{ depth: number; }'."],
  });
  const above = notebook.told("wrong");
  await notebook.write({ own: "const ran = { width: 1 }", use: "ran.depth.toFixed()", wrong: "ran.width" });
  expect(await above).toEqual([]);
  await client.interrupt();
  await cell.published;
  await notebook.close();
});

test("what runs says the same as what was written: a class is one class, and a new run changes what is below", async () => {
  const { client } = started;
  const box = "class Box { private inner = 1; get size() { return this.inner } }";
  const notebook = await WrittenNotebook.open(client);
  await notebook.write({ box, make: "const full = new Box()" });
  await client.execute(box, { cellId: "box" });
  await client.execute("let other = new Box()", { cellId: "elsewhere" });
  expect(await notebook.write({ box, make: "const full = new Box()", use: "other = full" })).toEqual({ use: [] });
  const broken = notebook.told("late");
  expect(await notebook.write({ late: "const size: string = other.size" })).toEqual({
    late: ["TS2322 1:7-11 Type 'number' is not assignable to type 'string'."],
  });
  await broken;
  const mended = notebook.told("late");
  await client.execute("let other = { size: 'large' }", { cellId: "elsewhere" });
  expect(await mended).toEqual([]);
  await notebook.close();
});

test("of many open notebooks the one that was silent longest is closed", async () => {
  const { client } = started;
  const first = await WrittenNotebook.open(client);
  const closed = client.next(({ header, content }) => header.msg_type === "comm_close" && content.comm_id === first.comm);
  const others = await Promise.all([1, 2, 3, 4].map(() => WrittenNotebook.open(client)));
  await closed;
  for (const each of others) await each.close();
  const comms = await client.request("comm_info_request", { target_name: "cellgrad.editor" }).reply;
  expect(comms.content.comms).toEqual({});
});

test("completion knows cells above that have not run, proposes imports, and tells types when asked (row 54)", async () => {
  const notebook = await WrittenNotebook.open(started.client);
  await notebook.write({ a: 'const tree = { leaves: 3, name: "oak" }', b: "tree.", c: "const x = zero" });
  const complete = async (id: string, code: string) =>
    (await notebook.ask({ kind: "complete", id, code, cursor: code.length })) as CompletionsReply;
  const kinds = async () => (await complete("b", "tree.")).items.map(({ text, kind }) => `${kind} ${text}`);
  await expect.poll(kinds, patient).toEqual(["property leaves", "property name"]);
  const names = async () => (await complete("c", "const x = zero")).items.map(({ text }) => text);
  await expect.poll(names, patient).toContain("zeros");
  const { items, start, end } = await complete("c", "const x = zero");
  expect([start, end]).toEqual([10, 14]);
  const zeros = items.findIndex(({ text }) => text === "zeros");
  expect(items[zeros]).toMatchObject({ source: "cellgrad", edits: [{ start: 0, end: 0, text: 'import { zeros } from "cellgrad"\n' }] });
  const resolve = async () => ((await notebook.ask({ kind: "resolve", item: zeros })) as ResolvedReply).item?.documentation;
  await expect.poll(resolve, patient).toMatch(/^A tensor of zeros\./);
  await notebook.close();
});

test("inspection of a cell's text knows the cells above it, run or not", async () => {
  const notebook = await WrittenNotebook.open(started.client);
  const code = "planned.depth";
  await notebook.write({ a: "const planned = { depth: 4 }", b: code });
  const inspect = async () => {
    const { content } = await started.client.request("inspect_request", { code, cursor_pos: 10, detail_level: 0 }).reply;
    return (content.data as Record<string, string>)["text/plain"];
  };
  await expect.poll(inspect, patient).toContain("(property) depth: number");
  await notebook.close();
});

test("a definition in a local module is a place in its file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad-definition-"));
  mkdirSync(join(folder, "lib"));
  writeFileSync(join(folder, "lib/helper.ts"), "// helps\n\nexport function twice(n: number) {\n  return 2 * n;\n}\n");
  await withKernel(
    async (client) => {
      const notebook = await WrittenNotebook.open(client);
      const cells = { a: 'import { twice } from "./lib/helper.ts"', b: "twice(3)" };
      await notebook.write(cells);
      const place = async () => ((await notebook.ask({ kind: "define", id: "b", code: cells.b, cursor: 2 })) as DefinedReply).place;
      await expect.poll(place, patient).toEqual({ path: "lib/helper.ts", line: 3, column: 17 });
      await notebook.close();
    },
    { folder },
  );
  rmSync(folder, { recursive: true });
});

test("a definition is found in the cell that declares the name: above, in the same one, or by a run", async () => {
  const notebook = await WrittenNotebook.open(started.client);
  const cells = { a: "\nlet count = 1", b: "const total = 2", c: '"😀"; total + count; const own = 3; own' };
  await started.client.execute(cells.b, { cellId: "b" });
  await notebook.write(cells);
  const placeOf = (name: string) =>
    expect.poll(async () => {
      const cursor = [...cells.c.slice(0, cells.c.lastIndexOf(name))].length;
      return ((await notebook.ask({ kind: "define", id: "c", code: cells.c, cursor })) as DefinedReply).place;
    }, patient);
  await placeOf("count").toEqual({ id: "a", line: 2, column: 5 });
  await placeOf("total").toEqual({ id: "b", line: 1, column: 7 });
  await placeOf("own").toEqual({ id: "c", line: 1, column: 28 });
  await placeOf("3;").toBeNull();
  await notebook.close();
});
