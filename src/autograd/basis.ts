/** Unit tensors and what is put together from one result for each of them: Jacobians. */
import type { Tensor } from "../tensor/tensor.js";
import { ops } from "./engine.js";
import { withRecording } from "./mode.js";

/** The tensors of `t`'s shape with a single 1. */
export function basisOf(t: Tensor): Tensor[] {
  return withRecording(false, () =>
    Array.from({ length: t.numel() }, (_, i) => {
      const e = ops.zeros([t.numel()], t.dt);
      e.select(0, i).fill_(1);
      return e.view(t.shape);
    }),
  );
}

/** Rows as one tensor. */
export const assembled = (rows: readonly Tensor[], shape: readonly number[], like: Tensor): Tensor =>
  rows.length === 0 ? ops.zeros(shape, like.dt) : ops.stack(rows).reshape(shape);
