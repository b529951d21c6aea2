/** How a kernel is started and reached (rows 9, 10 of the acceptance list): startup files, transports, encryption, several front ends. */
import { Dealer } from "zeromq";
import { describe, expect, test } from "vitest";
import { Client } from "../../kernel/client/client.js";
import { encodeMessage, makeHeader } from "../../kernel/protocol/message.js";
import { Signer } from "../../kernel/protocol/signer.js";
import { withKernel } from "./kernel.js";

describe("a kernel serves", () => {
  test.each([
    ["over tcp, on ports that it chooses and reports (row 10)", { transport: "tcp", startup: "handshake" }],
    ["over tcp, on the ports of a connection file", { transport: "tcp", startup: "connection file" }],
    ["over ipc, on names that it chooses and reports (row 10)", { transport: "ipc", startup: "handshake" }],
    ["over ipc, on the names of a connection file", { transport: "ipc", startup: "connection file" }],
    ["encrypted over tcp", { transport: "tcp", curve: true }],
    ["encrypted over ipc", { transport: "ipc", curve: true, startup: "connection file" }],
  ] as const)("%s", async (_, options) => {
    await withKernel(async (client) => {
      client.onInput = () => "typed";
      expect((await client.execute("prompt() + 2 ** 10")).result).toBe("'typed1024'");
      expect((await client.request("kernel_info_request", {}, { channel: "control" }).reply).content.status).toBe("ok");
      await client.heartbeat();
      const ports = (await client.request("connect_request", {}).reply).content;
      expect(Object.keys(ports)).toEqual(["shell_port", "control_port", "stdin_port", "iopub_port", "hb_port"]);
      expect(client.kernel.connection).toMatchObject(ports);
    }, options);
  });
});

test("an encrypted kernel refuses a front end that does not encrypt", async () => {
  await withKernel(
    async (client) => {
      const { ip, shell_port, key } = client.kernel.connection;
      const plain = new Dealer({ linger: 0 });
      const refused = new Promise((resolve) => {
        plain.events.on("handshake:error:protocol", resolve);
        plain.events.on("handshake:error:other", resolve);
        plain.events.on("disconnect", resolve);
      });
      plain.connect(`tcp://${ip}:${shell_port}`);
      const header = makeHeader("execute_request", "plain");
      const content = { code: "globalThis.plain = true" };
      const frames = encodeMessage({ identities: [], header, parent: {}, metadata: {}, content, buffers: [] }, new Signer(key));
      void plain.send(frames as Buffer[]).catch(() => {}); // never connected, so never sent
      await refused;
      plain.close();
      expect((await client.execute("'plain' in globalThis")).result).toBe("false");
    },
    { curve: true },
  );
});

test("every front end gets its welcome, and what any of them has executed (rows 9, 10)", async () => {
  await withKernel(async (client) => {
    const second = await Client.join(client.kernel);
    const seen = second.next(({ header, content }) => header.msg_type === "stream" && content.text === "for all\n");
    const { reply } = await client.execute("console.log('for all')");
    expect(reply.status).toBe("ok");
    expect((await seen).parent.session).toBe(client.session);
    expect(second.published.filter(({ header }) => header.msg_type === "iopub_welcome").at(-1)!.content).toEqual({ subscription: "" });
    client.onInput = () => expect.unreachable("the question is the second front end's");
    second.onInput = () => "second";
    expect((await second.execute("prompt()")).result).toBe("'second'");
    second.leave();
  });
});
