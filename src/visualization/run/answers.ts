/** Answers what a live run view asks: the points since a call, a range at screen resolution, the strip, the stored bundle. */
import type { PointsRequest, RangeRequest, SeriesPoints, ViewReply, ViewRequest } from "../../wire/views.js";
import { decimate, firstAfter, type Points } from "./journal.js";
import { describeSeries } from "./text.js";
import type { Run } from "./run.js";

const mostColumns = 4096;

export function answerRun(run: Run, request: ViewRequest): ViewReply {
  const head = { request: request.request };
  switch (request.kind) {
    case "points":
      return points(run, request);
    case "range":
      return { ...head, kind: "range", points: range(run, request) };
    case "strip":
      return { ...head, kind: "strip", strip: run.watch?.strip() ?? null, memory: run.memory?.track() ?? null };
    case "bundle":
      return { ...head, kind: "bundle", data: run.shown.data, metadata: run.shown.metadata ?? {} };
    default:
      return { ...head, kind: "failed", reason: `a run does not answer "${request.kind}"`, retry: false };
  }
}

function points(run: Run, { request, since, limit }: PointsRequest): ViewReply {
  const total = run.journal.calls;
  const sequence = Math.min(total, Math.max(0, since) + Math.max(1, limit));
  const series = run.journal.series;
  return {
    kind: "points",
    request,
    sequence,
    total,
    status: run.status,
    points: series.map((s) => slice(s, firstAfter(s, since), firstAfter(s, sequence))),
    series: series.map(describeSeries),
    ghosts: run.ghosts(),
    progress: run.progress(),
    broken: run.sentinel.broken,
    samples: (run.watch?.samples ?? 0) + (run.memory?.samples ?? 0),
  };
}

function slice({ name, steps, values }: Points, from: number, to: number): SeriesPoints {
  return { name, steps: base64(steps.slice(from, to)), values: base64(Float32Array.from(values.subarray(from, to))) };
}

function range(run: Run, { from, to, size, ghost }: RangeRequest): SeriesPoints[] {
  const source = ghost === null ? run.journal : run.ghost(ghost);
  if (source === undefined) throw new RangeError(`no ghost ${ghost}`);
  const columns = Math.min(mostColumns, Math.max(1, Math.floor(size)));
  return source.series.map((s) => {
    // Columns are of the steps that there are: who asks for all of them does not know the last one.
    const [first, last] = extent(s);
    const kept = decimate(s, Math.max(from, first), Math.min(to, last), columns);
    return {
      name: s.name,
      steps: base64(Float64Array.from(kept, (i) => s.steps[i]!)),
      values: base64(Float32Array.from(kept, (i) => s.values[i]!)),
    };
  });
}

function extent({ steps, length }: Points): [first: number, last: number] {
  let [first, last] = [Infinity, -Infinity];
  for (let i = 0; i < length; i++) {
    first = Math.min(first, steps[i]!);
    last = Math.max(last, steps[i]!);
  }
  return [first, last];
}

function base64(data: ArrayBufferView): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}
