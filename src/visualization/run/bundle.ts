/** Builds the MIME bundle of a run: payload, Vega-Lite chart, picture and table, within the byte budget of a notebook. */
import { bundleBytes, budget } from "../tensor/bundle.js";
import { lineDensity, pngEntry } from "../picture/picture.js";
import type { MimeBundle } from "../../wire/host.js";
import { runMime, vegaliteMime, type RunPayload } from "../../wire/run.js";
import { chartPicture, chartSpec, type Charted } from "./chart.js";
import { runText } from "./text.js";

/** Points a series that the chart may hold, from fine to coarse: the first that fits the budget is stored. */
const stored = [400, 280, 200, 140, 100, 70, 50, 35, 25] as const;

/** Points a series in the picture: more would not be seen at its size. The first whose file leaves room for the points is taken. */
const drawn = [160, 100, 60, 35] as const;
const pictureShare = 0.62;

/** The bundle of a run that has just begun: no picture yet. */
export function openingBundle(payload: RunPayload): MimeBundle {
  return { data: { [runMime]: payload, "text/plain": payload.summary }, metadata: {} };
}

/** The bundle that stays in the file. */
export async function closingBundle(payload: RunPayload, runs: readonly Charted[]): Promise<MimeBundle> {
  const points = runs[0]!.points;
  const text = runText(payload.summary, payload.series, points, payload.broken ?? null);
  if (payload.series.length === 0) return openingBundle({ ...payload, strip: null });
  const chart = (most: number): object => chartSpec(payload, runs, most);
  for (const most of drawn) {
    const picture = pngEntry(await chartPicture(chart(most), payload.series.length, payload.strip), text, lineDensity);
    if (picture.data.length > budget.output * pictureShare) continue;
    for (const rows of stored) {
      const data = { [runMime]: payload, [vegaliteMime]: chart(rows), "image/png": picture.data, "text/plain": text };
      const bundle = { data, metadata: picture.metadata };
      if (bundleBytes(bundle) <= budget.output) return bundle;
    }
  }
  // Dozens of series: the table and the live view remain.
  return { data: { [runMime]: { ...payload, strip: null }, "text/plain": text }, metadata: {} };
}
