/** Adagrad, composed of ops: one step is a few native launches a parameter. */
import { withRecording } from "../autograd/mode.js";
import { fullLike } from "../ops/creation.js";
import { bind, parseSignature } from "../ops/schema.js";
import type { Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { Optimizer, requireRange, requireUndifferentiated, type Ignored, type ParamGroup, type Params } from "./optimizer.js";
import { realOf } from "./rmsprop.js";

export interface AdagradOptions extends Ignored {
  /** Learning rate. Default 0.01. */
  lr: number;
  /** The rate of step n is lr / (1 + (n - 1) lrDecay). Default 0. */
  lrDecay: number;
  weightDecay: number;
  /** What the sums of squares start from. Default 0. */
  initialAccumulatorValue: number;
  eps: number;
  maximize: boolean;
}

const params = parseSignature(
  "params: any, lr: float = 0.01, lrDecay: float = 0, weightDecay: float = 0, initialAccumulatorValue: float = 0, eps: float = 1e-10, " +
    "foreach: bool? = null, *, maximize: bool = false, differentiable: bool = false, fused: bool? = null",
);

/** Adagrad as torch.optim.Adagrad (Duchi, Hazan and Singer, 2011). @example new optim.Adagrad(model.parameters(), { lr: 0.1 }) */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(parameters: Params<AdagradOptions>, ...rest: (number | boolean | Partial<AdagradOptions> | null)[]) {
    const [list, lr, lrDecay, weightDecay, initialAccumulatorValue, eps, foreach, maximize, differentiable, fused] = bind("Adagrad", params, [parameters, ...rest]) as [
      Params<AdagradOptions>, number, number, number, number, number, boolean | null, boolean, boolean, boolean | null,
    ]; // prettier-ignore
    requireUndifferentiated("Adagrad", differentiable);
    super(list, { lr, lrDecay, eps, weightDecay, initialAccumulatorValue, foreach, maximize, differentiable: false, fused });
    for (const group of this.paramGroups) for (const p of group.params) this.stateOf(p, group);
  }

  protected check({ lr, lrDecay, weightDecay, initialAccumulatorValue, eps }: AdagradOptions): void {
    for (const [name, value] of Object.entries({ lr, lrDecay, weightDecay, initialAccumulatorValue, eps }))
      requireRange("Adagrad", name, value, 0);
  }

  protected update(group: ParamGroup<AdagradOptions>, parameters: Tensor[], grads: Tensor[]): void {
    trace?.refuse("Adagrad counts its steps in TypeScript");
    withRecording(false, () => parameters.forEach((p, i) => this.move(group, p, grads[i]!)));
  }

  private move(group: AdagradOptions, p: Tensor, grad: Tensor): void {
    const { lr, lrDecay, weightDecay, eps, maximize } = group;
    const state = this.stateOf(p, group);
    const step = ++(state as { step: number }).step;
    const target = realOf(p.detach());
    const up = realOf(maximize ? grad.neg() : grad);
    const g = weightDecay === 0 ? up : up.add(target, { alpha: weightDecay });
    const sum = realOf(state["sum"] as Tensor).addcmul_(g, g);
    target.addcdiv_(g, sum.sqrt().add_(eps), { value: -lr / (1 + (step - 1) * lrDecay) });
  }

  private stateOf(p: Tensor, { initialAccumulatorValue: start }: AdagradOptions): Record<string, Tensor | number> {
    let state = this.state.get(p);
    if (state === undefined) {
      const value = p.isComplex() ? { re: start, im: start } : start;
      this.state.set(p, (state = { step: 0, sum: withRecording(false, () => fullLike(p.detach(), value)) }));
    }
    return state;
  }
}
