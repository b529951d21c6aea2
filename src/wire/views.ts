/** Requests and replies of live views on the comm target `cellgrad.views`: one JSON text each way, binary data as base64. */
import type { DeviceActionReply, DeviceActionRequest, DevicesReply, DevicesRequest, MemoryMapReply, MemoryMapRequest } from "./devices.js";
import type { MimeBundle } from "./host.js";
import { isRecord, type LiveRef } from "./live.js";
import type { FirstBreak, Ghost, GradientStrip, MemoryTrack, RunStatus, Series } from "./run.js";
import type { TensorPayload } from "./tensor.js";

/** Every request names its object; `request` is a number of the front end's own that the reply repeats. */
interface ToObject {
  readonly request: number;
  readonly live: LiveRef;
}

/** A 2-D slice: dims `row` and `column` vary, every other dim stays at `index` (an entry for each dim; those two are ignored). */
interface Slice {
  readonly row: number;
  readonly column: number;
  readonly index: readonly number[];
}

/** What a pixel shows of the elements under it: the one farthest from `center`, or their mean, minimum or maximum. */
export type Pooling = "extreme" | "mean" | "min" | "max";

/** [first row, first column, rows, columns] of the slice. */
export type Window = readonly [number, number, number, number];

/** A window of a slice pooled into at most 256 x 256 pixels of [height, width]. */
export interface TileRequest extends ToObject, Slice {
  readonly kind: "tile";
  readonly window: Window;
  readonly size: readonly [number, number];
  readonly pooling: Pooling;
  readonly center: number;
}

/** Exact values of a small window of a slice (at most 1024 elements). `row` equal to `column`: one row, the vector along it. */
export interface CellsRequest extends ToObject, Slice {
  readonly kind: "cells";
  readonly window: Window;
}

/** The exact value at a full index. */
export interface ValueRequest extends ToObject {
  readonly kind: "value";
  readonly index: readonly number[];
}

/** The vector along `dim`, from `start`, as a min-max envelope of at most `size` columns (at most 2048). */
export interface LineRequest extends ToObject {
  readonly kind: "line";
  readonly dim: number;
  readonly index: readonly number[];
  readonly start: number;
  readonly length: number;
  readonly size: number;
}

/** Pictures `first`..`first + count` of a tensor in image form (at most 64), none larger than `size` pixels a side; values from `lo` to `hi` are drawn. */
export interface ImagesRequest extends ToObject {
  readonly kind: "images";
  readonly lo: number;
  readonly hi: number;
  readonly first: number;
  readonly count: number;
  readonly size: number;
}

/** The payload as it is now: after an in-place change, or when a view attaches again. */
export interface TensorRequest extends ToObject {
  readonly kind: "tensor";
}

/** Every point logged after log() call number `since` (0: all), at most `limit` calls of them. */
export interface PointsRequest extends ToObject {
  readonly kind: "points";
  readonly since: number;
  readonly limit: number;
}

/** Points with steps in [from, to], decimated to the minimum and maximum of each of `size` columns. */
export interface RangeRequest extends ToObject {
  readonly kind: "range";
  readonly from: number;
  readonly to: number;
  readonly size: number;
  /** A ghost's id, or null for the run itself. */
  readonly ghost: string | null;
}

/** What is drawn below the curves: the gradient strip of a watched run and the memory, whole. */
export interface StripRequest extends ToObject {
  readonly kind: "strip";
}

/** The bundle that a run displayed last. After a reload JupyterLab no longer routes updates to the cell: the view writes this into it. */
export interface BundleRequest extends ToObject {
  readonly kind: "bundle";
}

export type ViewRequest =
  | TileRequest
  | CellsRequest
  | ValueRequest
  | LineRequest
  | ImagesRequest
  | TensorRequest
  | PointsRequest
  | RangeRequest
  | StripRequest
  | BundleRequest
  | DevicesRequest
  | DeviceActionRequest
  | MemoryMapRequest;

/** Repeats the request's number; `tensorVersion` differs from the payload's after an in-place change. */
interface OfTensor {
  readonly request: number;
  readonly tensorVersion: number;
}

/**
 * height * width Uint16 codes: 0..65532 is lo + code / 65532 * (hi - lo); 65533 -Infinity, 65534 +Infinity, 65535 NaN.
 * A pixel over several elements that holds one non-finite element has its code.
 */
export interface TileReply extends OfTensor {
  readonly kind: "tile";
  readonly height: number;
  readonly width: number;
  readonly lo: number;
  readonly hi: number;
  readonly codes: string;
}

export const tileCodes = { steps: 65532, negativeInfinity: 65533, positiveInfinity: 65534, nan: 65535 } as const;

/** Texts in row-major order, every digit of the value. */
export interface CellsReply extends OfTensor {
  readonly kind: "cells";
  readonly height: number;
  readonly width: number;
  readonly texts: readonly string[];
}

export interface ValueReply extends OfTensor {
  readonly kind: "value";
  readonly text: string;
}

/** `lo` and `hi`: `size` Float32 each, NaN where a column has no finite element; `flags`: a byte each, 1 NaN, 2 +Inf, 4 -Inf seen. */
export interface LineReply extends OfTensor {
  readonly kind: "line";
  readonly size: number;
  readonly lo: string;
  readonly hi: string;
  readonly flags: string;
}

/** `pixels`: count * height * width * 3 bytes, RGB. */
export interface ImagesReply extends OfTensor {
  readonly kind: "images";
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: string;
}

export interface TensorReply extends OfTensor {
  readonly kind: "tensor";
  readonly payload: TensorPayload;
}

/** Time is live only, it is never stored. `total` is null when the number of steps is unknown. */
export interface Progress {
  readonly step: number;
  readonly total: number | null;
  readonly epoch: number;
  readonly epochs: number;
  readonly elapsedMs: number;
  readonly remainingMs: number | null;
  readonly stepsPerSecond: number | null;
}

/** New points of one curve: Float64 steps and Float32 values. */
export interface SeriesPoints {
  readonly name: string;
  readonly steps: string;
  readonly values: string;
}

/** `sequence` is the last log() call included: the next `since`. `total` is the last one made. */
export interface PointsReply {
  readonly kind: "points";
  readonly request: number;
  readonly sequence: number;
  readonly total: number;
  readonly status: RunStatus;
  readonly points: readonly SeriesPoints[];
  readonly series: readonly Series[];
  readonly ghosts: readonly Ghost[];
  readonly progress: Progress | null;
  readonly broken: FirstBreak | null;
  /** Number of samples in the gradient strip and of memory: ask for them when it grew. */
  readonly samples: number;
}

export interface RangeReply {
  readonly kind: "range";
  readonly request: number;
  readonly points: readonly SeriesPoints[];
}

export interface StripReply {
  readonly kind: "strip";
  readonly request: number;
  readonly strip: GradientStrip | null;
  readonly memory: MemoryTrack | null;
}

export interface BundleReply {
  readonly kind: "bundle";
  readonly request: number;
  readonly data: MimeBundle["data"];
  readonly metadata: NonNullable<MimeBundle["metadata"]>;
}

/** The object is gone: its memory was freed, or it belonged to another start of the kernel. The stored picture stays. */
export interface GoneReply {
  readonly kind: "gone";
  readonly request: number;
  readonly reason: "freed" | "restarted";
}

/** The request was malformed or out of range; or the kernel could not answer it now (`retry`). */
export interface FailedReply {
  readonly kind: "failed";
  readonly request: number;
  readonly reason: string;
  readonly retry: boolean;
}

export type ViewReply =
  | TileReply
  | CellsReply
  | ValueReply
  | LineReply
  | ImagesReply
  | TensorReply
  | PointsReply
  | RangeReply
  | StripReply
  | BundleReply
  | DevicesReply
  | DeviceActionReply
  | MemoryMapReply
  | GoneReply
  | FailedReply;

/** The reply that answers each kind of request, if it is answered. */
export interface ReplyTo {
  tile: TileReply;
  cells: CellsReply;
  value: ValueReply;
  line: LineReply;
  images: ImagesReply;
  tensor: TensorReply;
  points: PointsReply;
  range: RangeReply;
  strip: StripReply;
  bundle: BundleReply;
  devices: DevicesReply;
  act: DeviceActionReply;
  map: MemoryMapReply;
}

export function isViewRequest(value: unknown): value is ViewRequest {
  return (
    isRecord(value) &&
    typeof value.kind === "string" &&
    typeof value.request === "number" &&
    isRecord(value.live) &&
    typeof value.live.session === "string" &&
    typeof value.live.id === "string"
  );
}

export function isViewReply(value: unknown): value is ViewReply {
  return isRecord(value) && typeof value.kind === "string" && typeof value.request === "number";
}
