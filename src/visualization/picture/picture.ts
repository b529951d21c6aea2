/** Draws a picture: text and lines as SVG through resvg, data as exact blocks of colour pasted over it, all in one indexed PNG. */
import { createRequire } from "node:module";
import type { MimeBundle } from "../../wire/host.js";
import { escapeMarkup } from "../../wire/markup.js";
import { encodePng, type IndexedImage } from "./png.js";
import { quantize } from "./quantize.js";

/** Pixels of the file per unit of the drawing: sharp on dense screens. */
export const density = 2;

/** The same where lines cover the picture: their smooth edges are what costs bytes. */
export const lineDensity = 1.5;

/** A rectangle of data colours at (x, y) in file pixels; `pixels` are indices into `palette` (RGB triples). */
export interface Block {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly palette: Uint8Array;
}

/** A drawing in units of a notebook pixel. `body` is SVG without the outer element; blocks share one palette. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly body: string;
  readonly blocks: readonly Block[];
  /** Colours of text and lines: few are enough for black text, and they keep the file small. */
  readonly colors: number;
  /** The data as it was before it was enlarged: its deflated size is a lower bound of the file's. */
  readonly cells: readonly Uint8Array[];
}

const require = createRequire(import.meta.url);

const fontFile = require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf");

/** Free space around every picture. */
export const margin = 8;

export const ink = { text: "#222222", muted: "#666666", line: "#cccccc", faint: "#e8e8e8" } as const;

/** Rasterizes a drawing on white; blocks are in pixels of `zoom` a unit. */
export function rasterize({ width, height, body, blocks, colors }: Drawing, zoom: number = density): IndexedImage {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans" font-size="10">${body}</svg>`;
  return overlay(rasterizeSvg(svg, colors, zoom), blocks);
}

/** Rasterizes any SVG text on white, at `zoom` pixels a unit, to at most `colors` colours. */
export function rasterizeSvg(svg: string, colors: number, zoom: number = density): IndexedImage {
  const { Resvg } = require("@resvg/resvg-js") as typeof import("@resvg/resvg-js");
  const image = new Resvg(svg, {
    background: "white",
    fitTo: { mode: "zoom", value: zoom },
    font: { fontFiles: [fontFile], loadSystemFonts: false, defaultFontFamily: "DejaVu Sans", sansSerifFamily: "DejaVu Sans" },
  }).render();
  const { indices, palette } = quantize(image.pixels, 4, colors, "mode");
  return { width: image.width, height: image.height, pixels: indices, palette };
}

/** Pastes blocks, which share one palette, over a picture. */
export function overlay(image: IndexedImage, blocks: readonly Block[]): IndexedImage {
  const first = blocks[0];
  if (first === undefined) return image;
  const base = image.palette.length / 3;
  for (const block of blocks) {
    for (let y = 0; y < block.height; y++) {
      const to = (block.y + y) * image.width + block.x;
      for (let x = 0; x < block.width; x++) image.pixels[to + x] = base + block.pixels[y * block.width + x]!;
    }
  }
  return withoutUnused({ ...image, palette: Buffer.concat([image.palette, first.palette]) });
}

// A short palette may need fewer bits a pixel.
function withoutUnused({ width, height, pixels, palette }: IndexedImage): IndexedImage {
  const used = new Uint8Array(256);
  for (let i = 0; i < pixels.length; i++) used[pixels[i]!] = 1;
  const kept = [...used.keys()].filter((color) => used[color] === 1);
  const renamed = new Uint8Array(256);
  kept.forEach((color, i) => (renamed[color] = i));
  for (let i = 0; i < pixels.length; i++) pixels[i] = renamed[pixels[i]!]!;
  return { width, height, pixels, palette: Uint8Array.from(kept.flatMap((color) => [...palette.subarray(color * 3, color * 3 + 3)])) };
}

/** An image/png entry of a MIME bundle with its metadata; `alt` describes the picture to who cannot see it. */
export function pngEntry(
  image: IndexedImage,
  alt: string,
  zoom: number = density,
): { data: string; metadata: NonNullable<MimeBundle["metadata"]> } {
  return {
    data: encodePng(image).toString("base64"),
    metadata: {
      "image/png": { width: Math.round(image.width / zoom), height: Math.round(image.height / zoom), alt, needs_background: "light" },
    },
  };
}

/** Text in a drawing; `anchor` as in SVG. */
export function label(
  x: number,
  y: number,
  text: string,
  options: { anchor?: "start" | "middle" | "end"; fill?: string; size?: number } = {},
): string {
  const { anchor = "start", fill = ink.text, size = 10 } = options;
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${fill}" font-size="${size}">${escapeMarkup(text)}</text>`;
}

/** The lines that say what is drawn, at the top of a picture. */
export function heading(lines: readonly string[]): Heading {
  const body = lines.map((line, i) => label(margin, margin + 11 + i * 15, line, i === 0 ? { size: 11 } : { fill: ink.muted }));
  const height = lines.length === 0 ? 0 : lines.length * 15 + 4;
  // 6.2 units a character is what DejaVu Sans takes at this size, digits and spaces mixed.
  return { body: body.join(""), height, width: Math.max(0, ...lines.map((line, i) => line.length * (i === 0 ? 6.6 : 6.1))) };
}

export interface Heading {
  readonly body: string;
  readonly height: number;
  readonly width: number;
}

/** A block before it is enlarged: height x width palette indices. */
export interface Cells {
  readonly width: number;
  readonly height: number;
  readonly indices: Uint8Array;
  readonly palette: Uint8Array;
}

/** Repeats each cell over `across` x `down` file pixels, the first at (x, y). */
export function magnify({ width, height, indices, palette }: Cells, [across, down]: Pair, [x, y]: Pair): Block {
  const stride = width * across;
  const pixels = new Uint8Array(stride * height * down);
  for (let r = 0; r < height * down; r++) {
    const from = Math.floor(r / down) * width;
    for (let c = 0; c < stride; c++) pixels[r * stride + c] = indices[from + Math.floor(c / across)]!;
  }
  return { x: Math.round(x), y: Math.round(y), width: stride, height: height * down, pixels, palette };
}

type Pair = readonly [number, number];
