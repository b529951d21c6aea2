/** What cells can show beside text (rows 4 and 50 of the acceptance list), and tslab's API for it. */
import { describe, expect, test } from "vitest";
import type { CellResult } from "../../kernel/client/client.js";
import type { JsonObject } from "../../kernel/protocol/message.js";
import { kernel } from "./kernel.js";

const started = kernel();

/** The bundles that a cell displayed, in order. */
function shown({ messages }: CellResult): JsonObject[] {
  return messages.filter(({ header }) => header.msg_type.endsWith("display_data")).map(({ content }) => content.data as JsonObject);
}

test("display shows each kind of data under its MIME type, with a text beside it (row 50)", async () => {
  const cell = await started.client.execute(`
    display.html("<b>x</b>"); display.markdown("# x"); display.latex("$x$"); display.svg("<svg/>"); display.text("x");
    display.json({ x: 1 }); display.png(Uint8Array.of(1, 2), { width: 20 }); display.jpeg("AQI="); display.gif("AQI=");
    display.bundle({ "application/vnd.x+json": { x: 1 } })`);
  expect(cell.error).toBeNull();
  expect(shown(cell)).toEqual([
    { "text/html": "<b>x</b>", "text/plain": "[text/html]" },
    { "text/markdown": "# x", "text/plain": "# x" },
    { "text/latex": "$x$", "text/plain": "$x$" },
    { "image/svg+xml": "<svg/>", "text/plain": "[image/svg+xml]" },
    { "text/plain": "x" },
    { "application/json": { x: 1 }, "text/plain": "{ x: 1 }" },
    { "image/png": "AQI=", "text/plain": "[image/png]" },
    { "image/jpeg": "AQI=", "text/plain": "[image/jpeg]" },
    { "image/gif": "AQI=", "text/plain": "[image/gif]" },
    { "application/vnd.x+json": { x: 1 }, "text/plain": "[application/vnd.x+json]" },
  ]);
  const png = cell.messages.find(({ content }) => "image/png" in ((content.data ?? {}) as object));
  expect(png!.content.metadata).toEqual({ "image/png": { width: 20 } });
});

test("what is no JSON is an error where a cell displays or sends it, and no bundle of a result", async () => {
  const { client } = started;
  for (const code of ["display.json({ a: 1n })", "Comm.open('c', { a: 1n } as {})", "display.json(globalThis)"]) {
    expect((await client.execute(code)).error!.ename).toBe("TypeError");
  }
  const own = (bundle: string) => client.execute(`({ [Symbol.for("Jupyter.display")]: () => (${bundle}), a: 1 })`);
  const wrong = await own(`{ "text/html": { a: 1n } }`);
  expect([wrong.result, wrong.stderr]).toEqual([expect.stringContaining("a: 1"), expect.stringContaining("could not be drawn")]);
});

test("of a bundle, bytes are sent as base64, and what is no text of a text type as its JSON, as files want it (row 50)", async () => {
  const bundle = `{ "text/plain": 5, "text/html": { a: 1 }, "image/png": Uint8Array.of(1, 2), "text/x": ["a", "b"], "application/json": 7 }`;
  const { messages } = await started.client.execute(`({ [Symbol.for("Jupyter.display")]: () => (${bundle}) })`);
  const result = messages.find(({ header }) => header.msg_type === "execute_result")!;
  const json = { "image/png": "AQI=", "text/x": ["a", "b"], "application/json": 7 };
  expect(result.content.data).toEqual({ "text/plain": "5", "text/html": '{"a":1}', ...json });
});

test("display.update replaces a display of another cell (row 50)", async () => {
  const { client } = started;
  await client.execute('display.html("<i>1</i>", { displayId: "there" })');
  const { messages } = await client.execute('await display.update("there", 2)');
  const update = messages.find(({ header }) => header.msg_type === "update_display_data");
  expect(update!.content).toMatchObject({ data: { "text/plain": "2" }, transient: { display_id: "there" } });
});

test("a run that is the result of its cell is shown as finished", async () => {
  const cell = await started.client.execute(`
    import * as cg from "cellgrad"
    const run = cg.track()
    run.log({ loss: 1 })
    run`);
  expect(cell.error).toBeNull();
  const bundles = cell.messages.map(({ content }) => (content.data ?? {}) as JsonObject);
  const states = bundles.flatMap((data) => (data["application/vnd.cellgrad.run.v1+json"] as JsonObject | undefined)?.status ?? []);
  expect(states).toEqual(["running", "finished", "finished"]);
});

describe("console (row 46)", () => {
  test.each([
    ["an array of objects", '[{ a: 1, b: "<x>" }, { a: 2 }]', "<tr><th>0</th><td>1</td><td>'&#60;x&#62;'</td></tr>"],
    ["an array of values", "[10, 20]", "<tr><th>1</th><td>20</td></tr>"],
    ["a map", 'new Map([["k", 1]])', "<th>(iteration index)</th><th>Key</th><th>Values</th>"],
    ["a set", "new Set([5])", "<tr><th>0</th><td>5</td></tr>"],
    ["an object of objects", "({ r: { c: true } })", "<tr><th>r</th><td>true</td></tr>"],
  ])("table of %s is a table without scripts, with Node's drawing as its text", async (_, data, row) => {
    const [bundle] = shown(await started.client.execute(`console.table(${data})`));
    expect(bundle!["text/html"]).toContain(row);
    expect(bundle!["text/plain"]).toMatch(/^┌─+┬.*┐\n[^]*┘$/);
  });

  test("table takes columns, and logs what is no table", async () => {
    const cell = await started.client.execute('console.table([{ a: 1, b: 2 }], ["b"]); console.table(7)');
    expect(shown(cell)[0]!["text/html"]).toContain("<th>(index)</th><th>b</th>");
    expect(shown(cell)).toHaveLength(1);
    expect(cell.stdout).toBe("7\n");
  });

  test("group, count, dir, assert, time and trace are Node's", async () => {
    const { stdout, stderr } = await started.client.execute(`
      console.group("g"); console.log("in"); console.groupEnd(); console.log("out");
      console.count(); console.count(); console.countReset(); console.count("c");
      console.dir({ a: { b: { c: {} } } }, { depth: 0 });
      console.assert(true, "no"); console.assert(false, "yes %d", 1);
      console.time("t"); console.timeLog("t"); console.timeEnd("t"); console.timeEnd("t");
      console.trace("here");`);
    expect(stdout).toMatch(/^g\n {2}in\nout\ndefault: 1\ndefault: 2\nc: 1\n\{ a: \[Object\] \}\nt: [\d.]+m?s\nt: [\d.]+m?s\n$/);
    expect(stderr).toMatch(/^Assertion failed: yes 1\n/);
    expect(stderr).toMatch(/Trace: here\n {4}at Cell \[\d+\]:7:15\n/);
    expect(stderr).toMatch(/No such label 't'/);
  });
});

describe("tslab's API", () => {
  test("shows what its notebooks show", async () => {
    const cell = await started.client.execute(`
      import * as tslab from "tslab";
      tslab.display.html("<b>x</b>");
      tslab.display.png(Uint8Array.of(1, 2));
      tslab.display.raw("text/x", "y");
      const version: string = tslab.versions.typescript;`);
    expect(cell.error).toBeNull();
    expect(shown(cell)).toEqual([
      { "text/html": "<b>x</b>", "text/plain": "[text/html]" },
      { "image/png": "AQI=", "text/plain": "[image/png]" },
      { "text/x": "y", "text/plain": "[text/x]" },
    ]);
  });

  test("newDisplay shows once, then replaces", async () => {
    const { messages } = await started.client.execute(`
      import { newDisplay } from "tslab";
      const place = newDisplay();
      place.text("one"); place.text("two")`);
    const types = messages.map(({ header }) => header.msg_type).filter((type) => type.endsWith("display_data"));
    expect(types).toEqual(["display_data", "update_display_data"]);
  });

  test("is typed", async () => {
    const { error } = await started.client.execute('import { display } from "tslab"; display.html(1)');
    expect(error!.ename).toBe("TS2345");
  });
});
