/** Timers of user code: those of a cell that was interrupted no longer fire, so that a loop around `await sleep()` ends with its cell. */
import { activeCell } from "./cells.js";

type Callback = (this: unknown, ...args: unknown[]) => unknown;
type Schedule = (callback: Callback, ...rest: unknown[]) => object;

/** Puts the wrapped timers in place of Node's. */
export function installTimers(): void {
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) {
    const original = globalThis[name] as unknown as Schedule;
    const cancel = (name === "setImmediate" ? clearImmediate : clearTimeout) as (timer: unknown) => void;
    const wrapped: Schedule = (callback, ...rest) => original(untilStopped(callback, cancel), ...rest);
    // Keeps the length, and Symbol(util.promisify.custom).
    Object.defineProperties(wrapped, { ...Object.getOwnPropertyDescriptors(original), name: { value: name } });
    Object.defineProperty(globalThis, name, { configurable: true, writable: true, enumerable: true, value: wrapped });
  }
}

function untilStopped(callback: Callback, cancel: (timer: unknown) => void): Callback {
  const cell = activeCell.getStore();
  if (!cell || typeof callback !== "function") return callback;
  return function (this: unknown, ...args) {
    if (cell.stopped) cancel(this);
    else callback.apply(this, args);
  };
}
