/** What a picture needs to know of a tensor's elements. Pictures are functions of this, whoever computes it. */

/** Of finite elements (min, max, mean, m2: sum of squared distances from the mean), and counts of the others. */
export interface RawStatistics {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly m2: number;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly zeros: number;
  /** Flat index of the first NaN, or -1. */
  readonly firstNaN: number;
}

/** A window of a 2-D slice: dims `row` and `column` vary from `start` over `size`, the others stay at `index`. `row` null: one row. */
export interface Region {
  readonly row: number | null;
  readonly column: number;
  readonly index: readonly number[];
  readonly start: readonly [number, number];
  readonly size: readonly [number, number];
}

export const poolings = { extreme: 0, mean: 1, min: 2, max: 3 } as const;

/** Boxes of a region: a value each, and flags 1 NaN, 2 +Infinity, 4 -Infinity seen in the box. */
export interface Pooled {
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
  readonly flags: Uint8Array;
}

export interface Elements {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly numel: number;
  /** As the histogram and the boxes, of the moduli where the elements are complex. */
  statistics(): RawStatistics;
  /** Counts of finite elements in equal bins of [lo, hi]; the last bin is closed. */
  histogram(lo: number, hi: number, bins: number): readonly number[];
  /** Pools a region into height x width boxes, no more of them than elements along either dim. */
  pool(region: Region, height: number, width: number, pooling: keyof typeof poolings, center: number): Pooled;
  /** Exact elements of a small region, in row-major order. */
  read(region: Region): readonly (number | bigint | boolean | string)[];
}

/** The whole slice at `index` over two dims. */
export function wholeSlice(shape: readonly number[], row: number | null, column: number, index: readonly number[]): Region {
  return { row, column, index, start: [0, 0], size: [row === null ? 1 : shape[row]!, shape[column]!] };
}
