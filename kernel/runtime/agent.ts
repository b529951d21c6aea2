/** The agent: a thread of R that reaches into the main thread through V8's inspector, so that K gets answers while a cell runs. */
import { rmSync } from "node:fs";
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { workerData, type MessagePort } from "node:worker_threads";
import { Devtools } from "./devtools.js";
import type { DevicesRequest } from "../../src/wire/devices.js";
import { devicesAnswer } from "./devices.js";
import { deliverText, runningWord, takeOver } from "./handover.js";
import { readLines } from "./lines.js";
import type { Evaluated, RemoteObject } from "../debugger/values.js";
import type { Look } from "./look.js";
import { Pipe, type FromAgent, type InputAnswer, type LiveName, type LiveValue, type ToAgent } from "./messages.js";

interface AgentData {
  readonly handover: Int32Array;
  readonly words: Int32Array;
  readonly gauges: Float64Array;
  /** The folder that K may have left. */
  readonly outputs: string;
  /** Where the main thread waits for input: a word to wake, after the answer went to the port. */
  readonly input: { readonly word: Int32Array; readonly port: MessagePort };
}

const { handover, words, gauges, input, outputs } = workerData as AgentData;
const cancelWord = 1;
/** How often an interrupt is tried again after a millisecond because it found the main thread where it must not be cut off. */
const mostAttempts = 100;
/** After so many interrupts that failed in the main thread, 50 ms apart, R has no way on; fewer come from a stack that is nearly full. */
const mostFailures = 10;
/** When the main thread has not answered for this long it is in native code, which looks at the cancel word; in ms. */
const nativeTime = 20;
/** How long text waits in the main thread while it does not come to its event loop, in ms. */
const textTime = 20;
/** What stands behind a name of the session that the host has too (kernel/language). */
const joiner = "\u200c";
const mostVariables = 1000;
const lookGroup = "look";
const kernel = `globalThis["cellgrad.kernel"]`;

const pipe = new Socket({ fd: Pipe.agent });
const session = new Session();
session.connectToMainThread();
const devtools = new Devtools(session, (event) => send({ event }));
let interrupting = false;
let failures = 0;

void deliverText(handover, textTime, () => evaluate(`${kernel}.flush()`));
readLines(pipe, (line) => void answer(JSON.parse(line) as ToAgent));
pipe.on("close", () => {
  // K is gone: end, with its files and with everything the cells started.
  try {
    rmSync(outputs, { recursive: true, force: true });
  } finally {
    process.kill(-process.pid, "SIGKILL");
  }
});

async function answer(message: ToAgent): Promise<void> {
  send({ id: message.id, value: await perform(message) });
}

function send(message: FromAgent): void {
  pipe.write(JSON.stringify(message) + "\n");
}

async function perform(message: ToAgent): Promise<unknown> {
  switch (message.type) {
    case "interrupt":
      return interrupt(message.upTo);
    case "view":
      return answerView(message.request);
    case "names":
      return names(message.receiver);
    case "describe":
      return describe(message.expression);
    case "input":
      return answerInput(message.answer);
    case "devtools":
      return devtools.request(message.method, message.params);
  }
}

const askViews = (request: string): Promise<unknown> =>
  evaluate(`globalThis[Symbol.for("cellgrad.views")]?.request(${JSON.stringify(request)}) ?? ""`);
const answerDevices = devicesAnswer(gauges, askViews);

function answerView(text: string): Promise<unknown> {
  const request = JSON.parse(text) as { readonly kind?: unknown };
  return request.kind === "devices" ? answerDevices(text, request as DevicesRequest) : askViews(text);
}

function answerInput(answer: InputAnswer): void {
  input.port.postMessage(answer);
  Atomics.store(input.word, 0, 1);
  Atomics.notify(input.word, 0);
}

async function interrupt(upTo: number): Promise<void> {
  if (Atomics.load(handover, runningWord) > upTo) return; // the cell that was meant has ended
  if (interrupting) return; // the main thread is in native code and has not come to the last one
  interrupting = true;
  const cancelling = setTimeout(() => Atomics.store(words, cancelWord, 1), nativeTime);
  let postponed = true;
  for (let attempt = 0; postponed && attempt < mostAttempts; attempt++) {
    const question = `${kernel}.interrupt(${upTo}, ${attempt === mostAttempts - 1})`;
    const ask = async () => {
      const answer = await evaluate(question, giveUpInTime);
      if (answer !== null) failures = 0;
      postponed = answer === "later";
    };
    await takeOver(handover, ask, () => {
      // The main thread waits in JavaScript: native work that it went on to must not throw on the way, V8 would abort.
      clearTimeout(cancelling);
      Atomics.store(words, cancelWord, 0);
      devtools.terminate();
    });
    if (postponed) await new Promise((resolve) => setTimeout(resolve, 1)); // it gets on meanwhile
  }
  clearTimeout(cancelling);
  interrupting = false;
}

/** The kernel's own code cannot interrupt, as when a cell has replaced what that is made of. */
function giveUpInTime(reason: string): void {
  if (++failures === mostFailures) send({ failed: reason });
}

/** What a member is called that is a variable of the session. */
const asVariable = { property: "variable", variable: "variable", method: "function", function: "function", class: "class" } as const;

/** Names from the session, with what the library says of their values. */
async function names(receiver: string | null): Promise<readonly LiveName[] | null> {
  const target = receiver === null ? await variables() : await valueAt(receiver);
  const listed = target?.objectId === undefined ? null : await callLook<readonly LiveName[]>("members", target.objectId);
  session.post("Runtime.releaseObjectGroup", { objectGroup: lookGroup });
  return receiver === null ? (listed?.map((each) => ({ ...each, kind: asVariable[each.kind] })) ?? null) : listed;
}

async function describe(chain: string): Promise<LiveValue | null> {
  const value = await valueAt(chain);
  const text = value?.objectId === undefined ? null : await callLook<string>("describe", value.objectId);
  session.post("Runtime.releaseObjectGroup", { objectGroup: lookGroup });
  return text === null ? value && { object: value } : { text };
}

/** An object of the session's variables by their names. */
async function variables(): Promise<RemoteObject | null> {
  const lexical = await post<{ names: string[] }>("Runtime.globalLexicalScopeNames", {});
  const entries = lexical?.names.slice(0, mostVariables).map((name) => `${JSON.stringify(name.replace(joiner, ""))}: ${name}`);
  return entries ? valueOf(`({ __proto__: null, ${entries.join()} })`) : null;
}

/** The value of a member chain, if it can be had without running anything of the program. */
async function valueAt(chain: string): Promise<RemoteObject | null> {
  const [name, ...path] = chain.split(/\??\./);
  const lexical = await post<{ names: string[] }>("Runtime.globalLexicalScopeNames", {});
  const own = name! + joiner; // what the session calls a name that it shares with the host
  const root = await valueOf(lexical?.names.includes(own) ? own : name!);
  if (path.length === 0 || !root) return root;
  return root.objectId === undefined ? null : callOn("follow", root.objectId, path);
}

async function valueOf(expression: string): Promise<RemoteObject | null> {
  const params = { expression, throwOnSideEffect: true, silent: true, generatePreview: true, objectGroup: lookGroup };
  const answer = await post<Evaluated>("Runtime.evaluate", params);
  return answer && !answer.exceptionDetails ? answer.result : null;
}

/** Calls a function of {@link Look}; null when it throws. */
async function callOn(
  name: keyof Look,
  objectId: string,
  path: readonly string[] = [],
  returnByValue = false,
): Promise<RemoteObject | null> {
  const answer = await post<Evaluated>("Runtime.callFunctionOn", {
    objectId,
    arguments: path.map((value) => ({ value })),
    functionDeclaration: `function (...path) { return ${kernel}.look.${name}(this, ...path) }\n//# sourceURL=node:cellgrad-agent\n`,
    silent: true,
    objectGroup: lookGroup,
    ...(returnByValue ? { returnByValue } : { generatePreview: true }),
  });
  return answer && !answer.exceptionDetails ? answer.result : null;
}

async function callLook<Answer>(name: keyof Look, objectId: string): Promise<Answer | null> {
  return ((await callOn(name, objectId, [], true))?.value ?? null) as Answer | null;
}

/** The value of an expression in the main thread, now; null when it throws, of which `fail` is told. */
async function evaluate(expression: string, fail?: (reason: string) => void): Promise<unknown> {
  const source = `${expression}\n//# sourceURL=node:cellgrad-agent`;
  const answer = await post<Evaluated>("Runtime.evaluate", { expression: source, returnByValue: true, silent: true });
  if (answer?.exceptionDetails) fail?.(answer.result.description?.split("\n")[0] ?? "a value was thrown");
  return answer && !answer.exceptionDetails ? (answer.result.value ?? null) : null;
}

/** Null when V8 refuses: a termination ends evaluations too. */
function post<Answer>(method: string, params: object): Promise<Answer | null> {
  return new Promise((resolve) => session.post(method, params, (error, answer) => resolve(error ? null : (answer as Answer))));
}
