/** The gradient strip: one row a parameter in depth order, one column a sample, colour is log10 of the gradient's norm. */
import { decodeBytes, reservedColors, type GradientStrip } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import type { PlotArea } from "./chart.js";
import { colorTable, pack } from "./colors.js";
import { create, prepareCanvas } from "./dom.js";
import { formatNumber } from "./format.js";

export interface Strip {
  readonly element: HTMLElement;
  /** `area` is where the charts above draw the steps `range`: a sample stands below its step. */
  update(strip: GradientStrip | null, theme: Theme, area: PlotArea, range: readonly [number, number]): void;
}

const largestHeight = 240;

/** `say` shows what is under the mouse. */
export function createStrip(say: (text: string) => void): Strip {
  const canvas = create("canvas", "cg-strip", { role: "img" });
  const caption = create("div", "cg-muted cg-caption");
  const element = create("div", "cg-strip-box", {}, caption, canvas);
  element.hidden = true;
  const bitmap = create("canvas");
  let strip: GradientStrip | null = null;
  let values = new Uint8Array();
  let area: PlotArea = { left: 0, right: 1 };
  let shown: Int32Array = new Int32Array();

  canvas.addEventListener("pointermove", (event) => {
    if (!strip) return;
    const sample = shown[Math.floor(event.offsetX - area.left)] ?? -1;
    const row = Math.floor((event.offsetY / canvas.clientHeight) * strip.names.length);
    if (sample < 0 || row < 0 || row >= strip.names.length) return say("");
    say(`${strip.names[row]} at step ${strip.steps[sample]}: ${describe(values[row * strip.steps.length + sample]!, strip)}`);
  });
  canvas.addEventListener("pointerleave", () => say(""));

  return {
    element,
    update(next, theme, plotArea, range) {
      strip = next;
      element.hidden = !next || next.steps.length === 0;
      if (!next || next.steps.length === 0) return;
      area = plotArea;
      values = decodeBytes(next.values);
      caption.textContent = `gradient norms |g|, ${formatNumber(10 ** next.lo, 2)} (dark) to ${formatNumber(10 ** next.hi, 2)} (bright)`;
      canvas.setAttribute("aria-label", `Gradient norms of ${next.names.length} parameters over ${next.steps.length} samples`);
      shown = samplesBelow(next.steps, range, Math.max(1, Math.round(area.right - area.left)));
      draw(canvas, bitmap, next, values, theme, area, shown);
    },
  };
}

/** The sample that each pixel shows: the last one at or before its step, -1 before the first. */
function samplesBelow(steps: readonly number[], [from, to]: readonly [number, number], width: number): Int32Array {
  let sample = -1;
  return Int32Array.from({ length: width }, (_, x) => {
    const step = from + ((x + 0.5) / width) * (Math.max(to, from + 1) - from);
    while (sample + 1 < steps.length && steps[sample + 1]! <= step) sample++;
    return sample;
  });
}

function draw(
  canvas: HTMLCanvasElement,
  bitmap: HTMLCanvasElement,
  strip: GradientStrip,
  values: Uint8Array,
  theme: Theme,
  area: PlotArea,
  shown: Int32Array,
): void {
  const rows = strip.names.length;
  const rowHeight = Math.max(1, Math.min(14, Math.floor(largestHeight / rows)));
  const context = prepareCanvas(canvas, area.right, rowHeight * rows);
  bitmap.width = shown.length;
  bitmap.height = rows;
  const image = new ImageData(shown.length, rows);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = colorTable("sequential", theme.dark);
  const nan = pack(...reservedColors.nan);
  for (let i = 0; i < pixels.length; i++) {
    const sample = shown[i % shown.length]!;
    const code = sample < 0 ? 0 : values[Math.floor(i / shown.length) * strip.steps.length + sample]!;
    pixels[i] = code === 0 ? 0 : code === 255 ? nan : colors[Math.round(((code - 1) / 253) * 255)]!;
  }
  bitmap.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, area.left, 0, area.right - area.left, rowHeight * rows);
  if (rowHeight < 9) return;
  context.font = `${Math.min(11, rowHeight)}px ${theme.font}`;
  context.fillStyle = theme.muted;
  context.textAlign = "right";
  context.textBaseline = "middle";
  strip.names.forEach((name, row) => context.fillText(shortened(context, name, area.left - 8), area.left - 6, (row + 0.5) * rowHeight));
}

/** The end of a name tells parameters apart. */
function shortened(context: CanvasRenderingContext2D, name: string, width: number): string {
  let text = name;
  for (let cut = 1; text.length > 2 && context.measureText(text).width > width; cut++) text = `…${name.slice(cut)}`;
  return text;
}

function describe(code: number, strip: GradientStrip): string {
  if (code === 0) return "no gradient";
  if (code === 255) return "NaN or infinite";
  return `|g| ≈ ${formatNumber(10 ** (strip.lo + ((code - 1) / 253) * (strip.hi - strip.lo)), 2)}`;
}
