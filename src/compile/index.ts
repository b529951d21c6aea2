/** `compile(fn)`: records a run of a function and repeats it in one native call. */
import { collectMade } from "../tensor/launch.js";
import { ValueError, describe } from "../tensor/errors.js";
import { batching } from "../tensor/batched.js";
import type { Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { displaySymbol } from "../wire/host.js";
import { Recording } from "./recording.js";
import { Replay } from "./replay.js";
import { explain, report, type RecordedRun } from "./report.js";
import { patternOf } from "./structure.js";

/** Kinds of calls that one compiled function remembers. */
const mostReplays = 8;

const released = new FinalizationRegistry<Replay[]>((replays) => replays.forEach((replay) => replay.release()));

/** A compiled function: called as the function is. As the value of a cell it shows what was recorded and fused, as a table. */
export interface Compiled<A extends unknown[], R> {
  (...args: A): R;
  /** What the calls so far became: the launches of each recorded run, and why others ran as they are written. */
  explain(): string;
}

/**
 * Makes a function that records what `fn` computes, backward passes and optimizer steps included, and from then on repeats it
 * in one native call, with chains of pointwise ops and their reductions fused and memory planned (torch.compile).
 *
 * A recording is kept for each kind of arguments: shapes, dtypes and layouts of tensors, values of everything else. Parameters and other
 * tensors that `fn` reads from outside are used where they are. What is not tensors happens only while recording: `console.log`, counters,
 * variables that are set. A function that reads values (`item()`, `tolist()`), or that does what cannot be repeated, runs as it is written;
 * a warning says why, once, and so does {@link Compiled.explain}. Second derivatives (`createGraph`) run the function once more, as it is written.
 * @param fn a synchronous function of tensors, numbers, texts, arrays and plain objects of them
 * @throws ValueError when `fn` is not a function
 * @example
 * const step = compile((x: Tensor, y: Tensor) => {
 *   optimizer.zeroGrad()
 *   const loss = F.crossEntropy(model.forward(x), y)
 *   loss.backward()
 *   optimizer.step()
 *   return loss
 * })
 */
export function compile<A extends unknown[], R>(fn: (...args: A) => R): Compiled<A, R> {
  if (typeof fn !== "function") throw new ValueError({ op: "compile", argument: "fn", expected: "a function", got: describe(fn) });
  const name = fn.name === "" ? "the compiled function" : fn.name;
  const replays: Replay[] = [];
  const reasons = new Set<string>();
  let recordings = 0;

  /** From here on calls run as they are written; said once, because they are slower than somebody hopes. */
  const giveUp = (reason: string): void => {
    if (reasons.size === 0) console.warn(`compile: ${name} runs as it is written: ${reason}`);
    reasons.add(reason);
  };

  const record = (args: A): R => {
    const given: Tensor[] = [];
    const pattern = patternOf(args, given);
    const recording = new Recording(given);
    try {
      const { result, made } = collectMade(() => fn(...args));
      if (!recording.settled) return result;
      if (result instanceof Promise) recording.refuse("it is asynchronous");
      const refusal = recording.refusal;
      const replay = refusal ?? Replay.of(name, pattern, given, recording, result, new Set(made), fn as (...args: unknown[]) => unknown);
      if (typeof replay === "string") {
        giveUp(replay);
      } else {
        replays.unshift(replay);
        if (++recordings > mostReplays) giveUp(`its calls were of more than ${mostReplays} kinds: pass numbers that vary as tensors`);
      }
      return result;
    } finally {
      recording.abandon();
    }
  };

  const compiled = (...args: A): R => {
    // Inside another compiled function it is a part of its recording; inside vmap there is no memory to launch on.
    if (trace !== null || batching !== null) return fn(...args);
    for (const replay of replays) {
      const given = replay.accepts(args);
      if (given !== null) return replay.run(given, args) as R;
    }
    return reasons.size > 0 ? fn(...args) : record(args);
  };
  const runs = (): RecordedRun[] => replays.map((replay) => replay.launches());
  released.register(compiled, replays);
  Object.defineProperty(compiled, displaySymbol, { value: () => report(name, runs(), reasons) });
  return Object.assign(compiled, { explain: () => explain(name, runs(), reasons) });
}
