/** Stochastic gradient descent, with momentum: one fused native pass over all parameters. */
import { ValueError } from "../tensor/errors.js";
import { codesOf, runInto } from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { markAllChanged } from "../autograd/node.js";
import { bind, parseSignature } from "../ops/schema.js";
import { Optimizer, requireRange, requireUndifferentiated, type Ignored, type ParamGroup, type Params } from "./optimizer.js";

export interface SGDOptions extends Ignored {
  /** Learning rate. Default 1e-3. */
  lr: number;
  momentum: number;
  dampening: number;
  weightDecay: number;
  nesterov: boolean;
  /** Ascends instead. Default false. */
  maximize: boolean;
}

const params = parseSignature(
  "params: any, lr: float = 0.001, momentum: float = 0, dampening: float = 0, weightDecay: float = 0, nesterov: bool = false, *, maximize: bool = false, foreach: bool? = null, differentiable: bool = false, fused: bool? = null",
);
const kernel = codesOf("structured")("sgdStep");

/** SGD as torch.optim.SGD. @example new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 }) */
export class SGD extends Optimizer<SGDOptions> {
  constructor(parameters: Params<SGDOptions>, ...rest: (number | boolean | Partial<SGDOptions>)[]) {
    const [list, lr, momentum, dampening, weightDecay, nesterov, maximize, foreach, differentiable, fused] = bind("SGD", params, [parameters, ...rest]) as [
      Params<SGDOptions>, number, number, number, number, boolean, boolean, boolean | null, boolean, boolean | null,
    ]; // prettier-ignore
    requireUndifferentiated("SGD", differentiable);
    super(list, { lr, momentum, dampening, weightDecay, nesterov, maximize, foreach, differentiable: false, fused });
  }

  protected check({ lr, momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    requireRange("SGD", "lr", lr, 0);
    requireRange("SGD", "momentum", momentum, 0);
    requireRange("SGD", "weightDecay", weightDecay, 0);
    if (nesterov && (momentum <= 0 || dampening !== 0))
      throw new ValueError({
        op: "SGD",
        argument: "nesterov",
        expected: "momentum and no dampening with it",
        got: `momentum ${momentum}, dampening ${dampening}`,
      });
  }

  protected update(group: ParamGroup<SGDOptions>, parameters: Tensor[], grads: Tensor[]): void {
    const { momentum } = group;
    // Buffers start as the first gradient, so parameters with and without one step apart.
    const fresh = momentum === 0 ? [] : parameters.filter((p) => !this.state.has(p));
    trace?.guard(() => (group.momentum === 0) === (momentum === 0));
    const batches =
      momentum === 0
        ? [{ list: parameters, flags: 0 }]
        : [
            { list: fresh, flags: 3 },
            { list: parameters.filter((p) => !fresh.includes(p)), flags: 1 },
          ];
    for (const { list, flags } of batches) {
      if (list.length === 0) continue;
      if (flags === 3) trace?.unsettled();
      const buffers = flags === 0 ? [] : list.map((p) => this.buffer(p));
      trace?.guard(() => buffers.every((buffer, i) => this.state.get(list[i]!)?.["momentum_buffer"] === buffer));
      const attributes = (): number[] => {
        const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
        return [lr, momentum, dampening, weightDecay, nesterov ? 1 : 0, maximize ? 1 : 0, flags];
      };
      runInto(
        "SGD.step",
        kernel,
        list === parameters ? grads : list.map((p) => p.grad!),
        [...list, ...buffers],
        trace === null ? attributes() : trace.fresh(0, attributes),
      );
      markAllChanged(list, "SGD.step");
    }
  }

  private buffer(p: Tensor): Tensor {
    let state = this.state.get(p);
    if (state === undefined) this.state.set(p, (state = { momentum_buffer: p.detach().clone() }));
    return state["momentum_buffer"] as Tensor;
  }
}
