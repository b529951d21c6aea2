/** Draws the devices for the file: a bar each, and under them the largest holders. */
import { formatBytes, formatShape } from "../../tensor/errors.js";
import { memoryColors, holderColors } from "../../wire/color.js";
import { memoryParts, partNames, partsOf, type DeviceState, type DevicesPayload, type HolderRow } from "../../wire/devices.js";
import { escapeMarkup } from "../../wire/markup.js";
import { heading, ink, label, margin, type Drawing } from "../picture/picture.js";
import { kindNames } from "./text.js";

const width = 620;
const barHeight = 14;
const deviceHeight = 46;
const rowHeight = 17;

export function drawDevices({ summary, devices, holders, others, failure }: DevicesPayload): Drawing {
  const head = heading([summary]);
  const body = [head.body];
  let y = margin + head.height;
  for (const device of devices) {
    body.push(drawDevice(device, y, failure?.device === device.name ? failure.requested : 0));
    y += device.reason === "" ? deviceHeight : rowHeight + 4;
  }
  body.push(legend(devices, y + 8));
  y += 24;
  const largest = Math.max(1, ...holders.map(({ bytes }) => bytes));
  for (const row of holders) {
    body.push(drawHolder(row, y, largest));
    y += rowHeight;
  }
  if (others > 0) {
    body.push(label(margin, y + 12, `and ${others} more`, { fill: ink.muted, size: 9 }));
    y += rowHeight;
  }
  return { width, height: y + margin, body: body.join(""), blocks: [], cells: [], colors: 16 };
}

/** `asked` is drawn behind what is taken: the allocation that did not fit. */
function drawDevice(device: DeviceState, y: number, asked: number): string {
  const { name, description, reason, live, peak, cap, total } = device;
  if (reason !== "")
    return label(margin, y + 12, name, { fill: ink.muted }) + label(margin + 70, y + 12, short(reason, 88), { fill: ink.muted, size: 9 });
  const parts = partsOf(device);
  const size = memoryParts.reduce((sum, part) => sum + parts[part], 0);
  const scale = (width - 2 * margin) / Math.max(1, size);
  const out = [label(margin, y + 12, name), label(margin + 70, y + 12, short(description, 52), { fill: ink.muted, size: 9 })];
  const used = `${formatBytes(live)}${peak > 0 ? `, peak ${formatBytes(peak)}` : ""} of ${formatBytes(cap > 0 ? cap : total)}`;
  out.push(label(width - margin, y + 12, used, { anchor: "end", size: 9 }));
  const top = y + 18;
  let x = margin;
  for (const part of memoryParts) {
    const length = parts[part] * scale;
    if (length > 0) out.push(rect(x, top, Math.max(length, part === "free" ? 0 : 1), barHeight, memoryColors[part].light));
    x += length;
  }
  const mark = margin + peak * scale;
  if (peak > 0 && peak <= size)
    out.push(`<path d="M${mark.toFixed(1)} ${top - 2}V${top + barHeight + 2}" stroke="${ink.text}" stroke-width="1.5"/>`);
  if (asked > 0) {
    const from = margin + (live + parts.cached) * scale;
    const length = Math.min(asked * scale, width - margin - from);
    out.push(
      `<rect x="${from.toFixed(1)}" y="${top - 2}" width="${length.toFixed(1)}" height="${barHeight + 4}" fill="none" stroke="#b3261e" stroke-width="1.5" stroke-dasharray="4 2"/>`,
    );
  }
  return out.join("");
}

function legend(devices: readonly DeviceState[], y: number): string {
  const used = memoryParts.filter((part) => devices.some((device) => device.reason === "" && partsOf(device)[part] > 0));
  let x = margin;
  return used
    .map((part) => {
      const at = x;
      x += 18 + partNames[part].length * 5.6 + 10;
      return rect(at, y - 7, 8, 8, memoryColors[part].light) + label(at + 12, y, partNames[part], { size: 9, fill: ink.muted });
    })
    .join("");
}

function drawHolder({ name, kind, bytes, dtype, shape, cell, device }: HolderRow, y: number, largest: number): string {
  const where = [kindNames[kind], ...(device === "cpu" ? [] : [device]), ...(cell === null ? [] : [`cell ${cell}`])].join(", ");
  return [
    rect(margin, y + 3, Math.max(1, (70 * bytes) / largest), 9, holderColors[kind].light),
    label(margin + 136, y + 11, formatBytes(bytes), { anchor: "end", size: 9 }),
    label(margin + 146, y + 11, short(name ?? "—", 30), { size: 9 }),
    label(margin + 320, y + 11, short(`${dtype} ${formatShape(shape)}`, 28), { size: 9, fill: ink.muted }),
    label(margin + 470, y + 11, where, { size: 9, fill: ink.muted }),
  ].join("");
}

const rect = (x: number, y: number, w: number, h: number, fill: string): string =>
  `<rect x="${x.toFixed(1)}" y="${y}" width="${w.toFixed(1)}" height="${h}" fill="${escapeMarkup(fill)}"/>`;

const short = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
