/** Notes the first value of a run that is not finite, and where it came from. Costs a comparison a value until then. */
import { watchBackward } from "../../autograd/backward.js";
import { isFloating } from "../../tensor/dtype.js";
import { Tensor } from "../../tensor/tensor.js";
import { trace } from "../../tensor/trace.js";
import { toWire } from "../../wire/live.js";
import type { BreakOrigin, FirstBreak } from "../../wire/run.js";
import type { Journal } from "./journal.js";
import { originOf } from "./origin.js";

/** Where a loss came from that was not finite when its `backward()` began: `log()` mostly comes after, when the graph is freed. */
let seen: BreakOrigin | null = null;
/** Whether `log()` was called since. */
let logged = false;

/** @internal What was seen is of the step that ends here. */
export const stepLogged = (): void => void (logged = true);

/** Looks at every loss before its graph is freed. Reading one on a device would wait for it, a recording would end by it: these are left alone. */
export function watchLosses(): void {
  seen = null;
  watchBackward(look);
}

function look(roots: readonly Tensor[]): void {
  if (trace !== null) return;
  const losses = roots.filter((root) => root.numel() === 1 && isFloating(root.dt) && root.device === "cpu");
  const broken = losses.find((loss) => !Number.isFinite(loss.item()));
  // Of a streak, the first says most.
  if (broken === undefined) seen = logged ? null : seen;
  else if ((seen ??= originOf(broken)) !== null) logged = false;
}

export class Sentinel {
  broken: FirstBreak | null = null;

  /** `value` of a series is about to be noted, and is not finite. */
  met(journal: Journal, series: string, step: number, number: number, value: number | Tensor): void {
    // What is known stays; a value without an origin gives way to one that has one.
    if (this.broken !== null && (this.broken.origin !== null || this.broken.series === series)) return;
    const origin = seen ?? (value instanceof Tensor ? originOf(value) : null);
    // A best loss that begins at infinity, a score that is not there yet: no accident.
    if (origin === null && (this.broken !== null || !hasFinite(journal, series))) return;
    this.broken = { series, step, value: toWire(number), origin };
  }
}

function hasFinite(journal: Journal, name: string): boolean {
  const points = journal.series.find((each) => each.name === name);
  return points !== undefined && (Number.isFinite(points.values[points.minAt]) || Number.isFinite(points.values[points.maxAt]));
}
