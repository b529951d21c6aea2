/** A 1-D tensor as a line, with the envelope of minimum and maximum where several elements share a pixel. */
import { decodeBytes, reservedColors, type LineReply, type TensorPayload } from "../../src/wire/index.js";
import { indexText, indexTicks, valueTicks } from "./axis.js";
import { cssColor, pack } from "./colors.js";
import { create, prepareCanvas } from "./dom.js";
import { formatNumber } from "./format.js";
import { latest } from "./latest.js";
import type { Frame, Picture, Selection } from "./picture.js";
import type { Scene } from "./view.js";

interface Envelope {
  readonly size: number;
  readonly lo: Float32Array;
  readonly hi: Float32Array;
  readonly flags: Uint8Array;
}

const margin = { left: 54, top: 10, right: 12, bottom: 34 };
const height = 190;
/** Kept free for the statistics on the right. */
const sideWidth = 260;

export function linePicture(host: HTMLElement, frame: Frame): Picture {
  const canvas = create("canvas", "cg-line", { role: "img", tabindex: "0" });
  host.replaceChildren(canvas);
  let scene: Scene<TensorPayload>;
  let selection: Selection;
  let envelope: Envelope | null = null;
  let cursor: number | null = null;
  let asked = "";

  const plotWidth = (): number =>
    Math.max(120, Math.min(640, scene.width > 620 ? scene.width - sideWidth : scene.width) - margin.left - margin.right);
  const length = (): number => scene.payload.shape[selection.column]!;

  const fetch = latest(async () => {
    const size = Math.min(length(), Math.floor(plotWidth()));
    const reply = await frame.ask({ kind: "line", dim: selection.column, index: selection.index, start: 0, length: length(), size });
    if (!reply) {
      asked = "";
      return;
    }
    envelope = decode(reply);
    draw();
    frame.drawn();
  });

  const fetchValue = latest(async () => {
    if (cursor === null || !scene.live) return;
    const at = cursor;
    const reply = await frame.ask({ kind: "value", index: selection.index.map((i, dim) => (dim === selection.column ? at : i)) });
    if (reply && cursor === at) frame.say(`[${at}] = ${reply.text}`);
  });

  function draw(): void {
    const width = plotWidth();
    const context = prepareCanvas(canvas, width + margin.left + margin.right, height + margin.top + margin.bottom);
    if (envelope) drawLine(context, envelope, scene, selection, width, length(), cursor);
  }

  function point(at: number | null): void {
    cursor = at === null ? null : Math.max(0, Math.min(length() - 1, at));
    draw();
    if (cursor === null || !envelope) return frame.say("");
    fetchValue();
  }

  canvas.addEventListener("pointermove", (event) => point(Math.floor(((event.offsetX - margin.left) / plotWidth()) * length())));
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    point(cursor === null ? 0 : cursor + step);
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    update(nextScene, nextSelection) {
      scene = nextScene;
      selection = nextSelection;
      canvas.setAttribute("aria-label", `${scene.payload.summary}. Left and right arrow keys read the elements.`);
      const key = JSON.stringify([scene.payload.live, scene.payload.tensorVersion, selection.index, plotWidth()]);
      draw();
      if (scene.live && key !== asked) {
        asked = key;
        fetch();
      }
    },
    dispose: () => canvas.remove(),
  };
}

function decode(reply: LineReply): Envelope {
  return {
    size: reply.size,
    lo: new Float32Array(decodeBytes(reply.lo).buffer, 0, reply.size),
    hi: new Float32Array(decodeBytes(reply.hi).buffer, 0, reply.size),
    flags: decodeBytes(reply.flags),
  };
}

function drawLine(
  context: CanvasRenderingContext2D,
  envelope: Envelope,
  { theme, payload }: Scene<TensorPayload>,
  selection: Selection,
  width: number,
  length: number,
  cursor: number | null,
): void {
  const [lo, hi] = limits(payload);
  const bottom = margin.top + height;
  const x = (at: number): number => margin.left + ((at + 0.5) / envelope.size) * width;
  const y = (value: number): number => bottom - ((value - lo) / (hi - lo)) * height;

  context.font = `11px ${theme.font}`;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const tick of valueTicks(lo, hi, 4)) {
    context.strokeStyle = theme.line;
    context.beginPath();
    context.moveTo(margin.left, Math.round(y(tick)) + 0.5);
    context.lineTo(margin.left + width, Math.round(y(tick)) + 0.5);
    context.stroke();
    context.fillStyle = theme.muted;
    context.fillText(formatNumber(tick, 3), margin.left - 6, y(tick));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of indexTicks(0, length, width / 60))
    context.fillText(indexText(tick), margin.left + ((tick + 0.5) / length) * width, bottom + 6);
  context.textAlign = "right";
  context.fillText(`dim ${selection.column} →`, margin.left + width, bottom + 20);

  context.strokeStyle = theme.series[0]!;
  context.fillStyle = theme.series[0]!;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  let open = false;
  for (let i = 0; i < envelope.size; i++) {
    const [low, high] = [envelope.lo[i]!, envelope.hi[i]!];
    if (Number.isNaN(low)) {
      open = false;
      continue;
    }
    if (open) context.lineTo(x(i), y(low));
    else context.moveTo(x(i), y(low));
    if (high !== low) context.lineTo(x(i), y(high));
    open = true;
  }
  context.stroke();
  if (envelope.size <= 64 && envelope.size === length) {
    for (let i = 0; i < envelope.size; i++) {
      context.beginPath();
      context.arc(x(i), y(envelope.lo[i]!), 2.5, 0, 2 * Math.PI);
      context.fill();
    }
  }
  for (let i = 0; i < envelope.size; i++) drawFlag(context, envelope.flags[i]!, x(i), bottom);
  if (cursor !== null) {
    const at = Math.round(margin.left + ((cursor + 0.5) / length) * width) + 0.5;
    context.strokeStyle = theme.text;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at, margin.top);
    context.lineTo(at, bottom);
    context.stroke();
  }
}

/** NaN stands on the axis, infinities at the edge they left through. */
function drawFlag(context: CanvasRenderingContext2D, flags: number, x: number, bottom: number): void {
  if (flags === 0) return;
  context.font = "600 13px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const glyph = (bit: number, text: string, color: readonly [number, number, number], y: number): void => {
    if (!(flags & bit)) return;
    context.fillStyle = cssColor(pack(...color));
    context.fillText(text, x, y);
  };
  glyph(1, "×", reservedColors.nan, bottom);
  glyph(2, "∞", reservedColors.positiveInfinity, margin.top + 4);
  glyph(4, "−∞", reservedColors.negativeInfinity, bottom - 8);
}

function limits({ statistics }: TensorPayload): readonly [number, number] {
  const [min, max] = [statistics.min ?? 0, statistics.max ?? 1];
  const room = (max - min || Math.abs(max) || 1) * 0.05;
  return [min - room, max + room];
}
