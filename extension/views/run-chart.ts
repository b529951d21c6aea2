/** Decides how the data of a run look: which curve has which colour and axis, what is smoothed, what a ghost is. */
import { fromWire, type Ghost, type Series } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import type { ChartInput, Line } from "./chart.js";
import type { Journal, Points } from "./journal.js";
import type { RunData } from "./run-data.js";
import type { SeriesRow } from "./series-table.js";

interface Choices {
  readonly range: readonly [number, number] | null;
  readonly hidden: ReadonlySet<string>;
  readonly theme: Theme;
  readonly width: number;
  /** Weight of the past, 0..0.99. */
  readonly smoothing: number;
}

const everything: readonly [number, number] = [-Infinity, Infinity];
const mostMarks = 40;

export function chartInput(data: RunData, choices: Choices): ChartInput {
  const series = data.series();
  const columns = Math.max(120, Math.floor(Math.min(860, choices.width) / 2));
  const thin = (journal: Journal, values?: ArrayLike<number>): Points => journal.thin(...(choices.range ?? everything), columns, values);
  const lines: Line[] = [];
  const broken = new Set<number>();
  series.forEach((one, i) => {
    if (choices.hidden.has(one.name)) return;
    const look = { color: colorOf(choices.theme, i), scale: scaleOf(one, series) };
    for (const ghost of data.ghosts()) {
      const journal = data.ghostCurve(ghost.id, one.name);
      if (journal) lines.push({ ...look, key: `${one.name} of ${ghost.id}`, points: thin(journal), style: "ghost" });
    }
    const journal = data.curve(one.name);
    if (!journal) return;
    const smooth = choices.smoothing > 0 && journal.length > 2;
    if (smooth) lines.push({ ...look, key: `${one.name} raw`, points: thin(journal), style: "faint" });
    lines.push({ ...look, key: one.name, points: smooth ? thin(journal, journal.smooth(choices.smoothing)) : thin(journal), style: "solid" });
    for (let at = 0; at < journal.length && broken.size < mostMarks; at++) if (!Number.isFinite(journal.values[at]!)) broken.add(journal.steps[at]!);
  });
  return {
    lines,
    broken: [...broken],
    leftLabel: labelOf("left", series),
    rightLabel: labelOf("right", series),
    range: choices.range,
    theme: choices.theme,
    width: choices.width,
  };
}

export function seriesRows(data: RunData, theme: Theme, hidden: ReadonlySet<string>, cursor: number | null): SeriesRow[] {
  return data.series().map((one, i) => ({
    name: one.name,
    color: colorOf(theme, i),
    shown: !hidden.has(one.name),
    last: fromWire(one.last),
    best: fromWire(one.best),
    bestIs: one.bestIs,
    bestStep: one.bestStep,
    atCursor: cursor === null ? null : valueAt(data.curve(one.name), cursor),
  }));
}

export function ghostLabels(ghosts: readonly Ghost[]): string {
  if (ghosts.length === 0) return "";
  return `dashed: earlier ${ghosts.length === 1 ? "run" : "runs"} of this cell (${ghosts.map((ghost) => ghost.label).join("; ")})`;
}

function colorOf(theme: Theme, i: number): string {
  return theme.series[i % theme.series.length]!;
}

/** What should fall (a loss) and what should rise (an accuracy) have different units: they get different axes. */
function scaleOf(one: Series, all: readonly Series[]): "left" | "right" {
  return one.bestIs === all[0]!.bestIs ? "left" : "right";
}

function labelOf(side: "left" | "right", series: readonly Series[]): string {
  return series.filter((one) => scaleOf(one, series) === side).map((one) => one.name).join(", ");
}

/** The value logged last at or before a step. */
function valueAt(journal: Journal | undefined, step: number): number | null {
  if (!journal) return null;
  for (let i = journal.length - 1; i >= 0; i--) if (journal.steps[i]! <= step) return journal.values[i]!;
  return null;
}
