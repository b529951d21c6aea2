/** Samples the gradients of a watched model while it trains, seldom enough to cost at most a hundredth of the step. */
import { Code } from "../../tensor/dtype.js";
import { codesOf, run } from "../../tensor/launch.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { GradientStrip } from "../../wire/run.js";

/** Anything with named parameters, such as a Module. */
export interface Watched {
  namedParameters(): Iterable<readonly [string, Tensor]>;
}

const vectorNorm = codesOf("structured")("vectorNorm");

// One norm of all gradients costs about a sixth of a small model's step.
const firstInterval = 16;
const mostColumns = 128;

/**
 * log10 of the L2 norm of each parameter's gradient at some steps. The schedule depends on the number of samples only, never on the clock, so that a
 * run gives the same strip on every machine: each power of two below 16, then every 16th; when 128 columns are full, every second is
 * dropped and the interval doubles.
 */
export class GradientWatch {
  private names: readonly string[] = [];
  private columns: { readonly step: number; readonly norms: Float64Array }[] = [];
  private interval = firstInterval;
  private next = 0;
  /** Grows with every sample. */
  samples = 0;

  // Kept weakly: a run outlives its model as a ghost.
  private readonly model: WeakRef<Watched>;

  constructor(model: Watched) {
    this.model = new WeakRef(model);
  }

  /** Called at each log(); samples when it is time. */
  at(step: number): void {
    if (step < this.next) return;
    this.next = step < firstInterval ? Math.max(1, step * 2) : (Math.floor(step / this.interval) + 1) * this.interval;
    const parameters = [...(this.model.deref()?.namedParameters() ?? [])];
    if (parameters.length === 0) return;
    this.names = parameters.map(([name]) => name);
    this.columns.push({ step, norms: Float64Array.from(parameters, ([, { grad }]) => (grad === null ? -1 : l2(grad))) });
    this.samples++;
    if (this.columns.length < mostColumns) return;
    this.columns = this.columns.filter((_, i) => i % 2 === 0);
    this.interval *= 2;
  }

  /** The strip with at most `rows` parameters and `columns` samples; null before the first sample. */
  strip(rows = Infinity, columns = mostColumns): GradientStrip | null {
    const stride = Math.ceil(this.columns.length / columns);
    const kept = this.columns.filter((_, i) => i % stride === 0);
    if (kept.length === 0) return null;
    const chosen = spread(this.names.length, rows);
    const logs = chosen.map((row) => kept.map(({ norms }) => Math.log10(norms[row] ?? NaN)));
    const finite = logs.flat().filter(Number.isFinite);
    const lo = Math.floor(finite.reduce((a, b) => Math.min(a, b), Infinity) * 10) / 10;
    const hi = Math.ceil(finite.reduce((a, b) => Math.max(a, b), -Infinity) * 10) / 10;
    const [from, to] = finite.length === 0 ? [0, 1] : [lo, Math.max(hi, lo + 0.1)];
    const codes = chosen.flatMap((row) => kept.map(({ norms }) => code(norms[row] ?? -1, from, to)));
    return {
      names: chosen.map((row) => this.names[row]!),
      steps: kept.map(({ step }) => step),
      lo: from,
      hi: to,
      values: Buffer.from(codes).toString("base64"),
    };
  }
}

function code(norm: number, lo: number, hi: number): number {
  if (Number.isNaN(norm) || norm === Infinity) return 255;
  if (norm <= 0) return 0;
  return Math.min(254, Math.max(1, 1 + Math.round(((Math.log10(norm) - lo) / (hi - lo)) * 253)));
}

/** At most `most` of `total` positions, evenly spread. */
function spread(total: number, most: number): number[] {
  const size = Math.min(total, most);
  return Array.from({ length: size }, (_, i) => Math.floor((i * total) / size));
}

function l2(tensor: Tensor): number {
  const mask = 2 ** tensor.shape.length - 1;
  using norm = run("vectorNorm", vectorNorm, [tensor], [], tensor.dt === Code.float64 ? Code.float64 : Code.float32, [mask, 2]);
  return Number(norm.item());
}
