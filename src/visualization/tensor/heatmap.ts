/** Draws a tensor as a picture: heatmap, contact sheet or line, with its axes, its legend and its identity. */
import type { ColorScale, TensorPayload } from "../../wire/tensor.js";
import { wholeSlice, type Elements } from "./elements.js";
import { drawImages } from "./images.js";
import { drawLine } from "./line.js";
import { count, short } from "../picture/numbers.js";
import { density, heading, ink, label, magnify, margin, type Block, type Drawing } from "../picture/picture.js";
import { colorIndices, colorTable } from "./scale.js";

/** How much detail a picture may have: cells along the longer side, colours of the map. */
export interface Detail {
  readonly cells: number;
  readonly levels: number;
}

/** From fine to coarse: the first whose file fits the budget is stored. */
export const details: readonly Detail[] = [
  { cells: 128, levels: 128 },
  { cells: 128, levels: 48 },
  { cells: 96, levels: 48 },
  { cells: 80, levels: 32 },
  { cells: 64, levels: 24 },
  { cells: 48, levels: 16 },
  { cells: 36, levels: 12 },
  { cells: 24, levels: 6 },
];

/** What a picture shows of a payload. */
export type Pictured = Pick<TensorPayload, "form" | "shape" | "scale" | "images" | "histogram" | "statistics">;

/** The drawing of a tensor that is more than text. `title` is empty in small pictures. */
export function drawTensor(elements: Elements, pictured: Pictured, title: readonly string[], detail: Detail): Drawing {
  const { form, images } = pictured;
  if (form === "line") return drawLine(elements, pictured, title);
  if (form === "images" && images !== null) return drawImages(elements, images, title, detail);
  return drawHeatmap(elements, pictured, title, detail);
}

/** Lines of text and nothing else. */
export function drawText(lines: readonly string[]): Drawing {
  const { body, width, height } = heading(lines);
  return { width: Math.ceil(width + 2 * margin), height: height + margin, body, blocks: [], cells: [], colors: 4 };
}

const side = 320;
const largestCell = 20;
const shortestSide = 60;
const smallSide = 96;
const facetGap = 6;
const mostFacets = 64;

/** One heatmap for the last two dims, or up to 64 of them side by side for the dims before. */
function drawHeatmap(elements: Elements, pictured: Pictured, title: readonly string[], detail: Detail): Drawing {
  const shape = elements.shape;
  const [row, column] = [shape.length - 2, shape.length - 1];
  const indices = leadingIndices(shape);
  const across = indices.length === 1 ? 1 : (pictureColumns(shape) ?? Math.ceil(Math.sqrt(indices.length)));
  const down = Math.ceil(indices.length / across);
  const longest = Math.max(1, Math.floor(detail.cells / Math.max(across, down)));
  const [height, width] = [Math.min(shape[row]!, longest), Math.min(shape[column]!, longest)];
  const room = (side - facetGap * (Math.max(across, down) - 1)) / Math.max(across, down);
  const cell = cellSize(height, width, shape[row]! / shape[column]!, title.length > 0 ? room : smallSide);
  const scale = pictured.scale ?? { map: "sequential", lo: 0, hi: 1, below: 0, above: 0 };
  const colors = colorTable(scale.map, detail.levels);
  const rowLabels = indices.length === 1 && title.length > 0 ? 10 + 6 * String(shape[row]! - 1).length : 0;
  const head = heading(title);
  const [left, top] = [margin + rowLabels, margin + head.height];
  const cells = indices.map((index) => {
    const pooled = elements.pool(wholeSlice(shape, row, column, index), height, width, "extreme", (scale.lo + scale.hi) / 2);
    return colorIndices(pooled, scale.lo, scale.hi, detail.levels);
  });
  const blocks = cells.map((data, i) => {
    const x = left + (i % across) * (width * cell.x + facetGap);
    const y = top + Math.floor(i / across) * (height * cell.y + facetGap);
    const size = [Math.round(cell.x * density), Math.round(cell.y * density)] as const;
    return magnify({ width, height, indices: data, palette: colors }, size, [x * density, y * density]);
  });
  const bottom = top + down * height * cell.y + (down - 1) * facetGap;
  const right = left + across * width * cell.x + (across - 1) * facetGap;
  const body = [head.body];
  if (title.length === 0) return { width: right + margin, height: bottom + margin, body: "", blocks, cells, colors: 6 };
  if (indices.length === 1) body.push(axisLabels(shape[row]!, shape[column]!, left, top, right, bottom));
  const notes = [facetText(shape, indices.length), poolText(shape[row]! / height, shape[column]! / width)].filter((note) => note !== "");
  notes.forEach((note, i) =>
    body.push(label(left, bottom + (indices.length === 1 ? 25 : 12) + i * 13, note, { fill: ink.muted, size: 9 })),
  );
  const legend = drawLegend(pictured, scale, detail.levels, colors, right + 16, top, Math.max(60, Math.min(160, bottom - top)));
  return {
    width: Math.ceil(Math.max(right + 16 + legend.width, margin + head.width) + margin),
    height: Math.ceil(Math.max(bottom + 4 + 13 * (notes.length + (indices.length === 1 ? 1 : 0)), top + legend.height) + margin),
    body: body.join("") + legend.body,
    blocks: [...blocks, ...legend.blocks],
    cells,
    colors: 6,
  };
}

function leadingIndices(shape: readonly number[]): number[][] {
  const lead = shape.slice(0, -2);
  const total = Math.min(
    mostFacets,
    lead.reduce((a, b) => a * b, 1),
  );
  return Array.from({ length: total }, (_, i) => {
    const index = shape.map(() => 0);
    let rest = i;
    for (let dim = lead.length - 1; dim >= 0; dim--) {
      index[dim] = rest % lead[dim]!;
      rest = Math.floor(rest / lead[dim]!);
    }
    return index;
  });
}

// Two dims of facets, such as [batch, head], keep their own rows and columns when they fit.
function pictureColumns(shape: readonly number[]): number | null {
  const [a, b] = [shape.at(-4), shape.at(-3)!];
  return a !== undefined && shape.length === 4 && a > 1 && b > 1 && a <= 8 && b <= 16 && a * b <= mostFacets ? b : null;
}

function facetText(shape: readonly number[], shown: number): string {
  const total = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  if (shape.length === 2) return "";
  const dims = shape.length === 3 ? "dim 0" : `dims 0 to ${shape.length - 3}`;
  return shown < total ? `${dims}: first ${shown} of ${total}` : `${dims}: ${shape.slice(0, -2).join(" x ")}`;
}

// The reader must know that a cell is not one element.
function poolText(rows: number, columns: number): string {
  if (rows === 1 && columns === 1) return "";
  return `a cell: the most extreme of ${short(rows, 2)} x ${short(columns, 2)} elements`;
}

interface CellSize {
  readonly x: number;
  readonly y: number;
}

/** Whole file pixels a cell, following the slice's own proportions as far as both sides stay readable. */
function cellSize(height: number, width: number, proportion: number, room: number): CellSize {
  const wanted = (proportion * width) / height; // cell height / cell width that keeps the proportions
  const longest = Math.min(room / width, room / height / wanted, largestCell / Math.max(1, wanted));
  const size = (ideal: number, n: number): number => {
    const least = Math.min(room, shortestSide) / n;
    const pixels = Math.floor(Math.min(largestCell, Math.max(ideal, least)) * density + 1e-6);
    return Math.max(1, pixels) / density;
  };
  return { x: size(longest, width), y: size(longest * wanted, height) };
}

function axisLabels(rows: number, columns: number, left: number, top: number, right: number, bottom: number): string {
  const options = { fill: ink.muted, size: 9 };
  return [
    label(left - 4, top + 8, "0", { ...options, anchor: "end" }),
    rows > 1 ? label(left - 4, bottom, String(rows - 1), { ...options, anchor: "end" }) : "",
    label(left, bottom + 12, "0", options),
    columns > 1 ? label(right, bottom + 12, String(columns - 1), { ...options, anchor: "end" }) : "",
  ].join("");
}

interface Legend {
  readonly width: number;
  readonly height: number;
  readonly body: string;
  readonly blocks: readonly Block[];
}

/** The histogram beside the colours it is drawn in, limits and clipped counts at both ends, marks of non-finite values below. */
function drawLegend(
  pictured: Pictured,
  scale: ColorScale,
  levels: number,
  palette: Uint8Array,
  x: number,
  y: number,
  height: number,
): Legend {
  const h = Math.floor(height);
  const shades = Uint8Array.from({ length: h * density }, (_, r) => Math.floor((1 - (r + 0.5) / (h * density)) * levels));
  const strip = magnify({ width: 1, height: shades.length, indices: shades, palette }, [10 * density, 1], [x * density, y * density]);
  const body = [histogramBars(pictured, scale, x + 12, y, h)];
  const text = { fill: ink.text, size: 9 };
  const at = (value: number): number => y + h * (1 - (value - scale.lo) / (scale.hi - scale.lo));
  const [topLine, bottomLine] = [y + 8, y + h];
  body.push(label(x + 52, topLine, short(scale.hi, 3), text), label(x + 52, bottomLine, short(scale.lo, 3), text));
  const beyond = { fill: ink.muted, size: 8 };
  if (scale.above > 0) body.push(label(x + 52, topLine + 10, `${count(scale.above)} above`, beyond));
  if (scale.below > 0) body.push(label(x + 52, bottomLine - 10, `${count(scale.below)} below`, beyond));
  if (scale.lo < 0 && scale.hi > 0 && at(0) > topLine + 24 && at(0) < bottomLine - 24) body.push(label(x + 52, at(0) + 3, "0", text));
  const { nan, positiveInfinity, negativeInfinity } = pictured.statistics;
  const marks = [
    [nan, "NaN"],
    [positiveInfinity, "+∞"],
    [negativeInfinity, "−∞"],
  ] as const;
  const blocks = [strip];
  let line = y + h + 20;
  marks.forEach(([n, name], i) => {
    if (n === 0) return;
    const swatch = new Uint8Array(400).fill(levels + i);
    blocks.push({ x: Math.round(x * density), y: Math.round((line - 8) * density), width: 20, height: 20, pixels: swatch, palette });
    body.push(label(x + 16, line, `${name}  ${count(n)}`, text));
    line += 14;
  });
  return { width: 112, height: line - y, body: body.join(""), blocks };
}

function histogramBars({ histogram }: Pictured, { lo, hi }: ColorScale, x: number, y: number, height: number): string {
  if (histogram === null) return "";
  const width = (histogram.hi - histogram.lo) / histogram.counts.length;
  const inside = histogram.counts.map((n, i) => ({ n, at: histogram.lo + (i + 0.5) * width })).filter(({ at }) => at >= lo && at <= hi);
  const most = Math.max(1, ...inside.map(({ n }) => n));
  const thick = Math.max(1, Math.min(height, (height * width) / (hi - lo)));
  const bars = inside.map(({ n, at }) => {
    const middle = y + height * (1 - (at - lo) / (hi - lo));
    return n === 0 ? "" : `M${x} ${(middle - thick / 2).toFixed(1)}h${((36 * n) / most).toFixed(1)}v${thick.toFixed(1)}H${x}z`;
  });
  return `<path d="${bars.join("")}" fill="#b5b5b5" shape-rendering="crispEdges"/>`;
}
