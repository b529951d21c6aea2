/** One panel of curves over steps, on uPlot: drag to zoom, double-click to see all, arrow keys to read values. */
import uPlot from "uplot";
import type { Theme } from "../theme.js";
import { create } from "./dom.js";
import { formatNumber } from "./format.js";
import { align, type Points } from "./journal.js";

/** A curve and how it looks. */
export interface Line {
  readonly key: string;
  readonly points: Points;
  readonly color: string;
  readonly style: "solid" | "faint" | "ghost";
}

export interface ChartInput {
  readonly lines: readonly Line[];
  /** Steps at which a value was NaN or infinite. */
  readonly broken: readonly number[];
  /** What the value axis measures. */
  readonly label: string;
  /** How values are written on their axis. */
  readonly format: (value: number) => string;
  /** Values are counted from zero, and stay until the next point. */
  readonly level: boolean;
  /** The lowest panel has the labels of the steps. */
  readonly lowest: boolean;
  /** Steps shown. */
  readonly range: readonly [number, number];
  readonly height: number;
  readonly theme: Theme;
  readonly width: number;
}

/** Where the curves are drawn, in CSS pixels from the left edge. */
export interface PlotArea {
  readonly left: number;
  readonly right: number;
}

export interface Chart {
  update(input: ChartInput): void;
  area(): PlotArea;
  dispose(): void;
}

/** `group` shares a cursor among charts. `zoom` is called with the steps dragged over, or null; `point` with the step under the cursor, or null. */
export function createChart(
  host: HTMLElement,
  group: string,
  zoom: (range: readonly [number, number] | null) => void,
  point: (step: number | null) => void,
): Chart {
  const root = create("div", "cg-chart", { role: "img", tabindex: "0" });
  host.append(root);
  let plot: uPlot | null = null;
  let built = "";
  let broken: readonly number[] = [];

  function build(input: ChartInput, data: uPlot.AlignedData): uPlot {
    plot?.destroy();
    return new uPlot(
      options(input, group, () => broken, zoom, point),
      data,
      root,
    );
  }

  root.addEventListener("dblclick", () => zoom(null));
  root.addEventListener("keydown", (event) => {
    if (!plot) return;
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step !== 0) {
      const steps = plot.data[0];
      const at = Math.max(0, Math.min(steps.length - 1, (plot.cursor.idx ?? (step > 0 ? -1 : steps.length)) + step));
      plot.setCursor({ left: plot.valToPos(steps[at]!, "x"), top: plot.bbox.height / devicePixelRatio / 2 });
    } else if (event.key === "Escape") zoom(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    update(input) {
      broken = input.broken;
      const data = align(input.lines.map((line) => line.points)) as uPlot.AlignedData;
      const { lines, theme, label, lowest } = input;
      const key = JSON.stringify([
        lines.map(({ key, color, style, points }) => [key, color, style, points.steps.length === 1]),
        theme,
        label,
        lowest,
      ]);
      const size = { width: input.width, height: input.height };
      root.setAttribute(
        "aria-label",
        `Curves of ${lines
          .filter((line) => line.style === "solid")
          .map((line) => line.key)
          .join(", ")} over steps. Arrow keys read values.`,
      );
      if (key !== built || !plot) {
        built = key;
        plot = build(input, data);
      } else {
        if (plot.width !== size.width || plot.height !== size.height) plot.setSize(size);
        plot.setData(data, false);
      }
      const [from, to] = input.range;
      plot.setScale("x", { min: from, max: to > from ? to : from + 1 });
    },
    area() {
      const { left, width } = plot!.bbox;
      return { left: left / devicePixelRatio, right: (left + width) / devicePixelRatio };
    },
    dispose() {
      plot?.destroy();
      plot = null;
      root.remove();
    },
  };
}

function options(
  input: ChartInput,
  group: string,
  broken: () => readonly number[],
  zoom: (range: readonly [number, number]) => void,
  point: (step: number | null) => void,
): uPlot.Options {
  const { theme, lines, width, height } = input;
  const axis: uPlot.Axis = {
    stroke: theme.muted,
    font: `11px ${theme.font}`,
    labelFont: `11px ${theme.font}`,
    labelSize: 18,
    grid: { stroke: theme.line, width: 1 },
    ticks: { show: false },
    gap: 4,
  };
  const values = (_: uPlot, ticks: number[]): string[] => ticks.map((tick) => formatNumber(tick, 3));
  const levels = (_: uPlot, ticks: number[]): string[] => ticks.map(input.format);
  const steps = input.lowest ? { values, label: "step", size: 22 } : { values: () => [], size: 6 };
  return {
    width,
    height,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { size: 6, width: 1.5 },
      y: false,
      sync: { key: group, setSeries: false, scales: ["x", null] },
    },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: { x: { time: false }, y: { range: input.level ? fromZero : padded } },
    axes: [
      { ...axis, ...steps, space: 60 },
      {
        ...axis,
        size: 52,
        values: levels,
        label: input.label,
        space: input.level ? 16 : 28,
        ...(input.level ? { incrs: powersOfTwo } : {}),
      },
    ],
    series: [{}, ...lines.map((line) => seriesOf(line, input.level))],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: dragged } = plot.select;
          if (dragged < 4) return;
          zoom([plot.posToVal(left, "x"), plot.posToVal(left + dragged, "x")]);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [(plot) => point(plot.cursor.idx == null ? null : (plot.data[0][plot.cursor.idx] ?? null))],
      draw: [(plot) => markBroken(plot, broken(), theme)],
    },
  };
}

/** Bytes are counted in these. */
const powersOfTwo = Array.from({ length: 50 }, (_, i) => 2 ** i);

function seriesOf(line: Line, level: boolean): uPlot.Series {
  const alone = line.points.steps.length === 1;
  return {
    label: line.key,
    stroke: line.color,
    width: line.style === "solid" ? 1.5 : 1,
    alpha: line.style === "solid" ? 1 : line.style === "faint" ? 0.3 : 0.45,
    ...(line.style === "ghost" ? { dash: [5, 4] } : {}),
    ...(level ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
    spanGaps: true,
    points: { show: alone && line.style !== "faint", size: 5 },
  };
}

function padded(_: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const room = (max - min || Math.abs(max) || 1) * 0.06;
  return [min >= 0 && min - room < 0 ? 0 : min - room, max + room];
}

function fromZero(_: uPlot, __: number, max: number | null): uPlot.Range.MinMax {
  return [0, (max || 1) * 1.1];
}

/** A cross on the axis where a value was not finite. */
function markBroken(plot: uPlot, steps: readonly number[], theme: Theme): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = theme.bad;
  ctx.font = `700 ${13 * devicePixelRatio}px ${theme.font}`;
  ctx.textAlign = "center";
  for (const step of steps) {
    const x = plot.valToPos(step, "x", true);
    if (x >= bbox.left && x <= bbox.left + bbox.width) ctx.fillText("×", x, bbox.top + bbox.height - 3 * devicePixelRatio);
  }
  ctx.restore();
}
