/** `cg.optim.lrScheduler`: learning rates that follow the epoch. */
import { ValueError, describe } from "../tensor/errors.js";
import { trace } from "../tensor/trace.js";
import { bind, parseSignature } from "../ops/schema.js";
import { withIntegerKeys } from "../tensor/integer-keys.js";
import type { Optimizer } from "./optimizer.js";
import { toPython } from "./state-keys.js";

type Group = { lr: number; initialLr?: number };

/** The base: knows the epoch and the rates that the groups began with. */
export abstract class LRScheduler {
  /** The epoch that the current rates are for. */
  lastEpoch = -1;
  baseLrs: readonly number[];
  protected readonly groups: readonly Group[];

  constructor(optimizer: Optimizer<{ lr: number }>) {
    if (!Array.isArray(optimizer?.paramGroups))
      throw new ValueError({ op: this.constructor.name, argument: "optimizer", expected: "an Optimizer", got: describe(optimizer) });
    this.groups = optimizer.paramGroups as readonly Group[];
    for (const group of this.groups) group.initialLr ??= group.lr;
    this.baseLrs = this.groups.map((group) => group.initialLr!);
  }

  /** The rate of a group that began with `base` and has `current`, at epoch `lastEpoch`. */
  protected abstract rate(base: number, current: number, index: number): number;

  /** Moves to the next epoch. Call it after the epoch's optimizer steps. */
  step(): void {
    trace?.refuse(`${this.constructor.name}.step() changes the learning rate: call it outside of the compiled function`);
    this.lastEpoch++;
    this.groups.forEach((group, i) => (group.lr = this.rate(this.baseLrs[i]!, group.lr, i)));
  }

  /** The current rates, one a group. */
  getLastLr(): number[] {
    return this.groups.map((group) => group.lr);
  }

  /** What the schedule knows, under PyTorch's keys. */
  stateDict(): Record<string, unknown> {
    const own = this.kept().map(([key, value]) => [toPython(key), Array.isArray(value) ? [...(value as unknown[])] : value]);
    const { lastEpoch } = this;
    return {
      ...Object.fromEntries(own),
      _step_count: lastEpoch + 1,
      _is_initial: false,
      _get_lr_called_within_step: false,
      _last_lr: this.getLastLr(),
    };
  }

  /** Goes on from a state dict, PyTorch's own included, and sets the rates. */
  loadStateDict(state: Record<string, unknown>): void {
    for (const [key] of this.kept()) if (toPython(key) in state) Object.assign(this, { [key]: state[toPython(key)] });
    (state["_last_lr"] as number[]).forEach((lr, i) => (this.groups[i]!.lr = lr));
  }

  /** Numbers and lists of the schedule, without its functions. */
  private kept(): [key: string, value: unknown][] {
    return Object.entries(this).filter(([key, value]) => key !== "groups" && typeof value !== "function");
  }
}

type Scheduled = Optimizer<{ lr: number }>;
const read = <T extends unknown[]>(name: string, signature: string, args: readonly unknown[]): T =>
  bind(name, parseSignature(signature), args) as T;

/** Multiplies the rate by gamma every stepSize epochs. @param gamma default 0.1 */
export class StepLR extends LRScheduler {
  readonly stepSize: number;
  readonly gamma: number;
  constructor(optimizer: Scheduled, stepSize: number | { stepSize: number; gamma?: number }, gamma?: number | { gamma?: number }) {
    super(optimizer);
    [, this.stepSize, this.gamma] = read<[unknown, number, number]>("StepLR", "optimizer: any, stepSize: int, gamma: float = 0.1", [
      optimizer,
      stepSize,
      gamma,
    ]);
    if (this.stepSize < 1) throw new ValueError({ op: "StepLR", argument: "stepSize", expected: "at least 1", got: String(this.stepSize) });
    this.step();
  }
  protected rate(_base: number, current: number): number {
    return this.lastEpoch > 0 && this.lastEpoch % this.stepSize === 0 ? current * this.gamma : current;
  }
}

/** Multiplies the rate by gamma at the given epochs. @param gamma default 0.1 */
export class MultiStepLR extends LRScheduler {
  readonly milestones: readonly number[];
  readonly gamma: number;
  constructor(
    optimizer: Scheduled,
    milestones: readonly number[] | { milestones: readonly number[]; gamma?: number },
    gamma?: number | { gamma?: number },
  ) {
    super(optimizer);
    [, this.milestones, this.gamma] = read<[unknown, number[], number]>(
      "MultiStepLR",
      "optimizer: any, milestones: ints, gamma: float = 0.1",
      [optimizer, milestones, gamma],
    );
    this.step();
  }
  protected rate(_base: number, current: number): number {
    return current * this.gamma ** this.milestones.filter((epoch) => epoch === this.lastEpoch).length;
  }
  // torch counts how often each epoch is a milestone
  override stateDict(): Record<string, unknown> {
    const counts: Record<number, number> = withIntegerKeys({});
    for (const epoch of this.milestones) counts[epoch] = (counts[epoch] ?? 0) + 1;
    return { ...super.stateDict(), milestones: counts };
  }
  override loadStateDict(state: Record<string, unknown>): void {
    const counts = Object.entries(state["milestones"] as Record<number, number>);
    super.loadStateDict({ ...state, milestones: counts.flatMap(([epoch, count]) => new Array<number>(count).fill(Number(epoch))) });
  }
}

/** Multiplies the rate by gamma every epoch. */
export class ExponentialLR extends LRScheduler {
  readonly gamma: number;
  constructor(optimizer: Scheduled, gamma: number | { gamma: number }) {
    super(optimizer);
    [, this.gamma] = read<[unknown, number]>("ExponentialLR", "optimizer: any, gamma: float", [optimizer, gamma]);
    this.step();
  }
  protected rate(_base: number, current: number): number {
    return this.lastEpoch > 0 ? current * this.gamma : current;
  }
}

/** Follows half a cosine from the first rate to etaMin in TMax epochs (Loshchilov and Hutter, 2017). @param etaMin default 0 */
export class CosineAnnealingLR extends LRScheduler {
  readonly TMax: number;
  readonly etaMin: number;
  constructor(optimizer: Scheduled, TMax: number | { TMax: number; etaMin?: number }, etaMin?: number | { etaMin?: number }) {
    super(optimizer);
    [, this.TMax, this.etaMin] = read<[unknown, number, number]>("CosineAnnealingLR", "optimizer: any, TMax: int, etaMin: float = 0.0", [
      optimizer,
      TMax,
      etaMin,
    ]);
    if (this.TMax < 1) throw new ValueError({ op: "CosineAnnealingLR", argument: "TMax", expected: "at least 1", got: String(this.TMax) });
    this.step();
  }
  // torch's recursion, which also follows changes that others make to the rate
  protected rate(base: number, current: number): number {
    const { lastEpoch, TMax, etaMin } = this;
    if (lastEpoch === 0) return current;
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0) return current + ((base - etaMin) * (1 - Math.cos(Math.PI / TMax))) / 2;
    return (
      ((1 + Math.cos((Math.PI * lastEpoch) / TMax)) / (1 + Math.cos((Math.PI * (lastEpoch - 1)) / TMax))) * (current - etaMin) + etaMin
    );
  }
}

/** The first rate times a function of the epoch. */
export class LambdaLR extends LRScheduler {
  constructor(
    optimizer: Scheduled,
    private readonly lrLambda: (epoch: number) => number,
  ) {
    super(optimizer);
    if (typeof lrLambda !== "function")
      throw new ValueError({ op: "LambdaLR", argument: "lrLambda", expected: "a function", got: describe(lrLambda) });
    this.step();
  }
  protected rate(base: number): number {
    return base * this.lrLambda(this.lastEpoch);
  }
  override stateDict(): Record<string, unknown> {
    return { ...super.stateDict(), lr_lambdas: this.baseLrs.map(() => null) };
  }
}

interface LinearOptions {
  startFactor?: number;
  endFactor?: number;
  totalIters?: number;
}
/** A factor that goes in a line from startFactor to endFactor in totalIters epochs: a warm-up. @param startFactor default 1/3 @param endFactor default 1 @param totalIters default 5 */
export class LinearLR extends LRScheduler {
  readonly startFactor: number;
  readonly endFactor: number;
  readonly totalIters: number;
  constructor(optimizer: Scheduled, ...rest: (number | LinearOptions)[]) {
    super(optimizer);
    const signature = "optimizer: any, startFactor: float = 0.3333333333333333, endFactor: float = 1.0, totalIters: int = 5";
    [, this.startFactor, this.endFactor, this.totalIters] = read<[unknown, number, number, number]>("LinearLR", signature, [
      optimizer,
      ...rest,
    ]);
    const { startFactor, endFactor } = this;
    if (!(startFactor > 0 && startFactor <= 1))
      throw new ValueError({ op: "LinearLR", argument: "startFactor", expected: "in (0, 1]", got: String(startFactor) });
    if (!(endFactor >= 0 && endFactor <= 1))
      throw new ValueError({ op: "LinearLR", argument: "endFactor", expected: "in [0, 1]", got: String(endFactor) });
    this.step();
  }
  protected rate(_base: number, current: number): number {
    const { lastEpoch, startFactor, endFactor, totalIters } = this;
    if (lastEpoch === 0) return current * startFactor;
    if (lastEpoch > totalIters) return current;
    const width = endFactor - startFactor;
    return current * (1 + width / (totalIters * startFactor + (lastEpoch - 1) * width));
  }
}

interface ConstantOptions {
  factor?: number;
  totalIters?: number;
}
/** The rate times `factor` for the first totalIters epochs. @param factor default 1/3 @param totalIters default 5 */
export class ConstantLR extends LRScheduler {
  readonly factor: number;
  readonly totalIters: number;
  constructor(optimizer: Scheduled, ...rest: (number | ConstantOptions)[]) {
    super(optimizer);
    const signature = "optimizer: any, factor: float = 0.3333333333333333, totalIters: int = 5";
    [, this.factor, this.totalIters] = read<[unknown, number, number]>("ConstantLR", signature, [optimizer, ...rest]);
    if (!(this.factor >= 0 && this.factor <= 1))
      throw new ValueError({ op: "ConstantLR", argument: "factor", expected: "in [0, 1]", got: String(this.factor) });
    this.step();
  }
  protected rate(_base: number, current: number): number {
    if (this.lastEpoch === 0) return current * this.factor;
    return this.lastEpoch === this.totalIters ? current * (1 / this.factor) : current;
  }
}

interface PolynomialOptions {
  totalIters?: number;
  power?: number;
}
/** Falls to 0 in totalIters epochs as (1 - epoch / totalIters)^power. @param totalIters default 5 @param power default 1 */
export class PolynomialLR extends LRScheduler {
  readonly totalIters: number;
  readonly power: number;
  constructor(optimizer: Scheduled, ...rest: (number | PolynomialOptions)[]) {
    super(optimizer);
    const signature = "optimizer: any, totalIters: int = 5, power: float = 1.0";
    [, this.totalIters, this.power] = read<[unknown, number, number]>("PolynomialLR", signature, [optimizer, ...rest]);
    this.step();
  }
  protected rate(_base: number, current: number): number {
    const { lastEpoch, totalIters, power } = this;
    if (lastEpoch === 0 || lastEpoch > totalIters) return current;
    return current * ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power;
  }
}
