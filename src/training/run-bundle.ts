/** Builds the MIME bundle of a run: payload, Vega-Lite chart, picture and table, within the byte budget of a notebook. */
import { bundleBytes, budget } from "../visualization/tensor-bundle.js";
import { pngEntry } from "../visualization/picture.js";
import type { MimeBundle } from "../wire/host.js";
import { runMime, vegaliteMime, type RunPayload } from "../wire/run.js";
import { chartPicture, chartSpec, type Charted } from "./run-chart.js";
import { runText } from "./run-text.js";

/** Rows of points that a chart may hold, from fine to coarse: the first that fits the budget is stored. */
const details = [400, 280, 200, 120, 60] as const;

/** The bundle of a run that has just begun: no picture yet. */
export function openingBundle(payload: RunPayload): MimeBundle {
  return { data: { [runMime]: payload, "text/plain": payload.summary }, metadata: {} };
}

/** The bundle that stays in the file. */
export async function closingBundle(payload: RunPayload, runs: readonly Charted[]): Promise<MimeBundle> {
  const points = runs[0]!.points;
  const text = runText(payload.summary, payload.series, points);
  if (payload.series.length === 0) return openingBundle({ ...payload, strip: null });
  let bundle: MimeBundle = { data: { [runMime]: payload, "text/plain": text } };
  for (const most of details) {
    const spec = chartSpec(payload.series, runs, payload.ghosts, most);
    const picture = pngEntry(await chartPicture(spec, payload.strip), text);
    bundle = {
      data: { [runMime]: payload, [vegaliteMime]: spec, "image/png": picture.data, "text/plain": text },
      metadata: picture.metadata,
    };
    if (bundleBytes(bundle) <= budget.output) return bundle;
  }
  // Dozens of series: the table and the live view remain.
  return { data: { [runMime]: { ...payload, strip: null }, "text/plain": text }, metadata: {} };
}
