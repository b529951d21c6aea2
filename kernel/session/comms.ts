/**
 * The comms between front end and kernel. Those of user code live in R; views are answered by the agent and notebooks that are being
 * written by K itself, whatever the running cell does.
 */
import { editorTarget } from "../../src/wire/editor.js";
import { viewsTarget } from "../../src/wire/host.js";
import type { JsonObject, Message } from "../protocol/message.js";
import type { CommEvent, FromRuntime } from "../runtime/messages.js";
import type { Language } from "../language/service.js";
import { Editor } from "./editor.js";
import type { Output, Publish } from "./output.js";
import type { CommListener, Runtime } from "./runtime.js";

const messageTypes = { open: "comm_open", message: "comm_msg", close: "comm_close" } as const;

export class Comms implements CommListener {
  readonly #runtime: Runtime;
  readonly #output: Output;
  readonly #publish: Publish;
  /** Resolves when the cells that a shell has now are done: one of them may register the target that is asked for. */
  readonly #drained: (subshell: string) => Promise<void>;
  /** Targets of the comms that are open, by id. */
  readonly #open = new Map<string, string>();
  /** Targets that user code has registered. */
  readonly #registered = new Set<string>();
  /** Opens that wait, by comm: what is sent to it meanwhile comes behind. */
  readonly #opening = new Map<string, Promise<void>>();
  /** The notebooks that are being written. */
  readonly editor: Editor;

  constructor(runtime: Runtime, language: Language, output: Output, publish: Publish, drained: (subshell: string) => Promise<void>) {
    this.#runtime = runtime;
    this.editor = new Editor(language, runtime, {
      send: (id, data) => publish("comm_msg", {}, { comm_id: id, data }),
      close: (id) => {
        this.#end(id);
        publish("comm_close", {}, { comm_id: id, data: {} });
      },
    });
    this.#output = output;
    this.#publish = publish;
    this.#drained = drained;
    runtime.serveComms(this);
  }

  /** Opens a comm on a target of the library or of user code, closes any other. */
  async open(request: Message): Promise<void> {
    const { comm_id: id, target_name: target } = request.content;
    if (typeof id !== "string" || typeof target !== "string") return;
    if (isOfKernel(target)) {
      if (target === editorTarget) this.editor.open(id);
      return void this.#open.set(id, target);
    }
    const opening = this.#openInRuntime(request, id, target);
    this.#opening.set(id, opening);
    await opening.finally(() => this.#opening.delete(id));
  }

  /** Passes a message on: a view's to the library, whose answer is sent back, any other to its handler. The sender of one to no open comm learns it. */
  async message(request: Message): Promise<void> {
    const { header, content } = request;
    const id = String(content.comm_id);
    await this.#opening.get(id);
    const target = this.#open.get(id);
    if (target === undefined) return this.#publish("comm_close", header, { comm_id: id, data: {} });
    if (!isOfKernel(target)) return void (await this.#toRuntime("message", request, id));
    const data = readData(content);
    if (target === editorTarget) return this.editor.message(id, data);
    const answer = await this.#runtime.ask({ type: "view", request: JSON.stringify(data) });
    this.#publish("comm_msg", header, { comm_id: id, data: readAnswer(answer, data) });
  }

  async close(request: Message): Promise<void> {
    const id = String(request.content.comm_id);
    await this.#opening.get(id);
    const target = this.#end(id);
    if (target !== undefined && !isOfKernel(target)) await this.#toRuntime("close", request, id);
  }

  /** The content of a comm_info_reply; `target` filters. */
  info(target: unknown): JsonObject {
    const found = [...this.#open].filter(([, name]) => typeof target !== "string" || target === "" || name === target);
    return { status: "ok", comms: Object.fromEntries(found.map(([id, target_name]) => [id, { target_name }])) };
  }

  /** Publishes what user code did with a comm, in its place among the cell's output. */
  event(event: Extract<FromRuntime, { type: "comm" | "target" }>, buffers: readonly Uint8Array[]): void {
    if (event.type === "target") return void this.#registered.add(event.target);
    const { id, target, key, data, metadata } = event;
    if (event.event === "open") this.#open.set(id, target);
    if (event.event === "close") this.#open.delete(id);
    const content = { comm_id: id, data, ...(event.event === "open" ? { target_name: target } : {}) };
    this.#output.comm(key, messageTypes[event.event], content, { metadata, buffers });
  }

  restarted(): void {
    this.#registered.clear();
    for (const [id, target] of this.#open) {
      if (isOfKernel(target)) continue; // a view is told `gone` when it asks
      this.#open.delete(id);
      this.#publish("comm_close", {}, { comm_id: id, data: {} });
    }
  }

  /** Forgets a comm; returns its target. */
  #end(id: string): string | undefined {
    const target = this.#open.get(id);
    this.#open.delete(id);
    if (target === editorTarget) this.editor.close(id);
    return target;
  }

  async #openInRuntime(request: Message, id: string, target: string): Promise<void> {
    if (!this.#registered.has(target)) await this.#drained(request.header.subshell_id ?? "");
    if (this.#registered.has(target)) {
      this.#open.set(id, target);
      if (await this.#toRuntime("open", request, id)) return;
      this.#open.delete(id);
    }
    this.#publish("comm_close", request.header, { comm_id: id, data: {} });
  }

  #toRuntime(event: CommEvent["event"], { content, metadata, buffers }: Message, id: string): Promise<boolean> {
    const target = this.#open.get(id) ?? "";
    return this.#runtime.comm({ event, id, target, data: readData(content), metadata }, buffers);
  }
}

function isOfKernel(target: string): boolean {
  return target === viewsTarget || target === editorTarget;
}

function readData({ data }: JsonObject): JsonObject {
  return typeof data === "object" && data !== null ? (data as JsonObject) : {};
}

/** JSON text of the library; "" when it is not loaded, so that what is asked about belongs to an earlier runtime; null when R cannot answer. */
function readAnswer(answer: unknown, { request }: JsonObject): unknown {
  if (answer === "") return { kind: "gone", request, reason: "restarted" };
  if (typeof answer === "string") return JSON.parse(answer);
  return { kind: "failed", request, reason: "the kernel could not answer now", retry: true };
}
