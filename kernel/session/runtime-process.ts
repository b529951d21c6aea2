/** One run of the process R: its pipes, its messages, its end. */
import { spawn, type ChildProcess } from "node:child_process";
import { readSync } from "node:fs";
import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { fileURLToPath } from "node:url";
import { encodeLine, readLines } from "../runtime/lines.js";
import {
  Pipe,
  type DevtoolsEvent,
  type FromAgent,
  type FromRuntime,
  type StreamName,
  type ToAgent,
  type ToRuntime,
} from "../runtime/messages.js";

const entry = fileURLToPath(new URL("../runtime/main.js", import.meta.url));

/** V8's last words when the heap has reached its limit. */
const heapExhausted = /^FATAL ERROR: .*heap out of memory/m;

/** The pipes of a process that ends close a little before its end is known, in ms. */
const exitDelay = 200;

/** A question to the agent, without the number that pairs it with its answer. */
export type AgentQuestion = ToAgent extends infer Each ? (Each extends ToAgent ? Omit<Each, "id"> : never) : never;

/** Who is told what happens in R. */
export interface RuntimeListener {
  message(message: FromRuntime, buffers: readonly Uint8Array[]): void;
  /** Output of native code and of child processes, which belongs to no cell by itself. */
  output(name: StreamName, text: string): void;
  /** Something happened in V8's debugger. */
  devtools(event: DevtoolsEvent): void;
  /** R has ended; every message of it was delivered. */
  exit(how: string): void;
}

type Exit = readonly [code: number | null, signal: NodeJS.Signals | null];

export class RuntimeProcess {
  readonly #child: ChildProcess;
  readonly #questions = new Map<number, (answer: unknown) => void>();
  /** Settled when R has ended and all of what it said was read; that may be before anybody listens. */
  readonly #exited: Promise<Exit>;
  #listener: RuntimeListener | null = null;
  #lastQuestion = 0;
  #exitCode: number | null = null;
  /** Why the kernel's own code could not go on in R. */
  #failure: string | null = null;
  #outOfMemory = false;

  /** Starts R in a process group of its own, to which everything that cells start belongs. `outputs`: see `outputFile`. */
  constructor(folder: string, outputs: string) {
    // DEP0205: module.register(), whose successor Node 20 does not have.
    const quiet = ["ExperimentalWarning", "DEP0205"].map((warning) => `--disable-warning=${warning}`);
    this.#child = spawn(process.execPath, [...quiet, entry, outputs], {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
    });
    const exited = new Promise<Exit>((resolve) => {
      this.#child.once("error", () => resolve([null, null]));
      this.#child.once("exit", (code, signal) => resolve([code, signal]));
    });
    const closed = new Promise((resolve) => this.#pipe(Pipe.events).once("close", resolve));
    this.#exited = Promise.all([exited, closed]).then(([exit]) => exit);
  }

  /** Delivers what R says, from its first message on. */
  listen(listener: RuntimeListener): void {
    this.#listener = listener;
    const events = this.#pipe(Pipe.events);
    // Three pipes, one order. What R said before it wrote directly is caught up with first; a direct write that R
    // tells of, and anything written before a cell ends, is delivered at that place.
    const catchUp = () => readNow(events, (bytes) => events.push(bytes));
    const drains = [this.#capture("stdout", catchUp), this.#capture("stderr", catchUp)];
    readLines(events, (line, buffers) => {
      const message = JSON.parse(line) as FromRuntime;
      if (message.type !== "stream") drains.forEach((drain) => drain());
      if (message.type === "drain") this.#pipe(Pipe.drained).write("\n");
      else this.#deliver(message, buffers);
    });
    readLines(this.#pipe(Pipe.agent), (line) => this.#answer(JSON.parse(line) as FromAgent));
    for (const pipe of [Pipe.commands, Pipe.agent, Pipe.drained]) this.#pipe(pipe).on("error", () => {}); // a write to R that is ending: exit follows
    for (const pipe of [Pipe.commands, Pipe.agent]) this.#pipe(pipe).once("close", () => this.#lostPipe());
    this.#pipe(Pipe.commands).resume(); // nothing comes, but its end is seen
    void this.#exited.then(([code, signal]) => {
      drains.forEach((drain) => drain());
      this.#ended(code, signal);
    });
  }

  send(message: ToRuntime, buffers?: readonly Uint8Array[]): void {
    for (const bytes of encodeLine(message, buffers)) this.#pipe(Pipe.commands).write(bytes);
  }

  /** Asks the agent; null when R ends before it answers. */
  ask(question: AgentQuestion): Promise<unknown> {
    const id = ++this.#lastQuestion;
    return new Promise((resolve) => {
      this.#questions.set(id, resolve);
      this.#pipe(Pipe.agent).write(JSON.stringify({ ...question, id }) + "\n");
    });
  }

  /** Sends SIGINT to what the cells have started; R itself ignores it. */
  interruptChildren(): void {
    this.#signal("SIGINT");
  }

  /** Ends R; nobody is told. */
  abandon(): void {
    this.#listener = null;
    this.kill();
  }

  /** Ends R and what the cells have started. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group has ended.
    }
  }

  #pipe(index: number): Socket {
    return this.#child.stdio[index] as unknown as Socket;
  }

  #deliver(message: FromRuntime, buffers: readonly Uint8Array[]): void {
    if (message.type === "failed") this.#failure = message.reason;
    else if (message.type !== "exit") return this.#listener?.message(message, buffers);
    else this.#exitCode = message.code;
    this.kill();
  }

  /** R that lives on without one of its pipes hears nothing more. */
  #lostPipe(): void {
    const end = () => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
      this.#failure = "a pipe to the kernel was closed";
      this.kill();
    };
    setTimeout(end, exitDelay).unref();
  }

  #answer(message: FromAgent): void {
    if ("event" in message) return this.#listener?.devtools(message.event);
    if ("failed" in message) {
      this.#failure = message.failed;
      return this.kill();
    }
    this.#questions.get(message.id)?.(message.value);
    this.#questions.delete(message.id);
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.kill(); // what the cells started ends with R
    for (const resolve of this.#questions.values()) resolve(null);
    this.#questions.clear();
    this.#listener?.exit(this.#howItEnded(code, signal));
    this.#listener = null;
  }

  #howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
    if (this.#failure !== null) return `could not go on, as a cell has changed what it is made of (${this.#failure}),`;
    if (this.#exitCode !== null) return `exited with code ${this.#exitCode}`;
    if (this.#outOfMemory) return "ran out of memory for JavaScript objects";
    return signal ? `was ended by ${signal}` : `exited with code ${code ?? "unknown"}`;
  }

  /** Passes on what arrives on stdout or stderr, after `catchUp`; returns a function that passes on, now, what has arrived. */
  #capture(name: StreamName, catchUp: () => void): () => void {
    const pipe = this.#child[name] as Socket;
    const decoder = new StringDecoder("utf8");
    let held: Buffer[] = [];
    const pass = (bytes: Buffer) => {
      const text = decoder.write(bytes);
      if (heapExhausted.test(text)) this.#outOfMemory = true;
      if (text !== "") this.#listener?.output(name, text);
    };
    const release = () => {
      const chunks = held;
      held = [];
      chunks.forEach(pass);
    };
    pipe.on("data", (bytes: Buffer) => {
      held.push(bytes);
      catchUp();
      release();
    });
    return () => {
      release();
      readNow(pipe, pass);
    };
  }
}

/** Reads what a pipe holds, past the event loop. */
function readNow(pipe: Socket, receive: (bytes: Buffer) => void): void {
  const { _handle: handle } = pipe as unknown as { readonly _handle: { readonly fd: number } | null };
  if (handle === null) return;
  try {
    for (let count = 1; count > 0 && !pipe.destroyed;) {
      const chunk = Buffer.allocUnsafe(65536);
      count = readSync(handle.fd, chunk);
      if (count > 0) receive(chunk.subarray(0, count));
    }
  } catch {
    // EAGAIN: nothing more for now.
  }
}
