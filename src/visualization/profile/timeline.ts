/** Draws when which kernel ran: a lane a device, a colour for each of the kernels that took longest, white where nothing ran. */
import type { KernelAverage, ProfileEvent } from "../../tensor/profile.js";
import { seriesColors } from "../run/chart.js";
import { percent, short } from "../picture/numbers.js";
import { density, ink, label, magnify, margin, type Drawing } from "../picture/picture.js";

/** Moments of the picture: of each, the kernel that took most of it is drawn. */
const moments = 600;
const laneHeight = 22;
const laneGap = 6;
const mostLanes = 6;
const legendWidth = 150;

export function drawTimeline(events: readonly ProfileEvent[], averages: readonly KernelAverage[], duration: number): Drawing {
  const names = [...new Set(averages.map(({ kernel }) => kernel))];
  const colored = names.slice(0, seriesColors.length);
  const lanes = [...new Set(events.map(({ device }) => device))].slice(0, mostLanes);
  const left = margin + 7 * Math.max(0, ...lanes.map((name) => name.length));
  const top = margin + 4;
  const palette = paletteOf(colored.length);
  const cells = lanes.map((lane) => {
    const own = events.filter(({ device }) => device === lane);
    return momentsOf(own, duration, (kernel) => Math.min(colored.length, colored.indexOf(kernel) >>> 0) + 1);
  });
  const laneTop = (i: number): number => top + i * (laneHeight + laneGap);
  const blocks = cells.map((indices, i) =>
    magnify({ width: moments, height: 1, indices, palette }, [density, laneHeight * density], [left * density, laneTop(i) * density]),
  );
  const bottom = laneTop(lanes.length);
  const small = { fill: ink.muted, size: 9 };
  const body = lanes.map((lane, i) => label(left - 6, laneTop(i) + 15, lane, { ...small, anchor: "end" }));
  body.push(
    label(left, bottom + 6, "0", small),
    label(left + moments, bottom + 6, `${short(duration, 3)} ms`, { ...small, anchor: "end" }),
  );
  const total = averages.reduce((sum, average) => sum + average.total, 0) || 1;
  const shareOf = (kernel: string): number =>
    averages.reduce((sum, average) => sum + (average.kernel === kernel ? average.total : 0), 0) / total;
  const entries = colored.map((kernel) => `${kernel} ${percent(shareOf(kernel))}`);
  if (names.length > colored.length) entries.push(`others ${percent(1 - colored.reduce((sum, kernel) => sum + shareOf(kernel), 0))}`);
  const across = Math.floor(moments / legendWidth);
  entries.forEach((entry, i) => {
    const [x, y] = [left + (i % across) * legendWidth, bottom + 24 + Math.floor(i / across) * 14];
    body.push(
      `<rect x="${x}" y="${y - 8}" width="10" height="8" fill="${colorOf(i, colored.length)}"/>`,
      label(x + 14, y, entry, { size: 9 }),
    );
  });
  const height = bottom + 24 + Math.ceil(entries.length / across) * 14;
  return { width: left + moments + margin, height, body: body.join(""), blocks, cells, colors: 8 + 2 * entries.length };
}

const colorOf = (i: number, colored: number): string => (i < colored ? seriesColors[i]! : "#9a9a9a");

/** Index 0: nothing ran. */
function paletteOf(colored: number): Uint8Array {
  const hex = ["#f2f2f2", ...Array.from({ length: colored + 1 }, (_, i) => colorOf(i, colored))];
  return Uint8Array.from(hex.flatMap((color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))));
}

/** The index of what took most of each moment. */
function momentsOf(events: readonly ProfileEvent[], duration: number, indexOf: (kernel: string) => number): Uint8Array {
  const length = duration / moments || 1;
  const indices = new Uint8Array(moments);
  const longest = new Float64Array(moments);
  for (const { kernel, start, duration: took } of events) {
    const index = indexOf(kernel);
    const last = Math.min(moments - 1, Math.floor((start + took) / length));
    for (let moment = Math.max(0, Math.floor(start / length)); moment <= last; moment++) {
      const covered = Math.min(start + took, (moment + 1) * length) - Math.max(start, moment * length);
      if (covered <= longest[moment]!) continue;
      longest[moment] = covered;
      indices[moment] = index;
    }
  }
  return indices;
}
