/** Comms of user code: named channels to code in the front end, which either side opens and both write to. */
import { randomUUID } from "node:crypto";
import type { JsonObject } from "../protocol/message.js";
import { activeCell, type ActiveCell } from "./cells.js";
import { emit } from "./channel.js";
import type { CommEvent } from "./messages.js";

/** What goes over a comm. */
export interface CommMessage {
  /** JSON. */
  readonly data: JsonObject;
  readonly metadata: JsonObject;
  /** Bytes, as they were sent. */
  readonly buffers: readonly Uint8Array[];
}

/** What is sent beside the data. */
export interface CommExtras {
  readonly metadata?: JsonObject;
  /** Sent byte by byte, never as text. */
  readonly buffers?: readonly (ArrayBuffer | ArrayBufferView)[];
}

type Handler = (message: CommMessage) => void | Promise<void>;
type Acceptor = (comm: Comm, message: CommMessage) => void | Promise<void>;

/** A handler with the cell that set it: what it prints is that cell's. */
interface Owned<Call> {
  readonly call: Call;
  readonly cell: ActiveCell | undefined;
}

const targets = new Map<string, Owned<Acceptor>>();
const comms = new Map<string, Comm>();
let reportError: (error: unknown) => void;
/** What takes an event of the front end; null for a comm or a target that is not known. */
let handlerOf: (event: CommEvent, message: CommMessage) => (() => void) | null;

/**
 * A channel to code in the front end: a widget, a view, an extension.
 *
 * Handlers run when the cell that runs yields, at an `await` or at its end. Messages that come before there is a handler wait for it.
 *
 * @example
 * const comm = Comm.open("my-view", { title: "loss" })
 * comm.onMessage(({ data }) => comm.send({ echo: data }))
 * comm.send({ values: 2 }, { buffers: [new Float32Array([1, 2])] })
 */
export class Comm {
  readonly id: string;
  readonly target: string;
  #isOpen = true;
  #onMessage: Owned<Handler> | null = null;
  #onClose: Owned<Handler> | null = null;
  #waiting: CommMessage[] = [];

  private constructor(id: string, target: string) {
    this.id = id;
    this.target = target;
    comms.set(id, this);
  }

  /**
   * Opens a comm on a target of the front end.
   * @param data JSON that the target is opened with
   */
  static open(target: string, data: JsonObject = {}, extras: CommExtras = {}): Comm {
    const comm = new Comm(randomUUID().replaceAll("-", ""), target);
    try {
      comm.#emit("open", data, extras);
    } catch (error) {
      comm.#end(); // the front end has not heard of it
      throw error;
    }
    return comm;
  }

  /** Lets the front end open comms on `target`; `accept` gets each of them with the message that opened it. Registering again replaces. */
  static register(target: string, accept: Acceptor): void {
    targets.set(target, { call: accept, cell: activeCell.getStore() });
    emit({ type: "target", target });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Calls `handler` with every message from the front end, first with those that have come already. */
  onMessage(handler: Handler): void {
    this.#onMessage = { call: handler, cell: activeCell.getStore() };
    for (const message of this.#waiting.splice(0)) queueMicrotask(() => perform(this.#onMessage, message));
  }

  /** Calls `handler` when the front end closes the comm. */
  onClose(handler: Handler): void {
    this.#onClose = { call: handler, cell: activeCell.getStore() };
  }

  /** Sends a message. @throws Error when the comm is closed */
  send(data: JsonObject = {}, extras: CommExtras = {}): void {
    if (!this.#isOpen) throw new Error(`the comm on ${this.target} is closed`);
    this.#emit("message", data, extras);
  }

  /** Closes the comm; closing it again does nothing. */
  close(data: JsonObject = {}, extras: CommExtras = {}): void {
    if (!this.#isOpen) return;
    this.#end();
    this.#emit("close", data, extras);
  }

  static {
    handlerOf = ({ event, id, target }, message) => {
      const comm = comms.get(id);
      const acceptor = targets.get(target);
      if (event === "open") return comm || !acceptor ? null : () => Comm.#accept(acceptor, id, target, message);
      return comm ? () => comm.#take(event, message) : null;
    };
  }

  static #accept({ call, cell }: Owned<Acceptor>, id: string, target: string, message: CommMessage): void {
    const comm = new Comm(id, target);
    perform({ call: (first: CommMessage) => call(comm, first), cell }, message);
  }

  #take(event: "message" | "close", message: CommMessage): void {
    if (event === "close") {
      this.#end();
      perform(this.#onClose, message);
    } else if (this.#onMessage) perform(this.#onMessage, message);
    else this.#waiting.push(message);
  }

  #end(): void {
    this.#isOpen = false;
    comms.delete(this.id);
  }

  #emit(event: CommEvent["event"], data: JsonObject, { metadata = {}, buffers = [] }: CommExtras): void {
    const key = activeCell.getStore()?.key ?? null;
    emit({ type: "comm", event, id: this.id, target: this.target, key, data, metadata }, buffers.map(toBytes));
  }
}

/** Node's own: user code may replace the global one. */
const { setImmediate } = globalThis;

/** Prepares for comm messages; `report` gets what handlers throw. */
export function installComms(report: (error: unknown) => void): void {
  reportError = report;
}

/** Takes the front end's comm message `number`. */
export function receiveComm(number: number, event: CommEvent, buffers: readonly Uint8Array[]): void {
  const { data, metadata } = event;
  const handle = handlerOf(event, { data, metadata, buffers });
  // Not behind the call: an interrupt of the handler unwinds this function too.
  setImmediate(() => emit({ type: "received", number, accepted: handle !== null }));
  handle?.();
}

/** Runs a handler as part of its cell, which has ended: what it leaves to do before the cell is done is done behind it. */
function perform(handler: Owned<Handler> | null, message: CommMessage): void {
  if (!handler) return;
  const { call, cell } = handler;
  const context: ActiveCell | undefined = cell && { ...cell, beforeIdle: [], payload: [], children: new Set(), stopped: false };
  const run = async () => {
    try {
      await call(message);
      for (const task of context?.beforeIdle ?? []) await task();
    } catch (error) {
      reportError(error);
    }
  };
  void (context ? activeCell.run(context, run) : run());
}

function toBytes(buffer: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer);
}
