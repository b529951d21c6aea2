/** What the kernel must reach, beside ipykernel in the same run or by itself, and how that is told. */

const seconds = { text: (value) => `${(value * 1e3).toFixed(1)} ms` };
const bytes = { text: (value) => `${(value / 1e6).toFixed(0)} MB` };
const messages = { text: (value) => String(value) };

/** `figure` of ours is held against `times` another figure, or against `below` alone. */
const ofPeer = (figure, times) => ({ figure, times, of: "ipykernel" });
const below = (figure, limit, unit = seconds) => ({ figure, below: limit, unit });

/** Cases of `kernels.py`, with the rounds they are measured in. */
export const kernelCases = {
  "start to first 1+1": { rounds: 6, goals: [ofPeer("median", 1.2)] },
  "idle memory": { rounds: 1, goals: [below("min", 300e6, bytes)], unit: bytes },
  "trivial new cell": { rounds: 80, goals: [ofPeer("median", 1.3), { figure: "p95", times: 2, of: "median" }] },
  "new cell after 300 cells": { rounds: 40, goals: [below("p95", 0.05)] },
  "20000 lines": { rounds: 5, goals: [ofPeer("median", 1.0), below("messages", 20, messages)] },
  "1 M tiny writes": { rounds: 2, goals: [ofPeer("median", 0.5)] },
  "heartbeat in a loop": { rounds: 5, goals: [below("median", 0.02)] },
  "control in a loop": { rounds: 5, goals: [below("median", 0.05)] },
  "complete in a loop": { rounds: 5, goals: [below("median", 0.15)] },
  "inspect in a loop": { rounds: 5, goals: [below("median", 0.15)] },
  "8 MB comm there and back": { rounds: 5, goals: [below("median", 0.2)] },
};

/** The lines about one case: a side each, then a goal each. */
export function report(name, { goals, unit = seconds }, results, [ours, ...peers]) {
  const row = (side) => {
    const { min, median, p95, note, error } = results[side];
    const figures = error ? [`fails: ${error}`] : [min, median, p95].map((value) => unit.text(value).padStart(11));
    return `  ${side.padEnd(26)} ${figures.join(" ")}  ${note ?? ""}`;
  };
  const head = `\n${name.padEnd(28)} ${["min", "median", "p95"].map((text) => text.padStart(11)).join(" ")}`;
  return [head, ...[ours, ...peers].map(row), ...goals.map((goal) => `  ${verdict(goal, results, ours)}`)].join("\n");
}

/** Whether a goal is reached. */
export function verdict({ figure, times, of, below, unit }, results, ours) {
  const own = results[ours];
  if (own.error) return "missed: ours fails";
  const value = own[figure];
  if (below !== undefined) return `${figure} ${unit.text(value)}, goal below ${unit.text(below)}: ${value < below ? "reached" : "missed"}`;
  const other = of === "median" ? own.median : results[of][figure];
  const name = of === "median" ? `${figure} / own median` : `${figure} ours / ${of}`;
  return `${name} = ${(value / other).toFixed(2)}, goal at most ${times}: ${value / other <= times ? "reached" : "missed"}`;
}
