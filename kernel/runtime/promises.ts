/** Keeps what Node notes on promises to follow them through async code out of their inspection. */
import { inspect, type InspectOptions } from "node:util";

/** Makes `Promise { 7 }` look as it does where nothing is followed. */
export function installPromiseInspection(): void {
  Reflect.defineProperty(Promise.prototype, inspect.custom, { configurable: true, writable: true, value: inspectPromise });
}

function inspectPromise(this: Promise<unknown>, depth: number, options: InspectOptions): string {
  for (const symbol of Object.getOwnPropertySymbols(this)) {
    if (/async_id_symbol|kResourceStore|destroyed/.test(symbol.description ?? ""))
      Reflect.defineProperty(this, symbol, { enumerable: false });
  }
  Reflect.defineProperty(this, inspect.custom, { configurable: true, value: undefined }); // this time, as Node does it
  try {
    return inspect(this, { ...options, depth });
  } finally {
    Reflect.deleteProperty(this, inspect.custom);
  }
}
