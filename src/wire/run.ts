/** The stored form of a training run: its series, its ghosts and its end. The points are in the Vega-Lite specification of the same bundle. */
import { isRecord, type LiveRef, type WireNumber } from "./live.js";

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
  return isRecord(value) && value.version === 1 && Array.isArray(value.series) && typeof value.sequence === "number";
}

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
