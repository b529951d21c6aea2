/** Shows a profile in a notebook: the timeline, and the kernels that took longest. */
import { formatBytes } from "../../tensor/errors.js";
import { Profile, placeText, type KernelAverage } from "../../tensor/profile.js";
import { displaySymbol, type MimeBundle } from "../../wire/host.js";
import { escapeMarkup } from "../../wire/markup.js";
import { percent } from "../picture/numbers.js";
import { pngEntry, rasterize } from "../picture/picture.js";
import { drawTimeline } from "./timeline.js";

const mostRows = 15;

function profileBundle(profile: Profile): MimeBundle {
  const text = profile.toString();
  const averages = profile.keyAverages();
  const summary = text.split("\n").at(-1)!;
  if (averages.length === 0) return { data: { "text/plain": text } };
  const picture = pngEntry(rasterize(drawTimeline(profile.events, averages, profile.duration)), `Timeline of native calls: ${summary}`);
  const { width, height, alt } = picture.metadata["image/png"] as { width: number; height: number; alt: string };
  // A page shows html in place of a picture: it holds both.
  const image = `<img src="data:image/png;base64,${picture.data}" width="${width}" height="${height}" alt="${escapeMarkup(alt)}" style="max-width:100%;background:#fff">`;
  const html = `${image}${table(averages, summary)}`;
  return { data: { "text/html": html, "image/png": picture.data, "text/plain": text }, metadata: picture.metadata };
}

function table(averages: readonly KernelAverage[], summary: string): string {
  const sum = averages.reduce((all, { total }) => all + total, 0) || 1;
  const cells = (tag: string, texts: readonly string[]): string =>
    texts.map((text, i) => `<${tag}${isWords(i) ? ' style="text-align:left"' : ""}>${escapeMarkup(text)}</${tag}>`).join("");
  const head = cells("th", ["kernel", "device", "calls", "total ms", "mean µs", "share", "made", "mostly at"]);
  const rows = averages.slice(0, mostRows).map(({ kernel, device, calls, total, mean, bytes, place }) => {
    const figures = [String(calls), total.toFixed(2), (mean * 1000).toFixed(1), percent(total / sum), formatBytes(bytes)];
    return `<tr>${cells("td", [kernel, device, ...figures, placeText(place)])}</tr>`;
  });
  const more = averages.length > mostRows ? ` · ${averages.length - mostRows} more kernels` : "";
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table><p>${escapeMarkup(summary + more)}</p>`;
}

/** Columns of words begin together, numbers end together. */
const isWords = (column: number): boolean => column < 2 || column === 7;

Object.defineProperty(Profile.prototype, displaySymbol, {
  configurable: true,
  writable: true,
  value(this: Profile): MimeBundle {
    return profileBundle(this);
  },
});
