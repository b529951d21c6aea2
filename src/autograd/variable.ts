/** Leaves to differentiate by, also inside vmap, where each example has a gradient of its own. */
import { Batched, batching, below, framesNow, hoisted, type Frame } from "../tensor/batched.js";
import type { Tensor } from "../tensor/tensor.js";

/** `t` as the start of a graph of its own. */
export function variable(t: Tensor): Tensor {
  return batching === null ? t.detach().requiresGrad_() : onValues(split(t, framesNow()), (value) => value.detach().requiresGrad_());
}

/** As {@link variable}, with the history that `t` has: for derivatives of derivatives. */
export function tracked(t: Tensor): Tensor {
  return batching === null ? t.viewAs(t) : onValues(split(t, framesNow()), (value) => value.viewAs(value));
}

/** `t` batched by all frames: what examples share is stretched, so that it has a gradient for each. */
function split(t: Tensor, frames: readonly Frame[]): Tensor {
  const frame = frames.at(-1);
  if (frame === undefined) return t;
  return new Batched(split(hoisted(frame, t), frames.slice(0, -1)), frame);
}

/** What lies under all frames, changed. */
function onValues(t: Tensor, change: (value: Tensor) => Tensor): Tensor {
  return t instanceof Batched
    ? new Batched(
        below(t.frame, () => onValues(t.value, change)),
        t.frame,
      )
    : change(t);
}

/** The tensor under all frames: it has the history. */
export function underneath(t: Tensor): Tensor {
  return t instanceof Batched ? underneath(t.value) : t;
}
