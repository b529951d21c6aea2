/** A value that holds inside a callback, an async one's awaits included; asking costs nothing while no callback is under way. */
import { AsyncLocalStorage } from "node:async_hooks";
import { afterInterrupt } from "./addon.js";

export class Scoped<T> {
  private readonly storage = new AsyncLocalStorage<T>();
  /** Callbacks under way. */
  private open = 0;
  /** Those of them that have returned a promise. */
  private awaited = 0;

  constructor() {
    afterInterrupt(() => (this.open = this.awaited));
  }

  /** True while no callback is under way. */
  get idle(): boolean {
    return this.open === 0;
  }

  /** The value of the innermost callback around the caller, or `ground`. */
  get(ground: T): T {
    return this.open === 0 ? ground : (this.storage.getStore() ?? ground);
  }

  /** Calls `body` with `value`. */
  run<R>(value: T, body: () => R): R {
    this.open++;
    let result: R;
    try {
      result = this.storage.run(value, body);
    } catch (error) {
      this.open--;
      throw error;
    }
    if (result instanceof Promise) {
      this.awaited++;
      return result.finally(() => (this.awaited--, this.open--)) as R;
    }
    this.open--;
    return result;
  }
}
