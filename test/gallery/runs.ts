/** Training runs: finished, running, with ghosts, with a NaN, cut off. */
import {
  runMime,
  vegaliteMime,
  toWire,
  type FirstBreak,
  type LiveRef,
  type PointsReply,
  type RunPayload,
  type RunStatus,
  type Series,
  type ViewReply,
  type ViewRequest,
} from "../../src/wire/index.js";
import type { GalleryItem } from "./item.js";
import { normal } from "./random.js";
import { base64 } from "./tensors.js";

interface Curve {
  readonly name: string;
  readonly bestIs: "min" | "max";
  readonly steps: Float64Array;
  readonly values: Float32Array;
}

export function runItems(): GalleryItem[] {
  return [
    item("run, live for 5 s", "running", 2000, { live: true, seconds: 5 }),
    item("run, finished, with a ghost", "finished", 900, { live: true, ghost: true }),
    item("run, stored, no kernel", "finished", 300, { ghost: true }),
    item("run with NaN, failed", "failed", 240, { nanFrom: 200 }),
    item("run, cut off", "running", 120, {}),
  ];
}

interface Options {
  readonly live?: boolean;
  readonly ghost?: boolean;
  readonly nanFrom?: number;
  readonly seconds?: number;
}

function item(name: string, status: RunStatus, calls: number, options: Options): GalleryItem {
  const curves = makeCurves(calls, 1, options.nanFrom);
  const ghosts = options.ghost ? [{ id: "g1", label: "lr 0.001 -> 0.003" }] : [];
  const ghost = makeCurves(calls, 1.6);
  const live: LiveRef | null = options.live ? { session: "gallery", id: name } : null;
  const growing = options.seconds !== undefined;
  const payload: RunPayload = {
    version: 1,
    live,
    name: "mnist-mlp",
    status,
    sequence: growing ? 0 : calls,
    series: growing ? [] : seriesOf(curves),
    ghosts,
    strip: growing ? null : stripOf(Math.max(1, Math.floor(calls / 25))),
    memory: growing || !options.live ? null : memoryOf(Math.floor(calls / 25)),
    broken: options.nanFrom === undefined ? null : brokenAt(options.nanFrom),
    summary: `run mnist-mlp, ${status} after ${calls} steps`,
  };
  const spec = growing
    ? {}
    : { [vegaliteMime]: { data: { format: { type: "csv" }, values: csv(curves, options.ghost ? ghost : []) }, mark: "line" } };
  const bundle = { data: { [runMime]: payload, ...spec, "text/plain": payload.summary } };
  if (!live) return { name, bundle };
  let started = 0;
  return {
    name,
    bundle,
    answer(request: ViewRequest): ViewReply {
      if (
        started === 0 ||
        (request.kind === "points" && request.since === 0 && performance.now() - started > 1000 * (options.seconds ?? 0))
      )
        started = performance.now();
      const seconds = (performance.now() - started) / 1000;
      const total = options.seconds ? Math.min(calls, Math.floor((calls * seconds) / options.seconds)) : calls;
      if (request.kind === "strip") {
        const samples = Math.max(1, Math.floor(total / 25));
        return { kind: "strip", request: request.request, strip: stripOf(samples), memory: memoryOf(samples) };
      }
      if (request.kind === "range") return { kind: "range", request: request.request, points: pack(ghost, 0, calls) };
      if (request.kind === "bundle") return { kind: "bundle", request: request.request, data: bundle.data, metadata: {} };
      if (request.kind !== "points") return { kind: "failed", request: request.request, reason: "not asked of a run", retry: false };
      return points(request.request, curves, request.since, Math.min(total, request.since + request.limit), total, calls, seconds, ghosts);
    },
  };
}

function brokenAt(step: number): FirstBreak {
  const source = { cell: 4, cellId: null, line: 9, text: "const loss = probabilities.log().mul(target).sum().neg()" };
  const details = ["its operand held 3 zeros (at [0, 2], [5, 1], [7, 7]) in float32 [64, 10]", "carried on by mul, sum, neg"];
  return { series: "loss", step, value: "NaN", origin: { cause: "made by log", details, source, told: false } };
}

function points(
  request: number,
  curves: readonly Curve[],
  since: number,
  sequence: number,
  total: number,
  calls: number,
  seconds: number,
  ghosts: PointsReply["ghosts"],
): PointsReply {
  const running = total < calls;
  const rate = total / Math.max(seconds, 1e-3);
  return {
    kind: "points",
    request,
    sequence,
    total,
    status: running ? "running" : "finished",
    points: pack(curves, since, sequence),
    series: seriesOf(curves.map((curve) => ({ ...curve, ...upTo(curve, total) }))),
    ghosts,
    progress: {
      step: total,
      total: calls,
      epoch: Math.min(3, 1 + Math.floor((total * 3) / calls)),
      epochs: 3,
      elapsedMs: seconds * 1000,
      remainingMs: ((calls - total) / rate) * 1000,
      stepsPerSecond: rate,
    },
    broken: null,
    samples: Math.floor(total / 25),
  };
}

function makeCurves(calls: number, slowness: number, nanFrom = Infinity): Curve[] {
  const noise = normal(3);
  const loss = Float32Array.from({ length: calls }, (_, i) =>
    i >= nanFrom ? NaN : 0.08 + 2.2 * Math.exp(-i / (calls * 0.13 * slowness)) + 0.05 * (1 + Math.exp(-i / 200)) * Math.abs(noise()),
  );
  const every = Math.max(1, Math.floor(calls / 24));
  const evaluations = Array.from({ length: Math.floor(calls / every) }, (_, i) => i * every);
  return [
    { name: "loss", bestIs: "min", steps: Float64Array.from({ length: calls }, (_, i) => i), values: loss },
    {
      name: "accuracy",
      bestIs: "max",
      steps: Float64Array.from(evaluations),
      values: Float32Array.from(evaluations, (i) => 0.975 - 0.85 * Math.exp(-i / (calls * 0.1 * slowness)) + 0.004 * noise()),
    },
  ];
}

function upTo(curve: Curve, step: number): { steps: Float64Array; values: Float32Array } {
  const count = curve.steps.filter((at) => at < step).length;
  return { steps: curve.steps.subarray(0, count), values: curve.values.subarray(0, count) };
}

function seriesOf(curves: readonly Curve[]): Series[] {
  return curves
    .filter((curve) => curve.steps.length > 0)
    .map(({ name, bestIs, steps, values }): Series => {
      const finite = values.filter(Number.isFinite);
      const best = finite.reduce((a, b) => (bestIs === "min" ? Math.min(a, b) : Math.max(a, b)));
      const last = values.at(-1)!;
      return { name, count: steps.length, last: toWire(last), best, bestIs, bestStep: steps[values.indexOf(best)]!, panel: name };
    });
}

function pack(curves: readonly Curve[], since: number, until: number): PointsReply["points"] {
  return curves.map(({ name, steps, values }) => {
    const chosen = [...steps.keys()].filter((i) => steps[i]! >= since && steps[i]! < until);
    return {
      name,
      steps: base64(Float64Array.from(chosen, (i) => steps[i]!)),
      values: base64(Float32Array.from(chosen, (i) => values[i]!)),
    };
  });
}

function csv(curves: readonly Curve[], ghost: readonly Curve[]): string {
  const lines = ["run,step,loss,accuracy"];
  for (const [run, of] of [
    ["", curves],
    ["g1", ghost],
  ] as const) {
    of.forEach(({ steps, values }, column) =>
      steps.forEach((step, i) => {
        if (Number.isFinite(values[i]!))
          lines.push(`${run},${step},${column === 0 ? `${values[i]!.toPrecision(5)},` : `,${values[i]!.toPrecision(5)}`}`);
      }),
    );
  }
  return lines.join("\n");
}

function memoryOf(samples: number): NonNullable<RunPayload["memory"]> {
  const noise = normal(5);
  const bytes = (base: number): number[] => Array.from({ length: samples }, (_, i) => base * (i === 0 ? 0.4 : 1 + 0.1 * Math.abs(noise())));
  return {
    steps: Array.from({ length: samples }, (_, i) => i * 25),
    devices: [
      { name: "cpu", bytes: bytes(24 * 2 ** 20) },
      { name: "cuda:0", bytes: bytes(90 * 2 ** 20) },
    ],
  };
}

function stripOf(samples: number): NonNullable<RunPayload["strip"]> {
  const names = ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"];
  const values = new Uint8Array(names.length * samples);
  const noise = normal(4);
  names.forEach((_, row) => {
    for (let i = 0; i < samples; i++)
      values[row * samples + i] = Math.max(1, Math.min(254, 200 - row * 18 - 60 * (i / Math.max(1, samples)) + 12 * noise()));
  });
  return { names, steps: Array.from({ length: samples }, (_, i) => i * 25), lo: -5, hi: 0, values: base64(values) };
}
