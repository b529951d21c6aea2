/** Where a heatmap's elements are on the screen, and which elements a gesture means. */
import type { Window } from "../../src/wire/index.js";
import type { Tile } from "./colors.js";
import type { Selection } from "./picture.js";

/** Where things are on the canvas, in CSS pixels. */
export interface Layout {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly outerWidth: number;
  readonly outerHeight: number;
}

const margin = { left: 46, top: 6, right: 10, bottom: 34 };
const largest = { width: 416, height: 400 };
const largestTile = 256;
/** Kept free for legend and statistics on the right. */
const sideWidth = 270;

/** Square elements where that gives a readable picture, stretched where one side would be a sliver; whole pixels an element where possible. */
export function place(rows: number, columns: number, available: number): Layout {
  const room = available > 620 ? available - sideWidth : available;
  const limit = Math.max(64, Math.min(largest.width, room - margin.left - margin.right));
  const scale = Math.min(limit / columns, largest.height / rows, 36);
  const width = snap(Math.max(columns * scale, Math.min(limit, 120, columns * 36)), columns, limit);
  const height = snap(Math.max(rows * scale, Math.min(120, rows * 36)), rows, largest.height);
  return {
    left: margin.left,
    top: margin.top,
    width,
    height,
    outerWidth: width + margin.left + margin.right,
    outerHeight: height + margin.top + margin.bottom,
  };
}

function snap(size: number, count: number, limit: number): number {
  return count <= limit ? count * Math.max(1, Math.floor(size / count)) : Math.floor(size / 2) * 2;
}

/** One pixel an element up to 256, else two screen pixels for each pooled one. */
export function tileSize(window: Window, area: Layout): readonly [number, number] {
  const side = (count: number, size: number): number =>
    count <= largestTile && count <= size ? count : Math.min(largestTile, Math.max(1, size / 2));
  return [side(window[2], area.height), side(window[3], area.width)];
}

export function fullIndex(selection: Selection, row: number, column: number): number[] {
  return selection.index.map((at, dim) => (dim === selection.row ? row : dim === selection.column ? column : at));
}

export function elementAt(event: PointerEvent, window: Window, area: Layout): readonly [number, number] | null {
  const [y, x] = [(event.offsetY - area.top) / area.height, (event.offsetX - area.left) / area.width];
  if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
  return [window[0] + Math.floor(y * window[2]), window[1] + Math.floor(x * window[3])];
}

export function tileIndex(at: readonly [number, number], tile: Tile, window: Window): number {
  const row = Math.floor(((at[0] - window[0]) / window[2]) * tile.height);
  const column = Math.floor(((at[1] - window[1]) / window[3]) * tile.width);
  return Math.min(tile.height - 1, Math.max(0, row)) * tile.width + Math.min(tile.width - 1, Math.max(0, column));
}

export type Box = readonly [x: number, y: number, width: number, height: number];

export function cellBox([row, column]: readonly [number, number], window: Window, area: Layout): Box {
  const [w, h] = [area.width / window[3], area.height / window[2]];
  return [area.left + (column - window[1]) * w, area.top + (row - window[0]) * h, Math.max(2, w), Math.max(2, h)];
}

export function dragBox(a: readonly [number, number], b: readonly [number, number]): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
}

/** The elements under a dragged box; null for a click. */
export function windowOf(a: readonly [number, number], b: readonly [number, number], window: Window, area: Layout): Window | null {
  const [x, y, width, height] = dragBox(a, b);
  if (width < 4 || height < 4) return null;
  const clampTo = (value: number, count: number): number => Math.min(count, Math.max(0, value));
  const first = (offset: number, size: number, count: number): number => clampTo(Math.floor((offset / size) * count), count - 1);
  const last = (offset: number, size: number, count: number): number => clampTo(Math.ceil((offset / size) * count), count);
  const [r0, c0] = [first(y - area.top, area.height, window[2]), first(x - area.left, area.width, window[3])];
  const [r1, c1] = [last(y + height - area.top, area.height, window[2]), last(x + width - area.left, area.width, window[3])];
  return [window[0] + r0, window[1] + c0, Math.max(1, r1 - r0), Math.max(1, c1 - c0)];
}

export function zoomAround(
  cursor: readonly [number, number] | null,
  window: Window,
  factor: number,
  shape: readonly number[],
  selection: Selection,
): Window | null {
  const [all, across] = [shape[selection.row]!, shape[selection.column]!];
  const rows = Math.min(all, Math.max(1, Math.round(window[2] * factor)));
  const columns = Math.min(across, Math.max(1, Math.round(window[3] * factor)));
  if (rows === all && columns === across) return null;
  const [row, column] = cursor ?? [window[0] + window[2] / 2, window[1] + window[3] / 2];
  const start = (center: number, count: number, total: number): number =>
    Math.max(0, Math.min(total - count, Math.round(center - count / 2)));
  return [start(row, rows, all), start(column, columns, across), rows, columns];
}

export function move(key: string, cursor: readonly [number, number] | null, window: Window): readonly [number, number] | null {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
  if (!step) return null;
  if (!cursor) return [window[0], window[1]];
  const clampTo = (value: number, first: number, count: number): number => Math.min(first + count - 1, Math.max(first, value));
  return [clampTo(cursor[0] + step[0]!, window[0], window[2]), clampTo(cursor[1] + step[1]!, window[1], window[3])];
}
