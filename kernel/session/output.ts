/** What cells write and show, on its way to iopub: few messages, in order, each under the cell it belongs to. */
import type { JsonObject, Message } from "../protocol/message.js";
import type { Bundle, StreamName } from "../runtime/messages.js";

/** How long text waits for more in a cell that somebody watches, in ms. The first after a pause does not wait. */
const interval = 50;
/** Characters of a stream message. A cell that nobody watches is cut here only, so that its saved output does not depend on time. */
const maxLength = 65536;
/** Cells whose late output still finds them. */
const remembered = 1000;

/** What a message may carry beside its content. */
export interface Extras {
  readonly metadata?: JsonObject;
  readonly buffers?: readonly Uint8Array[];
}

export type Publish = (type: string, parent: Message["parent"], content: JsonObject, extras?: Extras) => void;

/** A cell as the owner of output. */
export interface OutputOwner {
  readonly key: number;
  readonly parent: Message["parent"];
  readonly silent: boolean;
  readonly interactive: boolean;
}

export class Output {
  readonly #publish: Publish;
  readonly #owners = new Map<number, OutputOwner>();
  #latest: OutputOwner | null = null;
  #running: OutputOwner | null = null;
  #pending: { owner: OutputOwner; readonly name: StreamName; text: string } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #flushed = 0;

  constructor(publish: Publish) {
    this.#publish = publish;
  }

  /** Output of `owner.key`, and output of nobody, belongs to this cell from now on. */
  begin(owner: OutputOwner): void {
    this.#owners.set(owner.key, owner);
    if (this.#owners.size > remembered) this.#owners.delete(this.#owners.keys().next().value!);
    this.#latest = owner;
    this.#running = owner;
    if (this.#pending && !this.#pending.owner.interactive) this.#pending.owner = owner;
  }

  /** Sends what is left of the cell's output. */
  end(): void {
    this.flush();
    this.#running = null;
  }

  stream(key: number | null, name: StreamName, text: string): void {
    const owner = this.#ownerOf(key);
    if (!owner || owner.silent) return;
    if (this.#pending && (this.#pending.owner !== owner || this.#pending.name !== name)) this.flush();
    this.#pending ??= { owner, name, text: "" };
    this.#pending.text += text;
    while (this.#pending.text.length >= maxLength) {
      this.#send(owner, "stream", { name, text: this.#pending.text.slice(0, maxLength) });
      this.#pending.text = this.#pending.text.slice(maxLength);
    }
    if (this.#timer || !owner.interactive) return;
    this.#timer = setTimeout(() => this.flush(), Math.max(0, this.#flushed + interval - performance.now()));
  }

  display(key: number | null, bundle: Bundle, displayId: string | null, update: boolean): void {
    const transient = displayId === null ? {} : { display_id: displayId };
    this.#ordered(key, update ? "update_display_data" : "display_data", { ...bundle, transient });
  }

  clear(key: number | null, wait: boolean): void {
    this.#ordered(key, "clear_output", { wait });
  }

  /** Sends a message of a comm in its place; a silent cell's too, because it is no output. */
  comm(key: number | null, type: string, content: JsonObject, extras: Extras): void {
    this.flush();
    this.#publish(type, this.#ownerOf(key)?.parent ?? {}, content, extras);
  }

  /** Sends the text that waits. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const pending = this.#pending;
    this.#pending = null;
    if (!pending || pending.text === "") return;
    this.#flushed = performance.now();
    this.#send(pending.owner, "stream", { name: pending.name, text: pending.text });
  }

  #ordered(key: number | null, type: string, content: JsonObject): void {
    this.flush();
    const owner = this.#ownerOf(key);
    if (owner && !owner.silent) this.#send(owner, type, content);
  }

  #send(owner: OutputOwner, type: string, content: JsonObject): void {
    this.#publish(type, owner.parent, content);
  }

  /** Runners such as nbclient drop what comes under a cell that has ended: there, late output belongs to the cell that runs, or runs next. */
  #ownerOf(key: number | null): OutputOwner | null {
    const owner = key === null ? null : (this.#owners.get(key) ?? null);
    if (!owner) return this.#latest;
    return !owner.interactive && this.#running ? this.#running : owner;
  }
}
