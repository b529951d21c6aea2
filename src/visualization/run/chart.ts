/** The stored chart of a run: a Vega-Lite specification with its points inside, and the same chart drawn as a PNG. */
import { breakLines, type GradientStrip, type RunPayload, type Series } from "../../wire/run.js";
import { shortCode } from "../../wire/shape-error.js";
import { palette, reservedColors } from "../../wire/color.js";
import { decodeBytes } from "../../wire/live.js";
import { ink, label, magnify, overlay, rasterizeSvg } from "../picture/picture.js";
import type { IndexedImage } from "../picture/png.js";
import { count, short } from "../picture/numbers.js";
import { thin, type Points } from "./journal.js";

/** A run or a ghost of one, as the chart needs it. `id` is null for the run itself. */
export interface Charted {
  readonly id: string | null;
  readonly points: readonly Points[];
}

const width = 440;
/** Characters of a line above the chart. */
const titleLength = 92;
const nanColor = `rgb(${reservedColors.nan.join(",")})`;
// Of the picture: text, lines and their edges. More would only add bytes.
const colorsOf = (seriesCount: number): number => 6 + 3 * Math.min(seriesCount, seriesColors.length);

const panelHeights = [190, 115, 85, 70];
const mostPanels = 6;
export const seriesColors = ["#0072b2", "#d55e00", "#007f5f", "#b0578d", "#8a6d00", "#3f7fae", "#6b4fa0"];

/** The specification with at most `most` points a series, half as many for ghosts. */
export function chartSpec(
  { series, ghosts, broken = null }: Pick<RunPayload, "series" | "ghosts" | "broken">,
  runs: readonly Charted[],
  most: number,
): object {
  const names = series.map(({ name }) => csvName(name));
  const panels = [...new Set(series.map(({ panel }) => panel))].slice(0, mostPanels);
  const height = panelHeights[Math.min(panels.length, panelHeights.length) - 1]!;
  const charts = panels.map((panel, i) => panelSpec(panel, series, runs, ghosts.length > 0, height, i === panels.length - 1));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    data: {
      values: csv(names, runs, most),
      format: { type: "csv", parse: Object.fromEntries([["step", "number"], ...names.map((name) => [name, "number"])]) },
    },
    ...(ghosts.length === 0 && broken === null
      ? {}
      : {
          title: {
            text: broken === null ? [] : breakLines(broken).map((line) => shortCode(line, titleLength)),
            color: nanColor,
            subtitle: ghosts.map(({ label }) => `faint: ${label}`),
            subtitleColor: ink.muted,
            subtitleFontSize: 10,
            anchor: "start",
            fontSize: 10,
            fontWeight: "normal",
          },
        }),
    ...(charts.length === 1 ? charts[0] : { vconcat: charts, spacing: 14, resolve: { scale: { x: "shared", color: "independent" } } }),
    config: {
      axis: {
        labelColor: ink.muted,
        titleColor: ink.muted,
        titleFontWeight: "normal",
        gridColor: ink.faint,
        domain: false,
        ticks: false,
        labelPadding: 4,
      },
      legend: {
        symbolOpacity: 1,
        orient: "top",
        title: null,
        symbolType: "stroke",
        symbolStrokeWidth: 3,
        labelColor: ink.text,
        padding: 0,
        offset: 4,
      },
      view: { stroke: null },
    },
  };
}

function panelSpec(
  panel: string,
  series: readonly Series[],
  runs: readonly Charted[],
  ghosts: boolean,
  height: number,
  last: boolean,
): object {
  const members = series.filter((s) => s.panel === panel);
  const names = members.map(({ name }) => csvName(name));
  const range = members.map((s) => seriesColors[series.indexOf(s) % seriesColors.length]!);
  const encoding = {
    x: {
      field: "step",
      type: "quantitative",
      title: last ? "step" : null,
      scale: { nice: false },
      axis: { tickCount: 6, grid: false, labels: last },
    },
    y: {
      field: "value",
      type: "quantitative",
      title: names.length === 1 ? names[0] : panel,
      scale: { zero: false },
      axis: { tickCount: height > 100 ? 5 : 3 },
    },
    color: { field: "series", type: "nominal", scale: { domain: names, range }, legend: names.length === 1 ? null : {} },
  };
  // A line through one point is nothing.
  const few = Math.max(...runs[0]!.points.map(({ length }) => length)) <= 30;
  const ghostLayer = {
    transform: [{ filter: "datum.run" }],
    mark: { type: "line", strokeWidth: 1, opacity: 0.3 },
    encoding: { ...encoding, detail: { field: "run" } },
  };
  const layers: object[] = ghosts ? [ghostLayer] : [];
  layers.push({ transform: [{ filter: "!datum.run" }], mark: { type: "line", strokeWidth: 1.5, point: few && { size: 20 } }, encoding });
  const broken = members.flatMap((s) => firstNonFinite(runs[0]!.points.find(({ name }) => name === s.name)) ?? []);
  if (broken.length > 0) layers.push(...brokenLayers(broken));
  return {
    width,
    height,
    transform: [{ fold: names.map(fieldOf), as: ["series", "value"] }, { filter: "isValid(datum.value)" }],
    layer: layers,
  };
}

interface Broken {
  readonly step: number;
  readonly word: string;
}

function firstNonFinite(points: Points | undefined): Broken | null {
  if (points === undefined) return null;
  const at = points.values.subarray(0, points.length).findIndex((value) => !Number.isFinite(value));
  return at < 0 ? null : { step: points.steps[at]!, word: `${short(points.values[at]!)} at step ${points.steps[at]!}` };
}

function brokenLayers(values: readonly Broken[]): object[] {
  const color = nanColor;
  const x = { field: "step", type: "quantitative" };
  return [
    { data: { values }, mark: { type: "rule", color, strokeDash: [3, 2] }, encoding: { x } },
    { data: { values }, mark: { type: "text", color, align: "left", dx: 4, y: 8 }, encoding: { x, text: { field: "word" } } },
  ];
}

/** Columns `run` (empty: the run itself), `step` and one a series; an empty cell is no point. */
function csv(names: readonly string[], runs: readonly Charted[], most: number): string {
  const lines = runs.flatMap(({ id, points }) => rows(id ?? "", names, points, id === null ? most : most / 2));
  return ["run,step," + names.join(","), ...lines].join("\n");
}

function rows(run: string, names: readonly string[], points: readonly Points[], most: number): string[] {
  const cells = new Map<number, string[]>();
  for (const p of points) {
    const column = names.indexOf(csvName(p.name));
    for (const i of column < 0 ? [] : thin(p, most)) {
      const step = p.steps[i]!;
      const row = cells.get(step) ?? names.map(() => "");
      cells.set(step, row);
      row[column] = String(Number(p.values[i]!.toPrecision(5)));
    }
  }
  return [...cells].sort(([a], [b]) => a - b).map(([step, row]) => `${run},${step},${row.join(",")}`);
}

/** A name without the characters that separate cells. */
function csvName(name: string): string {
  return name.replace(/[",\r\n]/g, " ");
}

/** A column's name as Vega reads a field: dots and brackets are not paths. */
function fieldOf(name: string): string {
  return name.replace(/[.[\]\\']/g, "\\$&");
}

/** Draws the specification, and the gradient strip beneath it, at `zoom` pixels a unit. */
export async function chartPicture(spec: object, seriesCount: number, strip: GradientStrip | null, zoom: number): Promise<IndexedImage> {
  const svg = await vegaSvg(spec);
  const [, w = "0", h = "0"] = /<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  if (strip === null) return rasterizeSvg(svg, colorsOf(seriesCount), zoom);
  const rowHeight = Math.max(4, Math.min(12, 2 * Math.floor(80 / strip.names.length)));
  const [left, top, right] = [130, Number(h) + 22, Number(w) - 10];
  const height = rowHeight * strip.names.length;
  const steps = `steps ${count(strip.steps[0]!)} to ${count(strip.steps.at(-1)!)}`;
  const caption = `log10 |gradient|, ${strip.lo} (dark) to ${strip.hi} (bright), ${steps}`;
  const body = [label(10, top - 8, caption, { fill: ink.muted, size: 9 })];
  if (rowHeight >= 9)
    strip.names.forEach((name, i) =>
      body.push(label(left - 5, top + i * rowHeight + rowHeight - 2, tail(name, 22), { anchor: "end", fill: ink.muted, size: 8 })),
    );
  const outer = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${top + height + 8}" font-family="DejaVu Sans">${svg}${body.join("")}</svg>`;
  const room = (right - left) * zoom;
  const columns = stripColumns(strip.steps, room);
  const codes = decodeBytes(strip.values);
  const indices = Uint8Array.from({ length: columns.length * strip.names.length }, (_, i) => {
    const row = Math.floor(i / columns.length);
    return shade(codes[row * strip.steps.length + columns[i % columns.length]!]!);
  });
  const across = Math.max(1, Math.floor(room / columns.length));
  const cells = { width: columns.length, height: strip.names.length, indices, palette: stripPalette() };
  const block = magnify(cells, [across, Math.round(rowHeight * zoom)], [Math.round(left * zoom), Math.round(top * zoom)]);
  return overlay(rasterizeSvg(outer, colorsOf(seriesCount), zoom), [block]);
}

function tail(text: string, length: number): string {
  return text.length <= length ? text : "…" + text.slice(1 - length);
}

/** Samples are dense at the start: columns of equal duration show the last sample before each. */
function stripColumns(steps: readonly number[], room: number): number[] {
  const span = steps.at(-1)! - steps[0]! || 1;
  const columns = Math.min(span, Math.floor(room / Math.ceil(room / 128)));
  return Array.from({ length: columns }, (_, c) => steps.findLastIndex((step) => step - steps[0]! <= (c * span) / columns));
}

// 64 shades are enough and leave room in the palette for the chart's own colours: 0 no gradient, 1..64, 65 not finite.
const shades = 64;

function shade(code: number): number {
  return code === 0 ? 0 : code === 255 ? shades + 1 : 1 + Math.floor(((code - 1) * shades) / 254);
}

function stripPalette(): Uint8Array {
  const map = palette("sequential", "light");
  const table = new Uint8Array((shades + 2) * 3);
  for (let i = 0; i < shades; i++) table.set(map.subarray(i * 12, i * 12 + 3), (i + 1) * 3);
  table.set([232, 232, 232], 0);
  table.set(reservedColors.nan, (shades + 1) * 3);
  return table;
}

async function vegaSvg(spec: object): Promise<string> {
  const [{ compile }, vega] = await Promise.all([import("vega-lite"), import("vega")]);
  const view = new vega.View(vega.parse(compile(spec as Parameters<typeof compile>[0]).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}
