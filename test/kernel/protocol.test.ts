/** Requests and their replies over real sockets (rows 1, 4 to 9, 11 to 14 of the acceptance list). */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { summarize } from "../../kernel/client/client.js";
import { kernel } from "./kernel.js";

const started = kernel();
const types = (messages: readonly { readonly header: { readonly msg_type: string } }[]) => messages.map(({ header }) => header.msg_type);

test("a cell is published as busy, input, output, result, idle (row 1)", async () => {
  const { messages, reply } = await started.client.execute('console.log("a"); 6 * 7');
  expect(types(messages)).toEqual(["status", "execute_input", "stream", "execute_result", "status"]);
  expect(messages[0]!.content.execution_state).toBe("busy");
  expect(messages[4]!.content.execution_state).toBe("idle");
  expect(reply.status).toBe("ok");
});

test("a result is its inspection without colours, undefined is none, a promise is awaited (row 4)", async () => {
  const { client } = started;
  expect((await client.execute("({ a: [1, 'two'], b: null })")).result).toBe("{ a: [ 1, 'two' ], b: null }");
  expect((await client.execute("undefined")).result).toBeNull();
  expect((await client.execute("Promise.resolve(7)")).result).toBe("7");
  expect((await client.execute("[NaN, -0, 12n]")).result).toBe("[ NaN, -0, 12n ]");
});

describe("execute_request", () => {
  test("silent publishes nothing but status and does not count (row 5)", async () => {
    const { client } = started;
    const before = (await client.execute("1")).reply.execution_count as number;
    const { messages } = await client.execute("console.log('quiet'); 5", { silent: true });
    expect(types(messages)).toEqual(["status", "status"]);
    expect((await client.execute("1")).reply.execution_count).toBe(before + 1);
  });

  test("store_history false leaves the counter (row 5)", async () => {
    const { client } = started;
    const before = (await client.execute("1")).reply.execution_count;
    expect((await client.execute("2", { store_history: false })).reply.execution_count).toBe(before);
  });

  test("user_expressions are evaluated, and one that fails stays alone (row 5)", async () => {
    const { reply } = await started.client.execute("let five = 5", { user_expressions: { good: "five + 1", bad: "nowhere", none: "" } });
    const expressions = reply.user_expressions as Record<string, Record<string, unknown>>;
    expect(expressions.good).toEqual({ status: "ok", data: { "text/plain": "6" }, metadata: {} });
    expect(expressions.none).toMatchObject({ status: "ok", data: { "text/plain": "undefined" } });
    expect(expressions.bad).toMatchObject({ status: "error", ename: "ReferenceError" });
  });

  test("an error aborts the cells that wait (row 6)", async () => {
    const { client } = started;
    const cells = ["throw new Error('first')", "globalThis.second = true", "3"].map((code) => client.start(code));
    const replies = await Promise.all(cells.map(({ reply }) => reply));
    expect(replies.map(({ content }) => content.status)).toEqual(["error", "aborted", "aborted"]);
    expect((await client.execute("'second' in globalThis")).result).toBe("false");
  });

  test("with stop_on_error false they run (row 6)", async () => {
    const { client } = started;
    const cells = ["throw new Error('first')", "4"].map((code) => client.start(code, { stop_on_error: false }));
    const replies = await Promise.all(cells.map(({ reply }) => reply));
    expect(replies.map(({ content }) => content.status)).toEqual(["error", "ok"]);
  });
});

describe("requests beside cells", () => {
  test("kernel_info is answered on shell and control (row 9)", async () => {
    for (const channel of ["shell", "control"] as const) {
      const { content } = await started.client.request("kernel_info_request", {}, { channel }).reply;
      expect(content).toMatchObject({ status: "ok", protocol_version: "5.5", implementation: "cellgrad" });
      expect(content).toMatchObject({
        supported_features: expect.arrayContaining(["kernel subshells"]),
        debugger: expect.any(Boolean),
        banner: expect.any(String),
      });
      expect(content.language_info).toMatchObject({ name: "typescript", file_extension: ".ts", mimetype: "application/typescript" });
    }
  });

  test.each([
    ["1 + 1", "complete"],
    ["for (const x of [1, 2]) {", "incomplete"],
    ["const text = `one", "incomplete"],
    ["const re = /[/]/", "complete"],
    ["// only a comment", "complete"],
    ["const f = <T,>(x: T) => x", "complete"],
    ["const = 3", "invalid"],
  ])("is_complete of %j is %s (row 12)", async (code, status) => {
    const { content } = await started.client.request("is_complete_request", { code }).reply;
    expect(content.status).toBe(status);
  });

  test("history gives tail, range and search (row 13)", async () => {
    const { client } = started;
    for (const n of [1, 2, 3]) await client.execute(`"remembered ${n}"`);
    await client.execute('"remembered 3"');
    const ask = async (query: object) =>
      (await client.request("history_request", { output: false, raw: true, ...query }).reply).content.history as unknown[][];
    const tail = await ask({ hist_access_type: "tail", n: 2 });
    expect(tail.map(([, , input]) => input)).toEqual(['"remembered 3"', '"remembered 3"']);
    const [session, line] = tail[0]!;
    expect(await ask({ hist_access_type: "range", session, start: line, stop: Number(line) + 1 })).toEqual([tail[0]]);
    expect(await ask({ hist_access_type: "search", pattern: "*remembered ?*" })).toHaveLength(4);
    expect(await ask({ hist_access_type: "search", pattern: "*remembered*", unique: true })).toHaveLength(3);
    expect(await ask({ hist_access_type: "search", pattern: "*remembered*", n: 1 })).toHaveLength(1);
    expect((await ask({ hist_access_type: "tail", n: 1, output: true }))[0]![2]).toEqual(['"remembered 3"', "'remembered 3'"]);
  });

  test("what an interrupted cell was stays in the history (row 13)", async () => {
    const { client } = started;
    const code = 'console.log("go"); for (;;);';
    const cell = client.start(code);
    await client.printed(cell, "go");
    await client.interrupt();
    await cell.published;
    const { history } = (await client.request("history_request", { hist_access_type: "tail", n: 1, output: false, raw: true }).reply)
      .content;
    expect((history as unknown[][])[0]![2]).toBe(code);
  });

  test("a comm on an unknown target is closed (row 8)", async () => {
    const { client } = started;
    const comm_id = randomUUID();
    const { published } = client.request("comm_open", { comm_id, target_name: "nobody", data: {} });
    const closed = (await published).find(({ header }) => header.msg_type === "comm_close");
    expect(closed?.content).toEqual({ comm_id, data: {} });
  });

  test("comm_info lists the views that are open, by target", async () => {
    const { client } = started;
    const comm_id = randomUUID();
    await client.request("comm_open", { comm_id, target_name: "cellgrad.views", data: {} }).published;
    const info = async (target_name?: string) => (await client.request("comm_info_request", { target_name }).reply).content.comms;
    expect(await info()).toEqual({ [comm_id]: { target_name: "cellgrad.views" } });
    expect(await info("other")).toEqual({});
    await client.request("comm_close", { comm_id, data: {} }).published;
    expect(await info()).toEqual({});
  });

  test("subshells are made, listed, used and deleted; an unknown one is refused", async () => {
    const { client } = started;
    const control = async (type: string, content = {}) => (await client.request(type, content, { channel: "control" }).reply).content;
    const { subshell_id } = await control("create_subshell_request");
    expect((await control("list_subshell_request")).subshell_id).toEqual([subshell_id]);
    expect((await client.execute("8", { subshell: String(subshell_id) })).result).toBe("8");
    expect((await control("delete_subshell_request", { subshell_id })).status).toBe("ok");
    expect((await control("delete_subshell_request", { subshell_id })).status).toBe("error");
    expect((await client.request("kernel_info_request", {}, { subshell: "nowhere" }).reply).content.status).toBe("error");
    expect((await client.request("create_subshell_request", {}).reply).content.ename).toBe("WrongChannel");
    expect((await control("execute_request", { code: "1" })).ename).toBe("WrongChannel");
  });

  test("a subshell runs its cells while the main shell waits", async () => {
    const { client } = started;
    const { subshell_id } = (await client.request("create_subshell_request", {}, { channel: "control" }).reply).content;
    const waiting = client.start("let finish = (text: string) => {}; await new Promise((resolve) => (finish = resolve))");
    await client.next(({ header, parent }) => header.msg_type === "execute_input" && parent.msg_id === waiting.id);
    const beside = await client.execute(
      "// @ts-nocheck\nwhile (typeof finish === 'undefined') await null; finish('from beside'); 'beside'",
      {
        subshell: String(subshell_id),
      },
    );
    expect(beside.result).toBe("'beside'");
    expect(summarize((await waiting.reply).content, await waiting.published).result).toBe("'from beside'");
  });

  test("usage tells memory of kernel and host", async () => {
    const { client } = started;
    const { content } = await client.request("usage_request", {}, { channel: "control" }).reply;
    expect(content).toMatchObject({
      status: "ok",
      pid: client.process.pid,
      kernel_cpu: expect.any(Number),
      host_cpu_percent: expect.any(Number),
    });
    expect(content.kernel_memory).toBeGreaterThan(100e6); // three processes
    expect(content.cpu_count).toBeGreaterThan(0);
  });
});

describe("what is not a valid request", () => {
  test("is survived: unknown types, garbage, empty frames, a wrong signature (row 8)", async () => {
    const { client } = started;
    await client.request("no_such_request", {}).published;
    await client.request("constructor", {}).published;
    const header = JSON.stringify({ msg_id: "1", msg_type: "execute_request", session: "s", username: "", date: "", version: "5.5" });
    const forged = ["<IDS|MSG>", "0".repeat(64), header, "{}", "{}", JSON.stringify({ code: "globalThis.forged = 1" })];
    for (const frames of [["garbage"], [""], ["<IDS|MSG>"], forged])
      await client.send(
        "shell",
        frames.map((frame) => Buffer.from(frame)),
      );
    expect((await client.execute("'forged' in globalThis")).result).toBe("false");
  });

  test("a message of 32 MB is an ordinary message (row 8)", async () => {
    const { result } = await started.client.execute(`"${"x".repeat(32e6)}".length`);
    expect(result).toBe("32000000");
  });
});
