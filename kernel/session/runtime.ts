/** R as the session sees it: cells go in, what became of them comes out, and when R ends another takes its place. */
import type { TransformSettings } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";
import type { Bundle, CellError, CommEvent, DevtoolsEvent, FromRuntime, RuntimeCell } from "../runtime/messages.js";
import type { Output } from "./output.js";
import { RuntimeProcess, type AgentQuestion } from "./runtime-process.js";

export interface CellOutcome {
  readonly result: Bundle | null;
  readonly error: CellError | null;
  readonly expressions: JsonObject;
  readonly payload: readonly JsonObject[];
}

/** The outcome of a cell that R did not bring to its end. */
export function failedOutcome(error: CellError): CellOutcome {
  return { result: null, error, expressions: {}, payload: [] };
}

/** Who is told of the comms of user code. */
export interface CommListener {
  event(event: Extract<FromRuntime, { type: "comm" | "target" }>, buffers: readonly Uint8Array[]): void;
  /** Comms and targets are gone. */
  restarted(): void;
}

/** Who follows V8's debugger in R, over its restarts. */
export interface DevtoolsListener {
  devtools(event: DevtoolsEvent): void;
  /** Another process has taken R's place: nothing is enabled in it. */
  replaced(): void;
}

export class Runtime {
  /** Set by the debugger when a front end first speaks to it. */
  devtoolsListener: DevtoolsListener | null = null;
  readonly #folder: string;
  readonly #outputs: string;
  readonly #output: Output;
  readonly #onRestart: () => void;
  #onInput: (question: Extract<FromRuntime, { type: "input" }>) => void = () => {};
  readonly #prepared = new Map<number, (error: CellError | null) => void>();
  readonly #received = new Map<number, (accepted: boolean) => void>();
  #lastReceived = 0;
  #comms: CommListener | null = null;
  readonly #running = new Map<number, (outcome: CellOutcome) => void>();
  #process: RuntimeProcess;
  /** Whether the process came up: one that cannot is started again by the next cell only. */
  #ready = false;
  #ended = false;
  #closed = false;

  /** Takes over a process that was started ahead. `onRestart` is called when variables were lost. */
  constructor(process: RuntimeProcess, folder: string, output: Output, onRestart: () => void) {
    this.#outputs = output.folder;
    this.#process = process;
    this.#folder = folder;
    this.#output = output;
    this.#onRestart = onRestart;
    this.#attach();
  }

  /** Transforms a cell as the project has it; the error is that of code that does not parse. */
  prepare(cell: RuntimeCell, settings: TransformSettings): Promise<CellError | null> {
    if (this.#ended) this.#startAnother();
    return new Promise((resolve) => {
      this.#prepared.set(cell.key, resolve);
      this.#process.send({ type: "prepare", cell, settings });
    });
  }

  /** Runs a prepared cell. */
  run(key: number, expressions: JsonObject): Promise<CellOutcome> {
    return new Promise((resolve) => {
      this.#running.set(key, resolve);
      this.#process.send({ type: "run", key, expressions });
    });
  }

  /** Has `answer` called with every question that user code asks. */
  serveInput(answer: (question: Extract<FromRuntime, { type: "input" }>) => void): void {
    this.#onInput = answer;
  }

  /** Whether R has not yet said that the cell is done. */
  runs(key: number): boolean {
    return this.#running.has(key);
  }

  /** Tells `listener` of the comms of user code. */
  serveComms(listener: CommListener): void {
    this.#comms = listener;
  }

  /** Passes a front end's comm message on; resolves when its handler has run, with whether there was one. */
  comm(event: CommEvent, buffers: readonly Uint8Array[]): Promise<boolean> {
    const number = ++this.#lastReceived;
    return new Promise((resolve) => {
      this.#received.set(number, resolve);
      this.#process.send({ type: "comm", number, ...event }, buffers);
    });
  }

  drop(key: number): void {
    this.#process.send({ type: "drop", key });
  }

  ask(question: AgentQuestion): Promise<unknown> {
    return this.#process.ask(question);
  }

  interruptChildren(): void {
    this.#process.interruptChildren();
  }

  /** Ends R; another takes its place at once. */
  restart(): void {
    this.#process.abandon();
    const how = "was stopped";
    // The cell that did not stop was reported before: the end of the runtime is then told as text.
    for (const key of this.#running.keys()) settle(this.#running, key, failedOutcome(exitError(how, true)));
    this.#replace(how);
  }

  /** Ends R for good. */
  close(): void {
    this.#closed = true;
    this.#process.kill();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  #startAnother(): void {
    this.#process = new RuntimeProcess(this.#folder, this.#outputs);
    this.#attach();
  }

  #attach(): void {
    this.#ready = false;
    this.#ended = false;
    this.#process.listen({
      message: (message, buffers) => this.#receive(message, buffers),
      output: (name, text) => this.#output.stream(null, name, text),
      devtools: (event) => this.devtoolsListener?.devtools(event),
      exit: (how) => this.#replace(how),
    });
    this.#process.send({ type: "start" });
  }

  #receive(message: FromRuntime, buffers: readonly Uint8Array[]): void {
    switch (message.type) {
      case "ready":
        this.#ready = true;
        return;
      case "prepared":
        return settle(this.#prepared, message.key, message.error);
      case "stream":
        return this.#output.stream(message.key, message.name, message.text);
      case "display":
        return this.#output.display(message.key, message.bundle, message.displayId, message.update);
      case "received":
        return settle(this.#received, message.number, message.accepted);
      case "target":
      case "comm":
        return this.#comms?.event(message, buffers);
      case "input":
        this.#output.flush(); // what was said before the question is seen before it
        return this.#onInput(message);
      case "clear":
        return this.#output.clear(message.key, message.wait);
      case "done":
        return settle(this.#running, message.key, message);
    }
  }

  #replace(how: string): void {
    if (this.#closed) return;
    const error = exitError(how, this.#ready);
    const wasIdle = this.#prepared.size + this.#running.size === 0;
    this.#ended = true;
    if (this.#ready) this.#startAnother();
    this.#onRestart();
    for (const number of this.#received.keys()) settle(this.#received, number, true);
    this.#comms?.restarted();
    this.devtoolsListener?.replaced();
    for (const key of this.#prepared.keys()) settle(this.#prepared, key, error);
    for (const key of this.#running.keys()) settle(this.#running, key, failedOutcome(error));
    if (wasIdle) this.#output.stream(null, "stderr", `${error.ename}: ${error.evalue}\n`);
  }
}

function settle<Value>(waiting: Map<number, (value: Value) => void>, key: number, value: Value): void {
  waiting.get(key)?.(value);
  waiting.delete(key);
}

function exitError(how: string, wasReady: boolean): CellError {
  const evalue = wasReady
    ? `the runtime ${how} and was restarted: variables are gone, the notebook stays connected`
    : `the runtime ${how} before it could run a cell`;
  return { ename: "RuntimeExited", evalue, traceback: [`RuntimeExited: ${evalue}`] };
}
