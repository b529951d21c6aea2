/** Executes cells: one after another in each shell, checked, run, reported, with the rest of the queue aborted after an error. */
import type { Language } from "../language/service.js";
import type { CheckResult } from "../language/types.js";
import type { JsonObject, Message } from "../protocol/message.js";
import type { CellError } from "../runtime/messages.js";
import type { RequestChannel } from "../transport/sockets.js";
import type { History } from "./history.js";
import { interruptTimeout, startInterrupt, type Interrupting } from "./interrupt.js";
import type { Output, OutputOwner, Publish } from "./output.js";
import { failedOutcome, type CellOutcome, type Runtime } from "./runtime.js";
import { staleNotice, typeError, typeNotices, typeWarning, uncheckedNotice } from "./type-errors.js";

/** What the executor sends. */
export interface Replies {
  readonly publish: Publish;
  reply(channel: RequestChannel, request: Message, content: JsonObject, metadata?: JsonObject): void;
  status(state: "busy" | "idle", parent: Message["parent"]): void;
}

interface Request {
  readonly channel: RequestChannel;
  readonly message: Message;
}

/** A shell's queue; the main shell has the id "". */
interface Lane {
  readonly waiting: Request[];
  /** Resolves when its queue is empty. */
  drained: Promise<void>;
  running: Running | null;
}

interface Running {
  readonly key: number;
  readonly count: number;
  readonly request: Message;
  /** By `performance.now()`. */
  readonly started: number;
  interrupted: boolean;
  /** Ends the cell with this error, when R does not. */
  abandon(error: CellError): void;
}

/** An execute_request's content, with the protocol's defaults. */
interface Execution {
  readonly code: string;
  readonly silent: boolean;
  readonly storeHistory: boolean;
  readonly expressions: JsonObject;
  readonly interactive: boolean;
  readonly stopOnError: boolean;
  readonly cellId: string | null;
}

const interruptedBeforeRun: CellError = {
  ename: "KeyboardInterrupt",
  evalue: "the cell was interrupted before it ran",
  traceback: ["KeyboardInterrupt: the cell was interrupted before it ran"],
};

/** Who follows cells from outside: the debugger, once there is one. */
export interface CellObserver {
  /** The cell runs when this resolves. */
  beforeRun(cell: { readonly key: number; readonly count: number; readonly code: string }): Promise<void>;
  afterRun(): void;
}

export class Executor {
  observer: CellObserver | null = null;
  readonly #runtime: Runtime;
  readonly #language: Language;
  readonly #output: Output;
  readonly #history: History;
  readonly #replies: Replies;
  readonly #lanes = new Map<string, Lane>();
  #count = 0;
  #lastKey = 0;
  #interrupting: Interrupting | null = null;
  /** Resolves when no interrupt is under way that was meant for cells that have ended. */
  #quiet: Promise<unknown> = Promise.resolve();
  #stuck = false;
  #toldUnchecked = false;
  /** Notices that were given: each says something new. */
  readonly #told = new Set<string>();

  constructor(runtime: Runtime, language: Language, output: Output, history: History, replies: Replies) {
    this.#runtime = runtime;
    this.#language = language;
    this.#output = output;
    this.#history = history;
    this.#replies = replies;
  }

  /** The request whose cell runs, or null. */
  get running(): Message | null {
    for (const { running } of this.#lanes.values()) if (running) return running.request;
    return null;
  }

  /** The request of a cell that runs. */
  requestOf(key: number): Message | null {
    for (const { running } of this.#lanes.values()) if (running?.key === key) return running.request;
    return null;
  }

  enqueue(channel: RequestChannel, message: Message): void {
    const id = message.header.subshell_id ?? "";
    let lane = this.#lanes.get(id);
    if (!lane) this.#lanes.set(id, (lane = { waiting: [], running: null, drained: Promise.resolve() }));
    lane.waiting.push({ channel, message });
    if (!lane.running) lane.drained = this.#work(id, lane);
  }

  /** Resolves when the cells of a shell that are queued now have ended. */
  drained(subshell: string): Promise<void> {
    return this.#lanes.get(subshell)?.drained ?? Promise.resolve();
  }

  /** Stops what runs; without a running cell, whatever user code has left running. */
  interrupt(): void {
    if (this.#stuck) return this.#runtime.restart();
    const running = [...this.#lanes.values()].flatMap((lane) => lane.running ?? []);
    if (running.length === 0) return void (this.#quiet = this.#runtime.ask({ type: "interrupt", upTo: this.#lastKey }));
    for (const cell of running) cell.interrupted = true;
    if (this.#interrupting) return this.#interrupting.again();
    const { key, started: since } = running[0]!;
    this.#interrupting = startInterrupt(this.#runtime, {
      upTo: this.#lastKey,
      since,
      tell: (text) => this.#output.stream(key, "stderr", text),
      giveUp: () => {
        this.#stuck = true;
        for (const cell of running) cell.abandon(interruptTimeout(cell.count, this.#runtime.pid));
      },
    });
  }

  async #work(id: string, lane: Lane): Promise<void> {
    for (let next = lane.waiting.shift(); next; next = lane.waiting.shift()) {
      const failed = await this.#execute(next, lane);
      if (failed) for (const aborted of lane.waiting.splice(0)) this.#abort(aborted);
    }
    this.#lanes.delete(id);
  }

  /** Returns whether the cells that wait must be aborted. */
  async #execute({ channel, message }: Request, lane: Lane): Promise<boolean> {
    const { header } = message;
    const started = new Date().toISOString();
    const execution = readExecution(message);
    if (execution.storeHistory) this.#count++;
    const { silent, interactive } = execution;
    const owner = { key: ++this.#lastKey, count: this.#count, parent: header, silent, interactive };
    this.#output.begin(owner);
    // The other processes get to work first, and meanwhile the front ends are told.
    const ended = new Promise<CellOutcome>((resolve) => {
      const abandon = (error: CellError) => resolve(failedOutcome(error));
      const started = performance.now();
      const running = { key: owner.key, count: this.#count, request: message, started, interrupted: false, abandon };
      lane.running = running;
      void this.#run(owner, execution, running).then(resolve);
    });
    this.#replies.status("busy", header);
    if (!execution.silent) this.#replies.publish("execute_input", header, { code: execution.code, execution_count: this.#count });
    if (execution.storeHistory) this.#history.add(this.#count, execution.code);
    const outcome = await ended;
    this.#output.end();
    lane.running = null;
    if (!this.running) this.#finishInterrupt();
    const content = this.#conclude(header, execution, outcome);
    this.#replies.reply(channel, message, content, { started, status: content.status });
    this.#replies.status("idle", header);
    return outcome.error !== null && execution.stopOnError;
  }

  async #run({ key }: OutputOwner, execution: Execution, running: Running): Promise<CellOutcome> {
    const { code, cellId: id, interactive } = execution;
    const count = this.#count;
    const cell = { id, count, code };
    const preparing = this.#runtime.prepare({ key, count, id, code, interactive }, this.#language.transformSettings);
    const checking = execution.silent || this.#language.typeErrors === "off" ? null : this.#language.check(cell);
    const syntaxError = await preparing;
    if (syntaxError) return failedOutcome(syntaxError);
    const wrong = checking && this.#judge(await checking, cell, key);
    await this.#quiet;
    const refused = wrong ?? (running.interrupted ? interruptedBeforeRun : null);
    if (refused) {
      this.#runtime.drop(key);
      return failedOutcome(refused);
    }
    await this.observer?.beforeRun({ key, count, code });
    const ended = this.#runtime.run(key, execution.expressions);
    this.#language.commit(cell);
    const stale = checking && this.#language.stale();
    const outcome = await ended;
    this.observer?.afterRun();
    const notice = stale === null ? "" : staleNotice(await stale);
    if (notice !== "") this.#output.stream(key, "stderr", notice);
    this.#stuck = false;
    return outcome;
  }

  /** The error that keeps a cell from running, if there is one; what is only worth a word is written under the cell. */
  #judge(result: CheckResult, cell: { readonly count: number; readonly code: string }, key: number): CellError | null {
    const warn = (text: string) => this.#output.stream(key, "stderr", text);
    switch (result.status) {
      case "checked":
        if (this.#language.typeErrors === "error")
          return typeError(cell, result.diagnostics) ?? this.#tell(typeNotices(cell, result.diagnostics), warn);
        warn(typeWarning(cell, result.diagnostics));
        return null;
      case "late":
        void result.later.then((diagnostics) => warn(diagnostics ? typeWarning(cell, diagnostics) : uncheckedNotice(cell.count)));
        return null;
      case "unavailable":
        if (!this.#toldUnchecked) warn(`Cells run without type checks: ${result.reason}\n`);
        this.#toldUnchecked = true;
        return null;
    }
  }

  #tell(notices: readonly string[], warn: (text: string) => void): null {
    for (const notice of notices) {
      const news = notice.slice(notice.indexOf(" TS"));
      if (!this.#told.has(news)) warn(notice);
      this.#told.add(news);
    }
    return null;
  }

  /** Publishes how the cell ended; returns the content of its reply. */
  #conclude(
    parent: Message["parent"],
    { silent, storeHistory }: Execution,
    { result, error, expressions, payload }: CellOutcome,
  ): JsonObject {
    const execution_count = this.#count;
    if (error) {
      if (!silent) this.#replies.publish("error", parent, { ...error });
      return { status: "error", execution_count, ...error, user_expressions: {}, payload: [] };
    }
    if (result && storeHistory) this.#history.addOutput(execution_count, String(result.data["text/plain"]));
    if (result && !silent) this.#replies.publish("execute_result", parent, { execution_count, ...result });
    return { status: "ok", execution_count, user_expressions: expressions, payload };
  }

  #finishInterrupt(): void {
    if (this.#interrupting) this.#quiet = this.#interrupting.finish();
    this.#interrupting = null;
  }

  #abort({ channel, message }: Request): void {
    this.#replies.status("busy", message.header);
    this.#replies.reply(channel, message, { status: "aborted", execution_count: this.#count });
    this.#replies.status("idle", message.header);
  }
}

function readExecution({ content, metadata }: Message): Execution {
  const silent = content.silent === true;
  return {
    code: typeof content.code === "string" ? content.code : "",
    silent,
    storeHistory: !silent && content.store_history !== false,
    expressions: typeof content.user_expressions === "object" ? ((content.user_expressions ?? {}) as JsonObject) : {},
    interactive: content.allow_stdin !== false,
    stopOnError: content.stop_on_error !== false,
    cellId: typeof metadata.cellId === "string" ? metadata.cellId : null,
  };
}
