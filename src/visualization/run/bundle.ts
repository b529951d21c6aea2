/** Builds the MIME bundle of a run: payload, Vega-Lite chart, picture and table, within the byte budget of a notebook. */
import { bundleBytes, budget } from "../tensor/bundle.js";
import { lineDensity, pngEntry } from "../picture/picture.js";
import type { MimeBundle } from "../../wire/host.js";
import { runMime, vegaliteMime, type RunPayload } from "../../wire/run.js";
import { chartPicture, chartSpec, type Charted } from "./chart.js";
import { runText } from "./text.js";

/** Points a series that the chart may hold, from fine to coarse: the first that fits the budget is stored. */
const stored = [400, 280, 200, 140, 100, 70, 50, 35, 25] as const;

/** Points a series in the picture, more would not be seen at its size, and its pixels a unit. The first whose file leaves room for the points is taken. */
const drawn = [
  { points: 160, zoom: lineDensity },
  { points: 100, zoom: lineDensity },
  { points: 60, zoom: lineDensity },
  { points: 60, zoom: 1 },
  { points: 35, zoom: 1 },
  { points: 20, zoom: 0.6 },
] as const;
const pictureShare = 0.62;
/** Lines of the table that are read for the picture. */
const altLines = 10;

/** The bundle of a run that has just begun: no picture yet. */
export function openingBundle(payload: RunPayload): MimeBundle {
  return { data: { [runMime]: payload, "text/plain": payload.summary }, metadata: {} };
}

/** The bundle that stays in the file. */
export async function closingBundle(payload: RunPayload, runs: readonly Charted[]): Promise<MimeBundle> {
  const points = runs[0]!.points;
  const text = runText(payload.summary, payload.series, points, payload.broken ?? null);
  if (payload.series.length === 0) return openingBundle({ ...payload, strip: null });
  const alt = text.split("\n", altLines).join("\n");
  const chart = (most: number): object => chartSpec(payload, runs, most);
  const table = { data: { [runMime]: { ...payload, strip: null }, "text/plain": text }, metadata: {} };
  let bare: MimeBundle = table;
  for (const { points: most, zoom } of drawn) {
    const { data: png, metadata } = pngEntry(await chartPicture(chart(most), payload.series.length, payload.strip, zoom), alt, zoom);
    bare = { data: { ...table.data, "image/png": png }, metadata };
    if (png.length > budget.output * pictureShare) continue;
    for (const rows of stored) {
      const bundle = { data: { [runMime]: payload, [vegaliteMime]: chart(rows), "image/png": png, "text/plain": text }, metadata };
      if (bundleBytes(bundle) <= budget.output) return bundle;
    }
    break;
  }
  // Dozens of series: the picture, the table and the live view remain.
  return bundleBytes(bare) <= budget.output ? bare : table;
}
