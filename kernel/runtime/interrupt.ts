/** What an interrupt needs to know and to prepare in the main thread. */
import { isOurs, isUserFrame, writeStack } from "./errors.js";

/** What an interrupt has met. */
export interface Interrupted {
  /** The stack of the user code that is running, or null when there is none. */
  readonly stack: string | null;
  /** Whether it was in a function of the library or the kernel, called by user code. */
  readonly inLibrary: boolean;
  /** Whether it was in what V8 calls while a promise changes or an error gets its stack, often the last JavaScript of a script that throws. */
  readonly inHook: boolean;
}

const hooks = new Set(["node:internal/async_hooks", "node:internal/process/promises"]);

/** Looks at the main thread's stack; `ownFrame` knows the scripts of the interrupt itself, which are on top. */
export function lookAround(ownFrame: (script: string) => boolean): Interrupted {
  const { stackTraceLimit } = Error;
  const previous = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace")!;
  Error.stackTraceLimit = 200;
  // V8 does not ask how to write a stack while it has another one written.
  let [inLibrary, inHook] = [false, true];
  Error.prepareStackTrace = (error, sites) => {
    const scripts = sites.map((site) => site.getScriptNameOrSourceURL() ?? "").filter((name) => name !== "" && !ownFrame(name));
    inLibrary = isOurs(scripts.find((name) => !name.startsWith("node:")) ?? "");
    inHook = hooks.has(scripts[0] ?? "");
    return sites.some(inUserScript) ? writeStack(error, sites) : null;
  };
  const stack = new Error().stack ?? null;
  Object.defineProperty(Error, "prepareStackTrace", previous);
  Error.stackTraceLimit = stackTraceLimit;
  return { stack, inLibrary, inHook };
}

/**
 * Empties Node's stack of async ids, as Node does after an exception that nobody caught: by that very function, the only way in every
 * version that leads there from JavaScript. What listens for uncaught exceptions does not hear of this one; monitors see an `AbortError`.
 */
export function clearAsyncIdStack(): void {
  const node = process as unknown as { _fatalException(error: unknown): boolean };
  const isFree = !process.hasUncaughtExceptionCaptureCallback();
  if (isFree) process.setUncaughtExceptionCaptureCallback(() => {});
  node._fatalException(new DOMException("interrupted", "AbortError"));
  if (isFree) process.setUncaughtExceptionCaptureCallback(null);
}

function inUserScript(site: NodeJS.CallSite): boolean {
  return Boolean(site.getScriptNameOrSourceURL()) && isUserFrame(site);
}
