/** Draws a vector as a line, with a min-max envelope where elements outnumber pixels; non-finite elements are marked on the axis. */
import { longVectorDim } from "./form.js";
import type { TensorPayload } from "../../wire/tensor.js";
import { reservedColors } from "../../wire/color.js";
import { wholeSlice, type Elements, type Pooled } from "./elements.js";
import { count, short, ticks } from "../picture/numbers.js";
import { heading, ink, label, margin, type Drawing } from "../picture/picture.js";

const large = { width: 380, height: 120 };
const small = { width: 160, height: 48 };
const stroke = "#17407a";

export function drawLine(elements: Elements, { statistics }: Pick<TensorPayload, "statistics">, title: readonly string[]): Drawing {
  const dim = longVectorDim(elements.shape) ?? 0;
  const n = elements.shape[dim]!;
  const plain = title.length === 0;
  const plot = plain ? small : large;
  const size = Math.min(n, plot.width);
  const region = wholeSlice(
    elements.shape,
    null,
    dim,
    elements.shape.map(() => 0),
  );
  const low = elements.pool(region, 1, size, "min", 0);
  const high = size === n ? low : elements.pool(region, 1, size, "max", 0);
  const [min, max] = limits(statistics.min, statistics.max);
  const values = plain ? [] : ticks(min, max, 4);
  const left = plain ? margin : 14 + 6 * Math.max(...values.map((v) => short(v).length));
  const head = heading(title);
  const top = margin + head.height + 4;
  const x = (i: number): number => left + (size === 1 ? 0.5 : i / (size - 1)) * plot.width;
  const y = (value: number): number => top + plot.height * (1 - (value - min) / (max - min));
  const body = [head.body];
  for (const value of values) {
    const at = y(value).toFixed(1);
    body.push(`<path d="M${left} ${at}h${plot.width}" stroke="${value === 0 ? ink.line : ink.faint}"/>`);
    body.push(label(left - 4, y(value) + 3, short(value), { anchor: "end", fill: ink.muted, size: 9 }));
  }
  body.push(size === n ? singleLine(low, x, y, n) : envelope(low, high, x, y));
  const special = marks(low, high, x, top, plot.height);
  const colors = special !== "" ? 16 : plain ? 3 : 6;
  body.push(special);
  if (plain)
    return { width: left + plot.width + margin, height: top + plot.height + margin, body: body.join(""), blocks: [], cells: [], colors };
  const options = { fill: ink.muted, size: 9 };
  body.push(label(left, top + plot.height + 13, "0", options));
  if (n > 1) body.push(label(left + plot.width, top + plot.height + 13, count(n - 1), { ...options, anchor: "end" }));
  const width = Math.ceil(Math.max(left + plot.width + 10, head.width + 2 * margin));
  return { width, height: Math.ceil(top + plot.height + 20), body: body.join(""), blocks: [], cells: [], colors };
}

function limits(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const pad = (max - min) * 0.04 || Math.abs(max) * 0.1 || 1;
  return [min - pad, max + pad];
}

type Position = (value: number) => number;

function singleLine({ values, flags }: Pooled, x: Position, y: Position, n: number): string {
  let path = "";
  let pen = "M";
  const dots: string[] = [];
  values.forEach((value, i) => {
    if (flags[i] !== 0) return void (pen = "M");
    path += `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
    if (n <= 64) dots.push(`<circle cx="${x(i).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2" fill="${stroke}"/>`);
  });
  return `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="1.2" stroke-linejoin="round"/>${dots.join("")}`;
}

function envelope(low: Pooled, high: Pooled, x: Position, y: Position): string {
  const half = (x(1) - x(0)) / 2;
  const columns = Array.from(low.values, (value, i) => {
    if (Number.isNaN(value) || high.values[i]! < value) return "";
    const [from, to] = [y(high.values[i]!), y(value)];
    return `M${(x(i) - half).toFixed(1)} ${from.toFixed(1)}h${(2 * half).toFixed(1)}v${Math.max(1, to - from).toFixed(1)}h${(-2 * half).toFixed(1)}z`;
  });
  return `<path d="${columns.join("")}" fill="${stroke}" shape-rendering="crispEdges"/>`;
}

/** A coloured glyph at the top of each column that holds a non-finite element. */
function marks(low: Pooled, high: Pooled, x: Position, top: number, height: number): string {
  const out: string[] = [];
  low.flags.forEach((flag, i) => {
    const seen = flag | high.flags[i]!;
    const mark =
      seen & 1
        ? (["×", "nan"] as const)
        : seen & 2
          ? (["∞", "positiveInfinity"] as const)
          : seen & 4
            ? (["−∞", "negativeInfinity"] as const)
            : null;
    if (mark === null) return;
    const fill = `rgb(${reservedColors[mark[1]].join(",")})`;
    out.push(
      `<path d="M${x(i).toFixed(1)} ${top}v${height}" stroke="${fill}" stroke-width="0.8"/>`,
      label(x(i), top - 1, mark[0], { anchor: "middle", fill, size: 11 }),
    );
  });
  return out.join("");
}
