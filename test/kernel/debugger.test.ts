/** The debugger over the raw protocol (row 53 of the acceptance list): stops, stacks, variables, steps, in TypeScript's lines. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DebugSession, linesOf, valuesOf } from "./debugging.js";
import { kernel } from "./kernel.js";

const folder = mkdtempSync(join(tmpdir(), "cellgrad debug é-"));
afterAll(() => rmSync(folder, { recursive: true }));
const started = kernel({ folder });
let debug: DebugSession;

const first = `import * as cg from "cellgrad"
interface Size { w: number; h: number }
function area({ w, h }: Size): number {
  const t = cg.tensor([[w, h], [1, 2]])

  const result = w * h
  return result + t.numel() - 4
}`;

beforeAll(async () => {
  await started.client.execute(first);
  await started.client.execute("const scale = 2; const big = Array.from({ length: 25_000 }, (_, i) => i)");
  debug = await DebugSession.attach(started.client);
});

test("kernel_info offers it", async () => {
  const { content } = await started.client.request("kernel_info_request", {}, { channel: "control" }).reply;
  expect(content).toMatchObject({ debugger: true, supported_features: expect.arrayContaining(["debugger"]) });
});

test("cells are named as JupyterLab hashes them", async () => {
  const { hashMethod, hashSeed, tmpFilePrefix, tmpFileSuffix } = await debug.ask("debugInfo");
  expect([hashMethod, hashSeed]).toEqual(["Murmur2", 3339675911]);
  // Hashes computed by JupyterLab's own function.
  for (const [code, hash] of [
    ["let x = 1", 719486033],
    ["abc", 3350977461],
    ["é😀ñ", 1509381292],
    ["", 3990065800],
  ]) {
    expect((await debug.ask("dumpCell", { code })).sourcePath).toBe(`${String(tmpFilePrefix)}${hash}${String(tmpFileSuffix)}`);
  }
});

test("a breakpoint moves to the next line with code; one past the end is not verified", async () => {
  const set = await debug.breakAt(first, [{ line: 2 }, { line: 5 }, { line: 40 }]);
  expect(set.map(({ verified, line }) => [verified, line])).toEqual([
    [true, 3], // V8 stops where the parameter is taken apart
    [true, 6],
    [false, 40],
  ]);
  const { breakpoints } = await debug.ask<{ breakpoints: { breakpoints: object[] }[] }>("debugInfo");
  expect(breakpoints.map((each) => each.breakpoints)).toEqual([[{ line: 3 }, { line: 6 }, { line: 40 }]]);
  await debug.breakAt(first, []);
});

test("a breakpoint of cell 1 stops cell 3: stack, scopes, variables, steps, evaluation, a value for later cells (row 53)", async () => {
  const { client } = started;
  await debug.breakAt(first, [{ line: 6 }]);
  const { cell, stop } = await debug.runToStop("const q = area({ w: 3, h: 4 })\nconst r = q + scale\nr");
  expect(stop).toMatchObject({ reason: "breakpoint", threadId: 1 });
  const info = await debug.ask<{ stoppedThreads: number[] }>("debugInfo");
  expect(info.stoppedThreads).toEqual([1]);

  const frames = await debug.stack();
  expect(linesOf(frames)).toEqual(["area:6", expect.stringMatching(/^Cell \[\d+\]:1$/)]);
  expect((await debug.ask("source", { source: frames[0]!.source })).content).toBe(first);
  const scopes = await debug.scopes(frames[0]!.id);
  expect(Object.keys(scopes)).toEqual(["Locals", "Globals"]);
  const locals = await debug.variables(scopes.Locals!);
  expect(valuesOf(locals)).toEqual({ w: "3", h: "4", result: "undefined", t: "Tensor float32 [2, 2] [[3, 4], [1, 2]]" });
  const tensor = await debug.variables(locals.find(({ name }) => name === "t")!.variablesReference);
  expect(valuesOf(tensor)).toMatchObject({ dtype: '"float32"', shape: "[2, 2]", device: '"cpu"', requiresGrad: "false" });
  const globals = await debug.variables(scopes.Globals!);
  expect(globals.map(({ name }) => name)).toEqual(["scale", "big", "q", "r", "area"]);

  const frameId = frames[0]!.id;
  const evaluate = (expression: string) => debug.ask("evaluate", { expression, frameId, context: "repl" });
  expect(await evaluate("(w as number) + scale")).toMatchObject({ result: "5" });
  expect(await evaluate("t.mul(2)")).toMatchObject({ result: "Tensor float32 [2, 2] [[6, 8], [2, 4]]" });
  expect(await debug.respond("evaluate", { expression: "nothing.here", frameId })).toMatchObject({
    success: false,
    message: "ReferenceError: nothing is not defined",
  });
  const { data } = await debug.ask<{ data: object }>("richInspectVariables", { variableName: "t", frameId });
  expect(Object.keys(data)).toEqual(expect.arrayContaining(["application/vnd.cellgrad.tensor.v1+json", "image/png", "text/plain"]));
  await debug.ask("setVariable", { variablesReference: scopes.Locals, name: "w", value: "10 as number" });
  await debug.ask("copyToGlobals", { srcVariableName: "t", dstVariableName: "kept", srcFrameId: frameId });

  expect(linesOf(await debug.step("next"))[0]).toBe("area:7");
  expect(linesOf(await debug.step("stepOut"))).toEqual([expect.stringMatching(/:2$/)]);
  expect(linesOf(await debug.step("next"))).toEqual([expect.stringMatching(/:3$/)]);
  await debug.finish(cell);
  const published = await cell.published;
  expect(published.find(({ header }) => header.msg_type === "execute_result")!.content.data).toMatchObject({ "text/plain": "42" });
  const events = published.filter(({ header }) => header.msg_type === "debug_event").map(({ content }) => content.event);
  expect(events).toEqual(Array.from({ length: 4 }, () => ["stopped", "continued"]).flat());
  expect((await client.execute("kept.shape.join()")).result).toBe("'2,2'");
  await debug.breakAt(first, []);
});

test("control, completion and heartbeat answer while the program is stopped", async () => {
  const { client } = started;
  await debug.breakAt(first, [{ line: 6 }]);
  const { cell } = await debug.runToStop("area({ w: 1, h: 1 })");
  await client.request("kernel_info_request", {}, { channel: "control" }).reply;
  await client.heartbeat();
  const { content } = await client.request("complete_request", { code: "scale.", cursor_pos: 6 }).reply;
  expect(content.matches).toContain("toFixed");
  await debug.finish(cell);
  await debug.breakAt(first, []);
});

test("a breakpoint in the cell that runs, at its top level and over an await", async () => {
  const code = "let sum = 0\nfor (const i of [1, 2]) {\n  sum += i\n}\nawait null\nsum";
  await debug.breakAt(code, [{ line: 3 }]);
  const { cell } = await debug.runToStop(code);
  const [frame] = await debug.stack();
  expect(valuesOf(await debug.variables((await debug.scopes(frame!.id)).Locals!))).toEqual({ i: "1" });
  expect(linesOf(await debug.step("continue"))).toEqual([expect.stringMatching(/:3$/)]);
  await debug.breakAt(code, [{ line: 5 }]);
  await debug.step("continue");
  expect(linesOf(await debug.step("next"))).toEqual([expect.stringMatching(/:6$/)]);
  expect(await debug.respond("evaluate", { expression: "await 1", frameId: (await debug.stack())[0]!.id })).toMatchObject({
    success: false,
  });
  expect((await debug.finish(cell)).content.status).toBe("ok");
});

test("a step out of a cell does not stop in the next one", async () => {
  const { client } = started;
  const code = "const last = scale * 2";
  await debug.breakAt(code, [{ line: 1 }]);
  const { cell } = await debug.runToStop(code);
  await debug.ask("stepOut", { threadId: 1 });
  await cell.reply;
  expect((await client.execute("function f() { return 5 }\nf()")).result).toBe("5");
});

test("conditions choose the stop, log messages print and do not stop", async () => {
  const code = "function turn(i: number) {\n  return i * 2\n}\nfor (let i = 0; i < 5; i++) turn(i)";
  await debug.breakAt(code, [
    { line: 2, condition: "i === (3 as number)" },
    { line: 4, logMessage: "at {i} of {scale + 3}" },
  ]);
  const { cell } = await debug.runToStop(code);
  const [frame] = await debug.stack();
  expect(valuesOf(await debug.variables((await debug.scopes(frame!.id)).Locals!))).toEqual({ i: "3" });
  await debug.finish(cell);
  const printed = (await cell.published).filter(({ header }) => header.msg_type === "stream").map(({ content }) => content.text);
  expect(printed.join("")).toContain("of 5\n");
  await debug.breakAt(code, []);
});

test("a synchronous loop is paused, looked into, and goes on", async () => {
  const { client } = started;
  const cell = client.start('let turns = 0\nlet go = true\nconsole.log("go")\nwhile (go) {\n  turns++\n}\nturns > 0');
  await client.printed(cell, "go");
  const { variables } = await debug.ask<{ variables: { name: string; value: string }[] }>("inspectVariables");
  expect(Number(variables.find(({ name }) => name === "turns")!.value)).toBeGreaterThan(0);
  const stopped = debug.event("stopped");
  await debug.ask("pause", { threadId: 1 });
  expect(await stopped).toMatchObject({ reason: "pause" });
  const [frame] = await debug.stack();
  expect([4, 5]).toContain(frame!.line);
  await debug.ask("evaluate", { expression: "go = false", frameId: frame!.id });
  expect((await debug.finish(cell)).content.status).toBe("ok");
});

describe("exceptions", () => {
  const code = "function fail() {\n  throw new RangeError('too far')\n}\ntry { fail() } catch {}\nfail()";

  test("all of them stop the program", async () => {
    await debug.ask("setExceptionBreakpoints", { filters: ["all"] });
    const { cell, stop } = await debug.runToStop(code);
    expect(stop).toMatchObject({ reason: "exception", text: "RangeError: too far" });
    expect(await debug.ask("exceptionInfo", { threadId: 1 })).toMatchObject({ exceptionId: "RangeError" });
    expect(linesOf(await debug.stack())).toEqual(["fail:2", expect.stringMatching(/:4$/)]);
    expect(linesOf(await debug.step("continue"))).toEqual(["fail:2", expect.stringMatching(/:5$/)]);
    expect((await debug.finish(cell)).content.ename).toBe("RangeError");
  });

  test("only those that nobody catches", async () => {
    await debug.ask("setExceptionBreakpoints", { filters: ["uncaught"] });
    const { cell } = await debug.runToStop(code);
    expect(linesOf(await debug.stack())).toEqual(["fail:2", expect.stringMatching(/:5$/)]);
    await debug.finish(cell);
    await debug.ask("setExceptionBreakpoints", { filters: [] });
    expect((await started.client.execute(code)).error!.ename).toBe("RangeError");
  });
});

test("a breakpoint in an imported module, before and after it is loaded", async () => {
  const path = join(folder, "tools.ts");
  writeFileSync(
    path,
    "interface Pair { a: number }\n\nexport const start: Pair = { a: 1 }\n\nexport function twice(x: number): number {\n  return x * 2\n}\n",
  );
  const set = (line: number) => debug.ask("setBreakpoints", { source: { path }, breakpoints: [{ line }] });
  expect(await set(1)).toMatchObject({ breakpoints: [{ verified: true, line: 3 }] });
  const { cell } = await debug.runToStop('import { twice } from "./tools.ts"\ntwice(21)');
  expect(linesOf(await debug.stack())[0]).toBe("tools.ts:3");
  expect(await set(6)).toMatchObject({ breakpoints: [{ verified: true, line: 6 }] });
  const frames = await debug.step("continue");
  expect(linesOf(frames)).toEqual(["twice:6", expect.stringMatching(/:2$/)]);
  expect(frames[0]!.source.path).toBe(path);
  expect((await debug.ask("source", { source: { path } })).content).toContain("export function twice");
  const { modules } = await debug.ask<{ modules: object[] }>("modules");
  expect(modules).toEqual([{ id: path, name: "tools.ts", path }]);
  await debug.finish(cell);
  await debug.ask("setBreakpoints", { source: { path }, breakpoints: [] });
});

test("large collections come in pages; getters are not called; classes show private fields", async () => {
  const { client } = started;
  await client.execute(
    "let calls = 0\nclass Box { #inside = 7; get size() { calls++; return 1 } }\nconst box = Object.assign(new Box(), { get lazy() { calls++; return 1 } })\nObject.defineProperty(box, 'own', { get() { calls++; return 2 }, enumerable: true })\nconst table = new Map([['a', { b: 1 }]])",
  );
  const before = (await client.execute("calls")).result;
  const { variables } = await debug.ask<{
    variables: { name: string; value: string; variablesReference: number; indexedVariables?: number }[];
  }>("inspectVariables");
  const find = (name: string) => variables.find((each) => each.name === name)!;
  expect(find("big")).toMatchObject({ indexedVariables: 25_000, value: "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]" });
  const pages = await debug.variables(find("big").variablesReference);
  expect(pages.slice(0, 3).map(({ name }) => name)).toEqual(["[0 … 9999]", "[10000 … 19999]", "[20000 … 24999]"]);
  const inner = await debug.variables(pages[2]!.variablesReference);
  expect(valuesOf(await debug.variables(inner[1]!.variablesReference))).toMatchObject({ 20100: "20100", 20199: "20199" });
  const chosen = await debug.variables(find("big").variablesReference, { filter: "indexed", start: 24_998, count: 5 });
  expect(valuesOf(chosen)).toEqual({ 24998: "24998", 24999: "24999" });
  expect(valuesOf(await debug.variables(find("box").variablesReference))).toMatchObject({ own: "(getter)", "#inside": "7" });
  expect(valuesOf(await debug.variables(find("table").variablesReference))).toEqual({ '"a"': "{b: 1}" });
  expect((await client.execute("calls")).result).toBe(before);
});
