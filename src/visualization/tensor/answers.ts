/** Answers what a live tensor view asks: tiles, exact values, envelopes, pictures. */
import {
  tileCodes,
  type CellsRequest,
  type ImagesRequest,
  type LineRequest,
  type TileRequest,
  type ValueRequest,
  type ViewReply,
  type ViewRequest,
} from "../../wire/views.js";
import type { ImageLayout, TensorPayload } from "../../wire/tensor.js";
import type { Elements, Pooled, Region } from "./elements.js";
import { readPictures } from "./images.js";

const mostPixels = 256;
const mostCells = 1024;
const mostColumns = 2048;
const mostPictures = 64;

/** What answers are made from. */
export interface Subject {
  readonly elements: Elements;
  readonly tensorVersion: number;
  /** Computes the payload of this moment. */
  payload(): TensorPayload;
}

export function answerTensor(subject: Subject, request: ViewRequest): ViewReply {
  const { elements, tensorVersion } = subject;
  const head = { request: request.request, tensorVersion };
  switch (request.kind) {
    case "tile":
      return { ...head, kind: "tile", ...tile(elements, request) };
    case "cells":
      return { ...head, kind: "cells", ...cells(elements, request) };
    case "value":
      return { ...head, kind: "value", text: valueAt(elements, request) };
    case "line":
      return { ...head, kind: "line", ...line(elements, request) };
    case "images":
      return { ...head, kind: "images", ...pictures(elements, subject.payload().images, request) };
    case "tensor":
      return { ...head, kind: "tensor", payload: subject.payload() };
    default:
      return { kind: "failed", request: request.request, reason: `a tensor does not answer "${request.kind}"`, retry: false };
  }
}

function tile(elements: Elements, request: TileRequest): { height: number; width: number; lo: number; hi: number; codes: string } {
  const region = regionOf(elements, request.row, request.column, request.index, request.window);
  const height = within(request.size[0], 1, Math.min(mostPixels, region.size[0]), "height");
  const width = within(request.size[1], 1, Math.min(mostPixels, region.size[1]), "width");
  const pooled = elements.pool(region, height, width, request.pooling, request.center);
  return { height, width, ...encodeTile(pooled) };
}

/** Sixteen bits a pixel over the tile's own range: an error of at most 1/131,000 of it. */
export function encodeTile({ values, flags }: Pooled): { lo: number; hi: number; codes: string } {
  let [lo, hi] = [Infinity, -Infinity];
  values.forEach((value, i) => {
    if (flags[i] !== 0 || Number.isNaN(value)) return;
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  });
  if (lo > hi) [lo, hi] = [0, 0];
  const factor = hi > lo ? tileCodes.steps / (hi - lo) : 0;
  const codes = new Uint16Array(values.length);
  for (let i = 0; i < codes.length; i++) {
    const flag = flags[i]!;
    codes[i] =
      flag === 0
        ? Math.round((values[i]! - lo) * factor)
        : flag & 1
          ? tileCodes.nan
          : flag & 2
            ? tileCodes.positiveInfinity
            : tileCodes.negativeInfinity;
  }
  return { lo, hi, codes: base64(codes) };
}

function cells(elements: Elements, request: CellsRequest): { height: number; width: number; texts: string[] } {
  const region = regionOf(elements, request.row, request.column, request.index, request.window);
  const [height, width] = region.size;
  if (height * width > mostCells) throw new RangeError(`window: expected at most ${mostCells} elements, got ${height * width}`);
  return { height, width, texts: elements.read(region).map((value) => exact(value, elements.dtype)) };
}

function valueAt(elements: Elements, { index }: ValueRequest): string {
  const { shape } = elements;
  if (shape.length === 0) throw new RangeError("a 0-d tensor has no index");
  const column = shape.length - 1;
  const at = checkedIndex(shape, index);
  const region: Region = { row: null, column, index: at, start: [0, at[column]!], size: [1, 1] };
  return exact(elements.read(region)[0]!, elements.dtype);
}

function line(elements: Elements, request: LineRequest): { size: number; lo: string; hi: string; flags: string } {
  const { shape } = elements;
  const dim = within(request.dim, 0, shape.length - 1, "dim");
  const start = within(request.start, 0, shape[dim]! - 1, "start");
  const length = within(request.length, 1, shape[dim]! - start, "length");
  const size = within(request.size, 1, Math.min(mostColumns, length), "size");
  const region: Region = { row: null, column: dim, index: checkedIndex(shape, request.index, dim), start: [0, start], size: [1, length] };
  const low = elements.pool(region, 1, size, "min", 0);
  const high = elements.pool(region, 1, size, "max", 0);
  return { size, lo: base64(low.values), hi: base64(high.values), flags: base64(low.flags) };
}

function pictures(
  elements: Elements,
  images: ImageLayout | null,
  request: ImagesRequest,
): { count: number; height: number; width: number; pixels: string } {
  if (images === null) throw new RangeError("this tensor does not look like pictures");
  const total = images.batch === null ? 1 : elements.shape[images.batch]!;
  const first = within(request.first, 0, total - 1, "first");
  const count = within(request.count, 1, Math.min(mostPictures, total - first), "count");
  const { lo, hi } = request;
  if (!(Number.isFinite(lo) && Number.isFinite(hi) && lo < hi)) throw new RangeError(`lo and hi: expected an interval, got ${lo} to ${hi}`);
  const sheet = readPictures(elements, { ...images, lo, hi }, first, count, within(request.size, 1, 1024, "size"));
  return { ...sheet, pixels: base64(sheet.pixels) };
}

function regionOf(elements: Elements, row: number, column: number, index: readonly number[], window: readonly number[]): Region {
  const { shape } = elements;
  const [r, c] = [within(row, 0, shape.length - 1, "row"), within(column, 0, shape.length - 1, "column")];
  if (r === c) {
    const first = within(window[1]!, 0, shape[c]! - 1, "window");
    const size = within(window[3]!, 1, shape[c]! - first, "window");
    return { row: null, column: c, index: checkedIndex(shape, index, c), start: [0, first], size: [1, size] };
  }
  const start = [within(window[0]!, 0, shape[r]! - 1, "window"), within(window[1]!, 0, shape[c]! - 1, "window")] as const;
  const size = [within(window[2]!, 1, shape[r]! - start[0], "window"), within(window[3]!, 1, shape[c]! - start[1], "window")] as const;
  return { row: r, column: c, index: checkedIndex(shape, index, r, c), start, size };
}

/** The index, complete; entries of `free` dims do not matter. */
function checkedIndex(shape: readonly number[], index: readonly number[], ...free: readonly number[]): number[] {
  return shape.map((size, dim) => (free.includes(dim) ? 0 : within(index[dim]!, 0, size - 1, `index[${dim}]`)));
}

function within(value: number, least: number, most: number, name: string): number {
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`${name}: expected an integer from ${least} to ${most}, got ${value}`);
  if (value > most && (name === "height" || name === "width" || name === "size" || name === "count" || name === "length")) return most;
  if (value > most) throw new RangeError(`${name}: expected an integer from ${least} to ${most}, got ${value}`);
  return value;
}

/** Every digit of a value: float32 in the shortest form that reads back as the same float32. */
export function exact(value: number | bigint | boolean | string, dtype: string): string {
  if (typeof value !== "number" || !Number.isFinite(value) || dtype === "float64")
    return typeof value === "number" && value === -Infinity ? "-Infinity" : String(value);
  if (Number.isInteger(value)) return String(value);
  for (let digits = 6; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}

function base64(data: ArrayBufferView): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}
