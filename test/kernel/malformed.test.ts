/** Messages that no front end would send, made by a seeded generator (row 8 of the acceptance list): nothing of them runs, and the kernel serves on. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { encodeMessage, makeHeader, type JsonObject } from "../../kernel/protocol/message.js";
import { Signer } from "../../kernel/protocol/signer.js";
import type { Client } from "../../kernel/client/client.js";
import { isLong, kernel } from "./kernel.js";

const started = kernel();

let state = 20_261;
/** An integer below `n`; the same sequence in each run. */
function below(n: number): number {
  state = (state * 48_271) % 2_147_483_647;
  return state % n;
}
const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
const bytes = (most: number) => Buffer.from(Array.from({ length: below(most) }, () => below(256)));

function frames(client: Client, type: string, content: JsonObject): Uint8Array[] {
  const header = makeHeader(type, client.session);
  const message = { identities: [], header, parent: {}, metadata: {}, content, buffers: [] };
  return encodeMessage(message, new Signer(client.kernel.connection.key));
}

/** Ways to spoil a message that would be executed; each breaks its signature or its frames. */
const spoil: readonly ((whole: Uint8Array[]) => Uint8Array[])[] = [
  (whole) => whole.slice(0, 1 + below(whole.length - 1)),
  (whole) => whole.with(1, bytes(80)),
  (whole) => whole.with(2 + below(4), bytes(200)),
  (whole) => whole.with(5, Buffer.from('{"code":"globalThis.executed = 2"}')),
  (whole) => [whole[0]!, ...whole.slice(1).toReversed()],
  () => Array.from({ length: 1 + below(8) }, () => bytes(100)),
];

const types = ["complete", "inspect", "is_complete", "history", "comm_info", "kernel_info", "connect", "usage", "list_subshell"] as const;
const values = [null, true, -1, 1e308, "", "__proto__", "😀", [], [[]], {}, { length: -1 }, "x".repeat(5000)] as const;
const fields = [
  "code",
  "cursor_pos",
  "detail_level",
  "hist_access_type",
  "n",
  "session",
  "start",
  "stop",
  "pattern",
  "target_name",
  "comm_id",
  "data",
];

/** How many, and after how many the heap has its size. */
const [count, warm] = isLong ? [100_000, 10_000] : [6000, 4000];

test(`${count} spoiled messages on shell, control and stdin run nothing and leave no trace in memory (row 8)`, async () => {
  const { client } = started;
  // Of the process that reads them; in the others whatever is loaded ahead arrives meanwhile.
  const memory = () => 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${client.process.pid}/status`, "utf8"))![1]);
  const send = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const whole = frames(client, "execute_request", { code: "globalThis.executed = 1" });
      await client.send(pick(["shell", "control", "stdin"]), pick(spoil)(whole));
    }
    expect((await client.execute("'executed' in globalThis")).result).toBe("false");
  };
  await send(warm);
  const before = memory();
  await send(count - warm);
  expect(memory() - before).toBeLessThan(20e6);
}, 600_000);

test("1000 signed requests whose fields are of any kind are answered, or not, and the kernel serves on (row 8)", async () => {
  const { client } = started;
  for (let i = 0; i < 1000; i++) {
    const content = Object.fromEntries(Array.from({ length: below(6) }, () => [pick(fields), pick(values)]));
    const type = below(4) === 0 ? pick(["comm_open", "comm_msg", "comm_close"]) : `${pick(types)}_request`;
    await client.send(pick(["shell", "control"]), frames(client, type, content));
  }
  expect((await client.execute("6 * 7")).result).toBe("42");
});

test("bytes that are not ZMQ's on any port are survived (row 8)", async () => {
  const { client } = started;
  const { shell_port, control_port, stdin_port, iopub_port, hb_port, ip } = client.kernel.connection;
  for (const port of [shell_port, control_port, stdin_port, iopub_port, hb_port]) {
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => {
        const socket = connect(port, ip, () => socket.end(Buffer.concat([Buffer.of(0), bytes(500)])));
        socket
          .resume()
          .on("error", () => {})
          .on("close", resolve);
      });
    }
  }
  await client.heartbeat();
  expect((await client.execute("6 * 7")).result).toBe("42");
});
