/** Measures the gradients of a model, parameter by parameter, and says what is unusual about them. */
import { io, native } from "../../runtime/addon.js";
import { Code } from "../../tensor/dtype.js";
import { made } from "../../tensor/launch.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { GradientFlag, GradientRow } from "../../wire/gradients.js";
import { toWire } from "../../wire/live.js";
import { elementsOf } from "../tensor/tensor-elements.js";
import { percent, short } from "../picture/numbers.js";

/** Bounds beyond which a row is flagged. */
export interface GradientLimits {
  /** Share of zeros in a gradient. Default 0.99. */
  readonly dead: number;
  /** |g| as a share of the largest |g| of the model. Default 1e-6. */
  readonly vanishing: number;
  /** |g| as a multiple of the 95th percentile of its earlier samples (five at least). Default 10. */
  readonly exploding: number;
  /** Least and largest |change of w| / |w| since the sample before. Default [1e-7, 0.1]. */
  readonly ratio: readonly [number, number];
}

export const defaultLimits: GradientLimits = { dead: 0.99, vanishing: 1e-6, exploding: 10, ratio: [1e-7, 0.1] };

interface Memory {
  readonly norms: (number | null)[];
  weights: Float64Array;
}

const remembered = 40;
const sampledWeights = 4096;

// Earlier samples of a parameter, as long as it lives.
const memories = new WeakMap<Tensor, Memory>();

/** One row a parameter; each call is a sample that the next one compares with. */
export function gradientRows(parameters: Iterable<readonly [string, Tensor]>, limits: GradientLimits): GradientRow[] {
  const measured = [...parameters].map(([name, parameter]) => ({ parameter, row: measure(name, parameter) }));
  const largest = Math.max(0, ...measured.map(({ row }) => (Number.isFinite(row.grad) ? Number(row.grad) : 0)));
  return measured.map(({ parameter, row }) => ({ ...row, flags: flagsOf(row, parameter, largest, limits) }));
}

function measure(name: string, parameter: Tensor): GradientRow {
  const weights = sampleOf(parameter);
  const before = memories.get(parameter);
  const gradient = parameter.grad === null ? null : normsOf(parameter.grad);
  const log = gradient === null || !(gradient.l2 > 0) || !Number.isFinite(gradient.l2) ? null : Number(Math.log10(gradient.l2).toFixed(3));
  const norms = [...(before?.norms ?? []), log].slice(-remembered);
  memories.set(parameter, { norms, weights });
  const changed =
    before === undefined || before.weights.every((value, i) => value === weights[i]) ? null : distance(before.weights, weights);
  return {
    name,
    shape: parameter.shape,
    weight: toWire(seven(normsOf(parameter).l2)),
    grad: gradient === null ? null : toWire(seven(gradient.l2)),
    gradMax: gradient === null ? null : toWire(seven(gradient.max)),
    zeros: gradient === null ? null : gradient.zeros / parameter.numel(),
    nan: gradient?.nan ?? 0,
    infinite: gradient?.infinite ?? 0,
    ratio: changed === null ? null : toWire(seven(changed)),
    history: norms,
    flags: [],
  };
}

const seven = (value: number): number => Number(value.toPrecision(7));

interface Norms {
  readonly l2: number;
  readonly max: number;
  readonly zeros: number;
  readonly nan: number;
  readonly infinite: number;
}

function normsOf(tensor: Tensor): Norms {
  const numel = tensor.numel();
  const statistics = numel === 0 ? null : elementsOf(tensor).statistics();
  if (statistics === null) return { l2: 0, max: 0, zeros: 0, nan: 0, infinite: 0 };
  const { min, max, mean, m2, nan, zeros, positiveInfinity, negativeInfinity } = statistics;
  const infinite = positiveInfinity + negativeInfinity;
  const finite = numel - nan - infinite;
  const l2 = nan > 0 ? NaN : infinite > 0 ? Infinity : Math.sqrt(m2 + finite * mean * mean);
  return { l2, max: finite === 0 ? NaN : Math.max(Math.abs(min), Math.abs(max)), zeros, nan, infinite };
}

/** At most 4096 elements, evenly spread: enough to tell how far a parameter moved. */
function sampleOf(tensor: Tensor): Float64Array {
  const numel = tensor.numel();
  const whole = tensor.isContiguous()
    ? tensor
    : made("contiguous", tensor.shape, tensor.dt, tensor.dev, [tensor], (o) => native.contiguous(tensor.handle, o));
  const flat = made("view", [numel], tensor.dt, tensor.dev, [whole], (owner) => reshapeTo(whole.handle, numel, owner));
  const step = Math.max(1, Math.ceil(numel / sampledWeights));
  const length = Math.ceil(numel / step);
  const part = made("view", [length], tensor.dt, tensor.dev, [flat], (owner) => native.slice(flat.handle, 0, 0, length, step, owner));
  const doubles = made("cast", [length], Code.float64, tensor.dev, [part], (owner) => native.cast(part.handle, Code.float64, owner));
  return doubles.toTypedArray() as Float64Array;
}

function reshapeTo(handle: number, numel: number, owner: Tensor): number {
  io[0] = numel;
  return native.reshape(handle, 1, 0, owner);
}

function distance(before: Float64Array, after: Float64Array): number {
  let [change, size] = [0, 0];
  for (let i = 0; i < after.length; i++) {
    change += (after[i]! - before[i]!) ** 2;
    size += before[i]! ** 2;
  }
  return Math.sqrt(change / size);
}

function flagsOf(row: GradientRow, parameter: Tensor, largest: number, limits: GradientLimits): GradientFlag[] {
  if (!parameter.requiresGrad) return [{ kind: "frozen", rule: "requiresGrad is false" }];
  if (row.grad === null) return [{ kind: "none", rule: "no gradient has reached it" }];
  if (row.nan + row.infinite > 0)
    return [{ kind: "nonfinite", rule: `${row.nan} NaN and ${row.infinite} infinite elements in the gradient` }];
  const flags: GradientFlag[] = [];
  const grad = Number(row.grad);
  if (row.zeros! > limits.dead)
    flags.push({ kind: "dead", rule: `${percent(row.zeros!)} of the gradient is zero, more than ${percent(limits.dead)}` });
  else if (grad < limits.vanishing * largest)
    flags.push({ kind: "vanishing", rule: `|g| is below ${short(limits.vanishing)} of the largest, ${short(largest)}` });
  const usual = percentile95(row.history.slice(0, -1));
  if (usual !== null && grad > limits.exploding * usual)
    flags.push({ kind: "exploding", rule: `|g| is over ${limits.exploding} times its usual ${short(usual)}` });
  const [least, most] = limits.ratio;
  const ratio = row.ratio === null ? null : Number(row.ratio);
  if (ratio !== null && !(ratio >= least && ratio <= most))
    flags.push({ kind: "ratio", rule: `|Δw|/|w| is outside ${short(least)} to ${short(most)}` });
  return flags;
}

function percentile95(history: readonly (number | null)[]): number | null {
  const logs = history.filter((log) => log !== null).sort((a, b) => a - b);
  return logs.length < 5 ? null : 10 ** logs[Math.floor(0.95 * (logs.length - 1))]!;
}
