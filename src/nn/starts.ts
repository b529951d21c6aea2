/** How the weights of linear layers and convolutions start, as torch's. */
import type { Tensor } from "../tensor/tensor.js";
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from "./init.js";
import type { Parameter } from "./parameter.js";

/** Uniform in +-1/sqrt(fanIn). */
export function startWeight(weight: Parameter): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) });
}

/** A bias beside a weight: uniform in +-1/sqrt(fanIn). */
export function startBias(weight: Tensor, bias: Parameter | null): void {
  if (bias === null) return;
  const { fanIn } = calculateFanInAndFanOut("reset", weight);
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  uniform_(bias, -bound, bound);
}
