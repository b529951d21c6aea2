/** Comms of user code, opened from either side (row 14 of the acceptance list), and what a widget needs of them. */
import { createHash, randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { JsonObject, Message } from "../../kernel/protocol/message.js";
import { kernel } from "./kernel.js";

const started = kernel();
const ofType = (messages: readonly Message[], type: string) => messages.filter(({ header }) => header.msg_type === type);

/** Sends a comm message of the front end; resolves with what was published for it. */
function send(type: "comm_open" | "comm_msg" | "comm_close", content: JsonObject, options = {}): Promise<readonly Message[]> {
  return started.client.request(type, { data: {}, ...content }, options).published;
}

async function commInfo(target_name?: string): Promise<unknown> {
  return (await started.client.request("comm_info_request", { target_name }).reply).content.comms;
}

describe("a comm that a cell opens (row 14)", () => {
  test("is published between the cell's outputs, with data, metadata and buffers", async () => {
    const { messages } = await started.client.execute(`
      console.log("before");
      const opened = Comm.open("view", { a: 1 }, { metadata: { version: "2.1.0" }, buffers: [Uint8Array.of(0, 255, 10), new Float32Array([1.5])] });
      opened.send({ b: 2 });
      console.log("after");
      opened.id`);
    expect(messages.slice(2, -2).map(({ header }) => header.msg_type)).toEqual(["stream", "comm_open", "comm_msg", "stream"]);
    const [open] = ofType(messages, "comm_open");
    const comm_id = String(open!.content.comm_id);
    expect(open!.content).toEqual({ comm_id, target_name: "view", data: { a: 1 } });
    expect(open!.metadata).toEqual({ version: "2.1.0" });
    expect(open!.buffers.map((buffer) => [...buffer])).toEqual([
      [0, 255, 10],
      [0, 0, 192, 63],
    ]);
    expect(ofType(messages, "comm_msg")[0]!.content).toEqual({ comm_id, data: { b: 2 } });
    expect(await commInfo("view")).toEqual({ [comm_id]: { target_name: "view" } });
  });

  test("hears the front end, also what came before there was a handler; what a handler prints is its cell's", async () => {
    const { client } = started;
    const cell = client.start('const heard = Comm.open("view"); heard.id');
    const comm_id = String(ofType(await cell.published, "comm_open")[0]!.content.comm_id);
    await send("comm_msg", { comm_id, data: { n: 1 } });
    const listener = client.start(
      "heard.onMessage(({ data }) => { console.log('heard', data.n); heard.send({ twice: 2 * Number(data.n) }) })",
    );
    const late = client.printed(listener, "heard 2");
    await client.printed(listener, "heard 1");
    const answer = client.next(({ content }) => (content.data as JsonObject | undefined)?.twice === 4);
    await send("comm_msg", { comm_id, data: { n: 2 } });
    expect((await answer).content.comm_id).toBe(comm_id);
    await late;
  });

  test("can be closed by either side, once", async () => {
    const { client } = started;
    const { messages } = await client.execute('const shut = Comm.open("view"); shut.close({ why: "done" }); shut.close(); shut.isOpen');
    expect(ofType(messages, "comm_close").map(({ content }) => content.data)).toEqual([{ why: "done" }]);
    expect((await client.execute("shut.send({})")).error?.evalue).toBe("the comm on view is closed");
    const cell = client.start('const left = Comm.open("view"); left.onClose(({ data }) => console.log("closed", data.by))');
    const comm_id = ofType(await cell.published, "comm_open")[0]!.content.comm_id;
    const closed = client.printed(cell, "closed front end");
    await send("comm_close", { comm_id: String(comm_id), data: { by: "front end" } });
    await closed;
    expect((await client.execute("left.isOpen")).result).toBe("false");
  });
});

test("a message to a comm that is not open, also by way of a subshell that is gone, is answered by its close", async () => {
  for (const options of [{}, { subshell: "gone" }]) {
    const comm_id = randomUUID();
    const published = await send("comm_msg", { comm_id }, options);
    expect(ofType(published, "comm_close").map(({ content }) => content.comm_id)).toEqual([comm_id]);
  }
});

describe("a comm that the front end opens (row 14)", () => {
  test("reaches a registered target with its buffers, and is answered by reply, later and byte for byte", async () => {
    const { client } = started;
    await client.execute(`
      Comm.register("echo", (comm, first) => {
        comm.send({ opened: first.data }, { buffers: first.buffers });
        comm.onMessage(({ data, metadata, buffers }) => comm.send(data, { metadata, buffers }));
      })`);
    const comm_id = randomUUID();
    const bytes = Buffer.from([1, 10, 0, 91, 10, 91, 255]);
    const published = await send("comm_open", { comm_id, target_name: "echo", data: { x: [1] } }, { buffers: [bytes] });
    expect(published.map(({ content }) => content.execution_state)).toEqual(["busy", "idle"]);
    const opened = client.published.findLast(({ header }) => header.msg_type === "comm_msg")!;
    expect(opened.content).toEqual({ comm_id, data: { opened: { x: [1] } } });
    expect(Buffer.compare(opened.buffers[0]!, bytes)).toBe(0);
    const echo = client.next(({ header }) => header.msg_type === "comm_msg");
    await send("comm_msg", { comm_id, data: { y: "é😀\n" } }, { buffers: [bytes, Buffer.alloc(0), bytes], metadata: { m: 1 } });
    expect((await echo).content.data).toEqual({ y: "é😀\n" });
    expect((await echo).metadata).toEqual({ m: 1 });
    expect((await echo).buffers.map((buffer) => buffer.length)).toEqual([7, 0, 7]);
  });

  test("8 MB come back byte for byte", async () => {
    const { client } = started;
    const comm_id = randomUUID();
    const bytes = Buffer.alloc(8 << 20);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 2654435761) >>> 24;
    const digest = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
    const echo = client.next(({ header }) => header.msg_type === "comm_msg");
    await send("comm_open", { comm_id, target_name: "echo" }, { buffers: [bytes] });
    expect(digest((await echo).buffers[0]!)).toBe(digest(bytes));
  });

  test("waits for the cells before it, one of which may register its target", async () => {
    const { client } = started;
    const comm_id = randomUUID();
    const cell = client.start(
      'await new Promise((resolve) => setTimeout(resolve, 50)); Comm.register("late", (comm) => comm.send({ late: true }))',
    );
    const answer = client.next(({ header, content }) => header.msg_type === "comm_msg" && content.comm_id === comm_id);
    const opened = send("comm_open", { comm_id, target_name: "late" });
    const sent = send("comm_msg", { comm_id });
    expect((await answer).content.data).toEqual({ late: true });
    await Promise.all([cell.published, opened, sent]);
    expect(await commInfo("late")).toEqual({ [comm_id]: { target_name: "late" } });
  });

  test("is closed where nobody registered its target", async () => {
    const comm_id = randomUUID();
    const [closed] = ofType(await send("comm_open", { comm_id, target_name: "nobody" }), "comm_close");
    expect(closed!.content).toEqual({ comm_id, data: {} });
    expect(await commInfo("nobody")).toEqual({});
  });
});

describe("a handler", () => {
  test("runs while a cell waits, and the cell looks busy all the time", async () => {
    const { client } = started;
    const comm_id = randomUUID();
    await client.execute('let release = () => {}; Comm.register("release", (comm) => { comm.onMessage(() => release()) })');
    await send("comm_open", { comm_id, target_name: "release" });
    const cell = client.start('console.log("waiting"); await new Promise<void>((resolve) => (release = resolve)); "released"');
    await client.printed(cell, "waiting");
    void send("comm_msg", { comm_id });
    expect(ofType(await cell.published, "execute_result")).toHaveLength(1);
  });

  test("that throws is reported under its cell, and the comm lives", async () => {
    const { client } = started;
    const comm_id = randomUUID();
    const cell = client.start(`
      Comm.register("throws", (comm) => { comm.onMessage(({ data }) => { if (data.bad) throw new Error("bad message"); comm.send({ fine: true }) }) })`);
    await cell.published;
    await send("comm_open", { comm_id, target_name: "throws" });
    const reported = client.printed(cell, "bad message");
    await send("comm_msg", { comm_id, data: { bad: true } });
    expect((await reported).content.name).toBe("stderr");
    const fine = client.next(({ header }) => header.msg_type === "comm_msg");
    await send("comm_msg", { comm_id });
    expect((await fine).content.data).toEqual({ fine: true });
  });

  test("that loops can be interrupted, its request ends, and the next message is handled", async () => {
    const { client } = started;
    const comm_id = randomUUID();
    const cell = client.start(`
      Comm.register("loops", (comm) => { comm.onMessage(({ data }) => { if (data.loop) { console.log("looping"); for (;;); } comm.send({ fine: true }) }) })`);
    await cell.published;
    await send("comm_open", { comm_id, target_name: "loops" });
    const looping = send("comm_msg", { comm_id, data: { loop: true } });
    await client.printed(cell, "looping");
    await client.interrupt();
    await looping;
    const fine = client.next(({ header }) => header.msg_type === "comm_msg");
    await send("comm_msg", { comm_id });
    expect((await fine).content.data).toEqual({ fine: true });
  });
});

test("comms end with the runtime: the front end is told, and targets are gone", async () => {
  const { client } = started;
  const cell = client.start('const lost = Comm.open("view"); lost.id');
  const comm_id = ofType(await cell.published, "comm_open")[0]!.content.comm_id;
  const closed = client.next(({ header, content }) => header.msg_type === "comm_close" && content.comm_id === comm_id);
  await client.execute("// @ts-nocheck\nprocess.exit(1)");
  await closed;
  expect(await commInfo()).toEqual({});
  const [refused] = ofType(await send("comm_open", { comm_id: "again", target_name: "echo" }), "comm_close");
  expect(refused!.content.comm_id).toBe("again");
});

test("a comm is typed, and one that a silent cell opens is published", async () => {
  const { client } = started;
  expect((await client.execute("Comm.open(3)")).error?.ename).toBe("TS2345");
  expect((await client.execute("let widget: Comm | null = null; widget")).result).toBe("null");
  const { messages } = await client.execute('Comm.open("view")', { silent: true });
  expect(ofType(messages, "comm_open")).toHaveLength(1);
});
