/** Decides how the data of a run look: which curve has which colour and axis, what is smoothed, what a ghost is. */
import { fromWire, type Ghost } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import type { ChartInput, Line } from "./chart.js";
import { formatBytes, formatNumber } from "./format.js";
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

const mostMarks = 120;
const heights = { one: 232, first: 180, others: 120, memory: 64, steps: 34 } as const;
export const widest = 860;

/** The steps that are drawn. */
export const shownSteps = (data: RunData, range: Range | null): Range => range ?? allSteps(data);

/** One chart a panel, in the order of their first curves, and the memory below them. */
export function chartInputs(data: RunData, choices: Choices): ChartInput[] {
  const range = shownSteps(data, choices.range);
  const panels = [...new Set(data.series().map((series) => series.panel))];
  const width = Math.max(240, Math.min(widest, choices.width));
  const memory = panels.length === 0 ? [] : memoryLines(data, choices.theme);
  const curves = panels.map((panel, i) => ({
    ...curvesOf(data, panel, { ...choices, range }),
    label: panel,
    format: (value: number) => formatNumber(value, 3),
    level: false,
    height: panels.length === 1 ? heights.one - heights.steps : i === 0 ? heights.first : heights.others,
  }));
  const below = { lines: memory, broken: [], label: "memory", format: formatBytes, level: true, height: heights.memory };
  const inputs = memory.length === 0 ? curves : [...curves, below];
  return inputs.map((input, i) => {
    const lowest = i === inputs.length - 1;
    return { ...input, lowest, range, theme: choices.theme, width, height: input.height + (lowest ? heights.steps : 0) };
  });
}

/** One level a device that held tensors. */
function memoryLines(data: RunData, theme: Theme): Line[] {
  const track = data.memory();
  return (track?.devices ?? []).map(({ name, bytes }, i) => ({
    color: colorOf(theme, theme.series.length - 1 - i),
    key: `memory of ${name}`,
    points: { steps: track!.steps, values: bytes },
    style: "solid",
  }));
}

/** Said under the charts: what the lines of memory are, and their highest point. */
export function memoryCaption(data: RunData): string {
  const devices = data.memory()?.devices ?? [];
  if (devices.length === 0) return "";
  return `memory: bytes in tensors at log(), ${devices.map(({ name, bytes }) => `${name} at most ${formatBytes(Math.max(...bytes))}`).join(", ")}`;
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
    markBroken(broken, journal, choices.range);
  });
  return { lines, broken: [...broken] };
}

/** Steps without a finite value: the first of each stretch that a mark covers. */
function markBroken(broken: Set<number>, { steps, values, length }: Journal, [from, to]: Range): void {
  const stretch = (to - from) / mostMarks;
  for (let at = 0, free = from; at < length; at++) {
    const step = steps[at]!;
    if (step < free || step > to || Number.isFinite(values[at]!)) continue;
    broken.add(step);
    free = step + stretch;
  }
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
