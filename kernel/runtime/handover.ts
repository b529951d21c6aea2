/**
 * Hands the main thread over to the agent, so that `Runtime.terminateExecution` arrives while user code is on the stack and never elsewhere.
 *
 * It unwinds every frame without running JavaScript. In an idle event loop it would hit Node's own next callback; between a promise hook
 * and its end it leaves an entry on Node's stack of async ids, on which Node aborts. So the agent evaluates `interrupt()` in the main
 * thread; when user code is on the stack beneath it, the main thread empties the async stack and waits there until the agent has posted the
 * termination, which V8 then meets before any other code.
 */

/** Index of the shared word that holds the key of the cell that was started last. */
export const runningWord = 1;
/** Index of the shared word that is 1 while text waits in the main thread. */
const textWord = 2;
/** Bytes of the shared words. */
export const handoverBytes = 12;

/** States of the shared word 0. */
const Handover = { none: 0, ready: 1, posting: 2, posted: 3 } as const;

/** In every Node that we support, but in no library of TypeScript before ES2024. */
const atomics = Atomics as unknown as {
  waitAsync(word: Int32Array, index: number, value: number): { readonly async: boolean; readonly value: unknown };
};

/** How long the main thread waits for the agent in ms; it answers in a fraction of one. */
const deadline = 500;

/** Main thread: asks for a call of `deliver` of {@link deliverText}. */
export function announceText(word: Int32Array): void {
  Atomics.store(word, textWord, 1);
  Atomics.notify(word, textWord);
}

/** Agent thread: calls `deliver` within `time` ms of each announcement. */
export async function deliverText(word: Int32Array, time: number, deliver: () => Promise<unknown>): Promise<never> {
  for (;;) {
    const announced = atomics.waitAsync(word, textWord, 0);
    if (announced.async) await announced.value;
    await new Promise((resolve) => setTimeout(resolve, time));
    Atomics.store(word, textWord, 0);
    await deliver();
  }
}

/** Main thread, inside the agent's evaluation: waits until the termination is posted. An agent that comes too late must not post one. */
export function awaitTermination(word: Int32Array): void {
  Atomics.store(word, 0, Handover.ready);
  Atomics.notify(word, 0);
  const end = performance.now() + deadline;
  while (Atomics.load(word, 0) === Handover.ready && performance.now() < end);
  if (Atomics.compareExchange(word, 0, Handover.ready, Handover.none) === Handover.posting)
    while (Atomics.load(word, 0) === Handover.posting);
}

/** Agent thread: has the main thread evaluate `interrupt()`, and terminates it if it waits in {@link awaitTermination}. */
export async function takeOver(word: Int32Array, evaluate: () => Promise<unknown>, terminate: () => void): Promise<void> {
  Atomics.store(word, 0, Handover.none);
  const ready = atomics.waitAsync(word, 0, Handover.none);
  const evaluated = evaluate().then(() => {
    // Nothing to terminate: release the wait for it.
    if (Atomics.compareExchange(word, 0, Handover.none, Handover.posted) === Handover.none) Atomics.notify(word, 0);
  });
  if (ready.async) await ready.value;
  if (Atomics.compareExchange(word, 0, Handover.ready, Handover.posting) === Handover.ready) {
    terminate();
    Atomics.store(word, 0, Handover.posted);
  }
  await evaluated;
}
