/** In-place forms of ops without a native in-place row: the result is computed, then written back. */
import { native } from "../runtime/addon.js";
import { done } from "../tensor/launch.js";
import { Tensor } from "../tensor/tensor.js";
import { inPlace, requireTensor, requireWritable } from "./define.js";
import { inPlaceForms } from "./pointwise.js";
import { isOptions } from "./schema.js";

/** Changes `target` to what `compute` makes of it; recorded as `compute` is. */
export function fromResult(name: string, target: Tensor, others: readonly unknown[], compute: (before: Tensor) => Tensor): Tensor {
  const write = (): void => {
    const result = compute(target);
    requireWritable(name, target, result.shape, result.dt);
    done(name, native.copyInto(target.handle, result.handle), target, result);
  };
  return inPlace(name, target, others.flatMap(tensorsOf), write, compute);
}

const tensorsOf = (argument: unknown): Tensor[] =>
  argument instanceof Tensor ? [argument] : isOptions(argument) ? Object.values(argument).filter((x) => x instanceof Tensor) : [];

/** Gives an op the in-place form `name_`; returns the op. */
export function withInPlace<F extends (input: Tensor, ...rest: never[]) => Tensor>(name: string, call: F): F {
  const run = call as unknown as (input: Tensor, ...rest: unknown[]) => Tensor;
  inPlaceForms.set(`${name}_`, (target: Tensor, ...rest: unknown[]) => {
    requireTensor(`${name}_`, "input", target);
    return fromResult(`${name}_`, target, rest, (before) => run(before, ...rest));
  });
  return call;
}
