/** The agent: a thread of R that reaches into the main thread through V8's inspector, so that K gets answers while a cell runs. */
import { rmSync } from "node:fs";
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { workerData, type MessagePort } from "node:worker_threads";
import { Devtools } from "./devtools.js";
import { deliverText, runningWord, takeOver } from "./handover.js";
import { readLines } from "./lines.js";
import { Pipe, type FromAgent, type InputAnswer, type ToAgent } from "./messages.js";

interface AgentData {
  readonly handover: Int32Array;
  readonly words: Int32Array;
  /** The folder that K may have left. */
  readonly outputs: string;
  /** Where the main thread waits for input: a word to wake, after the answer went to the port. */
  readonly input: { readonly word: Int32Array; readonly port: MessagePort };
}

const { handover, words, input, outputs } = workerData as AgentData;
const cancelWord = 1;
/** How often an interrupt is tried again after a millisecond because it found the main thread where it must not be cut off. */
const mostAttempts = 100;
/** When the main thread has not answered for this long it is in native code, which looks at the cancel word; in ms. */
const nativeTime = 20;
/** How long text waits in the main thread while it does not come to its event loop, in ms. */
const textTime = 20;
const kernel = `globalThis["cellgrad.kernel"]`;

const pipe = new Socket({ fd: Pipe.agent });
const session = new Session();
session.connectToMainThread();
const devtools = new Devtools(session, (event) => send({ event }));
let interrupting = false;

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
      return evaluate(`globalThis[Symbol.for("cellgrad.views")]?.request(${JSON.stringify(message.request)}) ?? ""`);
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
    const ask = async () => void (postponed = (await evaluate(question)) === "later");
    await takeOver(handover, ask, () => devtools.terminate());
    if (postponed) await new Promise((resolve) => setTimeout(resolve, 1)); // it gets on meanwhile
  }
  clearTimeout(cancelling);
  interrupting = false;
}

/** Names from the session, without running a getter: V8 refuses expressions with side effects. */
async function names(receiver: string | null): Promise<unknown> {
  if (receiver === null) {
    const lexical = await post<{ names: string[] }>("Runtime.globalLexicalScopeNames", {});
    return lexical?.names.map((name) => ({ name, kind: "variable" })) ?? null;
  }
  const target = await post<{ result: { objectId?: string } }>("Runtime.evaluate", {
    expression: `Object(${receiver})`,
    throwOnSideEffect: true,
    silent: true,
  });
  const objectId = target?.result.objectId;
  if (objectId === undefined) return null;
  const listed = await post<{ result: { value?: unknown } }>("Runtime.callFunctionOn", {
    objectId,
    arguments: [{ objectId }],
    functionDeclaration: listMembers.toString(),
    returnByValue: true,
  });
  session.post("Runtime.releaseObject", { objectId });
  return listed?.result.value ?? null;
}

/** Runs in the main thread: every property name up to Object.prototype, with its kind where a descriptor tells it. */
function listMembers(target: object): { name: string; kind: string }[] {
  const found = new Map<string, string>();
  for (let object: object | null = target; object && object !== Object.prototype; object = Object.getPrototypeOf(object) as object | null) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
      if (found.size < 1000 && !found.has(name) && !/^\d+$/.test(name))
        found.set(name, typeof value === "function" ? "method" : "property");
    }
  }
  return [...found].map(([name, kind]) => ({ name, kind }));
}

async function describe(expression: string): Promise<unknown> {
  const answer = await post<{ result: { description?: string; type: string; value?: unknown }; exceptionDetails?: object }>(
    "Runtime.evaluate",
    {
      expression,
      throwOnSideEffect: true,
      silent: true,
      objectGroup: "describe",
    },
  );
  session.post("Runtime.releaseObjectGroup", { objectGroup: "describe" });
  if (!answer || answer.exceptionDetails) return null;
  return answer.result.description ?? JSON.stringify(answer.result.value) ?? answer.result.type;
}

/** The value of an expression in the main thread, now; null when it throws. */
async function evaluate(expression: string): Promise<unknown> {
  const source = `${expression}\n//# sourceURL=node:cellgrad-agent`;
  const answer = await post<{ result: { value?: unknown }; exceptionDetails?: object }>("Runtime.evaluate", {
    expression: source,
    returnByValue: true,
    silent: true,
  });
  return answer && !answer.exceptionDetails ? (answer.result.value ?? null) : null;
}

/** Null when V8 refuses: a termination ends evaluations too. */
function post<Answer>(method: string, params: object): Promise<Answer | null> {
  return new Promise((resolve) => session.post(method, params, (error, answer) => resolve(error ? null : (answer as Answer))));
}
