/** What the device panel costs while it is looked at: processor time of the kernel's processes and bytes of its messages. */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

const client = new URL("../../build/js/kernel/client/client.js", import.meta.url).href;
const wire = new URL("../../build/js/src/wire/index.js", import.meta.url).href;

/** As the panel asks, in ms (extension/views/devices/panel.ts). */
const pace = 2500;
/** Looked at and not, in turns: what the kernel does by itself settles in the course of it. */
const [turns, asks] = [3, 4];

const setUp = `import * as cg from "cellgrad"
const { nn } = cg
const images = cg.randn(512, 784)
const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10))
const opt = new cg.optim.Adam(model.parameters(), { lr: 1e-3 })
const step = () => { opt.zeroGrad(); model.forward(images).square().mean().backward(); opt.step() }
step()`;

/** Percent of one processor and bytes a second that the panel takes. */
export async function panelCost() {
  const { Client } = await import(client);
  const { devicesRef } = await import(wire);
  const kernel = await Client.start({ folder: process.cwd() });
  const comm_id = randomUUID();
  let state = { since: null, digest: null };
  let bytes = 0;
  let requests = 0;
  const ask = async () => {
    const content = { comm_id, data: { kind: "devices", ...state, live: devicesRef, request: ++requests } };
    const messages = await kernel.request("comm_msg", content).published;
    const reply = messages.find(({ header }) => header.msg_type === "comm_msg").content.data;
    state = { since: reply.slot, digest: reply.digest };
    bytes += messages.reduce((sum, message) => sum + sizeOf(message), sizeOf({ ...messages[0], parent: {}, content }));
  };
  const watched = async (looks) => {
    const before = processorTime(kernel.process.pid);
    for (let i = 0; i < asks; i++) {
      if (looks) await ask();
      await new Promise((resolve) => setTimeout(resolve, pace));
    }
    return (processorTime(kernel.process.pid) - before) / (asks * (pace / 1000));
  };
  try {
    await kernel.execute(setUp);
    await kernel.request("comm_open", { comm_id, target_name: "cellgrad.views", data: {} }).published;
    await ask();
    await watched(true);
    bytes = 0;
    let [without, looked] = [Infinity, Infinity];
    for (let turn = 0; turn < turns; turn++) {
      without = Math.min(without, await watched(false));
      looked = Math.min(looked, await watched(true));
    }
    return { percent: 100 * (looked - without), bytes: bytes / (turns * asks * (pace / 1000)) };
  } finally {
    await kernel.stop();
  }
}

/** Bytes of a message on the wire, but for its signature. */
const sizeOf = ({ header, parent, metadata, content }) => JSON.stringify([header, parent, metadata, content]).length;

/** Seconds that a process and its children have computed. */
function processorTime(root) {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const stat = read(`/proc/${pid}/stat`);
        return stat === null ? [] : [[Number(pid), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])]];
      }),
  );
  const isOurs = (pid) => pid === root || (parents.has(pid) && isOurs(parents.get(pid)));
  let nanoseconds = 0;
  for (const pid of [...parents.keys()].filter(isOurs))
    for (const task of readdirSync(`/proc/${pid}/task`))
      nanoseconds += Number(read(`/proc/${pid}/task/${task}/schedstat`)?.split(" ")[0] ?? 0);
  return nanoseconds / 1e9;
}

/** Null when the process has ended meanwhile. */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
