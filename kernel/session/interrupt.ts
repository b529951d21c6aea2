/** The steps by which a cell is stopped, from the gentlest to the offer of a restart. */
import { readFileSync } from "node:fs";
import type { CellError } from "../runtime/messages.js";
import { childrenOf, signal } from "./children.js";
import type { Runtime } from "./runtime.js";

/** The agent is asked again this often, in ms: code may leave and enter JavaScript between two attempts. */
const attemptInterval = 50;
/** When the children of a cell that waits for them get SIGINT, in ms. */
const childrenAfter = 200;
/** When children of the cell that live on get which signal, in ms. */
const escalation = [
  { signal: "SIGTERM", after: 1500, said: "did not end on SIGINT: SIGTERM was sent" },
  { signal: "SIGKILL", after: 3000, said: "did not end on SIGTERM: it was killed" },
] as const;
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

/** What an attempt to stop cells needs to know. */
export interface Attempt {
  /** The key of the last cell that is meant. */
  readonly upTo: number;
  /** When the first of them was started, by `performance.now()`. */
  readonly since: number;
  /** Says something under the cell. */
  readonly tell: (text: string) => void;
  /** Called when the cell does not stop. */
  readonly giveUp: () => void;
}

/** An attempt that is under way. */
export interface Interrupting {
  /** A person interrupts once more: children that have had their SIGINT are killed. */
  readonly again: () => void;
  /** The cell has ended. Resolves when nothing of the attempt can hit another cell; children that live on are still ended. */
  readonly finish: () => Promise<unknown>;
}

/** Starts to stop cells. */
export function startInterrupt(runtime: Runtime, { upTo, since, tell, giveUp }: Attempt): Interrupting {
  let asked: Promise<unknown> = Promise.resolve();
  let heard = false;
  let ended: number | null = null;
  const leader = runtime.pid;
  const attempt = () => void (asked = Promise.all([asked, runtime.ask({ type: "interrupt", upTo })]));
  const interruptChildren = () => {
    heard = true;
    runtime.interruptChildren();
  };
  // Only what these cells have started: a server of an earlier cell lives on, and so does what a later one starts.
  const isTheirs = ({ age }: { readonly age: number }) => ended === null || performance.now() - age < ended;
  const end = (name: NodeJS.Signals, said: string) => {
    if (runtime.pid !== leader) return; // R was restarted, and its children ended with it
    for (const child of childrenOf(leader, performance.now() - since).filter(isTheirs)) {
      if (signal(child, name)) tell(`process ${child.pid} (${child.command}) ${said}\n`);
    }
  };
  attempt();
  const steps = escalation.map(({ signal: name, after, said }) => setTimeout(() => end(name, said), after).unref());
  const timers = [setInterval(attempt, attemptInterval), setTimeout(interruptChildren, childrenAfter), setTimeout(giveUp, giveUpAfter)];
  return {
    again() {
      if (!heard) return;
      steps.forEach(clearTimeout);
      end("SIGKILL", "did not end on SIGINT: it was killed");
    },
    finish() {
      ended = performance.now();
      timers.forEach(clearTimeout);
      return asked;
    },
  };
}
