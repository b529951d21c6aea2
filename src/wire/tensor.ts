/** The stored form of a displayed tensor: shape, statistics, histogram and colour scale; never the elements. */
import { isRecord, type LiveRef } from "./live.js";

export const tensorMime = "application/vnd.cellgrad.tensor.v1+json";

/** Over finite elements; all null when there are none. `firstNaN` is the index of the first NaN. */
export interface TensorStatistics {
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly std: number | null;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly zeros: number;
  readonly firstNaN: readonly number[] | null;
}

/** Counts of finite elements in equal bins over [lo, hi]. */
export interface Histogram {
  readonly lo: number;
  readonly hi: number;
  readonly counts: readonly number[];
}

/** How values become colours. Values outside [lo, hi] are clipped; `below` and `above` count them. */
export interface ColorScale {
  readonly map: "sequential" | "diverging";
  readonly lo: number;
  readonly hi: number;
  readonly below: number;
  readonly above: number;
}

/** Which dims are pictures: `batch` is null for one picture, `channel` for [H, W]. Channel values in [lo, hi] become 0..255. */
export interface ImageLayout {
  readonly batch: number | null;
  readonly channel: number | null;
  readonly row: number;
  readonly column: number;
  readonly lo: number;
  readonly hi: number;
}

/** `text`: 0-d and empty; `line`: 1-D, or a long vector such as [1, 1000]; `heatmap`: a 2-D slice with sliders for the other dims; `images`: a contact sheet. */
export type TensorForm = "text" | "line" | "heatmap" | "images";

export interface TensorPayload {
  readonly version: 1;
  /** Null when the tensor cannot be asked (a headless run). */
  readonly live: LiveRef | null;
  readonly form: TensorForm;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly device: string;
  readonly bytes: number;
  readonly requiresGrad: boolean;
  /** Name of the op that made it, or null for a leaf. */
  readonly gradFn: string | null;
  /** Counts in-place changes: a view compares it with the version in replies. */
  readonly tensorVersion: number;
  /** One line: shape, dtype, statistics. Also the accessible name of the picture. */
  readonly summary: string;
  readonly statistics: TensorStatistics;
  readonly histogram: Histogram | null;
  readonly scale: ColorScale | null;
  readonly images: ImageLayout | null;
}

export function isTensorPayload(value: unknown): value is TensorPayload {
  return (
    isRecord(value) && value.version === 1 && Array.isArray(value.shape) && typeof value.form === "string" && isRecord(value.statistics)
  );
}
