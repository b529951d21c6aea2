/** Worker threads of cells: one that computes on after its cell was interrupted is ended, one that waits stays. */
import type { Worker } from "node:worker_threads";
import { activeCell, type ActiveCell } from "./cells.js";

/** How long the threads are watched, in ms. */
const watchTime = 300;
/** The processor's time, in µs, that one which computes takes meanwhile on a machine that has others to serve. */
const computing = 100_000;

/** Node's own: the cell's timers have stopped. */
const { setTimeout } = globalThis;

/** Notes every thread that a cell starts with the cell. */
export function followWorkers(): void {
  process.on("worker", (worker: Worker) => {
    const workers = activeCell.getStore()?.workers;
    workers?.add(worker);
    worker.once("exit", () => workers?.delete(worker));
  });
}

/** Ends those threads of a cell that do nothing but compute, and says so. */
export function endBusyWorkers({ workers }: ActiveCell): void {
  if (workers.size === 0) return;
  const usage = process.cpuUsage();
  const watched = [...workers].map((worker) => ({ worker, before: worker.performance.eventLoopUtilization() }));
  setTimeout(() => {
    const { user, system } = process.cpuUsage(usage);
    if (user + system < computing) return; // they wait for something, in their event loops or in Atomics.wait
    for (const { worker, before } of watched) {
      // No time in its event loop, or none yet.
      if (!workers.has(worker) || worker.performance.eventLoopUtilization(before).idle > 0) continue;
      console.error(`worker thread ${worker.threadId} did not come to rest after the interrupt: it was ended`);
      void worker.terminate();
    }
  }, watchTime).unref();
}
