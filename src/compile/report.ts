/** What became of a compiled function: a text, and for a notebook a table that reads without a script. */
import type { MimeBundle } from "../wire/host.js";
import { escapeMarkup } from "../wire/markup.js";

/** A recorded run: a line a launch, as native's planText has them; `backward` is null where no gradient is asked for. */
export interface RecordedRun {
  readonly forward: string;
  readonly backward: string | null;
}

/** Rows of a table in a notebook's file; a plan of more is long past what a person reads. */
const mostRows = 150;

interface Launch {
  /** More than one: a chain, whose values between the ops never reach memory. */
  readonly ops: readonly string[];
  readonly makes: string;
  /** How a launch with a reduction in it goes: "row by row", "reduced on the way"; "" for others. */
  readonly way: string;
}

/** "sub + mul -> float32 [4]", "exp + sum -> float32 [] (reduced on the way)" */
function launchesOf(text: string): Launch[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [, ops, makes, way] = /^(.*?)(?: -> (.*?))?(?: \((.*)\))?$/.exec(line)!;
    return { ops: ops!.split(" + "), makes: makes ?? "", way: way ?? "" };
  });
}

function summaryOf(name: string, index: number, launches: readonly Launch[]): string {
  const ops = launches.reduce((sum, launch) => sum + launch.ops.length, 0);
  const chains = launches.filter((launch) => launch.ops.length > 1).length;
  const fused = chains === 0 ? "nothing to fuse" : counted(chains, "fused chain", "s");
  return `recorded run ${index + 1} of ${name}: ${counted(ops, "op", "s")} in ${counted(launches.length, "launch", "es")}, ${fused}`;
}

const counted = (n: number, noun: string, plural: string): string => `${n} ${noun}${n === 1 ? "" : plural}`;

/** The runs, a line a launch, then why other calls run as they are written. */
export function explain(name: string, runs: readonly RecordedRun[], reasons: Iterable<string>): string {
  const parts = runs.map(({ forward, backward }, i) => {
    const summary = summaryOf(name, i, launchesOf(forward + (backward ?? "")));
    return `${summary}\n${forward}${backward === null ? "" : `backward:\n${backward}`}`;
  });
  const refused = [...reasons].map((reason) => `${name} runs as it is written: ${reason}`);
  const all = [...parts, ...refused];
  return all.length === 0 ? `${name} has not been called yet` : all.join("\n");
}

/** The same for a notebook. */
export function report(name: string, runs: readonly RecordedRun[], reasons: Iterable<string>): MimeBundle {
  const text = explain(name, runs, reasons);
  const notes = [...reasons].map((reason) => `<p>${escapeMarkup(`${name} runs as it is written: ${reason}`)}</p>`);
  const tables = runs.map((run, i) => table(name, i, run));
  const html = [...tables, ...notes].join("") || `<p>${escapeMarkup(text)}</p>`;
  return { data: { "text/html": html, "text/plain": text } };
}

function table(name: string, index: number, { forward, backward }: RecordedRun): string {
  const parts = [
    { pass: "forward", launches: launchesOf(forward) },
    { pass: "backward", launches: launchesOf(backward ?? "") },
  ];
  const all = parts.flatMap(({ pass, launches }) => launches.map((launch) => ({ pass, ...launch })));
  const head = ["", "launch", "makes", "fused"].map((cell) => `<th style="text-align:left">${cell}</th>`).join("");
  const rows = all.slice(0, mostRows).map(({ pass, ops, makes, way }, i) => {
    const fused = ops.length > 1 ? [`${ops.length} ops in one pass over memory`, way].filter(Boolean).join(", ") : "";
    const number = backward === null ? String(i + 1) : `${pass} ${i + 1}`;
    const cells = [number, ops.join(" + "), makes, fused].map((cell) => `<td style="text-align:left">${escapeMarkup(cell)}</td>`);
    return `<tr>${cells.join("")}</tr>`;
  });
  const more = all.length > mostRows ? `<tr><td></td><td>${all.length - mostRows} more</td><td></td><td></td></tr>` : "";
  const caption = escapeMarkup(summaryOf(name, index, all));
  return `<table><caption style="text-align:left">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${rows.join("")}${more}</tbody></table>`;
}
