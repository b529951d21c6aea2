/** Worker threads of cells: one that computes on after its cell was interrupted is ended, one that waits stays. */
import fs from "node:fs";
import type { Worker } from "node:worker_threads";
import { activeCell, type ActiveCell } from "./cells.js";

/** How often and for how long the threads are looked at, in ms: on a busy machine one that computes may get little time. */
const [interval, longest] = [100, 10_000];
/** The processor's time that gives them away, in ms: those that sleep in Atomics.wait do not come to their event loops either. */
const computing = 100;
/** Linux counts a thread's time in these, in ms. */
const tick = 10;

/** Node's own: the cell's timers have stopped, and user code may replace what there is. */
const { setTimeout } = globalThis;
const { readFileSync } = fs;

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
  const before = new Map([...workers].map((worker) => [worker, worker.performance.eventLoopUtilization()]));
  const [start, used] = [performance.now(), timeOfOthers()];
  const look = () => {
    for (const [worker, utilization] of before) {
      if (!workers.has(worker) || worker.performance.eventLoopUtilization(utilization).idle > 0) before.delete(worker);
    }
    if (timeOfOthers() - used < computing) return lookLater();
    for (const worker of before.keys()) {
      console.error(`worker thread ${worker.threadId} did not come to rest after the interrupt: it was ended`);
      void worker.terminate();
    }
  };
  const lookLater = () => {
    if (before.size > 0 && performance.now() - start < longest) setTimeout(look, interval).unref();
  };
  lookLater();
}

/** The processor's time of all threads but this one, in ms; where Linux does not tell, of all. */
function timeOfOthers(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 - timeOfThisThread();
}

function timeOfThisThread(): number {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the state on, which follows the name
    return (Number(fields[11]) + Number(fields[12])) * tick;
  } catch {
    return 0;
  }
}
