/** The bytes in tensors over the last ten minutes, with the cells that ran beneath. */
import { slot, type CellSpan, type DevicesReply } from "../../../src/wire/index.js";
import type { Theme } from "../../theme.js";
import { create, prepareCanvas } from "../dom.js";
import { formatBytes, formatDuration } from "../format.js";

export interface History {
  readonly element: HTMLElement;
  add(reply: DevicesReply, i: number): void;
  update(theme: Theme, width: number, reveal: (cell: number, cellId: string | null) => void): void;
}

const plotHeight = 56;
const gap = 3;
const cellHeight = 13;
const height = plotHeight + gap + cellHeight;

export function createHistory(): History {
  const canvas = create("canvas", "cg-device-history", { role: "img", tabindex: "0" });
  const readout = create("div", "cg-readout cg-muted");
  const element = create("div", "cg-device-past", {}, canvas, readout);
  element.hidden = true;
  const spans = new Map<string, CellSpan>();
  /** The most bytes of each slot; the last one is `last`, which was at `now`. */
  let levels: number[] = [];
  let last = 0;
  let now = 0;
  let cursor: number | null = null;
  let drawn: { theme: Theme; width: number; reveal: (cell: number, cellId: string | null) => void } | null = null;

  const timeOf = (index: number): number => now - (levels.length - 1 - index) * slot.ms;
  const cellAt = (time: number): CellSpan | undefined =>
    [...spans.values()].findLast(({ start, end }) => start <= time + slot.ms && (end ?? now) >= time - slot.ms);
  const indexAt = (x: number): number => levels.length - 1 - Math.round((1 - x / canvas.clientWidth) * (slot.kept - 1));

  canvas.addEventListener("pointermove", (event) => point(indexAt(event.offsetX)));
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("click", (event) => go(indexAt(event.offsetX)));
  canvas.addEventListener("keydown", ({ key }) => {
    const at = cursor ?? levels.length - 1;
    if (key === "ArrowLeft") point(Math.max(0, at - 4));
    else if (key === "ArrowRight") point(Math.min(levels.length - 1, at + 4));
    else if (key === "Enter") go(at);
  });

  function point(index: number | null): void {
    cursor = index !== null && index >= 0 && index < levels.length ? index : null;
    if (cursor === null) readout.textContent = "";
    else {
      const time = timeOf(cursor);
      const cell = cellAt(time);
      const ago = now - time < 1000 ? "now" : `${formatDuration((now - time) / 1000)} ago`;
      readout.textContent = `${ago}: ${formatBytes(levels[cursor]!)}${cell ? `, cell ${cell.count}` : ""}`;
    }
    draw();
  }

  function go(index: number): void {
    const cell = cellAt(timeOf(index));
    if (cell) drawn?.reveal(cell.count, cell.id);
  }

  function draw(): void {
    if (!drawn || levels.length === 0) return;
    const { theme, width } = drawn;
    const context = prepareCanvas(canvas, width, height);
    const most = Math.max(1, ...levels);
    const x = (time: number): number => width - ((now - time) / slot.ms / (slot.kept - 1)) * width;
    const y = (bytes: number): number => plotHeight - (bytes / most) * (plotHeight - 14);
    context.font = `10px ${theme.font}`;
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    context.beginPath();
    for (const line of [0.5 + y(most), plotHeight - 0.5]) {
      context.moveTo(0, Math.round(line) - 0.5);
      context.lineTo(width, Math.round(line) - 0.5);
    }
    context.stroke();
    context.beginPath();
    context.moveTo(x(timeOf(0)), plotHeight);
    levels.forEach((bytes, i) => {
      context.lineTo(x(timeOf(i)), y(bytes));
      context.lineTo(x(timeOf(i + 1)), y(bytes));
    });
    context.lineTo(width, plotHeight);
    context.closePath();
    context.fillStyle = theme.series[0]!;
    context.globalAlpha = 0.22;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = theme.series[0]!;
    context.lineWidth = 1.25;
    context.stroke();
    context.fillStyle = theme.muted;
    context.textBaseline = "top";
    context.textAlign = "left";
    context.fillText(formatBytes(most), 1, 1);
    context.textAlign = "right";
    context.fillText("10 min", width - 1, 1);
    drawCells(context, x, theme);
    if (cursor === null) return;
    const at = Math.round(x(timeOf(cursor))) + 0.5;
    context.strokeStyle = theme.text;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, height);
    context.stroke();
  }

  function drawCells(context: CanvasRenderingContext2D, x: (time: number) => number, theme: Theme): void {
    const top = plotHeight + gap;
    context.textBaseline = "middle";
    context.textAlign = "center";
    for (const { count, start, end } of spans.values()) {
      const from = Math.max(0, x(start));
      const to = Math.max(from + 2, x(end ?? now));
      if (to < 0) continue;
      context.fillStyle = end === null ? theme.accent : theme.line;
      context.beginPath();
      context.roundRect(from, top, to - from, cellHeight, 2);
      context.fill();
      const label = `[${count}]`;
      if (to - from < context.measureText(label).width + 4) continue;
      context.fillStyle = end === null ? theme.surface : theme.text;
      context.fillText(label, (from + to) / 2, top + cellHeight / 2 + 0.5);
    }
  }

  return {
    element,
    add(reply, i) {
      const runs = reply.history[i] ?? [];
      const added: number[] = [];
      for (let at = 0; at < runs.length; at += 2) added.push(...Array<number>(runs[at + 1]!).fill(runs[at]!));
      // A slot may have been answered half: what comes later starts behind it.
      if (reply.slot - added.length > last) levels = [];
      levels = [...levels, ...added].slice(-slot.kept);
      [last, now] = [reply.slot, reply.now];
      for (const span of reply.cells ?? []) spans.set(`${span.count} ${span.start}`, span);
      for (const [key, { end }] of spans) if (end !== null && end < now - slot.kept * slot.ms) spans.delete(key);
    },
    update(theme, width, reveal) {
      drawn = { theme, width, reveal };
      element.hidden = levels.every((bytes) => bytes === 0); // a device that nobody used has none
      canvas.setAttribute(
        "aria-label",
        `Bytes in tensors over ten minutes: now ${formatBytes(levels.at(-1) ?? 0)}, at most ${formatBytes(Math.max(0, ...levels))}; ${spans.size} cells ran`,
      );
      draw();
    },
  };
}
