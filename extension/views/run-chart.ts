/** Decides how the data of a run look: which curve has which colour and axis, what is smoothed, what a ghost is. */
import { fromWire, type Ghost } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import type { ChartInput, Line } from "./chart.js";
import type { Journal, Points } from "./journal.js";
import type { RunData } from "./run-data.js";
import type { SeriesRow } from "./series-table.js";

type Range = readonly [number, number];

interface Choices {
  /** Steps shown; null shows all. */
  readonly range: Range | null;
  readonly hidden: ReadonlySet<string>;
  readonly theme: Theme;
  readonly width: number;
  /** Weight of the past, 0..0.99. */
  readonly smoothing: number;
}

const mostMarks = 40;
const heights = { one: 232, first: 180, others: 120 } as const;
const widest = 860;

/** One chart a panel, in the order of their first curves. */
export function chartInputs(data: RunData, choices: Choices): ChartInput[] {
  const range = choices.range ?? allSteps(data);
  const panels = [...new Set(data.series().map((series) => series.panel))];
  const width = Math.max(240, Math.min(widest, choices.width));
  return panels.map((panel, i) => ({
    ...curvesOf(data, panel, { ...choices, range }),
    label: panel,
    lowest: i === panels.length - 1,
    range,
    theme: choices.theme,
    width,
    height: panels.length === 1 ? heights.one : i === 0 ? heights.first : i < panels.length - 1 ? heights.others : heights.others + 34,
  }));
}

function curvesOf(data: RunData, panel: string, choices: Choices & { readonly range: Range }): Pick<ChartInput, "lines" | "broken"> {
  const columns = Math.max(120, Math.floor(Math.min(widest, choices.width) / 2));
  const thin = (journal: Journal, values?: ArrayLike<number>): Points => journal.thin(...choices.range, columns, values);
  const lines: Line[] = [];
  const broken = new Set<number>();
  data.series().forEach((series, i) => {
    if (series.panel !== panel || choices.hidden.has(series.name)) return;
    const color = colorOf(choices.theme, i);
    for (const ghost of data.ghosts()) {
      const journal = data.ghostCurve(ghost.id, series.name);
      if (journal) lines.push({ color, key: `${series.name} of ${ghost.id}`, points: thin(journal), style: "ghost" });
    }
    const journal = data.curve(series.name);
    if (!journal) return;
    const smooth = choices.smoothing > 0 && journal.length > 2;
    if (smooth) lines.push({ color, key: `${series.name} raw`, points: thin(journal), style: "faint" });
    lines.push({
      color,
      key: series.name,
      points: smooth ? thin(journal, journal.smooth(choices.smoothing)) : thin(journal),
      style: "solid",
    });
    // A file holds finite points only.
    const first = data.broken();
    if (first?.series === series.name) broken.add(first.step);
    for (let at = 0; at < journal.length && broken.size < mostMarks; at++)
      if (!Number.isFinite(journal.values[at]!)) broken.add(journal.steps[at]!);
  });
  return { lines, broken: [...broken] };
}

/** From the first to the last step of any curve of this run; ghosts may be longer. */
function allSteps(data: RunData): Range {
  const journals = data.series().flatMap(({ name }) => data.curve(name) ?? []);
  const filled = journals.filter((journal) => journal.length > 0);
  if (filled.length === 0) return [0, 1];
  return [
    Math.min(...filled.map((journal) => journal.steps[0]!)),
    Math.max(...filled.map((journal) => journal.steps[journal.length - 1]!)),
  ];
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

/** The value logged last at or before a step. */
function valueAt(journal: Journal | undefined, step: number): number | null {
  if (!journal) return null;
  for (let i = journal.length - 1; i >= 0; i--) if (journal.steps[i]! <= step) return journal.values[i]!;
  return null;
}
