/** Turns tile codes and values into pixels. */
import { palette, reservedColors, tileCodes, type ColorScale, type TileReply } from "../../src/wire/index.js";

/** A decoded tile: `codes` are affine between the tile's own limits. */
export interface Tile {
  readonly height: number;
  readonly width: number;
  readonly lo: number;
  readonly hi: number;
  readonly codes: Uint16Array;
}

/** Unpacks the codes of a reply. */
export function decodeTile(reply: TileReply, bytes: Uint8Array<ArrayBuffer>): Tile {
  return {
    height: reply.height,
    width: reply.width,
    lo: reply.lo,
    hi: reply.hi,
    codes: new Uint16Array(bytes.buffer, 0, reply.height * reply.width),
  };
}

/** The value of a code; NaN and infinities come back as themselves. */
export function valueOf(tile: Tile, code: number): number {
  if (code === tileCodes.nan) return NaN;
  if (code === tileCodes.positiveInfinity) return Infinity;
  if (code === tileCodes.negativeInfinity) return -Infinity;
  return tile.lo + (code / tileCodes.steps) * (tile.hi - tile.lo);
}

/** Colours of a scale as little-endian RGBA words, ready for ImageData; gray is that of pictures. */
export function colorTable(map: ColorScale["map"] | "gray", dark: boolean): Uint32Array {
  if (map === "gray") return Uint32Array.from({ length: 256 }, (_, i) => pack(i, i, i));
  const rgb = palette(map, dark ? "dark" : "light");
  return Uint32Array.from({ length: 256 }, (_, i) => pack(rgb[i * 3]!, rgb[i * 3 + 1]!, rgb[i * 3 + 2]!));
}

/** Index into a 256-entry table of a value on [lo, hi], clipped at the ends. */
export function colorIndex(value: number, lo: number, hi: number): number {
  const t = hi > lo ? (value - lo) / (hi - lo) : 0.5;
  return Math.max(0, Math.min(255, Math.round(t * 255)));
}

/** Colours every pixel of a tile on the scale [lo, hi]. */
export function paintTile(tile: Tile, table: Uint32Array, lo: number, hi: number): ImageData {
  const image = new ImageData(tile.width, tile.height);
  const pixels = new Uint32Array(image.data.buffer);
  const [nan, plus, minus] = [
    pack(...reservedColors.nan),
    pack(...reservedColors.positiveInfinity),
    pack(...reservedColors.negativeInfinity),
  ];
  const flat = !(hi > lo);
  const scale = flat ? 0 : ((tile.hi - tile.lo) / tileCodes.steps / (hi - lo)) * 255;
  const offset = flat ? 127.5 : ((tile.lo - lo) / (hi - lo)) * 255 + 0.5;
  for (let i = 0; i < pixels.length; i++) {
    const code = tile.codes[i]!;
    if (code <= tileCodes.steps) {
      const level = code * scale + offset;
      pixels[i] = table[level < 0 ? 0 : level > 255 ? 255 : level | 0]!;
    } else pixels[i] = code === tileCodes.nan ? nan : code === tileCodes.positiveInfinity ? plus : minus;
  }
  return image;
}

/** CSS form of a table entry or a reserved colour. */
export function cssColor(word: number): string {
  return `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
}

/** Black or white, whichever reads better on the colour. */
export function inkOn(word: number): string {
  const luminance = 0.2126 * linear(word & 255) + 0.7152 * linear((word >> 8) & 255) + 0.0722 * linear((word >> 16) & 255);
  return luminance > 0.179 ? "#000" : "#fff";
}

/** Packs channels the way a little-endian canvas stores them. */
export function pack(r: number, g: number, b: number): number {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function linear(channel: number): number {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}
