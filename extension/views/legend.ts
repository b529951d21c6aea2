/** The legend of a colour scale is the histogram of the values: drag over it to choose the limits, double-click for the first ones. */
import type { TensorPayload } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import { colorIndex, colorTable, cssColor } from "./colors.js";
import { create, prepareCanvas } from "./dom.js";
import { formatNumber } from "./format.js";

/** Colour limits chosen by the reader. */
export interface Limits {
  readonly lo: number;
  readonly hi: number;
}

export interface Legend {
  readonly element: HTMLElement;
  update(payload: TensorPayload, limits: Limits, theme: Theme): void;
}

const size = { width: 208, bars: 44, ramp: 7, text: 15 };

export function createLegend(choose: (limits: Limits | null) => void): Legend {
  const canvas = create("canvas", "cg-legend", { role: "img", title: "Drag to choose the colour limits, double-click to reset" });
  let payload: TensorPayload;
  let from: number | null = null;

  const span = (): Limits => payload.histogram ?? payload.scale ?? { lo: 0, hi: 1 };
  const valueAt = (x: number): number => span().lo + Math.max(0, Math.min(1, x / size.width)) * (span().hi - span().lo);

  canvas.addEventListener("pointerdown", (event) => {
    from = event.offsetX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from === null || Math.abs(event.offsetX - from) < 3) return;
    choose({ lo: valueAt(Math.min(from, event.offsetX)), hi: valueAt(Math.max(from, event.offsetX)) });
  });
  canvas.addEventListener("pointerup", () => (from = null));
  canvas.addEventListener("dblclick", () => choose(null));

  return {
    element: canvas,
    update(nextPayload, limits, theme) {
      payload = nextPayload;
      canvas.setAttribute("aria-label", describe(payload, limits));
      draw(canvas, payload, limits, span(), theme);
    },
  };
}

function draw(canvas: HTMLCanvasElement, payload: TensorPayload, limits: Limits, span: Limits, theme: Theme): void {
  const context = prepareCanvas(canvas, size.width, size.bars + size.ramp + size.text + 4);
  const table = colorTable(payload.scale?.map ?? "sequential", theme.dark);
  const counts = payload.histogram?.counts ?? [];
  // The square root keeps rare values visible beside a tall peak.
  const tallest = Math.sqrt(Math.max(1, ...counts));
  const step = size.width / Math.max(1, counts.length);
  context.fillStyle = theme.muted;
  context.globalAlpha = 0.55;
  counts.forEach((count, i) => {
    const height = count === 0 ? 0 : Math.max(1, (Math.sqrt(count) / tallest) * size.bars);
    context.fillRect(i * step, size.bars - height, Math.max(0.5, step - 0.5), height);
  });
  context.globalAlpha = 1;
  for (let x = 0; x < size.width; x++) {
    const value = span.lo + ((x + 0.5) / size.width) * (span.hi - span.lo);
    context.fillStyle = cssColor(table[colorIndex(value, limits.lo, limits.hi)]!);
    context.fillRect(x, size.bars + 2, 1, size.ramp);
  }
  const position = (value: number): number => (span.hi > span.lo ? ((value - span.lo) / (span.hi - span.lo)) * size.width : size.width / 2);
  context.strokeStyle = theme.text;
  context.lineWidth = 1;
  for (const limit of [limits.lo, limits.hi]) {
    const x = Math.max(0.5, Math.min(size.width - 0.5, Math.round(position(limit)) + 0.5));
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, size.bars + 2 + size.ramp);
    context.stroke();
  }
  context.fillStyle = theme.muted;
  context.font = `11px ${theme.font}`;
  context.textBaseline = "bottom";
  context.textAlign = "left";
  context.fillText(formatNumber(limits.lo, 3), 0, size.bars + size.ramp + size.text + 4);
  context.textAlign = "right";
  context.fillText(formatNumber(limits.hi, 3), size.width, size.bars + size.ramp + size.text + 4);
}

function describe(payload: TensorPayload, limits: Limits): string {
  const clipped = payload.scale ? `; ${payload.scale.below} elements lie below, ${payload.scale.above} above` : "";
  return `Histogram and colour scale from ${formatNumber(limits.lo)} to ${formatNumber(limits.hi)}${clipped}`;
}
