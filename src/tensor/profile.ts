/** Where time goes: every native call of a piece of code, with its shape, bytes, device and place in a person's code. */
import { writeFileSync } from "node:fs";
import { native } from "../runtime/addon.js";
import { observe } from "../runtime/observe.js";
import { CallLog } from "./call-log.js";
import { deviceName, type Device } from "./device.js";
import { dtypes, type DType } from "./dtype.js";
import { ValueError, describe, formatBytes, formatShape } from "./errors.js";
import type { Place } from "./place.js";
import type { Shape } from "./shape.js";

/** One native call. */
export interface ProfileEvent {
  readonly kernel: string;
  /** Of the first result; null where nothing was made. */
  readonly shape: Shape | null;
  readonly dtype: DType | null;
  readonly device: Device;
  /** Milliseconds since the profile began. */
  readonly start: number;
  /** Milliseconds. */
  readonly duration: number;
  /** Bytes of the results. */
  readonly bytes: number;
  readonly place: Place;
}

/** All calls of one kernel. */
export interface KernelAverage {
  readonly kernel: string;
  readonly device: Device;
  readonly calls: number;
  /** Milliseconds in all. */
  readonly total: number;
  readonly mean: number;
  readonly longest: number;
  readonly bytes: number;
  /** The place where most of the time was spent. */
  readonly place: Place;
}

/** What {@link profile} saw, and what the code returned. */
export class Profile<T = unknown> {
  /** @internal */
  constructor(
    /** What the profiled code returned. */
    readonly result: T,
    /** Milliseconds from the first to the last moment of the code, JavaScript included. */
    readonly duration: number,
    private readonly log: CallLog,
    private readonly began: number,
  ) {}

  /** Every call, in order. */
  get events(): ProfileEvent[] {
    return this.log.calls().map(({ kernel, shape, dt, dev, start, end, bytes, place }) => ({
      kernel,
      shape,
      dtype: shape === null ? null : dtypes[dt]!,
      device: deviceName(dev),
      start: start - this.began,
      duration: end - start,
      bytes,
      place,
    }));
  }

  /** Calls by kernel and device, the longest in all first (torch's key_averages). */
  keyAverages(): KernelAverage[] {
    const groups = new Map<string, ProfileEvent[]>();
    for (const event of this.events) {
      const key = `${event.kernel} ${event.device}`;
      groups.set(key, [...(groups.get(key) ?? []), event]);
    }
    return [...groups.values()].map(average).sort((a, b) => b.total - a.total);
  }

  /** The kernels that took longest, as a table. @param rows default 15 */
  table(rows = 15): string {
    if (!Number.isInteger(rows) || rows < 1)
      throw new ValueError({ op: "table", argument: "rows", expected: "an integer of at least 1", got: describe(rows) });
    const all = this.keyAverages();
    const native = all.reduce((sum, { total }) => sum + total, 0);
    const head = ["kernel", "device", "calls", "total ms", "mean us", "share", "made", "mostly at"];
    const lines = all
      .slice(0, rows)
      .map(({ kernel, device, calls, total, mean, bytes, place }) => [
        kernel,
        device,
        String(calls),
        total.toFixed(2),
        (mean * 1000).toFixed(1),
        `${((100 * total) / (native || 1)).toFixed(0)} %`,
        formatBytes(bytes),
        placeText(place),
      ]);
    const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
    const left = new Set([0, 1, 7]);
    const write = (line: readonly string[]): string =>
      line
        .map((text, i) => (left.has(i) ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
        .join("  ")
        .trimEnd();
    const rest = all.length > rows ? `\n... and ${all.length - rows} more kernels` : "";
    const sum = `${this.log.length} calls, ${native.toFixed(1)} ms of ${this.duration.toFixed(1)} ms in native code`;
    return `${[head, ...lines].map(write).join("\n")}${rest}\n${sum}`;
  }

  toString(): string {
    return this.table();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.table();
  }

  /** The events in the format that chrome://tracing and ui.perfetto.dev read. */
  toChromeTrace(): { readonly traceEvents: readonly object[] } {
    const traceEvents = this.events.map(({ kernel, shape, dtype, device, start, duration, bytes, place }) => ({
      name: kernel,
      cat: device,
      ph: "X",
      ts: start * 1000,
      dur: duration * 1000,
      pid: 1,
      tid: device,
      args: { shape: shape === null ? null : formatShape(shape), dtype, bytes, cell: place.cell, at: place.frame },
    }));
    return { traceEvents };
  }

  /** Writes {@link toChromeTrace} to a file. */
  exportChromeTrace(path: string): void {
    writeFileSync(path, JSON.stringify(this.toChromeTrace()));
  }
}

/** `cell 4`, `Cell [4]:2:9`, or `cell 4 layers.ts:3:1` where a module of the person's was called. */
export function placeText({ cell, frame }: Place): string {
  if (cell === null || frame?.startsWith("Cell [")) return frame ?? "";
  return `cell ${cell}${frame === null ? "" : ` ${frame}`}`;
}

function average(events: readonly ProfileEvent[]): KernelAverage {
  const { kernel, device } = events[0]!;
  const total = events.reduce((sum, { duration }) => sum + duration, 0);
  const places = new Map<string, { time: number; place: Place }>();
  for (const { place, duration } of events) {
    const key = `${place.cell} ${place.frame}`;
    places.set(key, { time: (places.get(key)?.time ?? 0) + duration, place });
  }
  const place = [...places.values()].reduce((a, b) => (b.time > a.time ? b : a)).place;
  const longest = events.reduce((most, { duration }) => Math.max(most, duration), 0);
  const bytes = events.reduce((sum, event) => sum + event.bytes, 0);
  return { kernel, device, calls: events.length, total, mean: total / events.length, longest, bytes, place };
}

export interface ProfileOptions {
  /**
   * Remembers the cell and line of each call. Calls that repeat (after the same eight calls, with the same sizes) cost that only the first
   * four times: from then on the four places repeat. Default true.
   */
  readonly withStack?: boolean;
}

/**
 * Runs `body` and notes every native call in it; an async body is noted to its end (torch.profiler.profile).
 * Differs: work of a device is waited for call by call, so that each has its own time.
 * @example profile(() => randn(64, 64).matmul(randn(64, 64))).table()
 */
export function profile<T>(body: () => Promise<T>, options?: ProfileOptions): Promise<Profile<T>>;
export function profile<T>(body: () => T, options?: ProfileOptions): Profile<T>;
export function profile<T>(body: () => T | Promise<T>, { withStack = true }: ProfileOptions = {}): Profile<T> | Promise<Profile<T>> {
  if (typeof body !== "function") throw new ValueError({ op: "profile", argument: "body", expected: "a function", got: describe(body) });
  const log = new CallLog(withStack);
  const stop = observe(
    (call) => log.add(call),
    (device) => native.synchronize(device, -1),
  );
  const began = performance.now();
  const finish = (result: T): Profile<T> => new Profile(result, performance.now() - began, log, began);
  let result: T | Promise<T>;
  try {
    result = body();
  } catch (error) {
    stop();
    throw error;
  }
  if (result instanceof Promise) return result.then(finish).finally(stop);
  stop();
  return finish(result);
}
