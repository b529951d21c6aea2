/** The 28 checks of the public scorecard `kernel-testbed`, each by its name there. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { Client } from "../../kernel/client/client.js";
import type { JsonObject } from "../../kernel/protocol/message.js";
import { kernel, withKernel } from "./kernel.js";

const started = kernel();

const info = async (channel: "shell" | "control" = "shell") =>
  (await started.client.request("kernel_info_request", {}, { channel }).reply).content;
const ask = async (type: string, content: JsonObject) => (await started.client.request(type, content).reply).content;
const show = (html: string, id: string) => `display.html(${JSON.stringify(html)}, { displayId: "${id}" })`;

/** The contents of one type that a cell has published. */
async function publishedBy(code: string, type: string): Promise<JsonObject[]> {
  const { messages } = await started.client.execute(code);
  return messages.filter(({ header }) => header.msg_type === type).map(({ content }) => content);
}

test("kernel_startup", async () => {
  await withKernel(async (client) => expect((await client.execute("1")).reply.status).toBe("ok"));
});

test("heartbeat_responds", async () => {
  await started.client.heartbeat();
});

test("kernel_info_reply_valid", async () => {
  for (const channel of ["shell", "control"] as const)
    expect(await info(channel)).toMatchObject({
      status: "ok",
      implementation: expect.any(String),
      implementation_version: expect.any(String),
      banner: expect.any(String),
    });
});

test("kernel_info_has_language_info", async () => {
  expect((await info()).language_info).toMatchObject({ name: "typescript", file_extension: ".ts", version: expect.any(String) });
});

test("kernel_info_has_protocol_version", async () => {
  expect((await info()).protocol_version).toMatch(/^5\.\d+$/);
});

test("iopub_welcome", async () => {
  const second = await Client.join(started.client.kernel);
  expect(second.published[0]!.header.msg_type).toBe("iopub_welcome");
  second.leave();
});

test("execute_stdout", async () => {
  expect((await started.client.execute('console.log("out")')).stdout).toBe("out\n");
});

test("execute_stderr", async () => {
  expect((await started.client.execute('console.error("err")')).stderr).toBe("err\n");
});

test("execute_reply_ok", async () => {
  expect((await started.client.execute("1")).reply).toMatchObject({ status: "ok", user_expressions: {}, payload: [] });
});

test("execute_result", async () => {
  expect((await started.client.execute("6 * 7")).result).toBe("42");
});

test("rich_execute_result", async () => {
  const code = '({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>rich</b>", "text/plain": "rich" }) })';
  const [result] = await publishedBy(code, "execute_result");
  expect(result!.data).toEqual({ "text/html": "<b>rich</b>", "text/plain": "rich" });
});

test("execute_input_broadcast", async () => {
  const code = "'seen by all'";
  const [input] = await publishedBy(code, "execute_input");
  expect(input).toEqual({ code, execution_count: expect.any(Number) });
});

test("status_busy_idle_lifecycle", async () => {
  const { published } = started.client.request("kernel_info_request", {});
  expect((await published).map(({ content }) => content.execution_state)).toEqual(["busy", "idle"]);
});

test("shutdown_reply", async () => {
  const client = await Client.start();
  const { reply } = client.request("shutdown_request", { restart: false }, { channel: "control" });
  expect((await reply).content).toEqual({ status: "ok", restart: false });
  expect(await client.stop()).toBe(0);
});

test("complete", async () => {
  expect(await ask("complete_request", { code: "Math.sqr", cursor_pos: 8 })).toMatchObject({ status: "ok", matches: ["sqrt"] });
});

test("inspect", async () => {
  expect(await ask("inspect_request", { code: "Math.sqrt", cursor_pos: 7, detail_level: 0 })).toMatchObject({ status: "ok", found: true });
});

test("is_complete_complete", async () => {
  expect(await ask("is_complete_request", { code: "1 + 1" })).toEqual({ status: "complete" });
});

test("is_complete_incomplete", async () => {
  expect(await ask("is_complete_request", { code: "if (true) {" })).toEqual({ status: "incomplete", indent: "  " });
});

test("history", async () => {
  await started.client.execute("'kept'");
  const { history } = await ask("history_request", { hist_access_type: "tail", n: 1, output: false, raw: true });
  expect(history).toEqual([[expect.any(Number), expect.any(Number), "'kept'"]]);
});

test("comm_info", async () => {
  expect(await ask("comm_info_request", {})).toEqual({ status: "ok", comms: {} });
});

test("error_handling", async () => {
  const { error, reply } = await started.client.execute('throw new RangeError("too far")');
  expect(error).toMatchObject({ ename: "RangeError", evalue: "too far", traceback: expect.any(Array) });
  expect(reply).toMatchObject({ status: "error", ...error });
});

test("display_data", async () => {
  const [shown] = await publishedBy(show("<i>1</i>", "one"), "display_data");
  expect(shown).toMatchObject({ data: { "text/html": "<i>1</i>" }, transient: { display_id: "one" } });
});

test("update_display_data", async () => {
  const [update] = await publishedBy('await display.update("one", 2)', "update_display_data");
  expect(update).toMatchObject({ data: { "text/plain": "2" }, transient: { display_id: "one" } });
});

test("stdin_input_request", async () => {
  started.client.onInput = ({ content }) => `answer to ${String(content.prompt)}`;
  expect((await started.client.execute('prompt("Name?")')).result).toBe("'answer to Name? '");
});

test("comms_lifecycle", async () => {
  const { client } = started;
  await client.execute('Comm.register("echo", (comm) => { comm.onMessage(({ data }) => comm.send(data)) })');
  const comm_id = randomUUID();
  await client.request("comm_open", { comm_id, target_name: "echo", data: {} }).published;
  expect((await ask("comm_info_request", { target_name: "echo" })).comms).toEqual({ [comm_id]: { target_name: "echo" } });
  const echo = client.next(({ header }) => header.msg_type === "comm_msg");
  client.request("comm_msg", { comm_id, data: { n: 1 } });
  expect((await echo).content).toEqual({ comm_id, data: { n: 1 } });
  await client.request("comm_close", { comm_id, data: {} }).published;
  expect((await ask("comm_info_request", {})).comms).toEqual({});
});

test("interrupt_request", async () => {
  const { client } = started;
  const cell = client.start('console.log("go"); for (;;);');
  await client.printed(cell, "go");
  await client.interrupt();
  expect((await cell.reply).content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
  await cell.published;
});

test("execution_count_increments", async () => {
  const { client } = started;
  const first = (await client.execute("1")).reply.execution_count as number;
  expect((await client.execute("2")).reply.execution_count).toBe(first + 1);
});

test("parent_header_correlation", async () => {
  const { client } = started;
  const cells = ["console.log(1); 1", "console.log(2); 2"].map((code) => client.start(code));
  for (const [i, { id, reply, published }] of cells.entries()) {
    expect((await reply).parent.msg_id).toBe(id);
    const text = (await published).find(({ header }) => header.msg_type === "stream")!.content.text;
    expect(text).toBe(`${i + 1}\n`);
  }
});
