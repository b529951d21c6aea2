/** What cells write and show, on its way to iopub: few messages, in order, each under the cell it belongs to. */
import type { JsonObject, Message } from "../protocol/message.js";
import type { Bundle, StreamName } from "../runtime/messages.js";
import { Clip } from "./clip.js";
import { dropRewritten } from "./rewrites.js";

/** How long output waits for more in a cell that somebody watches, in ms. The first after a pause does not wait. */
const interval = 50;
/** Characters of a stream message. A cell that nobody watches is cut here only, so that its saved output does not depend on time. */
const maxLength = 65536;
/** Messages that wait at most. */
const maxWaiting = 100;
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
  readonly count: number;
  readonly parent: Message["parent"];
  readonly silent: boolean;
  readonly interactive: boolean;
}

interface Owner extends OutputOwner {
  readonly clip: Clip;
  /** Whether the front end has the display that stands for clipped text. */
  noticed: boolean;
}

/** What waits to be sent. */
type Item =
  | { readonly type: "stream"; readonly name: StreamName; text: string }
  | { readonly type: "display_data" | "update_display_data"; bundle: Bundle; readonly displayId: string | null }
  | { readonly type: "clear_output"; readonly wait: boolean };

export class Output {
  /** Where cells' whole outputs are kept when they are clipped. */
  readonly folder: string;
  readonly #publish: Publish;
  readonly #owners = new Map<number, Owner>();
  #latest: Owner | null = null;
  #running: Owner | null = null;
  #pending: { owner: Owner; readonly items: Item[] } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #flushed = 0;

  constructor(folder: string, publish: Publish) {
    this.folder = folder;
    this.#publish = publish;
  }

  /** Output of `cell.key`, and output of nobody, belongs to this cell from now on. */
  begin(cell: OutputOwner): void {
    const owner = { ...cell, clip: new Clip(this.folder, cell.count), noticed: false };
    this.#owners.set(owner.key, owner);
    if (this.#owners.size > remembered) this.#owners.delete(this.#owners.keys().next().value!);
    this.#latest = owner;
    this.#running = owner;
    if (this.#pending && !this.#pending.owner.interactive) this.#pending.owner = owner;
  }

  /** Sends what is left of the cell's output. */
  end(): void {
    this.flush();
    this.#running?.clip.close();
    this.#running = null;
  }

  stream(key: number | null, name: StreamName, text: string): void {
    const owner = this.#ownerOf(key);
    if (!owner || owner.silent) return;
    const items = this.#itemsOf(owner);
    const shown = owner.clip.take(text);
    if (shown !== "") appendText(items, name, shown);
    const { notice } = owner.clip;
    if (notice !== null) this.#notice(owner, items, notice);
    this.#sendLater(owner);
  }

  display(key: number | null, bundle: Bundle, displayId: string | null, update: boolean): void {
    const owner = this.#ownerOf(key);
    if (!owner || owner.silent) return;
    const items = this.#itemsOf(owner);
    if (update) updateDisplay(items, bundle, displayId);
    else items.push({ type: "display_data", bundle, displayId });
    this.#sendLater(owner);
  }

  clear(key: number | null, wait: boolean): void {
    const owner = this.#ownerOf(key);
    if (!owner || owner.silent) return;
    owner.clip.clear();
    owner.noticed = false;
    const items = this.#itemsOf(owner);
    // What would be cleared need not be sent; an update may be of another cell's display.
    items.splice(0, items.length, ...items.filter(({ type }) => type === "update_display_data"), { type: "clear_output", wait });
    this.#sendLater(owner);
  }

  /** Sends a message of a comm in its place; a silent cell's too, because it is no output. */
  comm(key: number | null, type: string, content: JsonObject, extras: Extras): void {
    this.flush();
    this.#publish(type, this.#ownerOf(key)?.parent ?? {}, content, extras);
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const pending = this.#pending;
    this.#pending = null;
    if (!pending || pending.items.length === 0) return;
    this.#flushed = performance.now();
    for (const item of pending.items) this.#send(pending.owner, item);
  }

  /** What waits of one cell; what waits of another is sent. */
  #itemsOf(owner: Owner): Item[] {
    if (this.#pending?.owner !== owner) {
      this.flush();
      this.#pending = { owner, items: [] };
    }
    return this.#pending!.items;
  }

  #sendLater(owner: Owner): void {
    const items = this.#pending!.items;
    const last = items.at(-1);
    if (items.length >= maxWaiting) return this.flush();
    if (last?.type === "stream") {
      for (; last.text.length >= maxLength; last.text = last.text.slice(maxLength)) {
        const whole = { ...last, text: last.text.slice(0, maxLength) };
        for (const item of [...items.splice(0, items.length - 1), whole]) this.#send(owner, item);
      }
    }
    if (this.#timer || !owner.interactive) return;
    this.#timer = setTimeout(() => this.flush(), Math.max(0, this.#flushed + interval - performance.now()));
  }

  /** Shows, in place of the text that is clipped, how much it is and how it ends. */
  #notice(owner: Owner, items: Item[], text: string): void {
    const displayId = `cellgrad-clipped-${owner.key}`;
    const bundle = { data: { "text/plain": text }, metadata: {} };
    if (owner.noticed) return updateDisplay(items, bundle, displayId);
    owner.noticed = true;
    items.push({ type: "display_data", bundle, displayId });
  }

  #send({ parent }: Owner, item: Item): void {
    switch (item.type) {
      case "stream":
        return this.#publish("stream", parent, { name: item.name, text: dropRewritten(item.text) });
      case "clear_output":
        return this.#publish("clear_output", parent, { wait: item.wait });
      default: {
        const transient = item.displayId === null ? {} : { display_id: item.displayId };
        return this.#publish(item.type, parent, { ...item.bundle, transient });
      }
    }
  }

  /** Runners such as nbclient drop what comes under a cell that has ended: there, late output belongs to the cell that runs, or runs next. */
  #ownerOf(key: number | null): Owner | null {
    const owner = key === null ? null : (this.#owners.get(key) ?? null);
    if (!owner) return this.#latest;
    return !owner.interactive && this.#running ? this.#running : owner;
  }
}

function appendText(items: Item[], name: StreamName, text: string): void {
  const last = items.at(-1);
  if (last?.type === "stream" && last.name === name) last.text += text;
  else items.push({ type: "stream", name, text });
}

/** Of several updates that wait the last is sent; where in between text was said makes no difference to it. */
function updateDisplay(items: Item[], bundle: Bundle, displayId: string | null): void {
  const waiting = items.findLast((item) => item.type === "update_display_data" && item.displayId === displayId);
  if (waiting && "bundle" in waiting) waiting.bundle = bundle;
  else items.push({ type: "update_display_data", bundle, displayId });
}
