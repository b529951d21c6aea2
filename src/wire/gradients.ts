/** The stored form of a gradient view: one row a parameter. */
import { isRecord, type WireNumber } from "./live.js";

export const gradientsMime = "application/vnd.cellgrad.gradients.v1+json";

/** What is unusual about a gradient; `rule` is the sentence with the threshold that was crossed. */
export interface GradientFlag {
  readonly kind: "none" | "dead" | "vanishing" | "exploding" | "nonfinite" | "ratio" | "frozen";
  readonly rule: string;
}

/** The words for each kind in tables and pictures. */
export const gradientFlags: Readonly<Record<GradientFlag["kind"], string>> = {
  none: "no gradient",
  dead: "dead",
  vanishing: "vanishing",
  exploding: "exploding",
  nonfinite: "NaN or Inf",
  ratio: "update ratio",
  frozen: "frozen",
};

export interface GradientRow {
  readonly name: string;
  readonly shape: readonly number[];
  /** L2 norm of the parameter. */
  readonly weight: WireNumber;
  /** L2 norm and largest magnitude of the gradient; null without a gradient. */
  readonly grad: WireNumber | null;
  readonly gradMax: WireNumber | null;
  /** Share of exact zeros in the gradient, 0..1. */
  readonly zeros: number | null;
  readonly nan: number;
  readonly infinite: number;
  /** |change of w| / |w| since the previous sample; null at the first. */
  readonly ratio: WireNumber | null;
  /** log10 |g| of up to the last 40 samples, oldest first; null where there was no finite gradient. */
  readonly history: readonly (number | null)[];
  readonly flags: readonly GradientFlag[];
}

export interface GradientsPayload {
  readonly version: 1;
  readonly summary: string;
  /** Number of parameter tensors; more than rows.length when the table was cut to fit. */
  readonly total: number;
  readonly rows: readonly GradientRow[];
}

export function isGradientsPayload(value: unknown): value is GradientsPayload {
  return isRecord(value) && value.version === 1 && Array.isArray(value.rows) && typeof value.total === "number";
}
