/** The map of a device's memory: a stripe a segment, wrapped like text, blocks coloured by who holds them. */
import { devicesRef, holderColors, holderKinds, memoryColors, type MemoryMapReply } from "../../../src/wire/index.js";
import type { Theme } from "../../theme.js";
import { create, prepareCanvas } from "../dom.js";
import { formatBytes, formatCount, formatNumber } from "../format.js";
import { Unanswered, type Live } from "../view.js";

interface MapScene {
  readonly theme: Theme;
  readonly width: number;
  readonly ask: Live | null;
}

interface Drawn {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly text: string;
}

const rowHeight = 12;
const mostRows = 24;

export function createMap(device: string): {
  readonly element: HTMLElement;
  show(isOpen: boolean, scene: MapScene): void;
  update(scene: MapScene): void;
} {
  const caption = create("div", "cg-muted cg-caption");
  const canvas = create("canvas", "cg-device-map", { role: "img" });
  const element = create("div", "", {}, caption, canvas);
  element.hidden = true;
  let reply: MemoryMapReply | null = null;
  let drawn: Drawn[] = [];
  let painted = "";
  let summary = "";

  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const found = drawn.find(({ x, y, width }) => offsetX >= x && offsetX < x + width && offsetY >= y && offsetY < y + rowHeight);
    caption.textContent = found?.text ?? summary;
  });
  canvas.addEventListener("pointerleave", () => (caption.textContent = summary));

  async function load(scene: MapScene): Promise<void> {
    try {
      reply = (await scene.ask?.ask(devicesRef, { kind: "map", device })) ?? null;
      painted = "";
      draw(scene);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      caption.textContent = error.message;
    }
  }

  function draw({ theme, width }: MapScene): void {
    if (reply === null || element.hidden) return;
    const state = [width, theme.dark, theme.contrast].join();
    if (state === painted) return;
    painted = state;
    const { segments, others, fragmentation } = reply;
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
    const blocks = segments.reduce((sum, segment) => sum + segment.blocks.length, 0);
    summary = `${formatBytes(bytes)} in ${formatCount(blocks)} blocks${others > 0 ? `, ${formatCount(others)} small ones left out` : ""}; fragmentation ${formatNumber(100 * fragmentation, 2)} %`;
    caption.textContent = summary;
    canvas.setAttribute("aria-label", summary);
    const rows = Math.max(1, Math.min(mostRows, Math.ceil(Math.sqrt(blocks))));
    const perRow = Math.max(1, bytes / rows);
    const context = prepareCanvas(canvas, width, rows * (rowHeight + 2));
    drawn = [];
    const tone = theme.dark ? "dark" : "light";
    let at = 0;
    for (const segment of segments)
      for (const [size, kind] of segment.blocks) {
        const name = kind < 0 ? "free" : holderKinds[kind]!;
        context.fillStyle = kind < 0 ? memoryColors.free[tone] : holderColors[holderKinds[kind]!][tone];
        const text = `${formatBytes(size)}, ${name === "saved" ? "saved for backward" : name}`;
        for (let left = size; left > 0.5;) {
          const row = Math.min(rows - 1, Math.floor(at / perRow + 1e-9));
          const start = at - row * perRow;
          const taken = row === rows - 1 ? left : Math.min(left, perRow - start);
          const [x, y] = [(start / perRow) * width, row * (rowHeight + 2)];
          const length = (taken / perRow) * width;
          context.fillRect(x, y, Math.max(0.5, length - 1), rowHeight);
          drawn.push({ x, y, width: length, text });
          at += taken;
          left -= taken;
        }
      }
  }

  return {
    element,
    show(isOpen, scene) {
      element.hidden = !isOpen;
      if (isOpen) void load(scene);
    },
    update: draw,
  };
}
