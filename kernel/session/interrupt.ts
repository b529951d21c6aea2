/** The steps by which a cell is stopped, from the gentlest to the offer of a restart. */
import type { CellError } from "../runtime/messages.js";
import type { Runtime } from "./runtime.js";

/** The agent is asked again this often, in ms: code may leave and enter JavaScript between two attempts. */
const attemptInterval = 50;
/** When the children of a cell that waits for them get SIGINT, in ms. */
const childrenAfter = 200;
/** When the front end is told that the cell does not stop, in ms. */
const giveUpAfter = 5000;

export const interruptTimeout: CellError = (() => {
  const ename = "InterruptTimeout";
  const evalue = "the cell does not stop: interrupt once more to restart the runtime (variables are lost), or wait for it";
  return { ename, evalue, traceback: [`${ename}: ${evalue}`] };
})();

/** Starts to stop the cells up to a key; returns a function that ends the attempt. */
export function startInterrupt(runtime: Runtime, upTo: number, giveUp: () => void): () => void {
  const attempt = () => void runtime.ask({ type: "interrupt", upTo });
  attempt();
  const timers = [
    setInterval(attempt, attemptInterval),
    setTimeout(() => runtime.interruptChildren(), childrenAfter),
    setTimeout(giveUp, giveUpAfter),
  ];
  return () => timers.forEach(clearTimeout);
}
