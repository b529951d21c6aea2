/** The debugger: the Debug Adapter Protocol of front ends on one side, V8's DevTools protocol on the other. */
import type { Language } from "../language/service.js";
import type { JsonObject } from "../protocol/message.js";
import type { DebuggedCell } from "../runtime/debugging.js";
import type { DevtoolsEvent } from "../runtime/messages.js";
import type { Runtime } from "../session/runtime.js";
import { Breakpoints } from "./breakpoints.js";
import { Devtools } from "./devtools.js";
import type { CallFrame, RemoteObject } from "./values.js";
import { Evaluation } from "./evaluation.js";
import { hashing, Sources } from "./sources.js";
import { Variables } from "./variables.js";

/** Returns the body of the response. */
type Handler = (args: JsonObject) => JsonObject | Promise<JsonObject | void> | void;

/** The only thread that runs user code. */
const threadId = 1;

const exceptionFilters = [
  { filter: "uncaught", label: "Uncaught exceptions", default: false },
  { filter: "all", label: "All exceptions", default: false },
];

const capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsEvaluateForHovers: true,
  supportsSetVariable: true,
  supportsModulesRequest: true,
  supportsExceptionInfoRequest: true,
  supportsDelayedStackTraceLoading: true,
  exceptionBreakpointFilters: exceptionFilters,
};

/** Where the program stands still. */
interface Stopped {
  readonly frames: readonly CallFrame[];
  /** Frames are numbered over all stops, so that a late question about an old one fails instead of answering for another. */
  readonly firstId: number;
  readonly exception: RemoteObject | null;
}

export class Debugger {
  readonly #publish: (event: JsonObject) => void;
  readonly #devtools: Devtools;
  readonly #sources: Sources;
  readonly #breakpoints: Breakpoints;
  readonly #variables: Variables;
  readonly #evaluation: Evaluation;
  readonly #handlers: { readonly [command: string]: Handler };
  /** One request after another, as the protocol has it. */
  #queue: Promise<unknown> = Promise.resolve();
  #attached = false;
  #pauseOn: "none" | "uncaught" | "all" = "none";
  #stopped: Stopped | null = null;
  #nextFrameId = 1;
  /** Why the program may stop next without a breakpoint: a step in the cell that runs, or a wish to pause. */
  #awaited: "step" | "pause" | null = null;
  /** A step led out of its cell: V8 would end it in the next one. */
  #stepIsStale = false;
  #sequence = 0;

  constructor(runtime: Runtime, language: Language, publish: (event: JsonObject) => void) {
    this.#publish = publish;
    this.#devtools = new Devtools((method, params) => runtime.ask({ type: "devtools", method, params }));
    this.#sources = new Sources(this.#devtools);
    this.#breakpoints = new Breakpoints(this.#devtools, language, this.#sources);
    this.#variables = new Variables(this.#devtools);
    this.#evaluation = new Evaluation(this.#devtools, language, this.#variables);
    this.#handlers = this.#makeHandlers();
    runtime.devtoolsListener = { devtools: (event) => this.#happened(event), replaced: () => this.#replaced() };
  }

  /** Answers a request with a response. */
  async serve(request: JsonObject): Promise<JsonObject> {
    const command = String(request.command);
    const response = { type: "response", request_seq: request.seq ?? 0, command };
    try {
      const handler = Object.hasOwn(this.#handlers, command) ? this.#handlers[command]! : null;
      if (!handler) throw new Error(`the debugger does not know the request ${command}`);
      const body = await this.#inTurn(async () => handler((request.arguments ?? {}) as JsonObject));
      return { ...response, seq: ++this.#sequence, success: true, body: body ?? {} };
    } catch (error) {
      return { ...response, seq: ++this.#sequence, success: false, message: (error as Error).message, body: {} };
    }
  }

  /** Called before a cell runs: its breakpoints are set, and what was looked at is let go. */
  async beforeRun(cell: DebuggedCell): Promise<void> {
    if (!this.#attached) return;
    await this.#inTurn(async () => {
      this.#sources.add(cell);
      await this.#variables.release();
      await this.#breakpoints.arm(cell);
    }).catch(() => undefined); // R has ended, which the cell will say
  }

  /** Called when a cell has ended: a step that led out of it must not stop in the next one. */
  afterRun(): void {
    if (this.#awaited !== "step") return;
    this.#awaited = null;
    this.#stepIsStale = true;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  #makeHandlers(): { readonly [command: string]: Handler } {
    return {
      debugInfo: () => this.#info(),
      initialize: ({ clientID }) => {
        this.#variables.showsTypes = clientID !== "jupyterlab";
        return capabilities;
      },
      attach: (args) => this.#attach(args),
      configurationDone: () => {},
      disconnect: () => this.#detach(),
      dumpCell: ({ code }) => ({ sourcePath: this.#sources.dump(String(code)) }),
      source: (args) => this.#source(args),
      modules: () => this.#modules(),
      threads: () => ({ threads: [{ id: threadId, name: "main" }] }),
      setBreakpoints: (args) => this.#setBreakpoints(args),
      setExceptionBreakpoints: ({ filters }) => this.#setExceptionBreakpoints(filters),
      stackTrace: (args) => this.#stackTrace(args),
      scopes: ({ frameId }) => ({ scopes: this.#variables.scopes(this.#frame(frameId)) }),
      variables: async (args) => ({ variables: await this.#variables.children(Number(args.variablesReference), args) }),
      setVariable: (args) => this.#evaluation.setVariable(args, this.#stopped?.frames[0] ?? null),
      evaluate: (args) => this.#evaluation.evaluate(args, this.#frameOrSession(args.frameId)),
      inspectVariables: () => this.#inspectVariables(),
      richInspectVariables: (args) => this.#evaluation.bundle(args, this.#latestFrame(args.frameId)),
      copyToGlobals: (args) => this.#evaluation.copyToGlobals(args, this.#frame(args.srcFrameId)),
      exceptionInfo: () => this.#exceptionInfo(),
      continue: async () => {
        await this.#resume("Debugger.resume", null);
        return { allThreadsContinued: true };
      },
      next: () => this.#resume("Debugger.stepOver", "step"),
      stepIn: () => this.#resume("Debugger.stepInto", "step"),
      stepOut: () => this.#resume("Debugger.stepOut", "step"),
      pause: () => this.#pause(),
    };
  }

  // ---- The session ----------------------------------------------------------------------------------------------------------------------

  #info(): JsonObject {
    return {
      isStarted: this.#attached,
      hashMethod: "Murmur2",
      hashSeed: hashing.seed,
      tmpFilePrefix: hashing.prefix,
      tmpFileSuffix: hashing.suffix,
      breakpoints: this.#breakpoints.list(),
      stoppedThreads: this.#stopped ? [threadId] : [],
      richRendering: true,
      exceptionPaths: [],
      copyToGlobals: true,
    };
  }

  async #attach({ justMyCode }: JsonObject): Promise<void> {
    this.#sources.justMyCode = justMyCode !== false;
    this.#attached = true;
    await this.#enable();
    this.#event("initialized", {});
  }

  /** Turns V8's debugger on: until then, and after a disconnect, it costs nothing. */
  async #enable(): Promise<void> {
    await this.#devtools.post("Runtime.enable"); // compiling without running needs it
    await this.#devtools.post("Debugger.enable");
    await this.#devtools.post("Debugger.setBlackboxPatterns", { patterns: this.#sources.hiddenPatterns() });
    await this.#devtools.post("Debugger.setPauseOnExceptions", { state: this.#pauseOn });
    for (const cell of await this.#devtools.call("cells")) this.#sources.add(cell);
    await this.#breakpoints.restore();
  }

  async #detach(): Promise<void> {
    if (!this.#attached) return;
    this.#attached = false;
    this.#pauseOn = "none";
    this.#breakpoints.clear();
    await this.#variables.release();
    await this.#devtools.post("Debugger.disable");
    await this.#devtools.post("Runtime.disable");
    this.#wentOn();
    this.#event("terminated", {});
  }

  /** Another R has taken the place of the one that was debugged. */
  #replaced(): void {
    this.#sources.forgetScripts();
    this.#variables.forget();
    this.#awaited = null;
    this.#wentOn();
    if (this.#attached) void this.#inTurn(() => this.#enable()).catch(() => undefined); // it has ended as well
  }

  // ---- Breakpoints and sources ----------------------------------------------------------------------------------------------------------

  async #setBreakpoints({ source, breakpoints, lines }: JsonObject): Promise<JsonObject> {
    const path = String((source as JsonObject | undefined)?.path ?? "");
    const asked = (breakpoints ?? ((lines ?? []) as number[]).map((line) => ({ line }))) as readonly JsonObject[];
    if (!this.#attached) throw new Error("attach first");
    return { breakpoints: await this.#breakpoints.set(path, asked) };
  }

  async #setExceptionBreakpoints(filters: unknown): Promise<void> {
    const chosen = Array.isArray(filters) ? filters : [];
    this.#pauseOn = chosen.includes("all") ? "all" : chosen.includes("uncaught") ? "uncaught" : "none";
    if (this.#attached) await this.#devtools.post("Debugger.setPauseOnExceptions", { state: this.#pauseOn });
  }

  #source({ source, path }: JsonObject): JsonObject {
    const asked = String((source as JsonObject | undefined)?.path ?? path);
    const content = this.#sources.read(asked);
    if (content === null) throw new Error(`no source is known as ${asked}`);
    return { content, mimeType: "application/typescript" };
  }

  #modules(): JsonObject {
    const modules = this.#sources.modules().map(({ name, path }) => ({ id: path, name, path }));
    return { modules, totalModules: modules.length };
  }

  // ---- Looking around -------------------------------------------------------------------------------------------------------------------

  async #stackTrace({ startFrame, levels }: JsonObject): Promise<JsonObject> {
    if (!this.#stopped) return { stackFrames: [], totalFrames: 0 };
    const { frames, firstId } = this.#stopped;
    const start = Number(startFrame ?? 0);
    const shown = frames.slice(start, Number(levels ?? 0) > 0 ? start + Number(levels) : undefined);
    const places = await this.#sources.locate(shown);
    return { stackFrames: places.map((place, i) => ({ id: firstId + start + i, ...place })), totalFrames: frames.length };
  }

  /** Rejects for a frame of an earlier stop. */
  #frame(id: unknown): CallFrame {
    const frame = this.#stopped?.frames[Number(id) - this.#stopped.firstId];
    if (!frame) throw new Error("this frame is gone: the program went on");
    return frame;
  }

  /** The frame that a request names; the session when it names none. */
  #frameOrSession(id: unknown): CallFrame | null {
    return typeof id === "number" ? this.#frame(id) : null;
  }

  /** The frame that a request names, or where the program stands now: a picture that is on show follows the steps. */
  #latestFrame(id: unknown): CallFrame | null {
    if (typeof id !== "number" || !this.#stopped) return null;
    const { frames, firstId } = this.#stopped;
    return frames[id - firstId] ?? frames[0]!;
  }

  async #inspectVariables(): Promise<JsonObject> {
    if (!this.#stopped) await this.#variables.release();
    return { variables: await this.#variables.globals() };
  }

  #exceptionInfo(): JsonObject {
    const exception = this.#stopped?.exception;
    if (!exception) throw new Error("the program did not stop at an exception");
    const description = textOfException(exception);
    const details = { message: description, typeName: exception.className, stackTrace: exception.description };
    return { exceptionId: exception.className ?? exception.type, description, breakMode: "always", details };
  }

  // ---- Going on -------------------------------------------------------------------------------------------------------------------------

  async #resume(method: string, awaited: "step" | null): Promise<void> {
    if (!this.#stopped) throw new Error("the program is not stopped");
    this.#awaited = awaited;
    this.#wentOn(); // said before it does, so that nothing of the cell comes in between
    await this.#devtools.post(method);
  }

  async #pause(): Promise<void> {
    if (!this.#attached) throw new Error("attach first");
    if (this.#stopped) return;
    this.#awaited = "pause";
    await this.#devtools.post("Debugger.pause");
  }

  #happened({ method, params }: DevtoolsEvent): void {
    if (method === "Debugger.scriptParsed") this.#sources.parsed(params);
    else if (method === "Debugger.resumed") this.#wentOn();
    else if (method === "Debugger.paused") this.#paused(params);
  }

  #paused({ callFrames, reason, data, hitBreakpoints }: JsonObject): void {
    const frames = (callFrames as CallFrame[]).filter(({ url }) => !this.#sources.isHidden(url));
    const hit = (hitBreakpoints ?? []) as string[];
    const exception = reason === "exception" || reason === "promiseRejection" ? (data as RemoteObject) : null;
    const [awaited, isStale] = [this.#awaited, this.#stepIsStale];
    this.#awaited = null;
    this.#stepIsStale = false;
    if (frames.length === 0 || (isStale && hit.length === 0 && !exception)) {
      return void this.#devtools.post("Debugger.resume").catch(() => undefined); // R has ended
    }
    this.#stopped = { frames, exception, firstId: this.#nextFrameId };
    this.#nextFrameId += frames.length;
    this.#event("stopped", {
      reason: hit.length > 0 ? "breakpoint" : exception ? "exception" : (awaited ?? "debugger statement"),
      threadId,
      allThreadsStopped: true,
      hitBreakpointIds: this.#breakpoints.idsOf(hit),
      ...(exception ? { text: textOfException(exception) } : {}),
    });
  }

  #wentOn(): void {
    if (!this.#stopped) return;
    this.#stopped = null;
    void this.#variables.release().catch(() => undefined); // R has ended
    this.#event("continued", { threadId, allThreadsContinued: true });
  }

  #event(event: string, body: JsonObject): void {
    this.#publish({ type: "event", seq: ++this.#sequence, event, body });
  }
}

function textOfException(exception: RemoteObject): string {
  return (exception.description ?? String(exception.value)).split("\n")[0]!;
}
