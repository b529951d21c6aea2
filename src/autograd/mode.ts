/** Whether ops are recorded. A plain flag, except inside callbacks given to noGrad and the like, where the mode follows async code. */
import { AsyncLocalStorage } from "node:async_hooks";

let recording = true;

const context = new AsyncLocalStorage<{ recording: boolean }>();
// Callbacks under way that could be asynchronous; while there are none the flag alone decides, which costs nothing.
let scopes = 0;

/** True when ops are recorded for backward. */
export function isGradEnabled(): boolean {
  return scopes === 0 ? recording : (context.getStore()?.recording ?? recording);
}

/** Sets the mode for what follows (torch.set_grad_enabled as a function). */
export function setGradEnabled(enabled: boolean): void {
  const store = scopes === 0 ? undefined : context.getStore();
  if (store === undefined) recording = enabled;
  else store.recording = enabled;
}

/** Runs library code synchronously under a mode. */
export function withRecording<T>(enabled: boolean, body: () => T): T {
  const before = isGradEnabled();
  if (before === enabled) return body();
  setGradEnabled(enabled);
  try {
    return body();
  } finally {
    setGradEnabled(before);
  }
}

function scoped<T>(enabled: boolean, body: () => T): T {
  scopes++;
  let result: T;
  try {
    result = context.run({ recording: enabled }, body);
  } catch (error) {
    scopes--;
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => scopes--) as T;
  scopes--;
  return result;
}

/**
 * Runs `body` without recording: its results do not require grad. An async body keeps the mode across its awaits.
 * @example const accuracy = noGrad(() => model.forward(x).argmax(1).eq(y).to("float32").mean().item())
 */
export const noGrad = <T>(body: () => T): T => scoped(false, body);

/** Runs `body` with recording, also inside {@link noGrad}. */
export const enableGrad = <T>(body: () => T): T => scoped(true, body);

/** As {@link noGrad}. Differs: results are ordinary tensors, which may be used in recorded ops later. */
export const inferenceMode = <T>(body: () => T): T => scoped(false, body);
