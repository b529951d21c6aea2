/** Builds the MIME bundle of a tensor: payload, picture and text, within the byte budget of a notebook. */
import { deflateSync } from "node:zlib";
import type { MimeBundle } from "../../wire/host.js";
import type { LiveRef } from "../../wire/live.js";
import { tensorMime, type TensorPayload, type TensorStatistics } from "../../wire/tensor.js";
import type { Elements, RawStatistics } from "./elements.js";
import { formOf, imageLayout, smallNumel } from "./form.js";
import { rebin } from "../picture/numbers.js";
import { escapeMarkup } from "../../wire/markup.js";
import { pngEntry, rasterize, lineDensity } from "../picture/picture.js";
import { limitsOf, type Limits } from "./scale.js";
import { details, drawTensor, drawText } from "./heatmap.js";
import { summaryLine, type SummaryFacts } from "./summary.js";

/** Bytes that an output may add to a notebook. */
export const budget = { output: 24 * 1024, small: 3 * 1024 } as const;

const mostText = 4000;

/** What is known of a tensor beside its elements. */
export type Identity = Omit<SummaryFacts, "statistics" | "shape" | "dtype"> & {
  readonly tensorVersion: number;
  readonly live: LiveRef | null;
};

/** The payload of a tensor: at most 2 KB whatever its size. */
export function tensorPayload(elements: Elements, identity: Identity): TensorPayload {
  const { shape, dtype } = elements;
  const raw = elements.numel === 0 ? null : elements.statistics();
  const limits = raw === null ? null : briefly(limitsOf(elements, raw), elements.numel);
  const images = imageLayout(elements, raw, limits, identity.requiresGrad);
  const facts = { ...identity, shape, dtype, statistics: statisticsOf(elements, raw) };
  const form = formOf(elements, images);
  return {
    version: 1,
    live: identity.live,
    form,
    shape,
    dtype,
    device: identity.device,
    bytes: identity.bytes,
    requiresGrad: identity.requiresGrad,
    gradFn: identity.gradFn,
    tensorVersion: identity.tensorVersion,
    summary: summaryLine(facts, limits),
    statistics: facts.statistics,
    histogram: form === "text" ? null : (limits?.histogram ?? null),
    scale: form === "text" ? null : (limits?.scale ?? null),
    images,
  };
}

// Nine digits tell every float32 from its neighbours; more would only cost bytes.
const brief = (value: number): number => Number(value.toPrecision(9));

function briefly(limits: Limits | null, numel: number): Limits | null {
  if (limits === null) return null;
  const { histogram, scale } = limits;
  const counts = numel > smallNumel ? histogram.counts : rebin(histogram.counts, 16);
  return {
    histogram: { lo: brief(histogram.lo), hi: brief(histogram.hi), counts },
    scale: { ...scale, lo: brief(scale.lo), hi: brief(scale.hi) },
  };
}

function statisticsOf(elements: Elements, raw: RawStatistics | null): TensorStatistics {
  if (raw === null) {
    return { min: null, max: null, mean: null, std: null, nan: 0, positiveInfinity: 0, negativeInfinity: 0, zeros: 0, firstNaN: null };
  }
  const { nan, positiveInfinity, negativeInfinity, zeros } = raw;
  const finite = elements.numel - nan - positiveInfinity - negativeInfinity;
  const known = (value: number): number | null => (finite > 0 ? brief(value) : null);
  return {
    min: known(raw.min),
    max: known(raw.max),
    mean: known(raw.mean),
    // Bessel's correction, as torch's std().
    std: known(finite > 1 ? Math.sqrt(raw.m2 / (finite - 1)) : 0),
    nan,
    positiveInfinity,
    negativeInfinity,
    zeros,
    firstNaN: raw.firstNaN < 0 ? null : unravel(raw.firstNaN, elements.shape),
  };
}

function unravel(flat: number, shape: readonly number[]): number[] {
  const index = shape.map(() => 0);
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    index[dim] = flat % shape[dim]!;
    flat = Math.floor(flat / shape[dim]!);
  }
  return index;
}

/** The bundle: our payload, a PNG, numbers as html when small, and always text. */
export function tensorBundle(elements: Elements, identity: Identity, printed: string): MimeBundle {
  const payload = tensorPayload(elements, identity);
  const text = `${shortened(printed)}\n${payload.summary}`;
  const small = elements.numel <= smallNumel;
  const data: Record<string, unknown> = { [tensorMime]: payload, "text/plain": text };
  // The numbers say more than a few squares: nbconvert shows html before a picture. Its pages give <pre> the font of prose.
  if (small) data["text/html"] = `<pre style="font-family:monospace">${escapeMarkup(text)}</pre>`;
  const room = (small ? budget.small : budget.output) - bundleBytes({ data });
  const picture =
    payload.form === "text"
      ? textWithin(text.split("\n")[0]!, payload.summary, room)
      : pictureWithin(elements, payload, small ? [] : titleOf(payload), room);
  if (picture === null) return { data, metadata: {} };
  return { data: { ...data, "image/png": picture.data }, metadata: picture.metadata };
}

/** The value as a picture, for who shows nothing else: with the summary where there is room, the start of it otherwise. */
function textWithin(value: string, summary: string, room: number): Entry | null {
  const identity = summary.split(" · ").slice(0, 3).join(" · ");
  for (const lines of [[value, summary], [value, identity], [`${value.slice(0, 24)}…`]]) {
    const entry = pngEntry(rasterize(drawText(lines), lineDensity), summary, lineDensity);
    if (bundleBytes({ data: { "image/png": entry.data }, metadata: entry.metadata }) <= room) return entry;
  }
  return null;
}

function titleOf(payload: TensorPayload): string[] {
  const [first = "", ...rest] = payload.summary.split(" · ");
  return [[first, ...rest.slice(0, 2)].join(" · "), pictureLine(payload, rest.slice(2))];
}

type Entry = ReturnType<typeof pngEntry>;

function pictureWithin(elements: Elements, payload: TensorPayload, title: readonly string[], room: number): Entry | null {
  let perByte = leastPerByte;
  for (const detail of details) {
    const drawing = drawTensor(elements, payload, title, detail);
    // Rasterizing to find out that a picture is too large costs a hundred times more than deflating its cells.
    const data = drawing.cells.length === 0 || drawing.body === "" ? 0 : deflateSync(Buffer.concat(drawing.cells)).length;
    if (data * perByte + textBytes > room && data > 0) continue;
    const entry = pngEntry(rasterize(drawing), payload.summary);
    const bytes = bundleBytes({ data: { "image/png": entry.data }, metadata: entry.metadata });
    if (bytes <= room) return entry;
    // How large this one came out tells how large the next ones will.
    if (data > 0) perByte = Math.max(perByte, (0.9 * (bytes - textBytes)) / data);
  }
  return null;
}

// Base64 bytes of a picture's text, and per deflated byte of its cells before they are enlarged: the least that was measured.
const textBytes = 4000;
const leastPerByte = 2.4;

// Four-dimensional tensors print as hundreds of lines, which the picture needs more.
function shortened(printed: string): string {
  if (printed.length <= mostText) return printed;
  return `${printed.slice(0, printed.lastIndexOf("\n", mostText))}\n...`;
}

/** The rest of the summary without the bar characters, which the legend draws. */
function pictureLine({ statistics }: TensorPayload, rest: readonly string[]): string {
  return statistics.min === null ? rest.join(" · ") : rest.map((part) => part.replace(/\s*[▁-█ ]*[▁-█]\s*/u, ", ")).join(" · ");
}

/** Bytes that a bundle takes in a notebook file. */
export function bundleBytes({ data, metadata = {} }: MimeBundle): number {
  return Buffer.byteLength(JSON.stringify(data)) + (Object.keys(metadata).length > 0 ? Buffer.byteLength(JSON.stringify(metadata)) : 0);
}
