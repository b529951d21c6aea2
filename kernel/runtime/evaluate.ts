/** Runs cells on R's main thread: transform, evaluate in V8's REPL mode, settle once, report. */
import { AsyncResource } from "node:async_hooks";
import { Session, type Runtime } from "node:inspector";
import { isPromise } from "node:util/types";
import { promiseHooks } from "node:v8";
import { codeFrame } from "../errors/code-frame.js";
import { frameLines, header } from "../errors/traceback.js";
import type { CellTransformer, SyntaxFailure, TransformedCell, TransformSettings } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";
import { activeCell, textOf, noteEnd, noteStart, registerScript, scriptUrl, type ActiveCell } from "./cells.js";
import { emit, flush, isSending } from "./channel.js";
import { createDebugging } from "./debugging.js";
import { errorPicture, sendDisplay, toBundle } from "./display.js";
import { describeError, framesOfStack } from "./errors.js";
import { endRuntime } from "./failure.js";
import { awaitTermination, runningWord } from "./handover.js";
import { cancelWord, cellWord, finishCell, restoreAfterInterrupt } from "./host.js";
import { clearAsyncIdStack, lookAround, type Interrupted } from "./interrupt.js";
import { look } from "./look.js";
import { endBusyWorkers } from "./workers.js";
import { shapeErrorMime } from "../../src/wire/shape-error.js";
import type { Bundle, CellError, RuntimeCell } from "./messages.js";

type Outcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: CellError; readonly picture?: Bundle | null };

interface Run {
  readonly cell: ActiveCell;
  readonly script: TransformedCell;
  readonly expressions: JsonObject;
  interrupted: boolean;
  reported: boolean;
}

/** Scripts whose frames are on top of the stack while an interrupt looks at it. */
const ownScripts: ReadonlySet<string> = new Set(["node:cellgrad-agent", import.meta.url, new URL("./interrupt.js", import.meta.url).href]);
const nothing: Interrupted = { stack: null, inLibrary: false, inHook: false };

/** Node's own, which the kernel relies on: user code may replace the global ones. */
const { Promise, setImmediate } = globalThis;

export class Evaluator {
  readonly #session = new Session();
  readonly #transformer: CellTransformer;
  readonly #words: Int32Array;
  readonly #handover: Int32Array;
  readonly #prepared = new Map<number, { readonly cell: RuntimeCell; readonly script: TransformedCell }>();
  readonly #runs = new Map<number, Run>();
  /** The promises of scripts that have not ended: V8 reports one that is collected from within the collection, where Node's callback aborts. */
  readonly #pending = new Set<Promise<unknown>>();
  /** While the transform runs, whose parser looks like a package of the person's, there is nothing to stop. */
  #preparing = false;
  /** The last result, kept alive although nothing may name it, so that its live view can be asked. */
  lastResult: unknown = undefined;
  /** Names that are no person's. */
  readonly #ownGlobals = new Set(Object.getOwnPropertyNames(globalThis));
  /** Where {@link #valueOf} receives a value from V8. */
  #received: unknown = undefined;

  constructor(transformer: CellTransformer, words: Int32Array, handover: Int32Array) {
    this.#transformer = transformer;
    this.#words = words;
    this.#handover = handover;
    this.#session.connect();
    Object.defineProperty(globalThis, "cellgrad.kernel", {
      value: {
        interrupt: (upTo: number, isLast: boolean) => (isSending() ? "later" : this.#interrupt(upTo, isLast)),
        receive: (value: unknown) => void (this.#received = value),
        flush,
        debugging: createDebugging(transformer),
        look,
      },
    });
  }

  /** Transforms a cell; it runs when {@link run} is called. */
  prepare(cell: RuntimeCell, settings: TransformSettings): void {
    this.#transformer.settings = settings;
    this.#preparing = true;
    const script = this.#transformer.transform(cell.code);
    this.#preparing = false;
    if (!script.ok) return emit({ type: "prepared", key: cell.key, error: syntaxError(cell, script) });
    registerScript(cell, (place) => script.map(place));
    this.#prepared.set(cell.key, { cell, script });
    emit({ type: "prepared", key: cell.key, error: null });
  }

  drop(key: number): void {
    this.#prepared.delete(key);
  }

  /** Runs a prepared cell, then the front end's `user_expressions`, then what was registered with `beforeIdle`. */
  run(key: number, expressions: JsonObject): void {
    const { cell, script } = this.#prepared.get(key)!;
    this.#prepared.delete(key);
    const run: Run = {
      cell: { ...cell, beforeIdle: [], payload: [], children: new Set(), workers: new Set(), stopped: false },
      script,
      expressions,
      interrupted: false,
      reported: false,
    };
    this.#runs.set(key, run);
    Atomics.store(this.#handover, runningWord, key);
    Atomics.store(this.#words, cancelWord, 0);
    Atomics.store(this.#words, cellWord, cell.count);
    noteStart(cell);
    // A resource of its own: what the cell's code hangs on the current one for a while stays there when it is cut off.
    new AsyncResource("Cell").runInAsyncScope(() => activeCell.run(run.cell, () => void this.#perform(run)));
  }

  async #perform(run: Run): Promise<void> {
    try {
      await this.#runToEnd(run);
    } catch (error) {
      endRuntime(error);
    }
  }

  async #runToEnd(run: Run): Promise<void> {
    const { key } = run.cell;
    const outcome = await settleValue(await this.#evaluate(run.script, scriptUrl(key), key));
    if (run.interrupted) return; // ended by #interrupt
    if (Atomics.load(this.#words, cancelWord) === 1) {
      // Native work has seen the cancel word first, or a process that the cell waited for was stopped.
      run.cell.stopped = true;
      return this.#report(run, keyboardInterrupt(outcome.ok ? [] : outcome.error.traceback.slice(1)), null, {});
    }
    let result: Bundle | null = null;
    const expressions: { [name: string]: unknown } = {};
    if (outcome.ok) {
      await finishTasks(run.cell); // a run that is the result is shown as finished
      if (run.script.hasResult && outcome.value !== undefined) {
        this.lastResult = outcome.value;
        result = await toBundle(outcome.value);
      }
      for (const [name, text] of Object.entries(run.expressions))
        expressions[name] = await this.#evaluateExpression(String(text), run.cell);
    }
    if (!outcome.ok && outcome.picture) sendDisplay(outcome.picture, {});
    await this.#report(run, outcome.ok ? null : outcome.error, result, expressions);
  }

  /** Ends a cell, once. */
  async #report(run: Run, error: CellError | null, result: Bundle | null, expressions: JsonObject): Promise<void> {
    await finishTasks(run.cell);
    if (run.reported) return;
    run.reported = true;
    const { key } = run.cell;
    this.#runs.delete(key);
    noteEnd(key);
    this.#session.post("Runtime.releaseObjectGroup", { objectGroup: String(key) });
    finishCell();
    emit({ type: "done", key, result, error, expressions, payload: run.cell.payload });
  }

  /** Called by the agent, in this thread, between any two steps of user code or in the idle event loop. */
  #interrupt(upTo: number, isLast: boolean): "later" | void {
    if (Atomics.load(this.#handover, runningWord) > upTo) {
      Atomics.store(this.#words, cancelWord, 0); // meant for an earlier cell
      return;
    }
    const { stack, inLibrary, inHook } = this.#preparing ? nothing : lookAround((script) => ownScripts.has(script));
    // V8 aborts when a script ends between a termination and the next look for one: when native work that has seen the cancel word
    // throws, and in the hooks that run while its promise is rejected.
    const isCancelled = Atomics.load(this.#words, cancelWord) === 1;
    if (stack !== null && !isLast && (inHook || (isCancelled && inLibrary))) return "later";
    if (stack !== null) setImmediate(restoreAfterInterrupt);
    const places = frameLines(stack === null ? [] : framesOfStack(stack), textOf);
    for (const run of this.#runs.values()) {
      if (run.interrupted) continue;
      run.interrupted = true;
      run.cell.stopped = true;
      for (const child of run.cell.children) child.kill("SIGINT");
      // Not a promise: a termination discards the microtasks that wait. And not now: code that is still on the stack ends first.
      setImmediate(() =>
        activeCell.run(run.cell, () => {
          endBusyWorkers(run.cell);
          void this.#report(run, keyboardInterrupt(places), null, {});
        }),
      );
    }
    setImmediate(() => Atomics.store(this.#words, cancelWord, 0));
    if (stack === null) return;
    clearAsyncIdStack();
    awaitTermination(this.#handover);
  }

  #evaluate(script: TransformedCell, url: string, key: number): Promise<Outcome> {
    if (script.prelude !== "") void this.#post({ expression: script.prelude });
    this.#transformer.commit(script);
    return this.#post({ expression: `${script.js}\n//# sourceURL=${url}`, objectGroup: String(key) });
  }

  /** Evaluates in V8's REPL mode, which always makes a promise. Not silent: a debugger may pause where the cell throws. */
  #post(parameters: Runtime.EvaluateParameterType): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      let promise: Promise<unknown> | null = null; // the first that the evaluation makes is that of the script as a whole
      const stopWatching = promiseHooks.onInit((made) => {
        if (promise === null) this.#pending.add((promise = made));
      });
      const evaluation = { ...parameters, replMode: true };
      this.#session.post("Runtime.evaluate", evaluation, (failure, answer: Runtime.EvaluateReturnType) => {
        if (promise) this.#pending.delete(promise);
        try {
          if (failure) resolve({ ok: false, error: describeError(failure) });
          else if (!answer.exceptionDetails) resolve({ ok: true, value: this.#valueOf(answer.result) });
          else resolve(failed(this.#valueOf(answer.result)));
        } catch (error) {
          reject(error as Error); // the kernel's own code fails: see endRuntime
        }
      });
      stopWatching();
    });
  }

  async #evaluateExpression(code: string, { key }: RuntimeCell): Promise<JsonObject> {
    const script = this.#transformer.transform(code);
    if (!script.ok)
      return { status: "error", ename: script.name, evalue: script.message, traceback: [header(script.name, script.message)] };
    const outcome = await this.#evaluate(script, "", key);
    if (!outcome.ok) return { status: "error", ...outcome.error };
    return { status: "ok", ...(await toBundle(script.hasResult ? outcome.value : undefined)) };
  }

  /** What the top-level names hold now. Reading a lexical name or a data property runs nobody's code. */
  variables(): readonly (readonly [name: string, value: unknown])[] {
    let names: readonly string[] = [];
    this.#session.post("Runtime.globalLexicalScopeNames", {}, (_, answer) => (names = answer?.names ?? []));
    // A const that a running cell has yet to reach refuses to be read.
    const reads = names.map((name) => `[${JSON.stringify(name)},()=>${name}]`).join(",");
    const received = this.#received;
    this.#session.post("Runtime.evaluate", { expression: `globalThis["cellgrad.kernel"].receive([${reads}])`, silent: true });
    const readers = (this.#received ?? []) as readonly (readonly [string, () => unknown])[];
    this.#received = received;
    const lexical = readers.flatMap(([name, read]): [string, unknown][] => {
      try {
        return [[name, read()]];
      } catch {
        return [];
      }
    });
    const global = Object.entries(Object.getOwnPropertyDescriptors(globalThis)).filter(([name]) => !this.#ownGlobals.has(name));
    return [...lexical, ...global.map(([name, { value }]): [string, unknown] => [name, value]), ["the last result", this.lastResult]];
  }

  /** The value itself behind V8's description of it. */
  #valueOf(remote: Runtime.RemoteObject): unknown {
    if (remote.objectId === undefined && remote.unserializableValue === undefined) return remote.value;
    const { objectId, unserializableValue } = remote;
    this.#session.post("Runtime.callFunctionOn", {
      functionDeclaration: `function (value) { globalThis["cellgrad.kernel"].receive(value) }`,
      arguments: [objectId === undefined ? { unserializableValue: unserializableValue! } : { objectId }],
      executionContextId: 1,
    });
    const value = this.#received;
    this.#received = undefined;
    return value;
  }
}

/** A cell that ends in a promise has the promise's value. */
async function settleValue(outcome: Outcome): Promise<Outcome> {
  if (!outcome.ok || !isPromise(outcome.value)) return outcome;
  try {
    return { ok: true, value: await outcome.value };
  } catch (error) {
    return failed(error);
  }
}

/** An error that has a picture is shown with it; what a picture of shapes says, the traceback says too. */
function failed(thrown: unknown): Outcome {
  const [error, picture] = [describeError(thrown), errorPicture(thrown)];
  const shapes = picture?.data[shapeErrorMime] === undefined ? [] : String(picture.data["text/plain"]).split("\n");
  return { ok: false, error: { ...error, traceback: [...error.traceback, ...shapes] }, picture };
}

/** Does what was registered with `beforeIdle`; what fails is written under the cell. */
async function finishTasks({ beforeIdle }: ActiveCell): Promise<void> {
  for (const task of beforeIdle.splice(0)) {
    try {
      await task();
    } catch (error) {
      console.error(error);
    }
  }
}

/** `places` are the lines that say where the cell was. */
function keyboardInterrupt(places: readonly string[]): CellError {
  const [ename, evalue] = ["KeyboardInterrupt", "the cell was interrupted, its variables are kept"];
  return { ename, evalue, traceback: [header(ename, evalue), ...places] };
}

function syntaxError({ count, code }: RuntimeCell, { name, message, line, column }: SyntaxFailure): CellError {
  const frame = codeFrame(code, line, column).map((text) => `  ${text}`);
  return { ename: name, evalue: message, traceback: [header(name, message), `  Cell [${count}]:${line}:${column}`, ...frame] };
}
