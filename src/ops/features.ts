/** Small composites of torch.nn.functional: oneHot, normalize, cosineSimilarity. */
import { isFloating } from "../tensor/dtype.js";
import { DTypeError, ValueError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, wrapDim } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { convertDtype } from "./convert.js";
import { op, resultCode } from "./define.js";
import { vectorNorm } from "./norms.js";
import { requireFloat } from "./reduce.js";

/** A last dim with 1 at the class and 0 elsewhere; int64. @param numClasses default: the largest class + 1 */
export const oneHot: (input: Tensor, numClasses?: number | { numClasses?: number }) => Tensor = op(
  "oneHot",
  "input: tensor, numClasses: int = -1",
  (input: Tensor, numClasses: number) => {
    if (input.dtype !== "int64") throw new DTypeError({ op: "oneHot", argument: "input", expected: "int64", got: input.dtype });
    const [low, high] = input.numel() === 0 ? [0, -1] : [Number(input.amin().item()), Number(input.amax().item())];
    const classes = numClasses === -1 ? high + 1 : numClasses;
    if (low < 0 || high >= classes)
      throw new ValueError({ op: "oneHot", argument: "input", expected: `classes in [0, ${classes - 1}]`, got: `${low} to ${high}` });
    return launch
      .empty("oneHot", [...input.shape, classes], input.dt, input.dev)
      .zero_()
      .scatter_(-1, input.unsqueeze(-1), 1);
  },
  { method: false, differentiable: false },
);

interface NormalizeOptions {
  p?: number;
  dim?: number;
  eps?: number;
}
/** Divides by the p-norm along `dim`, at least eps. @param p default 2 @param dim default 1 @param eps default 1e-12 */
export const normalize: (
  input: Tensor,
  p?: number | NormalizeOptions,
  dim?: number | NormalizeOptions,
  eps?: number | NormalizeOptions,
) => Tensor = op(
  "normalize",
  "input: tensor, p: float = 2.0, dim: dim = 1, eps: float = 1e-12",
  (input: Tensor, p: number, dim: number, eps: number) => {
    requireFloat("normalize", input);
    return input.div(vectorNorm("normalize", input, p, [wrapDim("normalize", dim, input.shape.length)], true).clamp(eps));
  },
  { method: false },
);

/** The cosine of the angle between vectors along `dim`; shapes broadcast. @param dim default 1 @param eps default 1e-8 */
export const cosineSimilarity: (
  x1: Tensor,
  x2: Tensor,
  dim?: number | { dim?: number; eps?: number },
  eps?: number | { eps?: number },
) => Tensor = op(
  "cosineSimilarity",
  "x1: tensor, x2: tensor, dim: dim = 1, eps: float = 1e-08",
  (a: Tensor, b: Tensor, dim: number, eps: number) => {
    const dt = resultCode(a, b);
    if (!isFloating(dt)) throw new DTypeError({ op: "cosineSimilarity", expected: "a real floating dtype", got: launch.dtypeName(dt) });
    const shape = broadcastShapes("cosineSimilarity", a.shape, b.shape);
    const unit = (given: Tensor): Tensor => {
      const x = convertDtype(given, dt).expand(shape);
      const norm = vectorNorm("cosineSimilarity", x, 2, [wrapDim("cosineSimilarity", dim, x.shape.length)], true);
      // As torch: eps limits the value, not the gradient.
      return x.div(norm.add(norm.detach().clamp(eps).sub(norm.detach())));
    };
    return unit(a).mul(unit(b)).sum(dim);
  },
  { method: false },
);
