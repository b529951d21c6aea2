/** The steps by which a cell is stopped, from the gentlest to the offer of a restart. */
import { readFileSync } from "node:fs";
import type { CellError } from "../runtime/messages.js";
import type { Runtime } from "./runtime.js";

/** The agent is asked again this often, in ms: code may leave and enter JavaScript between two attempts. */
const attemptInterval = 50;
/** When the children of a cell that waits for them get SIGINT, in ms. */
const childrenAfter = 200;
/** When the front end is told that the cell does not stop, in ms. */
const giveUpAfter = 5000;

/** The error of a cell that does not stop: which, what holds it, and what can be done. `pid` is R's. */
export function interruptTimeout(count: number, pid: number | undefined): CellError {
  const ename = "InterruptTimeout";
  const choice = "interrupt once more to restart the runtime (variables are lost), or wait for it";
  const evalue = `Cell [${count}] does not stop, ${whatHolds(pid)}: ${choice}`;
  return { ename, evalue, traceback: [`${ename}: ${evalue}`] };
}

/** What R's main thread does, as far as Linux tells. */
function whatHolds(pid: number | undefined): string {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
    if (state === "R") return "native code computes and does not look for interrupts";
    if (state === "S" || state === "D") return "native code waits for the system (a file, a pipe, a lock)";
  } catch {
    // Not Linux.
  }
  return "native code does not look for interrupts";
}

/** Starts to stop the cells up to a key; returns a function that ends the attempt, and resolves when nothing of it can hit another cell. */
export function startInterrupt(runtime: Runtime, upTo: number, giveUp: () => void): () => Promise<unknown> {
  let asked: Promise<unknown> = Promise.resolve();
  const attempt = () => void (asked = Promise.all([asked, runtime.ask({ type: "interrupt", upTo })]));
  attempt();
  const timers = [
    setInterval(attempt, attemptInterval),
    setTimeout(() => runtime.interruptChildren(), childrenAfter),
    setTimeout(giveUp, giveUpAfter),
  ];
  return () => {
    timers.forEach(clearTimeout);
    return asked;
  };
}
