/** `npm run bench -- NAME ...`: answers a question about speed beside the peers, in one run: a table and one line of JSON. */
import { availableParallelism, cpus } from "node:os";
import { compare, startSide } from "../test/bench/compare.mjs";
import { devicesBench } from "../test/bench/devices.mjs";
import { kernelCases, report } from "../test/bench/kernel-goals.mjs";
import { sides as known } from "../test/bench/peers.mjs";
import { setUp } from "./setup.mjs";

/** Sides with ours first, cases with the ratio ours / theirs to reach (of the first peer), blocks and rounds. */
const tensors = { sides: ["cellgrad", "PyTorch"], rounds: 15, block: 0.1, pause: 0.02 };
const kernels = { sides: ["cellgrad kernel", "ipykernel", "Deno", "tslab"], block: 0 };
const only = (name) => ({ [name]: kernelCases[name] });
/** The ratios to reach on two threads. */
const ops = {
  "add [4,4]": 0.4,
  "mul [4,4]": 0.4,
  "matmul [4,4]": 0.4,
  "view [4,4]": 0.4,
  "4 ops forward + backward": 0.3,
  "tiny MLP": 0.25,
  "tiny MLP, compiled": 0.1,
  "MLP b64 SGD": 0.8,
  "MLP b64 SGD, compiled": 0.7,
  "MLP b64 Adam": 0.6,
  "CNN b32 SGD": 1.0,
  "conv 8x64x32x32 k3": 0.7,
  "transformer block d256": 0.95,
  "matmul 64": 0.9,
  "matmul 256": 1.05,
  "matmul 512": 1.05,
  "matmul 1024": 1.05,
  "tanh 1M": 0.3,
  "exp 1M": 0.6,
  "sigmoid 1M": 0.6,
  "GELU chain 1M": 0.5,
  "GELU chain 1M, compiled": 0.15,
  "softmax 512x1024": 0.95,
  "layerNorm 512x1024": 0.95,
  "sum 4M": 1.0,
  "var rows 4M": 0.1,
  "argmax rows 4M": 0.4,
  "add 16M": 0.3,
  "sort 1M": 0.35,
  "topk 100 of 1M": 0.4,
  "randn 1M": 0.6,
  "dropout 1M": 0.15,
  "transpose copy 2048": 0.7,
  "embedding backward 8192 of 50k x 128": 0.5,
  "lgamma 100k": 0.9,
};
const benchmarks = {
  ops: { ...tensors, rounds: 40, block: 0.015, cases: ops, threads: [2, 1] },
  "small-op": { ...tensors, cases: { "add [4,4]": 0.45, "matmul [4,4]": null, "view [4,4]": null } },
  "fwd-bwd": { ...tensors, cases: { "4 ops forward + backward": 0.5 } },
  "mlp-step": { ...tensors, cases: { "MLP b64 SGD": 0.9, "MLP b64 Adam": null } },
  "cnn-step": { ...tensors, cases: { "CNN b32 SGD": 1.3 } },
  matmul: { ...tensors, cases: { "matmul 64": null, "matmul 256": null, "matmul 512": null, "matmul 1024": 1.11 } },
  "memory-loop": { ...tensors, cases: { "drop 1 GB": null, "add 16M": 0.4 }, peakOf: "drop 1 GB" },
  kernel: { ...kernels, measure: byGoals, cases: kernelCases },
  "kernel-start": { ...kernels, measure: byGoals, cases: only("start to first 1+1") },
  "cell-roundtrip": { ...kernels, measure: byGoals, cases: only("trivial new cell") },
  devices: { own: devicesBench },
  "print-20000": { ...kernels, measure: byGoals, cases: only("20000 lines") },
};

const names = process.argv.slice(2);
if (names.length === 0 || names.some((name) => !(name in benchmarks))) {
  console.log(`Usage: npm run bench -- NAME ...\nNames: ${Object.keys(benchmarks).join(", ")}`);
  process.exit(names.length === 0 ? 0 : 2);
}
await setUp();
for (const name of names) await bench(name, benchmarks[name]);

async function bench(name, benchmark) {
  const results = benchmark.own === undefined ? await withPeers(benchmark) : await benchmark.own();
  const machine = { cpu: cpus()[0]?.model.trim(), cores: availableParallelism(), node: process.version, date: new Date().toISOString() };
  console.log(JSON.stringify({ bench: name, machine, results }));
}

async function withPeers(benchmark) {
  const processes = new Map();
  for (const side of benchmark.sides) processes.set(side, startSide(await known[side]()));
  const measure = benchmark.measure ?? (benchmark.threads ? byThreads : oneByOne);
  const results = await measure(processes, benchmark);
  for (const side of processes.values()) side.stop();
  return results;
}

/** A paragraph a case. */
async function oneByOne(processes, { sides, cases, rounds, block, pause, peakOf }) {
  const [ours, first] = sides;
  const results = {};
  for (const [text, target] of Object.entries(cases)) {
    const times = await compare(processes, text, { rounds, block, pause });
    results[text] = { ...times, ratio: times[ours].min / times[first].min, target };
    print(text, results[text], sides, text === peakOf);
  }
  return results;
}

/** A paragraph a case, with what each of its goals comes to. */
async function byGoals(processes, { sides, cases, block }) {
  const results = {};
  for (const [name, kase] of Object.entries(cases)) {
    results[name] = await compare(processes, name, { rounds: kase.rounds, block });
    console.log(report(name, kase, results[name], sides));
  }
  return results;
}

/** A line a case: both sides and their ratio on each number of threads; the first number's is held against the goal. */
async function byThreads(processes, { sides, cases, rounds, block, pause, threads }) {
  const [ours, first] = sides;
  const results = {};
  const column = (n) => [`${n} thread${n === 1 ? "" : "s"}: ${ours}`.padStart(22), first.padStart(11), "ratio".padStart(7)].join("");
  console.log(`${"minimum of one iteration".padEnd(38)}${threads.map(column).join("")}   goal`);
  for (const [text, target] of Object.entries(cases)) {
    const row = { target };
    let line = text.padEnd(38);
    for (const n of threads) {
      const times = await compare(processes, text, { rounds, block, pause, threads: n });
      const ratio = times[ours].min / times[first].min;
      row[`threads ${n}`] = { ...times, ratio };
      const failed = [ours, first].map((side) => times[side].error).find(Boolean);
      line += failed
        ? `  fails: ${failed}`
        : `${duration(times[ours].min).padStart(22)}${duration(times[first].min)}${ratio.toFixed(2).padStart(7)}`;
    }
    results[text] = row;
    const { ratio } = row[`threads ${threads[0]}`];
    console.log(`${line}  ${target.toFixed(2).padStart(5)} ${ratio <= target ? "reached" : "missed"}`);
  }
  return results;
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
