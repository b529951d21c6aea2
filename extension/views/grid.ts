/** A small 2-D slice as a table of its numbers, each on its colour. */
import { reservedColors, type TensorPayload } from "../../src/wire/index.js";
import { colorIndex, colorTable, cssColor, inkOn, pack } from "./colors.js";
import { create, setText } from "./dom.js";
import { formatNumber } from "./format.js";
import { latest } from "./latest.js";
import type { Frame, Picture, Selection } from "./picture.js";
import type { Scene } from "./view.js";

/** Slices up to this many elements, and this many columns, are shown as numbers. */
export const gridLimit = { elements: 256, columns: 16 } as const;

export function gridPicture(host: HTMLElement, frame: Frame): Picture {
  const table = create("table", "cg-grid");
  const scroller = create("div", "cg-scroll", { tabindex: "0", role: "group", "aria-label": "Elements" }, table);
  host.replaceChildren(scroller);
  let scene: Scene<TensorPayload>;
  let selection: Selection;
  let texts: readonly string[] = [];
  let asked = "";

  const fetch = latest(async () => {
    const [rows, columns] = sides(scene.payload, selection);
    const question = {
      kind: "cells",
      row: selection.row,
      column: selection.column,
      index: selection.index,
      window: [0, 0, rows, columns],
    } as const;
    const reply = await frame.ask(question);
    if (!reply) {
      asked = "";
      return;
    }
    texts = reply.texts;
    draw();
    frame.drawn();
  });

  function draw(): void {
    if (texts.length === 0) return;
    const [rows, columns] = sides(scene.payload, selection);
    if (table.rows.length !== rows + 1 || table.rows[0]!.cells.length !== columns + 1) build(table, rows, columns);
    const shown = alignDecimals(texts);
    const colors = colorTable(scene.payload.scale?.map ?? "sequential", scene.theme.dark);
    texts.forEach((text, i) => {
      const cell = table.rows[Math.floor(i / columns) + 1]!.cells[(i % columns) + 1]!;
      const color = colorOf(text, colors, selection);
      setText(cell, shown[i]!);
      cell.style.background = cssColor(color);
      cell.style.color = inkOn(color);
    });
  }

  function point(event: Event): void {
    const cell = event.target instanceof HTMLTableCellElement && event.target.tagName === "TD" ? event.target : null;
    if (!cell) return frame.say("");
    const [row, column] = [(cell.parentElement as HTMLTableRowElement).rowIndex - 1, cell.cellIndex - 1];
    const index = selection.index.map((at, dim) => (dim === selection.column ? column : dim === selection.row ? row : at));
    frame.say(`[${index.join(", ")}] = ${texts[row * sides(scene.payload, selection)[1] + column] ?? ""}`);
  }
  table.addEventListener("pointerover", point);
  table.addEventListener("pointerleave", () => frame.say(""));

  return {
    update(nextScene, nextSelection) {
      scene = nextScene;
      selection = nextSelection;
      table.setAttribute("aria-label", scene.payload.summary);
      const key = JSON.stringify([scene.payload.live, scene.payload.tensorVersion, selection.index]);
      draw();
      if (scene.live && key !== asked) {
        asked = key;
        fetch();
      }
    },
    dispose: () => scroller.remove(),
  };
}

function sides(payload: TensorPayload, selection: Selection): readonly [number, number] {
  return [selection.row === selection.column ? 1 : payload.shape[selection.row]!, payload.shape[selection.column]!];
}

function build(table: HTMLTableElement, rows: number, columns: number): void {
  const heading = create(
    "tr",
    "",
    {},
    create("td"),
    ...Array.from({ length: columns }, (_, i) => create("th", "", { scope: "col" }, String(i))),
  );
  const body = Array.from({ length: rows }, (_, row) =>
    create("tr", "", {}, create("th", "", { scope: "row" }, String(row)), ...Array.from({ length: columns }, () => create("td"))),
  );
  table.replaceChildren(heading, ...body);
}

function colorOf(text: string, colors: Uint32Array, selection: Selection): number {
  const value = text === "true" ? 1 : text === "false" ? 0 : Number(text);
  if (Number.isNaN(value)) return pack(...reservedColors.nan);
  if (value === Infinity) return pack(...reservedColors.positiveInfinity);
  if (value === -Infinity) return pack(...reservedColors.negativeInfinity);
  return colors[colorIndex(value, selection.lo, selection.hi)]!;
}

/** The same number of decimals for all, so that points stand under each other; words and integers stay as they are. */
function alignDecimals(texts: readonly string[]): string[] {
  const values = texts.map(Number);
  const plain = texts.every(
    (text, i) => !Number.isFinite(values[i]!) || Number.isInteger(values[i]!) || text === "true" || text === "false",
  );
  if (plain) return texts.map((text) => text.replace("-", "−"));
  const largest = Math.max(...values.filter(Number.isFinite).map(Math.abs));
  const fixed = largest < 1e5 && largest >= 1e-3;
  const decimals = Math.max(1, Math.min(4, 4 - Math.floor(Math.log10(Math.max(largest, 1)))));
  return texts.map((text, i) =>
    (!Number.isFinite(values[i]!) ? text : fixed ? values[i]!.toFixed(decimals) : formatNumber(values[i]!)).replace("-", "−"),
  );
}
