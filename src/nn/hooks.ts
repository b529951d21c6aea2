/** Full backward hooks: gradients of a module's inputs and outputs, caught by two identities around its forward. */
import { Function, type FunctionContext } from "../autograd/function.js";
import { Tensor } from "../tensor/tensor.js";
import type { Module } from "./module.js";

type Grads = readonly (Tensor | null)[];
export type BackwardHook = (module: Module, gradInput: Grads, gradOutput: Grads) => Grads | Tensor | void | null;

/** Passes tensors on and shows their gradients, all at once, to a function that may replace them. */
function gateway(tensors: readonly Tensor[], onGrads: (grads: Grads) => Grads): readonly Tensor[] {
  class BackwardHookFunction extends Function {
    static override forward(_ctx: FunctionContext, ...inputs: Tensor[]): Tensor[] {
      return inputs.map((t) => t.detach());
    }
    static override backward(_ctx: FunctionContext, ...grads: Tensor[]): Grads {
      return onGrads(grads);
    }
  }
  return BackwardHookFunction.apply<readonly Tensor[]>(...tensors);
}

/** Runs forward with its tensors going through the two gateways. */
export function attachBackwardHooks(
  module: Module,
  hooks: ReadonlySet<BackwardHook>,
  args: readonly unknown[],
  run: (...args: unknown[]) => unknown,
): unknown {
  let gradOutput: Grads = [];
  const inputs = args.filter((arg) => arg instanceof Tensor);
  const entered = gateway(inputs, (gradInput) => {
    let grads = gradInput;
    for (const hook of hooks) {
      const replaced = hook(module, grads, gradOutput);
      if (replaced) grads = replaced instanceof Tensor ? [replaced] : replaced;
    }
    return grads;
  });
  let next = 0;
  const output = run(...args.map((arg) => (arg instanceof Tensor ? entered[next++] : arg)));
  const outputs = output instanceof Tensor ? [output] : Array.isArray(output) ? output.filter((t) => t instanceof Tensor) : [];
  const left = gateway(outputs, (grads) => (gradOutput = grads));
  if (output instanceof Tensor) return left[0];
  next = 0;
  return Array.isArray(output) ? output.map((t: unknown) => (t instanceof Tensor ? left[next++] : t)) : output;
}
