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

/** Empties Node's stack of async ids, as Node itself does after an uncaught exception. */
export const clearAsyncIdStack: () => void = (() => {
  type Binding = { clearAsyncIdStack(): void };
  const { noDeprecation } = process;
  process.noDeprecation = true; // process.binding is the only way to it
  const wrap = (process as unknown as { binding(name: string): Binding }).binding("async_wrap");
  process.noDeprecation = noDeprecation ?? false;
  return () => wrap.clearAsyncIdStack();
})();

function inUserScript(site: NodeJS.CallSite): boolean {
  return Boolean(site.getScriptNameOrSourceURL()) && isUserFrame(site);
}
