/** Runs the sides of a benchmark in turns and says how long one iteration takes on each. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { environment } from "../../scripts/environment.mjs";

/** Starts a side: a process that answers one JSON line a request. */
export function startSide([program, args]) {
  const child = spawn(program, args, { env: environment(), stdio: ["pipe", "pipe", "pipe"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (complaints = (complaints + text).slice(-2000)));
  child.on("error", (error) => (complaints += error.message));
  child.stdin.on("error", () => {}); // seen as the end of its answers
  return {
    /** Runs a case `count` times, on so many threads if that is said; resolves to `{ seconds }` and what else it says. */
    async request(name, count, threads) {
      child.stdin.write(`${JSON.stringify({ case: name, count, threads })}\n`);
      const { value, done } = await answers.next();
      return done ? { error: complaints.trim().split("\n").at(-1) || "ended" } : JSON.parse(value);
    },
    stop: () => child.stdin.end(),
  };
}

/**
 * Times one case on all sides, `rounds` blocks each in turns, `pause` seconds before each.
 * A block lasts about `block` seconds; cases with `block` 0 run once a block.
 * Returns, by side, seconds an iteration: `{ min, median, p95, note?, messages?, peak? }` or `{ error }`.
 */
export async function compare(sides, name, { rounds, block, threads, pause = 0 }) {
  const counts = new Map();
  const times = new Map([...sides.keys()].map((side) => [side, []]));
  const last = new Map();
  for (const [side, process] of sides) {
    if (block > 0) await warmUp(process, name, threads);
    const { count, error } = await blockSize(process, name, block, threads);
    counts.set(side, count);
    if (error) last.set(side, { error });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [side, process] of sides) {
      if (last.get(side)?.error) continue;
      if (pause > 0) await setTimeout(pause * 1000);
      const answer = await process.request(name, counts.get(side), threads);
      last.set(side, answer);
      if (!answer.error) times.get(side).push(answer.seconds / counts.get(side));
    }
  }
  return Object.fromEntries([...sides.keys()].map((side) => [side, { ...summary(times.get(side)), ...extras(last.get(side)) }]));
}

/** Runs a case for half a second: compilers work beside it, slowly on a busy machine. */
async function warmUp(side, name, threads) {
  for (let spent = 0, count = 1; spent < 0.5; count *= 2) {
    const { seconds, error } = await side.request(name, count, threads);
    if (error) return;
    spent += seconds;
  }
}

/** How many iterations fill a block. */
async function blockSize(side, name, block, threads) {
  let count = 1;
  for (;;) {
    const { seconds, error } = await side.request(name, count, threads);
    if (error) return { count, error };
    if (block === 0) return { count };
    if (seconds >= block / 4) return { count: Math.max(1, Math.round((count * block) / seconds)) };
    count *= 4;
  }
}

function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.floor(sorted.length * part)];
  return sorted.length === 0 ? {} : { min: sorted[0], median: at(0.5), p95: at(0.95) };
}

const extras = ({ note, messages, peak, error }) => ({
  ...(note && { note }),
  ...(messages && { messages }),
  ...(peak && { peak }),
  ...(error && { error }),
});
