/** `npm run bench -- NAME ...`: answers a question about speed beside the peers, in one run: a table and one line of JSON. */
import { availableParallelism, cpus } from "node:os";
import { compare, startSide } from "../test/bench/compare.mjs";
import { sides as known } from "../test/bench/peers.mjs";
import { setUp } from "./setup.mjs";

/** Sides with ours first, cases with the ratio ours / theirs to reach (of the first peer), blocks and rounds. */
const tensors = { sides: ["cellgrad", "PyTorch"], rounds: 15, block: 0.1 };
const kernels = { sides: ["cellgrad kernel", "ipykernel", "Deno", "tslab"], rounds: 12, block: 0 };
const benchmarks = {
  "small-op": { ...tensors, cases: { "add [4,4]": 0.45, "matmul [4,4]": null, "view [4,4]": null } },
  "fwd-bwd": { ...tensors, cases: { "4 ops forward + backward": 0.5 } },
  "mlp-step": { ...tensors, cases: { "MLP b64 SGD": 0.9, "MLP b64 Adam": null } },
  "cnn-step": { ...tensors, cases: { "CNN b32 SGD": 1.3 } },
  matmul: { ...tensors, cases: { "matmul 64": null, "matmul 256": null, "matmul 512": null, "matmul 1024": 1.11 } },
  "memory-loop": { ...tensors, cases: { "drop 1 GB": null, "add 16M": 0.4 }, peakOf: "drop 1 GB" },
  "kernel-start": { ...kernels, rounds: 6, cases: { "start to first 1+1": 2.0 } },
  "cell-roundtrip": { ...kernels, rounds: 60, cases: { "trivial new cell": 2.0 } },
  "print-20000": { ...kernels, rounds: 5, cases: { "20000 lines": null } },
};

const names = process.argv.slice(2);
if (names.length === 0 || names.some((name) => !(name in benchmarks))) {
  console.log(`Usage: npm run bench -- NAME ...\nNames: ${Object.keys(benchmarks).join(", ")}`);
  process.exit(names.length === 0 ? 0 : 2);
}
await setUp();
for (const name of names) await bench(name, benchmarks[name]);

async function bench(name, { sides, cases, rounds, block, peakOf }) {
  const processes = new Map();
  for (const side of sides) processes.set(side, startSide(await known[side]()));
  const [ours, first] = sides;
  const results = {};
  for (const [text, target] of Object.entries(cases)) {
    const times = await compare(processes, text, { rounds, block });
    results[text] = { ...times, ratio: times[ours].min / times[first].min, target };
    print(text, results[text], sides, text === peakOf);
  }
  for (const side of processes.values()) side.stop();
  const machine = { cpu: cpus()[0]?.model.trim(), cores: availableParallelism(), node: process.version, date: new Date().toISOString() };
  console.log(JSON.stringify({ bench: name, machine, results }));
}

function print(text, result, sides, withPeak) {
  console.log(`\n${text.padEnd(28)} ${"min".padStart(11)} ${"median".padStart(11)}`);
  for (const side of sides) {
    const { min, median, note, peak, error } = result[side];
    const figures = error ? `fails: ${error}` : `${duration(min)} ${duration(median)}`;
    const extra = [note, withPeak && peak && `peak ${(peak / 2 ** 20).toFixed(0)} MiB`].filter(Boolean).join(", ");
    console.log(`  ${side.padEnd(26)} ${figures}  ${extra}`);
  }
  const goal = result.target === null ? "" : `, target at most ${result.target}: ${result.ratio <= result.target ? "reached" : "missed"}`;
  console.log(`  ${sides[0]} / ${sides[1]} = ${result.ratio.toFixed(2)}${goal}`);
}

function duration(seconds) {
  const [value, unit] = seconds >= 1 ? [seconds, "s"] : seconds >= 1e-3 ? [seconds * 1e3, "ms"] : [seconds * 1e6, "µs"];
  return `${value.toFixed(2)} ${unit}`.padStart(11);
}
