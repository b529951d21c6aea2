/** Draws a tensor of pictures as a contact sheet of up to 64 of them. */
import { reservedColors } from "../../wire/color.js";
import type { ImageLayout } from "../../wire/tensor.js";
import type { Elements, Pooled } from "./elements.js";
import { density, heading, ink, label, magnify, margin, type Drawing } from "../picture/picture.js";
import { quantize } from "../picture/quantize.js";
import type { Detail } from "./heatmap.js";

const mostPictures = 64;
const gap = 2;
const side = 400;

export interface Sheet {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** count * height * width * 3 bytes. */
  readonly pixels: Uint8Array;
}

/** Pictures `first`..`first + count` as RGB, pooled by mean so that neither side exceeds `size`; non-finite values are magenta. */
export function readPictures(elements: Elements, images: ImageLayout, first: number, count: number, size: number): Sheet {
  const { shape } = elements;
  const [rows, columns] = [shape[images.row]!, shape[images.column]!];
  const shrink = Math.min(1, size / Math.max(rows, columns));
  const [height, width] = [Math.max(1, Math.round(rows * shrink)), Math.max(1, Math.round(columns * shrink))];
  const channels = images.channel === null ? 1 : shape[images.channel]!;
  const pixels = new Uint8Array(count * height * width * 3);
  for (let n = 0; n < count; n++) {
    const planes = Array.from({ length: channels }, (_, channel) => {
      const index = shape.map((_, dim) => (dim === images.batch ? first + n : dim === images.channel ? channel : 0));
      const region = { row: images.row, column: images.column, index, start: [0, 0], size: [rows, columns] } as const;
      return elements.pool(region, height, width, "mean", 0);
    });
    paint(pixels.subarray(n * height * width * 3), planes, images);
  }
  return { count, height, width, pixels };
}

function paint(pixels: Uint8Array, planes: readonly Pooled[], { lo, hi }: ImageLayout): void {
  const factor = 255 / (hi - lo);
  const level = (plane: Pooled, i: number): number => Math.round(Math.min(255, Math.max(0, (plane.values[i]! - lo) * factor)));
  const [red, green, blue, alpha] = planes.length >= 3 ? planes : [planes[0]!, planes[0]!, planes[0]!];
  for (let i = 0; i < red!.values.length; i++) {
    const broken = planes.some((plane) => plane.flags[i] !== 0);
    const rgb = broken ? reservedColors.nan : [level(red!, i), level(green!, i), level(blue!, i)];
    // Transparent pixels show the white of the page.
    const cover = alpha === undefined || broken ? 1 : level(alpha, i) / 255;
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = Math.round(rgb[c]! * cover + 255 * (1 - cover));
  }
}

export function drawImages(elements: Elements, images: ImageLayout, title: readonly string[], detail: Detail): Drawing {
  const total = images.batch === null ? 1 : elements.shape[images.batch]!;
  const shown = Math.min(total, mostPictures);
  const [rows, columns] = [elements.shape[images.row]!, elements.shape[images.column]!];
  const across = shown === 1 ? 1 : Math.min(shown, Math.max(1, Math.round(Math.sqrt(shown * (rows / columns)))));
  const down = Math.ceil(shown / across);
  // A sheet has more pixels than a heatmap has cells: pictures compress better than noise.
  const most = Math.max(4, Math.floor((detail.cells * 2.5) / Math.max(across, down)));
  const sheet = readPictures(elements, images, 0, shown, most);
  const { indices, palette } = quantize(sheet.pixels, 3, detail.levels, "mean");
  const room = Math.min(side / Math.max(across, down) - gap, 256);
  const zoom = Math.max(1, Math.floor((room * density) / Math.max(sheet.height, sheet.width)));
  const [w, h] = [(sheet.width * zoom) / density, (sheet.height * zoom) / density];
  const head = heading(title);
  const top = margin + head.height;
  const blocks = Array.from({ length: shown }, (_, n) => {
    const picture = indices.subarray(n * sheet.height * sheet.width, (n + 1) * sheet.height * sheet.width);
    const [x, y] = [margin + (n % across) * (w + gap), top + Math.floor(n / across) * (h + gap)];
    return magnify({ ...sheet, indices: picture, palette }, [zoom, zoom], [x * density, y * density]);
  });
  const bottom = top + down * (h + gap);
  const note = shown < total ? label(margin, bottom + 11, `first ${shown} of ${total}`, { fill: ink.muted, size: 9 }) : "";
  return {
    width: Math.ceil(Math.max(margin * 2 + across * (w + gap), margin * 2 + head.width)),
    height: Math.ceil(bottom + (shown < total ? 16 : 0) + margin - gap),
    body: head.body + note,
    blocks,
    cells: [indices],
    colors: 6,
  };
}
