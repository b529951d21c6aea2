/** Adam and AdamW: one fused native pass over all parameters. */
import { codesOf, runInto } from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { ValueError, describe } from "../tensor/errors.js";
import { markAllChanged } from "../autograd/node.js";
import { zerosLike } from "../ops/creation.js";
import { bind, parseSignature } from "../ops/schema.js";
import { Optimizer, requireRange, requireUndifferentiated, type Ignored, type ParamGroup, type Params } from "./optimizer.js";

export interface AdamOptions extends Ignored {
  /** Learning rate. Default 1e-3. */
  lr: number;
  /** Decay of the running mean and of the running square. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  eps: number;
  /** Adam: added to the gradient, default 0. AdamW: decoupled, default 0.01. */
  weightDecay: number;
  amsgrad: boolean;
  maximize: boolean;
  /** Of no effect, as torch's on the CPU. */
  capturable: boolean;
  /** True: the decay of AdamW. */
  decoupledWeightDecay: boolean;
}

const kernel = codesOf("structured")("adamStep");

/** Adam as torch.optim.Adam (Kingma and Ba, 2015). @example new optim.Adam(model.parameters(), { lr: 1e-3 }) */
export class Adam extends Optimizer<AdamOptions> {
  protected static readonly signature: string = signatureOf(0, false);

  constructor(parameters: Params<AdamOptions>, ...rest: (number | boolean | readonly number[] | Partial<AdamOptions>)[]) {
    const { name, signature } = new.target;
    const [list, lr, betas, eps, weightDecay, amsgrad, foreach, maximize, capturable, differentiable, fused, decoupledWeightDecay] =
      bind(name, parseSignature(signature), [parameters, ...rest]) as [
        Params<AdamOptions>, number, [number, number] | null, number, number, boolean, boolean | null, boolean, boolean, boolean, boolean | null, boolean,
      ]; // prettier-ignore
    requireUndifferentiated(name, differentiable);
    super(list, {
      lr, betas: betas ?? [0.9, 0.999], eps, weightDecay, amsgrad, maximize, foreach, capturable, differentiable: false, fused, decoupledWeightDecay,
    }); // prettier-ignore
  }

  protected check({ lr, betas, eps, weightDecay }: AdamOptions): void {
    const { name } = this.constructor;
    requireRange(name, "lr", lr, 0);
    requireRange(name, "eps", eps, 0);
    requireRange(name, "weightDecay", weightDecay, 0);
    if (!Array.isArray(betas) || betas.length !== 2)
      throw new ValueError({ op: name, argument: "betas", expected: "two numbers", got: describe(betas) });
    betas.forEach((beta, i) => requireRange(name, `betas[${i}]`, beta, 0, 1));
  }

  protected update(group: ParamGroup<AdamOptions>, parameters: Tensor[], _grads: Tensor[]): void {
    const { amsgrad } = group;
    const bySteps = new Map<number, { list: Tensor[]; states: AdamState[] }>();
    for (const p of parameters) {
      const state = this.stateOf(p, amsgrad);
      let batch = bySteps.get(state.step);
      if (batch === undefined) bySteps.set(state.step, (batch = { list: [], states: [] }));
      batch.list.push(p);
      batch.states.push(state);
    }
    const op = `${this.constructor.name}.step`;
    for (const { list, states } of bySteps.values()) {
      const buffers = [states.map((s) => s.exp_avg), states.map((s) => s.exp_avg_sq), amsgrad ? states.map((s) => s.max_exp_avg_sq!) : []];
      const attributes = (): number[] => {
        for (const state of states) state.step++;
        const { lr, betas, eps, weightDecay, maximize, decoupledWeightDecay } = group;
        return [lr, betas[0], betas[1], eps, weightDecay, decoupledWeightDecay ? 1 : 0, states[0]!.step, amsgrad ? 1 : 0, maximize ? 1 : 0];
      };
      trace?.guard(() => group.amsgrad === amsgrad && list.every((p, i) => this.state.get(p) === (states[i] as object)));
      runInto(
        op,
        kernel,
        list.map((p) => p.grad!),
        [...list, ...buffers.flat()],
        trace === null ? attributes() : trace.fresh(0, attributes),
      );
      markAllChanged(list, op);
    }
  }

  private stateOf(p: Tensor, amsgrad: boolean): AdamState {
    let state = this.state.get(p);
    if (state === undefined) {
      trace?.unsettled();
      state = { step: 0, exp_avg: zerosLike(p), exp_avg_sq: zerosLike(p) };
      if (amsgrad) state["max_exp_avg_sq"] = zerosLike(p);
      this.state.set(p, state);
    }
    return state as unknown as AdamState;
  }
}

/** What Adam keeps for a parameter, under PyTorch's names. */
interface AdamState {
  step: number;
  readonly exp_avg: Tensor;
  readonly exp_avg_sq: Tensor;
  readonly max_exp_avg_sq?: Tensor;
}

/** Adam with decoupled weight decay, as torch.optim.AdamW (Loshchilov and Hutter, 2019). */
export class AdamW extends Adam {
  protected static override readonly signature: string = signatureOf(0.01, true);
}

function signatureOf(weightDecay: number, decoupled: boolean): string {
  return (
    `params: any, lr: float = 0.001, betas: any? = null, eps: float = 1e-08, weightDecay: float = ${weightDecay}, amsgrad: bool = false, *, ` +
    "foreach: bool? = null, maximize: bool = false, capturable: bool = false, differentiable: bool = false, fused: bool? = null, " +
    `decoupledWeightDecay: bool = ${decoupled}`
  );
}
