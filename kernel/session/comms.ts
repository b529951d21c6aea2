/** Comms that the front end opens. Views are answered by the agent, whatever the running cell does. */
import { viewsTarget } from "../../src/wire/host.js";
import type { JsonObject, Message } from "../protocol/message.js";
import type { Publish } from "./output.js";
import type { Runtime } from "./runtime.js";

export class Comms {
  readonly #runtime: Runtime;
  readonly #publish: Publish;
  readonly #targets = new Map<string, string>();

  constructor(runtime: Runtime, publish: Publish) {
    this.#runtime = runtime;
    this.#publish = publish;
  }

  /** Accepts a comm on a known target, closes any other. */
  open({ header, content }: Message): void {
    const { comm_id, target_name } = content;
    if (typeof comm_id !== "string") return;
    if (target_name === viewsTarget) this.#targets.set(comm_id, target_name);
    else this.#publish("comm_close", header, { comm_id, data: {} });
  }

  /** Passes a view's request to the library in R and sends its answer back. */
  async message({ header, content }: Message): Promise<void> {
    const { comm_id, data } = content;
    if (typeof comm_id !== "string" || !this.#targets.has(comm_id)) return;
    const answer = await this.#runtime.ask({ type: "view", request: JSON.stringify(data ?? {}) });
    this.#publish("comm_msg", header, { comm_id, data: readAnswer(answer, (data ?? {}) as JsonObject) });
  }

  close({ content }: Message): void {
    this.#targets.delete(String(content.comm_id));
  }

  /** The content of a comm_info_reply; `target` filters. */
  info(target: unknown): JsonObject {
    const found = [...this.#targets].filter(([, name]) => typeof target !== "string" || target === "" || name === target);
    return { status: "ok", comms: Object.fromEntries(found.map(([id, target_name]) => [id, { target_name }])) };
  }
}

/** JSON text of the library; "" when it is not loaded, so that what is asked about belongs to an earlier runtime; null when R cannot answer. */
function readAnswer(answer: unknown, { request }: JsonObject): unknown {
  if (answer === "") return { kind: "gone", request, reason: "restarted" };
  if (typeof answer === "string") return JSON.parse(answer);
  return { kind: "failed", request, reason: "the kernel could not answer now", retry: true };
}
