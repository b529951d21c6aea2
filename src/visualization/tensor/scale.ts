/** Chooses how values become colours: limits that a few outliers cannot move, and the table from value to colour. */
import { palette, reservedColors } from "../../wire/color.js";
import type { ColorScale, Histogram } from "../../wire/tensor.js";
import { rebin } from "../picture/numbers.js";
import type { Elements, Pooled, RawStatistics } from "./elements.js";

const bins = 256;
const tail = 0.005;
const mostRounds = 16;

/** Exact counts in 64 bins around the bulk, and a scale from the quantile at 0.5 % to that at 99.5 %. */
export interface Limits {
  readonly histogram: Histogram;
  readonly scale: ColorScale;
}

/** The scale of finite values, or null when there are none. bool and uint8 keep their whole range. */
export function limitsOf(elements: Elements, statistics: RawStatistics): Limits | null {
  const finite = elements.numel - statistics.nan - statistics.positiveInfinity - statistics.negativeInfinity;
  if (finite === 0) return null;
  const { min, max } = statistics;
  const whole = { lo: min, hi: max > min ? max : min + 1 };
  const counts = elements.histogram(whole.lo, whole.hi, bins);
  if (elements.dtype === "bool")
    return { histogram: folded(whole, counts), scale: { map: "sequential", lo: 0, hi: 1, below: 0, above: 0 } };
  // Of fewer elements than this, the tails hold none.
  const robust = finite * tail >= 1;
  const [low, high] = robust ? bulk(elements, whole, counts, finite) : [min, max];
  const diverging = min < 0 && max > 0;
  const limit = Math.max(-low, high);
  const [lo, hi] =
    diverging && limit > 0
      ? [Math.max(-limit, -maxSize(min, max)), Math.min(limit, maxSize(min, max))]
      : widen(Math.max(low, min), Math.min(high, max));
  const outside = (from: number, to: number): number => (to > from ? sum(elements.histogram(from, to, 1)) : 0);
  // One far outlier would leave a histogram of all elements with a single bar.
  const near = { lo: Math.max(whole.lo, lo - (hi - lo)), hi: Math.min(whole.hi, hi + (hi - lo)) };
  const close = near.lo === whole.lo && near.hi === whole.hi;
  return {
    histogram: folded(near, close ? counts : elements.histogram(near.lo, near.hi, bins)),
    scale: {
      map: diverging && limit > 0 ? "diverging" : "sequential",
      lo,
      hi,
      below: min < lo ? outside(min, justBelow(lo)) : 0,
      above: max > hi ? outside(justAbove(hi), max) : 0,
    },
  };
}

interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** The quantiles at 0.5 % and 99.5 %. Bins are refined until outliers no longer squeeze the bulk into a few of them. */
function bulk(elements: Elements, whole: Range, counts: readonly number[], finite: number): [number, number] {
  let { lo, hi } = whole;
  let before = 0;
  for (let round = 0; round < mostRounds; round++) {
    const width = (hi - lo) / bins;
    const low = position(counts, tail * finite - before);
    const high = position(counts, (1 - tail) * finite - before);
    if (high - low >= bins / 8) return [lo + low * width, Math.min(whole.hi, lo + high * width)];
    before += sum(counts.slice(0, Math.floor(low)));
    [lo, hi] = [lo + Math.floor(low) * width, Math.min(hi, lo + Math.ceil(high + 1e-9) * width)];
    if (!(hi > lo)) break;
    counts = elements.histogram(lo, hi, bins);
  }
  // Nearly all elements are one value: what differs from it is what there is to see.
  return [whole.lo, whole.hi];
}

/** Where the running sum of counts reaches `wanted`, in bins; straight inside a bin. */
function position(counts: readonly number[], wanted: number): number {
  let seen = 0;
  let bin = 0;
  while (bin < bins - 1 && seen + counts[bin]! < wanted) seen += counts[bin++]!;
  return bin + Math.min(1, Math.max(0, (wanted - seen) / Math.max(counts[bin]!, 1)));
}

const maxSize = (min: number, max: number): number => Math.max(Math.abs(min), Math.abs(max));
const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
const epsilon = 1e-12;
const justBelow = (value: number): number => value - Math.abs(value) * epsilon;
const justAbove = (value: number): number => value + Math.abs(value) * epsilon;

function widen(lo: number, hi: number): [number, number] {
  return hi > lo ? [lo, hi] : [lo, lo + (Math.abs(lo) * 1e-3 || 1)];
}

function folded({ lo, hi }: Range, counts: readonly number[]): Histogram {
  return { lo, hi, counts: rebin(counts, 64) };
}

/** Indices of reserved colours follow the `levels` colours of the map. */
export const reservedOrder = ["nan", "positiveInfinity", "negativeInfinity"] as const;

/** `levels` colours of a map, then NaN, +Infinity, -Infinity: the palette that {@link colorIndices} points into. */
export function colorTable(map: ColorScale["map"] | "gray", levels: number): Uint8Array {
  const table = new Uint8Array((levels + 3) * 3);
  const full = map === "gray" ? Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)) : palette(map, "light");
  for (let i = 0; i < levels; i++) table.set(full.subarray(Math.round((i * 255) / (levels - 1)) * 3).subarray(0, 3), i * 3);
  reservedOrder.forEach((name, i) => table.set(reservedColors[name], (levels + i) * 3));
  return table;
}

/** One palette index a box; a non-finite element anywhere in a box decides its colour, NaN before the infinities. */
export function colorIndices({ values, flags }: Pooled, lo: number, hi: number, levels: number): Uint8Array {
  const factor = levels / (hi - lo);
  return Uint8Array.from(values, (value, i) => {
    const flag = flags[i]!;
    if (flag !== 0) return levels + (flag & 1 ? 0 : flag & 2 ? 1 : 2);
    return Math.min(levels - 1, Math.max(0, Math.floor((value - lo) * factor)));
  });
}
