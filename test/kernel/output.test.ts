/** What cells print and show (rows 2, 18, 46 to 51 of the acceptance list). */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inClone } from "../../scripts/environment.mjs";
import type { JsonObject, Message } from "../../kernel/protocol/message.js";
import { kernel } from "./kernel.js";

const started = kernel();

describe("streams", () => {
  test.each([10, 1000, 20000])("%d lines arrive whole, in order, before idle, in few messages (row 2)", async (count) => {
    const { stdout, messages } = await started.client.execute(`for (let i = 0; i < ${count}; i++) console.log("line " + i)`);
    expect(stdout).toBe(Array.from({ length: count }, (_, i) => `line ${i}\n`).join(""));
    expect(messages.length).toBeLessThanOrEqual(20);
    expect(messages.at(-1)!.content.execution_state).toBe("idle");
  });

  test("stdout and stderr keep their order", async () => {
    const { messages } = await started.client.execute('console.log("a"); console.error("b"); console.log("c")');
    const texts = messages.filter(({ header }) => header.msg_type === "stream").map(({ content }) => [content.name, content.text]);
    expect(texts).toEqual([
      ["stdout", "a\n"],
      ["stderr", "b\n"],
      ["stdout", "c\n"],
    ]);
  });

  test("the first line of a synchronous loop arrives while it runs", async () => {
    const { client } = started;
    const cell = client.start('console.log("now"); for (;;);');
    expect((await client.printed(cell, "now")).content.text).toBe("now\n");
    await client.interrupt();
    await cell.published;
  });

  test("native writes and children are captured, in order with console (row 46)", async () => {
    const { stdout, stderr } = await started.client.execute(`
      import { execSync } from "node:child_process";
      import { writeSync } from "node:fs";
      console.log("one");
      execSync("echo two; echo problem >&2", { stdio: "inherit" });
      console.log("three");
      writeSync(1, "four\\n");`);
    expect(stdout).toBe("one\ntwo\nthree\nfour\n");
    expect(stderr).toBe("problem\n");
  });

  test("a long alternation of console and direct writes keeps its order", async () => {
    const { stdout } = await started.client.execute(`
      import { writeSync as direct } from "node:fs";
      for (let i = 0; i < 300; i++) {
        console.log("console " + i);
        direct(1, "direct " + i + "\\n");
      }`);
    expect(stdout).toBe(Array.from({ length: 300 }, (_, i) => `console ${i}\ndirect ${i}\n`).join(""));
  });

  test("what native code prints through C's buffers belongs to its cell (row 46)", async () => {
    const { client } = started;
    const addon = join(client.kernel.folder, "printing.node");
    const source = `${addon}.c`;
    writeFileSync(
      source,
      `#include <stdio.h>
       #include <node_api.h>
       static napi_value say(napi_env env, napi_callback_info info) { printf("native %d\\n", 7); return NULL; }
       NAPI_MODULE_INIT() { napi_value f; napi_create_function(env, "say", 3, say, NULL, &f); return f; }`,
    );
    execFileSync("c++", ["-x", "c++", "-shared", "-fPIC", "-I", inClone("node_modules/node-api-headers/include"), "-o", addon, source]);
    await client.execute('import "cellgrad"');
    const { stdout } = await client.execute(`require(${JSON.stringify(addon)})()`);
    expect(stdout).toBe("native 7\n");
  });

  test("text of several bytes a character survives being split", async () => {
    const { stdout } = await started.client.execute(`
      const bytes = Buffer.from("é😀\\n".repeat(3));
      for (const byte of bytes) process.stdout.write(Uint8Array.of(byte));`);
    expect(stdout).toBe("é😀\n".repeat(3));
  });

  test.each([
    ["a million lines", 'for (let i = 0; i < 1e6; i++) console.log("line " + i)', 11_888_890, "line 999999"],
    ["50 MB", 'const line = "x".repeat(999); for (let i = 0; i < 50000; i++) console.log(line)', 50e6, "xxx"],
  ])("%s are shown in part, with a count, the end and a call that returns everything (row 51)", async (_, code, size, end) => {
    const { client } = started;
    const cell = await client.execute(code);
    expect(cell.stdout.length).toBe(2 ** 21);
    expect(cell.messages.length).toBeLessThan(1000); // twenty a second, however long a busy machine takes
    const count = cell.reply.execution_count as number;
    const notice = shownLast(cell.messages);
    expect(notice).toMatch(/^\[\d+ more lines, [\d.]+ MB, not shown: kernel\.output\(\d+\) returns everything\]\n/);
    expect(notice.endsWith(end)).toBe(true);
    expect((await client.execute(`kernel.output(${count}).length`)).result).toBe(String(size));
    const start = await client.execute(`JSON.stringify(kernel.output(${count}).slice(0, 100))`);
    expect(start.result).toBe(`'${JSON.stringify(cell.stdout.slice(0, 100)).replaceAll("\\", "\\\\")}'`);
  });

  test("a cell that clears its output may show as much again, and less output than that has no more (row 51)", async () => {
    const { messages, stdout, reply } = await started.client.execute(
      'for (let i = 0; i < 5; i++) { clearOutput(); console.log("x".repeat(2 ** 20)) }',
    );
    expect(stdout.endsWith("x\n")).toBe(true);
    expect(messages.some(({ header }) => header.msg_type === "display_data")).toBe(false);
    const { error } = await started.client.execute(`kernel.output(${String(reply.execution_count)})`);
    expect(error).toMatchObject({ ename: "RangeError", evalue: expect.stringContaining("no more") });
  });

  test("the last of many lines is seen while the cell stays in a loop (row 18)", async () => {
    const { client } = started;
    const cell = client.start("for (let i = 0; i < 5000; i++) console.log(i); for (;;);");
    await client.printed(cell, "4999\n");
    await client.interrupt();
    await cell.published;
  });

  test("a progress bar that rewrites its line is sent as it looks (row 46)", async () => {
    const { client } = started;
    const code = 'for (let i = 0; i <= 5000; i++) process.stdout.write(`\\r${i} of 5000`); process.stdout.write("\\n\\x1b[1Aup\\n")';
    const { stdout } = await client.execute(code, { allow_stdin: false });
    expect(stdout).toBe("\r5000 of 5000\n\x1b[1Aup\n");
  });
});

/** The text of the last display and its updates. */
function shownLast(messages: readonly Message[]): string {
  const last = messages.findLast(({ header }) => /^(update_)?display_data$/.test(header.msg_type));
  return String((last!.content.data as JsonObject)["text/plain"]);
}

describe("late output", () => {
  test("goes to its own cell after another has run (row 47)", async () => {
    const { client } = started;
    const first = client.start('setTimeout(() => console.log("late"), 100)');
    await first.published;
    const late = client.printed(first, "late");
    expect((await client.execute("1")).result).toBe("1");
    expect((await late).parent.msg_id).toBe(first.id);
  });

  test("goes to the running cell where nobody watches, as a runner would drop it otherwise", async () => {
    const { client } = started;
    await client.execute('setTimeout(() => console.log("late"), 50)', { allow_stdin: false });
    const { stdout } = await client.execute("await new Promise((resolve) => setTimeout(resolve, 200))", { allow_stdin: false });
    expect(stdout).toBe("late\n");
  });

  test("an unhandled rejection and an error in a timer are reported under their cell, and the session lives (row 48)", async () => {
    const { client } = started;
    for (const code of [
      "Promise.reject(new Error('nobody waits'))\nvoid 0",
      "setTimeout(() => { throw new Error('nobody waits') })\nvoid 0",
    ]) {
      const cell = client.start(code);
      const { content } = await client.printed(cell, "nobody waits");
      expect(content.name).toBe("stderr");
      expect((await cell.reply).content.status).toBe("ok");
    }
    expect((await client.execute("2")).result).toBe("2");
  });
});

describe("display", () => {
  test("a value's own bundle is its result, with text beside it", async () => {
    const { messages } = await started.client.execute(`({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>x</b>" }) })`);
    const result = messages.find(({ header }) => header.msg_type === "execute_result");
    expect(result?.content.data).toMatchObject({ "text/html": "<b>x</b>", "text/plain": expect.any(String) });
  });

  test("a bundle that cannot be drawn is shown as text", async () => {
    const { result, stderr } = await started.client.execute(
      `({ a: 1, [Symbol.for("Jupyter.display")]() { throw new Error("no picture") } })`,
    );
    expect(result).toContain("a: 1");
    expect(stderr).toContain("no picture");
  });

  test("display and its update are published in place (row 50)", async () => {
    const { messages } = await started.client.execute(`
      await display(1, { displayId: "d" });
      await display(2, { displayId: "d", update: true });
      console.log("end");`);
    const published = messages.slice(2, -1).map(({ header, content }) => [header.msg_type, content.transient ?? content.text]);
    expect(published).toEqual([
      ["display_data", { display_id: "d" }],
      ["update_display_data", { display_id: "d" }],
      ["stream", "end\n"],
    ]);
  });

  test("clearOutput comes in its place, and what it would clear is not sent (row 50)", async () => {
    const code = "for (let i = 0; i < 1000; i++) { clearOutput({ wait: true }); await display(i) }";
    const { messages } = await started.client.execute(code);
    expect(messages.length).toBeLessThan(50);
    const published = messages
      .slice(-3)
      .map(({ header, content }) => [header.msg_type, content.wait ?? content.data ?? content.execution_state]);
    expect(published).toEqual([
      ["clear_output", true],
      ["display_data", { "text/plain": "999" }],
      ["status", "idle"],
    ]);
  });

  test("another cell can update a display (row 50)", async () => {
    const { client } = started;
    await client.execute('await display("first", { displayId: "shared" })');
    const { messages } = await client.execute('await display("second", { displayId: "shared", update: true })');
    const update = messages.find(({ header }) => header.msg_type === "update_display_data");
    expect(update?.content.data).toEqual({ "text/plain": "'second'" });
  });

  test("the library's host shows bundles at once from a synchronous loop", async () => {
    const { client } = started;
    const shown = client.next(({ header }) => header.msg_type === "display_data");
    const cell = client.start(`
      const host = (globalThis as any)[Symbol.for("cellgrad.host")];
      host.display({ data: { "text/plain": "at once" } });
      for (;;);`);
    expect((await shown).parent.msg_id).toBe(cell.id);
    await client.interrupt();
    await cell.published;
  });
});
