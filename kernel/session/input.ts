/** Lines of input that cells wait for: asked of the front end that sent the cell, on the stdin channel. */
import { randomUUID } from "node:crypto";
import type { Message } from "../protocol/message.js";
import type { FromRuntime, InputAnswer } from "../runtime/messages.js";
import type { Sockets } from "../transport/sockets.js";
import type { Runtime } from "./runtime.js";

type Question = Extract<FromRuntime, { type: "input" }>;

/** How often a front end is tried whose stdin connection is not up yet, and the pause between, in ms. */
const [attempts, pause] = [20, 100];

export class Input {
  readonly #sockets: Sockets;
  readonly #runtime: Runtime;
  /** The request of a running cell, by the cell's key. */
  readonly #requestOf: (key: number) => Message | null;
  #pending: { readonly question: Question; readonly request: Message; readonly messageId: string } | null = null;

  constructor(sockets: Sockets, runtime: Runtime, requestOf: (key: number) => Message | null) {
    this.#sockets = sockets;
    this.#runtime = runtime;
    this.#requestOf = requestOf;
  }

  /** Sends the question to whoever sent the cell. R waits for one line at a time. */
  async ask(question: Question): Promise<void> {
    const request = this.#requestOf(question.key);
    if (!request) return this.#refuse(question, "the cell has ended, so that no front end shows an input for it");
    const messageId = randomUUID();
    const pending = (this.#pending = { question, request, messageId });
    const content = { prompt: question.prompt, password: question.password };
    for (let attempt = 0; attempt < attempts && this.#pending === pending; attempt++) {
      if (await this.#sockets.ask(request, { id: messageId, type: "input_request", parent: request.header, content })) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    if (this.#pending === pending) this.#refuse(question, "the front end that sent the cell has no stdin connection");
  }

  /** Takes an input_reply: only of the front end that was asked, and not one to an earlier question. */
  answer({ identities, parent, content }: Message): void {
    const pending = this.#pending;
    if (!pending || !sameIdentities(identities, pending.request.identities)) return;
    if (parent.msg_id !== undefined && parent.msg_id !== pending.messageId) return;
    this.#settle({ id: pending.question.id, value: typeof content.value === "string" ? content.value : "", refusal: null });
  }

  #refuse({ id }: Question, refusal: string): void {
    this.#settle({ id, value: "", refusal });
  }

  #settle(answer: InputAnswer): void {
    this.#pending = null;
    void this.#runtime.ask({ type: "input", answer });
  }
}

function sameIdentities(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return one.length === other.length && one.every((frame, i) => Buffer.compare(frame, other[i]!) === 0);
}
