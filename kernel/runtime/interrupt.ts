/** What an interrupt needs to know and to prepare in the main thread. */
import { isUserFrame, writeStack } from "./errors.js";

/** The stack of the user code that is running, or null when there is none. */
export function userStack(): string | null {
  const { stackTraceLimit } = Error;
  const previous = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace")!;
  Error.stackTraceLimit = 200;
  Error.prepareStackTrace = (error, sites) => (sites.some(inUserScript) ? writeStack(error, sites) : null);
  const stack = new Error().stack ?? null;
  Object.defineProperty(Error, "prepareStackTrace", previous);
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
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
