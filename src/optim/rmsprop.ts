/** RMSprop, composed of ops: one step is a few native launches a parameter. */
import { withRecording } from "../autograd/mode.js";
import { zerosLike } from "../ops/creation.js";
import { bind, parseSignature } from "../ops/schema.js";
import type { Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { Optimizer, requireRange, requireUndifferentiated, type Ignored, type ParamGroup, type Params } from "./optimizer.js";

export interface RMSpropOptions extends Omit<Ignored, "fused"> {
  /** Learning rate. Default 0.01. */
  lr: number;
  /** Decay of the running square. Default 0.99. */
  alpha: number;
  eps: number;
  weightDecay: number;
  momentum: number;
  /** Divides by the deviation instead of the root of the square: the running mean is taken off. Default false. */
  centered: boolean;
  maximize: boolean;
  /** Of no effect, as torch's on the CPU. */
  capturable: boolean;
}

const params = parseSignature(
  "params: any, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-08, weightDecay: float = 0, momentum: float = 0, centered: bool = false, " +
    "capturable: bool = false, foreach: bool? = null, maximize: bool = false, differentiable: bool = false",
);

/** RMSprop as torch.optim.RMSprop (Tieleman and Hinton, 2012). @example new optim.RMSprop(model.parameters(), { lr: 1e-3, momentum: 0.9 }) */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(parameters: Params<RMSpropOptions>, ...rest: (number | boolean | Partial<RMSpropOptions>)[]) {
    const [list, lr, alpha, eps, weightDecay, momentum, centered, capturable, foreach, maximize, differentiable] = bind("RMSprop", params, [parameters, ...rest]) as [
      Params<RMSpropOptions>, number, number, number, number, number, boolean, boolean, boolean | null, boolean, boolean,
    ]; // prettier-ignore
    requireUndifferentiated("RMSprop", differentiable);
    super(list, { lr, momentum, alpha, eps, centered, weightDecay, capturable, foreach, maximize, differentiable: false });
  }

  protected check({ lr, alpha, eps, weightDecay, momentum }: RMSpropOptions): void {
    for (const [name, value] of Object.entries({ lr, eps, momentum, weightDecay, alpha })) requireRange("RMSprop", name, value, 0);
  }

  protected update(group: ParamGroup<RMSpropOptions>, parameters: Tensor[], grads: Tensor[]): void {
    trace?.refuse("RMSprop counts its steps in TypeScript");
    withRecording(false, () => parameters.forEach((p, i) => this.move(group, p, grads[i]!)));
  }

  private move({ lr, alpha, eps, weightDecay, momentum, centered, maximize }: RMSpropOptions, p: Tensor, grad: Tensor): void {
    let state = this.state.get(p);
    if (state === undefined) {
      state = { step: 0, square_avg: zerosLike(p) };
      if (momentum > 0) state["momentum_buffer"] = zerosLike(p);
      if (centered) state["grad_avg"] = zerosLike(p);
      this.state.set(p, state);
    }
    (state["step"] as number)++;
    const part = (key: string): Tensor => realOf(state[key] as Tensor);
    const target = realOf(p.detach());
    const up = realOf(maximize ? grad.neg() : grad);
    const g = weightDecay === 0 ? up : up.add(target, { alpha: weightDecay });
    const square = part("square_avg")
      .mul_(alpha)
      .addcmul_(g, g, { value: 1 - alpha });
    const mean = centered ? part("grad_avg").lerp_(g, 1 - alpha) : null;
    const scale = (mean === null ? square : square.addcmul(mean, mean, { value: -1 })).sqrt().add_(eps);
    if (momentum > 0) target.add_(part("momentum_buffer").mul_(momentum).addcdiv_(g, scale), { alpha: -lr });
    else target.addcdiv_(g, scale, { value: -lr });
  }
}

/** @internal The two parts of complex numbers are parameters of their own, as in torch. */
export const realOf = (t: Tensor): Tensor => (t.isComplex() ? t.viewAsReal() : t);
