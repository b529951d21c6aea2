/** The legend of a colour scale is the histogram of the values: drag over it, or move the limits by keys; double-click or Escape for the first ones. */
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

/** Of the histogram's width, by which a key moves a limit. */
const keyStep = 0.02;

/** How keys move the lower and the upper limit. */
const moves: Readonly<Record<string, readonly [lo: number, hi: number]>> = {
  ArrowLeft: [-1, -1],
  ArrowRight: [1, 1],
  ArrowUp: [-1, 1],
  ArrowDown: [1, -1],
};

const size = { width: 208, bars: 44, ramp: 7, text: 15 };

export function createLegend(choose: (limits: Limits | null) => void): Legend {
  const canvas = create("canvas", "cg-legend", {
    role: "img",
    tabindex: "0",
    title:
      "Drag to choose the colour limits, double-click to reset. Keys: left and right move them, up and down widen and narrow, Escape resets.",
  });
  let payload: TensorPayload;
  let current: Limits;
  let from: number | null = null;

  const span = (): Limits => spanOf(payload);
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
  canvas.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (!move) return choose(null);
    const step = keyStep * (span().hi - span().lo);
    const [lo, hi] = [current.lo + move[0] * step, current.hi + move[1] * step];
    if (lo < hi) choose({ lo, hi });
  });

  return {
    element: canvas,
    update(nextPayload, limits, theme) {
      payload = nextPayload;
      current = limits;
      canvas.setAttribute("aria-label", describe(payload, limits));
      draw(canvas, payload, limits, span(), theme);
    },
  };
}

/** Of the axis: every value of the histogram, and the limits it began with. */
function spanOf({ histogram, scale }: TensorPayload): Limits {
  const ends = [histogram, scale].filter((limits) => limits !== null);
  if (ends.length === 0) return { lo: 0, hi: 1 };
  return { lo: Math.min(...ends.map(({ lo }) => lo)), hi: Math.max(...ends.map(({ hi }) => hi)) };
}

function draw(canvas: HTMLCanvasElement, payload: TensorPayload, limits: Limits, span: Limits, theme: Theme): void {
  const context = prepareCanvas(canvas, size.width, size.bars + size.ramp + size.text + 4);
  const table = colorTable(payload.form === "images" ? "gray" : (payload.scale?.map ?? "sequential"), theme.dark);
  const counts = payload.histogram?.counts ?? [];
  // The square root keeps rare values visible beside a tall peak.
  const tallest = Math.sqrt(Math.max(1, ...counts));
  const position = (value: number): number => (span.hi > span.lo ? ((value - span.lo) / (span.hi - span.lo)) * size.width : size.width / 2);
  const { lo: first, hi: last } = payload.histogram ?? span;
  const step = (position(last) - position(first)) / Math.max(1, counts.length);
  context.fillStyle = theme.muted;
  context.globalAlpha = 0.55;
  counts.forEach((count, i) => {
    const height = count === 0 ? 0 : Math.max(1, (Math.sqrt(count) / tallest) * size.bars);
    context.fillRect(position(first) + i * step, size.bars - height, Math.max(0.5, step - 0.5), height);
  });
  context.globalAlpha = 1;
  for (let x = 0; x < size.width; x++) {
    const value = span.lo + ((x + 0.5) / size.width) * (span.hi - span.lo);
    context.fillStyle = cssColor(table[colorIndex(value, limits.lo, limits.hi)]!);
    context.fillRect(x, size.bars + 2, 1, size.ramp);
  }
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
  const texts = [formatNumber(limits.lo, 3), formatNumber(limits.hi, 3)] as const;
  const [low, high] = texts.map((text) => context.measureText(text).width) as [number, number];
  // Each under its line, inside the picture, and apart from the other.
  const right = Math.max(low + 8, Math.min(size.width - high, position(limits.hi) - high / 2));
  const left = Math.max(0, Math.min(position(limits.lo) - low / 2, right - low - 8));
  context.fillText(texts[0], left, size.bars + size.ramp + size.text + 4);
  context.fillText(texts[1], right, size.bars + size.ramp + size.text + 4);
}

function describe(payload: TensorPayload, limits: Limits): string {
  const clipped = payload.scale ? `; ${payload.scale.below} elements lie below, ${payload.scale.above} above` : "";
  return `Histogram and colour scale from ${formatNumber(limits.lo)} to ${formatNumber(limits.hi)}${clipped}`;
}
