/** A 2-D slice as a heatmap: axes in elements, drag to zoom, the exact number under the mouse or the keyboard's cursor. */
import { decodeBytes, tileCodes, type TensorPayload, type Window } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import { indexText, indexTicks } from "./axis.js";
import { colorTable, decodeTile, paintTile, valueOf, type Tile } from "./colors.js";
import { create, prepareCanvas } from "./dom.js";
import { formatNumber } from "./format.js";
import {
  cellBox,
  dragBox,
  elementAt,
  fullIndex,
  move,
  place,
  tileIndex,
  tileSize,
  windowOf,
  zoomAround,
  type Box,
  type Layout,
} from "./heatmap-geometry.js";
import { latest } from "./latest.js";
import type { Frame, Picture, Selection } from "./picture.js";
import type { Scene } from "./view.js";

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
    // The mouse may rest on an element that has changed.
    point(cursor);
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
    else if (event.key === "Escape" && zoom) setZoom(null);
    else if (event.key === "Escape" && cursor) point(null);
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
    context.fillText(indexText(tick), x, bottom + 6);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of indexTicks(window[0], window[0] + window[2], area.height / 22)) {
    const y = area.top + ((tick - window[0] + 0.5) * area.height) / window[2];
    context.moveTo(area.left - 1, y);
    context.lineTo(area.left - 4, y);
    context.fillText(indexText(tick), area.left - 6, y);
  }
  context.stroke();
  context.textAlign = "right";
  context.textBaseline = "top";
  context.fillText(`dim ${selection.column} →`, right, bottom + 20);
  context.save();
  context.translate(0, bottom);
  context.rotate(-Math.PI / 2);
  context.textAlign = "right";
  context.fillText(`← dim ${selection.row}`, area.height, 0);
  context.restore();
}
