/** The gradient view of a model: a table that reads without a script, a picture, a text. */
import type { Tensor } from "../../tensor/tensor.js";
import { gradientsMime, type GradientRow, type GradientsPayload } from "../../wire/gradients.js";
import { displaySymbol, type MimeBundle } from "../../wire/host.js";
import { escapeMarkup } from "../../wire/markup.js";
import { fromWire, type WireNumber } from "../../wire/live.js";
import { drawGradients } from "./picture.js";
import { defaultLimits, gradientRows, type GradientLimits } from "./rows.js";
import { count, percent, short, sparkline } from "../picture/numbers.js";
import { lineDensity, pngEntry, rasterize } from "../picture/picture.js";
import { budget, bundleBytes } from "../tensor/bundle.js";

/** Anything with named parameters, such as a Module. */
export interface HasParameters {
  namedParameters(): Iterable<readonly [string, Tensor]>;
}

/**
 * Shows how the gradient flows: for each parameter its shape, |w|, |g|, zeros, NaN, how far it moved since the last call, and what is unusual.
 * Call it after `backward()`.
 * @param model anything with `namedParameters()`.
 * @param limits bounds beyond which a row is flagged.
 * @returns a view that a cell shows; `String()` of it is the table as text.
 * @example gradFlow(model)
 */
export function gradFlow(model: HasParameters, limits: Partial<GradientLimits> = {}): GradientView {
  return new GradientView(gradientRows(model.namedParameters(), { ...defaultLimits, ...limits }));
}

export class GradientView {
  constructor(readonly rows: readonly GradientRow[]) {}

  toString(): string {
    return textTable(this.payload(this.rows.length));
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** At most 24 KB: flagged rows first, the others in order, as many as fit. */
  [displaySymbol](): MimeBundle {
    let shown = this.rows.length;
    for (;;) {
      const payload = this.payload(shown);
      const picture = pngEntry(rasterize(drawGradients(payload), lineDensity), payload.summary, lineDensity);
      const data = {
        [gradientsMime]: payload,
        "text/html": htmlTable(payload),
        "image/png": picture.data,
        "text/plain": textTable(payload),
      };
      const bundle = { data, metadata: picture.metadata };
      const bytes = bundleBytes(bundle);
      if (bytes <= budget.output || shown <= 1) return bundle;
      shown = Math.max(1, Math.min(shown - 1, Math.floor((shown * budget.output) / bytes)));
    }
  }

  private payload(most: number): GradientsPayload {
    const kept = new Set([...this.rows].sort((a, b) => Number(b.flags.length > 0) - Number(a.flags.length > 0)).slice(0, most));
    return { version: 1, summary: summary(this.rows), total: this.rows.length, rows: this.rows.filter((row) => kept.has(row)) };
  }
}

function summary(rows: readonly GradientRow[]): string {
  const numel = rows.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const flagged = rows.filter(({ flags }) => flags.length > 0).length;
  const parts = [
    `${count(rows.length)} parameters`,
    `${count(numel)} elements`,
    flagged === 0 ? "nothing unusual" : `${count(flagged)} flagged`,
  ];
  return `gradients · ${parts.join(" · ")}`;
}

const header = ["parameter", "shape", "|w|", "|g|", "max |g|", "zeros", "|Δw|/|w|", "log |g|", ""];

function cellsOf(row: GradientRow): string[] {
  const number = (value: WireNumber | null): string => (value === null ? "" : short(fromWire(value), 3));
  const zeros = row.zeros === null ? "" : percent(row.zeros);
  const history =
    row.history.length > 1
      ? sparkline(
          row.history.map((v) => v ?? NaN),
          12,
        )
      : "";
  const flags = row.flags.map(({ kind, rule }) => `${kind}: ${rule}`).join("; ");
  return [
    row.name,
    row.shape.join(" x "),
    number(row.weight),
    number(row.grad),
    number(row.gradMax),
    zeros,
    number(row.ratio),
    history,
    flags,
  ];
}

function textTable(payload: GradientsPayload): string {
  const cells = [header, ...payload.rows.map(cellsOf)];
  const used = header.map((_, c) => cells.slice(1).some((row) => row[c] !== ""));
  const widths = header.map((_, c) => Math.max(...cells.map((row) => row[c]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, c) => (c >= 2 && c <= 6 ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)))
      .filter((_, c) => used[c])
      .join("  ")
      .trimEnd(),
  );
  return [payload.summary, ...lines, ...omitted(payload)].join("\n");
}

function omitted({ total, rows }: GradientsPayload): string[] {
  return total > rows.length ? [`and ${count(total - rows.length)} more`] : [];
}

/** Semantic, without script or style sheet: a page that strips attributes still shows the table. */
function htmlTable(payload: GradientsPayload): string {
  const cells = payload.rows.map(cellsOf);
  const used = header.map((_, c) => cells.some((row) => row[c] !== ""));
  const line = (tag: "th" | "td", row: readonly string[]): string =>
    `<tr>${row
      .map((cell) => `<${tag}>${escapeMarkup(cell)}</${tag}>`)
      .filter((_, c) => used[c])
      .join("")}</tr>`;
  const caption = [payload.summary, ...omitted(payload)].join(" · ");
  return `<table><caption>${escapeMarkup(caption)}</caption><thead>${line("th", header)}</thead><tbody>${cells.map((row) => line("td", row)).join("")}</tbody></table>`;
}
