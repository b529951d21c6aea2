/** The one line that says what a tensor is: also the accessible name of its picture. */
import { formatBytes } from "../../tensor/errors.js";
import type { TensorPayload } from "../../wire/tensor.js";
import { bars, count, percent, rebin, short } from "../picture/numbers.js";
import type { Limits } from "./scale.js";

export type SummaryFacts = Pick<TensorPayload, "shape" | "dtype" | "device" | "bytes" | "requiresGrad" | "gradFn" | "statistics">;

/** `float32 [64, 3, 32, 32] · 768 KB · cpu · [-4.5 ▁▂▅█▅▂▁ 4.6] · μ 0.001 σ 0.999 · 0 NaN`. */
export function summaryLine(facts: SummaryFacts, limits: Limits | null): string {
  return [...identity(facts), ...distribution(facts, limits), ...exceptions(facts), ...graph(facts)].join(" · ");
}

export function identity({ shape, dtype, device, bytes }: SummaryFacts): string[] {
  return [`${dtype} [${shape.join(", ")}]`, formatBytes(bytes), device];
}

function distribution({ shape, dtype, statistics }: SummaryFacts, limits: Limits | null): string[] {
  const { min, max, mean, std } = statistics;
  const of = dtype.startsWith("complex") ? "|z| " : "";
  const numel = shape.reduce((a, b) => a * b, 1);
  if (min === null || max === null || mean === null || std === null) return [];
  if (numel === 1) return [`${of}${short(min, 6)}`];
  if (dtype === "bool") return [`${count(numel - statistics.zeros)} of ${count(numel)} true (${percent(1 - statistics.zeros / numel)})`];
  const shape10 = limits === null || min === max ? "" : ` ${barsBetween(limits, min, max)}`;
  return [of + (min === max ? `all ${short(min)}` : `[${short(min)}${shape10} ${short(max)}]`), `μ ${short(mean)} σ ${short(std)}`];
}

// An ellipsis where the histogram stops short of an outlier.
function barsBetween({ histogram }: Limits, min: number, max: number): string {
  return `${histogram.lo > min ? "…" : ""}${bars(rebin(histogram.counts, 8))}${histogram.hi < max ? "…" : ""}`;
}

function exceptions({ statistics, shape, dtype }: SummaryFacts): string[] {
  const numel = shape.reduce((a, b) => a * b, 1);
  const { nan, positiveInfinity, negativeInfinity, zeros, firstNaN, min } = statistics;
  const out: string[] = [];
  if (dtype === "bool") return out;
  if (min !== null && numel > 1 && zeros / numel >= 0.05) out.push(`zeros ${percent(zeros / numel)}`);
  const where = firstNaN === null || shape.length === 0 ? "" : `, first at [${firstNaN.join(", ")}]`;
  if (numel > 0 && (min !== null || nan > 0)) out.push(`${count(nan)} NaN${where}`);
  if (positiveInfinity > 0) out.push(`${count(positiveInfinity)} +Inf`);
  if (negativeInfinity > 0) out.push(`${count(negativeInfinity)} -Inf`);
  return out;
}

function graph({ requiresGrad, gradFn }: SummaryFacts): string[] {
  return gradFn !== null ? [gradFn] : requiresGrad ? ["requires grad"] : [];
}
