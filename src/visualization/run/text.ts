/** The table of a run as text: last and best values with a sparkline for each series. */
import { breakLines, type FirstBreak, type RunStatus, type Series } from "../../wire/run.js";
import { fromWire } from "../../wire/live.js";
import { count, short, sparkline } from "../picture/numbers.js";
import type { Points } from "./journal.js";

/** Larger is better for these; of anything else the minimum is the best. */
const largerIsBetter = /acc|f1|auc|precision|recall|iou|dice|bleu|rouge|reward|score|r2/i;

export function describeSeries({ name, steps, values, length, minAt, maxAt }: Points): Series {
  const bestIs = largerIsBetter.test(name) ? "max" : "min";
  const best = bestIs === "max" ? maxAt : minAt;
  const wire = (i: number): Series["last"] => (i < 0 ? "NaN" : toSeven(values[i]!));
  return {
    name,
    panel: panelOf(name),
    count: length,
    last: wire(length - 1),
    best: wire(best),
    bestIs,
    bestStep: best < 0 ? 0 : steps[best]!,
  };
}

// Values are shown with four digits; seven keep the file small and the number recognizable.
function toSeven(value: number): Series["last"] {
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : (String(value) as "NaN" | "Infinity" | "-Infinity");
}

/** Curves in one panel share an axis: all losses, all shares, and everything else alone. */
function panelOf(name: string): string {
  if (/loss|nll|perplexity|error/i.test(name)) return "loss";
  if (largerIsBetter.test(name)) return "score";
  return name;
}

export function runText(headline: string, series: readonly Series[], points: readonly Points[], broken: FirstBreak | null): string {
  const rows = series.map((s, i) => {
    const { values, length } = points[i]!;
    const spark = sparkline(Array.from(values.subarray(0, length)), 24);
    return [s.name, short(fromWire(s.last)), `${short(fromWire(s.best))} at step ${count(s.bestStep)}`, spark];
  });
  const table = [["series", "last", "best", "curve"], ...rows];
  const widths = [0, 1, 2].map((c) => Math.max(...table.map((row) => row[c]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, c) => (c < 3 ? cell.padEnd(widths[c]!) : cell))
      .join("  ")
      .trimEnd(),
  );
  return [headline, ...(rows.length === 0 ? [] : lines), ...(broken === null ? [] : breakLines(broken))].join("\n");
}

export function runHeadline(name: string, status: RunStatus, steps: number, epochs: number): string {
  const parts = [name, status, `${count(steps)} ${steps === 1 ? "step" : "steps"}`];
  if (epochs > 0) parts.push(`${epochs} ${epochs === 1 ? "epoch" : "epochs"}`);
  return parts.join(" · ");
}
