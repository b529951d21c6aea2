/** A 2-D slice as a heatmap: axes in elements, drag to zoom, the exact number under the mouse or the keyboard's cursor. */
import { decodeBytes, tileCodes, type TensorPayload, type Window } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import { indexTicks } from "./axis.js";
import { colorTable, decodeTile, paintTile, valueOf, type Tile } from "./colors.js";
import { create, prepareCanvas } from "./dom.js";
import { formatNumber } from "./format.js";
import { latest } from "./latest.js";
import type { Frame, Picture, Selection } from "./picture.js";
import type { Scene } from "./view.js";

/** Where things are on the canvas, in CSS pixels. */
interface Layout {
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

export function heatmapPicture(host: HTMLElement, frame: Frame): Picture {
  const canvas = create("canvas", "cg-heatmap", { role: "img", tabindex: "0" });
  host.replaceChildren(canvas);
  const bitmap = create("canvas");
  let scene: Scene<TensorPayload>;
  let selection: Selection;
  let zoom: Window | null = null;
  let tile: Tile | null = null;
  let tileWindow: Window = [0, 0, 0, 0];
  let cursor: readonly [number, number] | null = null;
  let drag: { readonly from: readonly [number, number]; to: readonly [number, number] } | null = null;
  let asked = "";

  const window = (): Window => zoom ?? [0, 0, scene.payload.shape[selection.row]!, scene.payload.shape[selection.column]!];
  const layout = (): Layout => place(window()[2], window()[3], scene.width);

  const fetchTile = latest(async () => {
    const of = window();
    const size = tileSize(of, layout());
    const diverging = scene.payload.scale?.map === "diverging";
    const reply = await frame.ask({
      kind: "tile",
      row: selection.row,
      column: selection.column,
      index: selection.index,
      window: of,
      size,
      pooling: "extreme",
      center: diverging ? 0 : (scene.payload.statistics.mean ?? 0),
    });
    if (!reply) {
      asked = "";
      return;
    }
    tile = decodeTile(reply, decodeBytes(reply.codes));
    tileWindow = of;
    draw();
    frame.drawn();
  });

  const fetchValue = latest(async () => {
    if (!cursor || !scene.live) return;
    const [row, column] = cursor;
    const index = fullIndex(selection, row, column);
    const reply = await frame.ask({ kind: "value", index });
    if (reply && cursor?.[0] === row && cursor[1] === column) frame.say(`[${index.join(", ")}] = ${reply.text}`);
  });

  function draw(): void {
    const area = layout();
    const context = prepareCanvas(canvas, area.outerWidth, area.outerHeight);
    if (tile) {
      const { payload, theme } = scene;
      const image = paintTile(tile, colorTable(payload.scale?.map ?? "sequential", theme.dark), selection.lo, selection.hi);
      bitmap.width = tile.width;
      bitmap.height = tile.height;
      bitmap.getContext("2d")!.putImageData(image, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(bitmap, area.left, area.top, area.width, area.height);
      drawGlyphs(context, tile, area, scene.theme);
    }
    drawAxes(context, window(), area, selection, scene.theme);
    if (cursor) outline(context, cellBox(cursor, window(), area), scene.theme);
    if (drag) outline(context, dragBox(drag.from, drag.to), scene.theme);
  }

  function point(at: readonly [number, number] | null): void {
    cursor = at;
    draw();
    if (!at || !tile) return frame.say("");
    const value = valueOf(tile, tile.codes[tileIndex(at, tile, tileWindow)]!);
    const pooled = tile.width < tileWindow[3] || tile.height < tileWindow[2];
    const text = formatNumber(value, 4);
    frame.say(`[${fullIndex(selection, ...at).join(", ")}] ${pooled ? "near an extreme of" : "≈"} ${text}`);
    fetchValue();
  }

  function setZoom(next: Window | null): void {
    zoom = next;
    asked = "";
    cursor = null;
    refresh();
  }

  function refresh(): void {
    canvas.setAttribute("aria-label", `${scene.payload.summary}. Arrow keys move a cursor over the elements, + and − zoom.`);
    const key = JSON.stringify([
      scene.payload.live,
      scene.payload.tensorVersion,
      selection.row,
      selection.column,
      selection.index,
      window(),
      tileSize(window(), layout()),
    ]);
    draw();
    if (scene.live && key !== asked) {
      asked = key;
      fetchTile();
    }
  }

  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      drag.to = [event.offsetX, event.offsetY];
      draw();
    } else point(elementAt(event, window(), layout()));
  });
  canvas.addEventListener("pointerleave", () => drag || point(null));
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !scene.live || !elementAt(event, window(), layout())) return;
    drag = { from: [event.offsetX, event.offsetY], to: [event.offsetX, event.offsetY] };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => {
    if (!drag) return;
    const next = windowOf(drag.from, drag.to, window(), layout());
    drag = null;
    if (next) setZoom(next);
    else draw();
  });
  canvas.addEventListener("dblclick", () => zoom && setZoom(null));
  canvas.addEventListener("keydown", (event) => {
    const next = move(event.key, cursor, window());
    if (next) point(next);
    else if (event.key === "+" && scene.live) setZoom(zoomAround(cursor, window(), 0.5, scene.payload.shape, selection));
    else if ((event.key === "-" || event.key === "−") && zoom) setZoom(zoomAround(cursor, window(), 2, scene.payload.shape, selection));
    else if (event.key === "Escape" && (zoom || cursor)) zoom ? setZoom(null) : point(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => point(null));

  return {
    update(nextScene, nextSelection) {
      scene = nextScene;
      if (selection && (selection.row !== nextSelection.row || selection.column !== nextSelection.column)) zoom = null;
      selection = nextSelection;
      refresh();
    },
    dispose() {
      canvas.remove();
    },
  };
}

/** Square elements where that gives a readable picture, stretched where one side would be a sliver; whole pixels an element where possible. */
function place(rows: number, columns: number, available: number): Layout {
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
function tileSize(window: Window, area: Layout): readonly [number, number] {
  const side = (count: number, size: number): number =>
    count <= largestTile && count <= size ? count : Math.min(largestTile, Math.max(1, size / 2));
  return [side(window[2], area.height), side(window[3], area.width)];
}

function fullIndex(selection: Selection, row: number, column: number): number[] {
  return selection.index.map((at, dim) => (dim === selection.row ? row : dim === selection.column ? column : at));
}

function elementAt(event: PointerEvent, window: Window, area: Layout): readonly [number, number] | null {
  const [y, x] = [(event.offsetY - area.top) / area.height, (event.offsetX - area.left) / area.width];
  if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
  return [window[0] + Math.floor(y * window[2]), window[1] + Math.floor(x * window[3])];
}

function tileIndex(at: readonly [number, number], tile: Tile, window: Window): number {
  const row = Math.floor(((at[0] - window[0]) / window[2]) * tile.height);
  const column = Math.floor(((at[1] - window[1]) / window[3]) * tile.width);
  return Math.min(tile.height - 1, Math.max(0, row)) * tile.width + Math.min(tile.width - 1, Math.max(0, column));
}

type Box = readonly [x: number, y: number, width: number, height: number];

function cellBox([row, column]: readonly [number, number], window: Window, area: Layout): Box {
  const [w, h] = [area.width / window[3], area.height / window[2]];
  return [area.left + (column - window[1]) * w, area.top + (row - window[0]) * h, Math.max(2, w), Math.max(2, h)];
}

function dragBox(a: readonly [number, number], b: readonly [number, number]): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
}

/** The elements under a dragged box; null for a click. */
function windowOf(a: readonly [number, number], b: readonly [number, number], window: Window, area: Layout): Window | null {
  const [x, y, width, height] = dragBox(a, b);
  if (width < 4 || height < 4) return null;
  const clampTo = (value: number, count: number): number => Math.min(count, Math.max(0, value));
  const first = (offset: number, size: number, count: number): number => clampTo(Math.floor((offset / size) * count), count - 1);
  const last = (offset: number, size: number, count: number): number => clampTo(Math.ceil((offset / size) * count), count);
  const [r0, c0] = [first(y - area.top, area.height, window[2]), first(x - area.left, area.width, window[3])];
  const [r1, c1] = [last(y + height - area.top, area.height, window[2]), last(x + width - area.left, area.width, window[3])];
  return [window[0] + r0, window[1] + c0, Math.max(1, r1 - r0), Math.max(1, c1 - c0)];
}

function zoomAround(
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

function move(key: string, cursor: readonly [number, number] | null, window: Window): readonly [number, number] | null {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
  if (!step) return null;
  if (!cursor) return [window[0], window[1]];
  const clampTo = (value: number, first: number, count: number): number => Math.min(first + count - 1, Math.max(first, value));
  return [clampTo(cursor[0] + step[0]!, window[0], window[2]), clampTo(cursor[1] + step[1]!, window[1], window[3])];
}

function outline(context: CanvasRenderingContext2D, box: Box, theme: Theme): void {
  context.lineWidth = 3;
  context.strokeStyle = theme.surface;
  context.strokeRect(...box);
  context.lineWidth = 1.25;
  context.strokeStyle = theme.text;
  context.strokeRect(...box);
}

/** NaN and infinities are never told by colour alone: a glyph where a cell has room, a ring around it where it has not. */
function drawGlyphs(context: CanvasRenderingContext2D, tile: Tile, area: Layout, theme: Theme): void {
  const [w, h] = [area.width / tile.width, area.height / tile.height];
  const roomy = Math.min(w, h) >= 9;
  let rings = 0;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `600 ${Math.min(14, Math.round(Math.min(w, h) * 0.8))}px ${theme.font}`;
  for (let i = 0; i < tile.codes.length; i++) {
    const code = tile.codes[i]!;
    if (code <= tileCodes.steps) continue;
    const [x, y] = [area.left + ((i % tile.width) + 0.5) * w, area.top + (Math.floor(i / tile.width) + 0.5) * h];
    if (roomy) {
      context.fillStyle = "#fff";
      context.fillText(code === tileCodes.nan ? "×" : code === tileCodes.positiveInfinity ? "∞" : "−∞", x, y);
    } else if (rings++ < 64) {
      context.lineWidth = 1.5;
      context.strokeStyle = theme.text;
      context.beginPath();
      context.arc(x, y, 5, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

function drawAxes(context: CanvasRenderingContext2D, window: Window, area: Layout, selection: Selection, theme: Theme): void {
  const [bottom, right] = [area.top + area.height, area.left + area.width];
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(area.left - 0.5, area.top - 0.5, area.width + 1, area.height + 1);
  context.fillStyle = theme.muted;
  context.strokeStyle = theme.muted;
  context.font = `11px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.beginPath();
  for (const tick of indexTicks(window[1], window[1] + window[3], area.width / 44)) {
    const x = area.left + ((tick - window[1] + 0.5) * area.width) / window[3];
    context.moveTo(x, bottom + 1);
    context.lineTo(x, bottom + 4);
    context.fillText(String(tick), x, bottom + 6);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of indexTicks(window[0], window[0] + window[2], area.height / 22)) {
    const y = area.top + ((tick - window[0] + 0.5) * area.height) / window[2];
    context.moveTo(area.left - 1, y);
    context.lineTo(area.left - 4, y);
    context.fillText(String(tick), area.left - 6, y);
  }
  context.stroke();
  context.textAlign = "right";
  context.textBaseline = "top";
  context.fillText(`dim ${selection.column} →`, right, bottom + 20);
  context.save();
  context.translate(2, bottom);
  context.rotate(-Math.PI / 2);
  context.textAlign = "right";
  context.fillText(`← dim ${selection.row}`, area.height, 0);
  context.restore();
}
