/** Decides how a tensor is drawn: text, line, heatmap or pictures. */
import type { ImageLayout, TensorForm } from "../../wire/tensor.js";
import type { Elements, RawStatistics } from "./elements.js";
import type { Limits } from "./scale.js";

// A picture has at least this many rows and columns; smaller ones are convolution kernels and tables.
const leastSide = 8;

/** A tensor of at most this many elements is small: its numbers are its picture. */
export const smallNumel = 64;

// A row of squares is read up to this length; a longer one shows more as a curve.
const longestRead = 64;

export function formOf(elements: Elements, images: ImageLayout | null): TensorForm {
  if (elements.numel === 0 || elements.shape.length === 0) return "text";
  // The picture of complex numbers is of their moduli: a few are read better.
  if (elements.dtype.startsWith("complex") && elements.numel <= smallNumel) return "text";
  if (elements.shape.length === 1 || longVectorDim(elements.shape) !== null) return "line";
  return images === null ? "heatmap" : "images";
}

/** The one dim of a long vector such as [1, 1000]; null where other dims vary too, or where its numbers can be read. */
export function longVectorDim(shape: readonly number[]): number | null {
  const dim = shape.findIndex((size) => size > longestRead);
  return dim >= 0 && shape.every((size, d) => d === dim || size === 1) ? dim : null;
}

/**
 * The layout of a tensor that looks like pictures: [N, C, H, W], [N, H, W, C] with C of 1, 3 or 4, [3, H, W], [H, W, 3 or 4];
 * [1, H, W] only with values of 0..1 or uint8, for it may as well be a batch of one. Floating or uint8.
 */
export function imageLayout(
  elements: Elements,
  statistics: RawStatistics | null,
  limits: Limits | null,
  requiresGrad: boolean,
): ImageLayout | null {
  const { shape, dtype } = elements;
  if (statistics === null || limits === null || requiresGrad || !(dtype.startsWith("float") || dtype === "bfloat16" || dtype === "uint8"))
    return null;
  const bytes = dtype === "uint8";
  const unit = statistics.min >= 0 && statistics.max <= 1;
  const [lo, hi] = bytes ? [0, 255] : unit ? [0, 1] : [limits.scale.lo, limits.scale.hi];
  const dims = pictureDims(shape, bytes || unit);
  if (dims === null || shape[dims.row]! < leastSide || shape[dims.column]! < leastSide) return null;
  return { ...dims, lo, hi };
}

type PictureDims = Pick<ImageLayout, "batch" | "channel" | "row" | "column">;

function pictureDims(shape: readonly number[], certain: boolean): PictureDims | null {
  const rank = shape.length;
  const channels = (dim: number, ...allowed: number[]): boolean => allowed.includes(shape[dim]!);
  if (rank === 4 && channels(1, 1, 3, 4)) return { batch: 0, channel: 1, row: 2, column: 3 };
  if (rank === 4 && channels(3, 1, 3, 4)) return { batch: 0, channel: 3, row: 1, column: 2 };
  if (rank === 3 && channels(2, 3, 4)) return { batch: null, channel: 2, row: 0, column: 1 };
  if (rank === 3 && (channels(0, 3) || (certain && channels(0, 1, 4)))) return { batch: null, channel: 0, row: 1, column: 2 };
  return null;
}
