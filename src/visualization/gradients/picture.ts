/** Draws the gradients of a model: a row a parameter, |g| and |w| as dots on one logarithmic axis, flags in words. */
import { gradientFlags, type GradientsPayload, type GradientRow } from "../../wire/gradients.js";
import { fromWire } from "../../wire/live.js";
import { heading, ink, label, margin, type Drawing } from "../picture/picture.js";

const rowHeight = 15;
const axisWidth = 220;
const mostRows = 24;
const colors = { grad: "#0072b2", weight: "#9a9a9a", flag: "#b3261e" } as const;

export function drawGradients({ rows: all, summary, total }: GradientsPayload): Drawing {
  const rows = all.slice(0, mostRows);
  const head = heading([summary]);
  const names = Math.max(60, ...rows.map(({ name }) => Math.min(34, name.length) * 5.6));
  const left = margin + names + 10;
  const top = margin + head.height + 16;
  const values = rows.flatMap((row) => [log(row.grad), log(row.weight)]).filter((v) => v !== null);
  const lo = Math.floor(Math.min(0, ...values));
  const hi = Math.max(lo + 1, Math.ceil(Math.max(0, ...values)));
  const x = (value: number): number => left + (axisWidth * (value - lo)) / (hi - lo);
  const bottom = top + rows.length * rowHeight;
  const body = [head.body, axis(lo, hi, x, top, bottom)];
  rows.forEach((row, i) => body.push(drawRow(row, left, top + i * rowHeight, names, x)));
  body.push(key(left, bottom + 24, total - rows.length));
  const flags = Math.max(0, ...rows.map((row) => flagText(row).length * 5.4));
  return {
    width: Math.ceil(Math.max(left + axisWidth + 14 + flags, head.width + margin) + margin),
    height: bottom + 32,
    body: body.join(""),
    blocks: [],
    cells: [],
    colors: 12,
  };
}

function log(value: GradientRow["grad"]): number | null {
  const number = value === null ? NaN : fromWire(value);
  return number > 0 && Number.isFinite(number) ? Math.log10(number) : null;
}

type Position = (value: number) => number;

function axis(lo: number, hi: number, x: Position, top: number, bottom: number): string {
  const every = Math.ceil((hi - lo) / 8);
  const lines: string[] = [];
  for (let power = lo; power <= hi; power += every) {
    lines.push(
      `<path d="M${x(power)} ${top - 4}V${bottom}" stroke="${ink.faint}"/>`,
      label(x(power), top - 7, `1e${power}`, { anchor: "middle", fill: ink.muted, size: 8 }),
    );
  }
  return lines.join("");
}

function drawRow(row: GradientRow, left: number, top: number, names: number, x: Position): string {
  const middle = top + rowHeight / 2;
  const flag = flagText(row);
  const name = row.name.length > 34 ? `…${row.name.slice(-33)}` : row.name;
  const [grad, weight] = [log(row.grad), log(row.weight)];
  const out = [label(margin + names, middle + 3, name, { anchor: "end", size: 9, fill: flag === "" ? ink.text : colors.flag })];
  if (weight !== null)
    out.push(`<circle cx="${x(weight).toFixed(1)}" cy="${middle}" r="3" fill="none" stroke="${colors.weight}" stroke-width="1.5"/>`);
  if (grad !== null)
    out.push(
      `<path d="M${left} ${middle}H${x(grad).toFixed(1)}" stroke="${colors.grad}" stroke-width="1"/><circle cx="${x(grad).toFixed(1)}" cy="${middle}" r="3.5" fill="${colors.grad}"/>`,
    );
  if (flag !== "") out.push(label(left + axisWidth + 12, middle + 3, flag, { size: 9, fill: colors.flag }));
  return out.join("");
}

function flagText({ flags }: GradientRow): string {
  return flags.map(({ kind }) => gradientFlags[kind]).join(", ");
}

function key(x: number, y: number, more: number): string {
  const text = { fill: ink.muted, size: 9 };
  return [
    `<circle cx="${x + 4}" cy="${y - 3}" r="3.5" fill="${colors.grad}"/>`,
    label(x + 12, y, "|gradient|", text),
    `<circle cx="${x + 76}" cy="${y - 3}" r="3" fill="none" stroke="${colors.weight}" stroke-width="1.5"/>`,
    label(x + 84, y, "|weight|  (L2 norms)", text),
    more > 0 ? label(margin, y, `and ${more} more`, text) : "",
  ].join("");
}
