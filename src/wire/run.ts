/** The stored form of a training run: its series, its ghosts and its end. The points are in the Vega-Lite specification of the same bundle. */
import type { SourceLine } from "./host.js";
import { isRecord, type LiveRef, type WireNumber } from "./live.js";
import { shortCode } from "./shape-error.js";

export const runMime = "application/vnd.cellgrad.run.v1+json";

/** JupyterLab 4.6 and VS Code draw Vega-Lite up to this version. */
export const vegaliteMime = "application/vnd.vegalite.v5+json";

export type RunStatus = "running" | "finished" | "interrupted" | "failed";

/** One curve. `best` is its minimum (its maximum where `bestIs` says so), `count` the number of points in the kernel. */
export interface Series {
  readonly name: string;
  /** Curves of one panel share a value axis. */
  readonly panel: string;
  readonly count: number;
  readonly last: WireNumber;
  readonly best: WireNumber;
  readonly bestIs: "min" | "max";
  readonly bestStep: number;
}

/** An earlier run of the same cell. `label` says which numbers differ: "lr 0.001 -> 0.003". */
export interface Ghost {
  readonly id: string;
  readonly label: string;
}

/** Rows are parameters in depth order, columns are samples; `values` holds rows * steps.length bytes: 0 no gradient, 1..254 log10 |g| from lo to hi, 255 NaN or infinite. */
export interface GradientStrip {
  readonly names: readonly string[];
  readonly steps: readonly number[];
  readonly lo: number;
  readonly hi: number;
  readonly values: string;
}

/** Bytes in tensors at `steps`, by device: the most between a step and the next one. */
export interface MemoryTrack {
  readonly steps: readonly number[];
  readonly devices: readonly { readonly name: string; readonly bytes: readonly number[] }[];
}

/** Where a value that is not finite came from, in sentences. */
export interface BreakOrigin {
  /** `log made it`, `parameter model.0.weight had it before the step`. */
  readonly cause: string;
  /** What the op read or wrote, what carried it on, what helps. */
  readonly details: readonly string[];
  /** The call, when it is known. */
  readonly source: SourceLine | null;
  /** Whether the op itself said where it was called; else the cells have only this call of its name. */
  readonly told: boolean;
}

/** The first value of a run that is not finite. */
export interface FirstBreak {
  readonly series: string;
  readonly step: number;
  readonly value: WireNumber;
  readonly origin: BreakOrigin | null;
}

export interface RunPayload {
  readonly version: 1;
  readonly live: LiveRef | null;
  readonly name: string;
  readonly status: RunStatus;
  /** Number of log() calls so far: `since` of a points request continues here. */
  readonly sequence: number;
  readonly series: readonly Series[];
  readonly ghosts: readonly Ghost[];
  readonly strip: GradientStrip | null;
  /** Null in headless runs, absent in files of before it was known. */
  readonly memory?: MemoryTrack | null;
  /** Absent in files of before it was known. */
  readonly broken?: FirstBreak | null;
  readonly summary: string;
}

/** Points of one curve as they are stored in the file. `ghost` is null for the run itself. */
export interface Curve {
  readonly series: string;
  readonly ghost: string | null;
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

export function isRunPayload(value: unknown): value is RunPayload {
  return (
    isRecord(value) &&
    value.version === 1 &&
    Array.isArray(value.series) &&
    typeof value.sequence === "number" &&
    (value.broken == null || isFirstBreak(value.broken)) &&
    (value.memory == null || isMemoryTrack(value.memory))
  );
}

function isMemoryTrack(value: unknown): value is MemoryTrack {
  const isDevice = (device: unknown): boolean => isRecord(device) && typeof device.name === "string" && Array.isArray(device.bytes);
  return isRecord(value) && Array.isArray(value.steps) && Array.isArray(value.devices) && value.devices.every(isDevice);
}

function isFirstBreak(value: unknown): value is FirstBreak {
  if (!isRecord(value) || typeof value.series !== "string" || typeof value.step !== "number") return false;
  const { origin } = value;
  return origin === null || (isRecord(origin) && typeof origin.cause === "string" && Array.isArray(origin.details));
}

/** `loss is NaN at step 12`. */
export const breakHeadline = ({ series, step, value }: FirstBreak): string => `${series} is ${value} at step ${step}`;

/** What is known of the first value that is not finite, a sentence a line. */
export function breakLines(broken: FirstBreak): string[] {
  const { origin } = broken;
  if (origin === null) return [breakHeadline(broken), noOrigin];
  const { cause, source, details } = origin;
  return [`${breakHeadline(broken)}: ${cause}`, ...(source === null ? [] : [sourceWords(origin)]), ...details];
}

/** Where the call is, in words that claim no more than is known. */
export function sourceWords({ source, told }: BreakOrigin): string {
  if (source === null) return "";
  const where = `cell ${source.cell}, line ${source.line}: ${shortCode(source.text, 60)}`;
  return told ? where : `the cells call it once: ${where}`;
}

/** What is said of a number that came without a graph. */
export const noOrigin =
  "where it came from is not known: call log() before backward(), or backward() on a CPU tensor between track() and log()";

/**
 * Reads the stored points back from the Vega-Lite specification in a run's bundle: data.values is CSV with the columns
 * `run` (empty for the run itself, else a ghost's id), `step`, and one column a series; an empty cell is no point.
 */
export function storedCurves(spec: unknown): readonly Curve[] {
  const data = isRecord(spec) ? spec.data : undefined;
  if (!isRecord(data) || typeof data.values !== "string") return [];
  const [header = "", ...lines] = data.values.trim().split("\n");
  const names = header.split(",").slice(2).map(unquote);
  const curves = new Map<string, { series: string; ghost: string | null; steps: number[]; values: number[] }>();
  for (const line of lines) {
    const [run = "", step = "", ...cells] = line.split(",");
    cells.forEach((cell, i) => {
      const series = names[i];
      if (cell === "" || series === undefined) return;
      const key = `${run},${i}`;
      const curve = curves.get(key) ?? { series, ghost: run === "" ? null : run, steps: [], values: [] };
      curves.set(key, curve);
      curve.steps.push(Number(step));
      curve.values.push(Number(cell));
    });
  }
  return [...curves.values()];
}

function unquote(cell: string): string {
  return cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
}
