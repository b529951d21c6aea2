/** The gradient strip: one row a parameter in depth order, one column a sample, colour is log10 of the gradient's norm. */
import { decodeBytes, reservedColors, type GradientStrip } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import { colorTable, pack } from "./colors.js";
import { create, prepareCanvas } from "./dom.js";
import { formatNumber } from "./format.js";

export interface Strip {
  readonly element: HTMLElement;
  update(strip: GradientStrip | null, theme: Theme, width: number): void;
}

const largestHeight = 240;

/** `say` shows what is under the mouse. */
export function createStrip(say: (text: string) => void): Strip {
  const canvas = create("canvas", "cg-strip", { role: "img" });
  const caption = create("div", "cg-muted cg-caption");
  const element = create("div", "cg-strip-box", {}, caption, canvas);
  const bitmap = create("canvas");
  let strip: GradientStrip | null = null;
  let values = new Uint8Array();
  let labels = 0;

  canvas.addEventListener("pointermove", (event) => {
    if (!strip || strip.steps.length === 0) return;
    const [plotWidth, plotHeight] = [canvas.clientWidth - labels, canvas.clientHeight];
    const column = Math.floor(((event.offsetX - labels) / plotWidth) * strip.steps.length);
    const row = Math.floor((event.offsetY / plotHeight) * strip.names.length);
    if (column < 0 || column >= strip.steps.length || row < 0 || row >= strip.names.length) return say("");
    say(`${strip.names[row]} at step ${strip.steps[column]}: ${describe(values[row * strip.steps.length + column]!, strip)}`);
  });
  canvas.addEventListener("pointerleave", () => say(""));

  return {
    element,
    update(next, theme, width) {
      strip = next;
      element.hidden = !next || next.steps.length === 0;
      if (!next || next.steps.length === 0) return;
      values = decodeBytes(next.values);
      caption.textContent = `gradient norms |g|, ${formatNumber(10 ** next.lo, 2)} (dark) to ${formatNumber(10 ** next.hi, 2)} (bright)`;
      canvas.setAttribute("aria-label", `Gradient norms of ${next.names.length} parameters over ${next.steps.length} samples`);
      labels = draw(canvas, bitmap, next, values, theme, Math.max(240, Math.min(860, width)));
    },
  };
}

/** Returns the width of the labels. */
function draw(
  canvas: HTMLCanvasElement,
  bitmap: HTMLCanvasElement,
  strip: GradientStrip,
  values: Uint8Array,
  theme: Theme,
  width: number,
): number {
  const [rows, columns] = [strip.names.length, strip.steps.length];
  const rowHeight = Math.max(1, Math.min(14, Math.floor(largestHeight / rows)));
  const context = prepareCanvas(canvas, width, rowHeight * rows);
  context.font = `${Math.min(11, rowHeight)}px ${theme.font}`;
  const labelled = rowHeight >= 9;
  const labels = labelled ? Math.min(160, Math.ceil(Math.max(...strip.names.map((name) => context.measureText(name).width))) + 8) : 0;
  bitmap.width = columns;
  bitmap.height = rows;
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = colorTable("sequential", theme.dark);
  const nan = pack(...reservedColors.nan);
  for (let i = 0; i < pixels.length; i++) {
    const code = values[i]!;
    pixels[i] = code === 0 ? 0 : code === 255 ? nan : colors[Math.round(((code - 1) / 253) * 255)]!;
  }
  bitmap.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, labels, 0, width - labels, rowHeight * rows);
  if (labelled) {
    context.fillStyle = theme.muted;
    context.textAlign = "right";
    context.textBaseline = "middle";
    strip.names.forEach((name, row) => context.fillText(name, labels - 6, (row + 0.5) * rowHeight, labels - 8));
  }
  return labels;
}

function describe(code: number, strip: GradientStrip): string {
  if (code === 0) return "no gradient";
  if (code === 255) return "NaN or infinite";
  return `|g| ≈ ${formatNumber(10 ** (strip.lo + ((code - 1) / 253) * (strip.hi - strip.lo)), 2)}`;
}
