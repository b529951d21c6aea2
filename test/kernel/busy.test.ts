/** What is answered while a cell computes (rows 15 to 19 of the acceptance list): the cell never ends, so that an answer is one beside it. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Exchange } from "../../kernel/client/client.js";
import { kernel } from "./kernel.js";

const started = kernel();
let cell: Exchange;

beforeAll(async () => {
  const { client } = started;
  await client.execute("let counter = 0; const config = { alpha: 1, beta: 'two' }");
  await client.request("complete_request", { code: "config.", cursor_pos: 7 }).reply; // the first one loads types
  await client.execute(
    `(globalThis as any)[Symbol.for("cellgrad.views")] = { request: (text: string) => JSON.stringify({ echo: JSON.parse(text), counter }) }`,
  );
  cell = client.start('console.log("go"); for (;;) counter++');
  await client.printed(cell, "go");
});

afterAll(async () => {
  await started.client.interrupt();
  await cell.published;
});

test("the heartbeat (row 15)", async () => {
  await started.client.heartbeat();
});

test("kernel_info on shell and control (row 16)", async () => {
  for (const channel of ["shell", "control"] as const) {
    await started.client.request("kernel_info_request", {}, { channel }).reply;
  }
});

test("completion (row 17)", async () => {
  const completion = started.client.request("complete_request", { code: "config.", cursor_pos: 7 });
  await completion.reply;
  expect((await completion.reply).content.matches).toEqual(expect.arrayContaining(["alpha", "beta"]));
});

test("inspection (row 17)", async () => {
  const inspection = started.client.request("inspect_request", { code: "config", cursor_pos: 3, detail_level: 0 });
  await inspection.reply;
  const { found, data } = (await inspection.reply).content as { found: boolean; data: Record<string, string> };
  expect(found).toBe(true);
  expect(data["text/plain"]).toContain("alpha: number");
});

test("a view's request, with the value that the loop has reached (row 19)", async () => {
  const { client } = started;
  const comm_id = randomUUID();
  await client.request("comm_open", { comm_id, target_name: "cellgrad.views", data: {} }).published;
  const ask = async (request: number) => {
    const { published } = client.request("comm_msg", { comm_id, data: { request } });
    const reply = (await published).find(({ header }) => header.msg_type === "comm_msg");
    return reply!.content.data as { echo: unknown; counter: number };
  };
  const first = await ask(1);
  expect(first.echo).toEqual({ request: 1 });
  // The loop goes on between the requests, when the machine gives it a core.
  for (let request = 2; (await ask(request)).counter <= first.counter; request++);
});

test("the kernel never looks idle meanwhile", async () => {
  const { client } = started;
  await client.request("kernel_info_request", {}).published;
  await client.request("comm_info_request", {}).published;
  await client.next(({ header, parent }) => header.msg_type === "status" && parent.msg_id === cell.id);
  const last = client.published.filter(({ header }) => header.msg_type === "status").at(-1)!;
  expect([last.parent.msg_id, last.content.execution_state]).toEqual([cell.id, "busy"]);
});
