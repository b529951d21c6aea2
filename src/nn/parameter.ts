/** A tensor that a module learns. */
import { io, native } from "../runtime/addon.js";
import { finish } from "../tensor/launch.js";
import { Tensor, tagOf } from "../tensor/tensor.js";
import { ValueError, describe } from "../tensor/errors.js";

/** A tensor that registers itself as a parameter when it becomes an attribute of a {@link Module}. Shares `data`'s storage. */
export class Parameter extends Tensor {
  /** @param requiresGrad default true */
  constructor(data: Tensor, requiresGrad: boolean | { requiresGrad?: boolean } = true) {
    if (!(data instanceof Tensor)) throw new ValueError({ op: "Parameter", argument: "data", expected: "a Tensor", got: describe(data) });
    super(data.shape, data.dt, data.dev);
    data.shape.forEach((size, i) => (io[i] = size));
    finish("Parameter", this, native.reshape(data.live("Parameter"), data.shape.length, 0, this), data);
    this.tag = tagOf(data);
    this.requiresGrad = typeof requiresGrad === "boolean" ? requiresGrad : (requiresGrad.requiresGrad ?? true);
  }
}
