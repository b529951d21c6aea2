/** Serves one front end's requests: a table of handlers, each between a busy and an idle. */
import { randomUUID } from "node:crypto";
import type { Debugger } from "../debugger/debugger.js";
import { cursorOfOffset } from "../language/positions.js";
import type { Language } from "../language/service.js";
import type { Completeness } from "../language/types.js";
import type { JsonObject, Message } from "../protocol/message.js";
import type { RequestChannel, Sockets } from "../transport/sockets.js";
import { complete, inspect } from "./assist.js";
import { Comms } from "./comms.js";
import { Executor, type Replies } from "./executor.js";
import { History } from "./history.js";
import { Input } from "./input.js";
import { kernelInfo } from "./kernel-info.js";
import type { Output } from "./output.js";
import type { Runtime } from "./runtime.js";
import { Usage } from "./usage.js";

/** Returns the content of the reply, or null for messages without one. */
type Handler = (request: Message) => JsonObject | null | Promise<JsonObject | null>;

/** Requests that belong to one channel. All others are served on both: front ends ask for kernel_info on either, and old ones shut down on shell. */
const onControl = new Set(["create_subshell_request", "delete_subshell_request", "list_subshell_request"]);
const onShell = new Set(["execute_request", "comm_open", "comm_msg", "comm_close"]);

export interface SessionParts {
  readonly sockets: Sockets;
  readonly runtime: Runtime;
  readonly language: Language;
  readonly output: Output;
  readonly isComplete: (code: string) => Completeness;
  /** Ends the kernel; called when the reply to a shutdown_request is out. */
  readonly shutdown: () => void;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #executor: Executor;
  readonly #input: Input;
  readonly #history = new History();
  readonly #subshells = new Set<string>();
  readonly #handlers: { readonly [type: string]: Handler };
  #loadedDebugger: Promise<Debugger> | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { sockets, runtime, language, output } = parts;
    const publish: Replies["publish"] = (type, parent, content, extras) => void sockets.publish({ type, parent, content, ...extras });
    this.#executor = new Executor(runtime, language, output, this.#history, {
      publish,
      reply: (channel, request, content, metadata) => this.#reply(channel, request, content, metadata),
      status: (state, parent) => this.#status(state, parent),
    });
    this.#input = new Input(sockets, runtime, (key) => (runtime.runs(key) ? this.#executor.requestOf(key) : null));
    runtime.serveInput((question) => void this.#input.ask(question));
    const comms = new Comms(runtime, language, output, publish, (subshell) => this.#executor.drained(subshell));
    const usage = new Usage([process.pid, runtime.pid, language.pid]);
    this.#handlers = {
      kernel_info_request: () => kernelInfo,
      connect_request: () => Object.fromEntries(Object.entries(sockets.ports).map(([channel, port]) => [`${channel}_port`, port])),
      complete_request: ({ content }) =>
        complete(language, runtime, text(content.code), cursor(content), comms.editor.scopeOf(content.code)),
      inspect_request: ({ content }) => inspect(language, runtime, text(content.code), cursor(content), comms.editor.scopeOf(content.code)),
      is_complete_request: ({ content }) => ({ ...parts.isComplete(text(content.code)) }),
      history_request: ({ content }) => ({ status: "ok", history: this.#history.query(content) }),
      comm_info_request: ({ content }) => comms.info(content.target_name),
      comm_open: async (request) => (await comms.open(request), null),
      comm_msg: async (request) => (await comms.message(request), null),
      comm_close: async (request) => (await comms.close(request), null),
      interrupt_request: () => (this.interrupt(), { status: "ok" }),
      shutdown_request: ({ content }) => ({ status: "ok", restart: content.restart === true }),
      debug_request: async ({ content }) => (await this.#debugger()).serve(content),
      usage_request: () => usage.reply([process.pid, runtime.pid, language.pid]),
      create_subshell_request: () => ({ status: "ok", subshell_id: this.#createSubshell() }),
      delete_subshell_request: ({ content }) => this.#deleteSubshell(text(content.subshell_id)),
      list_subshell_request: () => ({ status: "ok", subshell_id: [...this.#subshells] }),
    };
  }

  /** Serves one request. Only cells wait for each other. */
  receive(channel: RequestChannel, request: Message): void {
    const { msg_type: type, subshell_id: subshell } = request.header;
    if (channel === "stdin") return type === "input_reply" ? this.#input.answer(request) : undefined;
    // Messages of comms, which nobody is told the fate of, are served even then.
    if (subshell && !this.#subshells.has(subshell) && type.endsWith("_request"))
      return void this.#serve(channel, request, () => unknownSubshell(subshell));
    if (type === "execute_request" && channel === "shell") return this.#executor.enqueue(channel, request);
    if (channel === "shell" ? onControl.has(type) : onShell.has(type))
      return void this.#serve(channel, request, () => refusal("WrongChannel", `${type} does not belong on ${channel}`));
    void this.#serve(channel, request, Object.hasOwn(this.#handlers, type) ? this.#handlers[type]! : () => null);
  }

  interrupt(): void {
    this.#executor.interrupt();
  }

  /** Loaded when a front end first asks for it. */
  #debugger(): Promise<Debugger> {
    const { runtime, language, sockets } = this.#parts;
    this.#loadedDebugger ??= import("../debugger/debugger.js").then(({ Debugger }) => {
      const publish = (content: JsonObject) =>
        void sockets.publish({ type: "debug_event", parent: this.#executor.running?.header ?? {}, content });
      return (this.#executor.observer = new Debugger(runtime, language, publish));
    });
    return this.#loadedDebugger;
  }

  async #serve(channel: RequestChannel, request: Message, handler: Handler): Promise<void> {
    const { header } = request;
    this.#status("busy", header);
    try {
      const content = await handler(request);
      if (content) this.#reply(channel, request, content);
    } catch (error) {
      const { name, message } = error as Error;
      this.#reply(channel, request, refusal(name, message));
    }
    this.#status("idle", header);
    // Front ends take the last status for the kernel's: a request answered beside a running cell must not make it look idle.
    const running = this.#executor.running;
    if (running) this.#status("busy", running.header);
    if (header.msg_type === "shutdown_request") this.#parts.shutdown();
  }

  /** Answers a request; what is no request, as a comm message, has no reply. */
  #reply(channel: RequestChannel, request: Message, content: JsonObject, metadata: JsonObject = {}): void {
    if (!request.header.msg_type.endsWith("_request")) return;
    const type = request.header.msg_type.replace(/_request$/, "_reply");
    void this.#parts.sockets.reply(channel, request, { type, parent: request.header, content, metadata });
  }

  #status(state: "busy" | "idle", parent: Message["parent"]): void {
    void this.#parts.sockets.publish({ type: "status", parent, content: { execution_state: state } });
  }

  #createSubshell(): string {
    const id = randomUUID();
    this.#subshells.add(id);
    return id;
  }

  #deleteSubshell(id: string): JsonObject {
    return this.#subshells.delete(id) ? { status: "ok" } : unknownSubshell(id);
  }
}

function unknownSubshell(id: string): JsonObject {
  return refusal("UnknownSubshell", `there is no subshell ${id}`);
}

function refusal(ename: string, evalue: string): JsonObject {
  return { status: "error", ename, evalue, traceback: [`${ename}: ${evalue}`] };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The cursor of a request in code points; the end of the code when it is not given. */
function cursor({ code, cursor_pos }: JsonObject): number {
  return typeof cursor_pos === "number" ? cursor_pos : cursorOfOffset(text(code), text(code).length);
}
