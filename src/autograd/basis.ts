/** Derivatives along every unit tensor at once, by vmap: the rows or columns of Jacobians. */
import { Batched, hoisted, within } from "../tensor/batched.js";
import type { Tensor } from "../tensor/tensor.js";
import { ops } from "./engine.js";
import { withRecording } from "./mode.js";

/**
 * What `derivative` gives for each tensor of `t`'s shape with a single 1, stacked along a first dim.
 * @param chunkSize how many at once, to save memory; null: all
 */
export function alongBasis(t: Tensor, derivative: (unit: Tensor) => readonly Tensor[], chunkSize: number | null = null): Tensor[] {
  const n = t.numel();
  if (n === 0) return derivative(ops.zerosLike(t)).map((d) => d.unsqueeze(0).narrow(0, 0, 0));
  const units = withRecording(false, () => {
    const matrix = ops.zeros([n, n], t.dt).to(t.device);
    matrix.diagonal().fill_(1);
    return matrix.reshape([n, ...t.shape]);
  });
  const parts = units
    .split(chunkSize ?? n)
    .map((part) => within(part.shape[0]!, "same", (frame) => derivative(new Batched(part, frame)).map((d) => hoisted(frame, d))));
  return parts.length === 1 ? parts[0]! : parts[0]!.map((_, k) => ops.cat(parts.map((part) => part[k]!), 0)); // prettier-ignore
}
