/** Normalizations made of others: groups of channels, and by the root of the mean square. */
import { Code, isFloating, isIntegral } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { op } from "./define.js";
import { finfo } from "./dtypes.js";
import { layerNorm, requireParameter } from "./softmax.js";

export interface GroupNormOptions {
  weight?: Tensor | null;
  bias?: Tensor | null;
  eps?: number;
}
type GroupNorm = (
  input: Tensor,
  numGroups: number,
  weight?: Tensor | null | GroupNormOptions,
  bias?: Tensor | null | GroupNormOptions,
  eps?: number | GroupNormOptions,
) => Tensor;

/**
 * Standardizes each example's groups of channels, then scales and shifts by channel. [N, C, *] -> [N, C, *]
 * @param weight [C] @param bias [C]
 * @throws ValueError when numGroups does not divide C
 */
export const groupNorm: GroupNorm = op(
  "groupNorm",
  "input: tensor, numGroups: int, weight: tensor? = null, bias: tensor? = null, eps: float = 1e-05",
  (x: Tensor, groups: number, w: Tensor | null, b: Tensor | null, eps: number) => {
    const [n, channels] = x.shape;
    if (n === undefined || channels === undefined)
      throw new ShapeError({ op: "groupNorm", argument: "input", expected: "of shape [N, C, *]", got: formatShape(x.shape) });
    if (groups < 1 || channels % groups !== 0)
      throw new ValueError({ op: "groupNorm", argument: "numGroups", expected: `a positive divisor of ${channels}`, got: String(groups) });
    requireFloating("groupNorm", x);
    for (const [argument, t] of Object.entries({ weight: w, bias: b })) requireParameter("groupNorm", argument, t, x, [channels]);
    const inner = x.numel() / Math.max(1, n * groups);
    const standard = x.numel() === 0 ? x : layerNorm(x.reshape(n, groups, inner), [inner], null, null, eps).reshape(x.shape);
    const byChannel = (t: Tensor): Tensor => t.reshape(channels, ...x.shape.slice(2).map(() => 1));
    const scaled = w === null ? standard : standard.mul(byChannel(w));
    return b === null ? scaled : scaled.add(byChannel(b));
  },
  { method: false },
);

export interface RmsNormOptions {
  weight?: Tensor | null;
  eps?: number | null;
}
type RmsNorm = (
  input: Tensor,
  normalizedShape: number | readonly number[],
  weight?: Tensor | null | RmsNormOptions,
  eps?: number | null | RmsNormOptions,
) => Tensor;

/** x / sqrt(mean(x^2) + eps) over the last dims, those of `normalizedShape`, times weight. @param eps default: that of the dtype it computes in */
export const rmsNorm: RmsNorm = op(
  "rmsNorm",
  "input: tensor, normalizedShape: ints, weight: tensor? = null, eps: float? = null",
  (x: Tensor, normalizedShape: number[], w: Tensor | null, eps: number | null) => {
    const lead = x.shape.length - normalizedShape.length;
    if (normalizedShape.length === 0 || lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape)) {
      const expected = `the last sizes of ${formatShape(x.shape)}`;
      throw new ShapeError({ op: "rmsNorm", argument: "normalizedShape", expected, got: formatShape(normalizedShape) });
    }
    requireFloating("rmsNorm", x);
    requireParameter("rmsNorm", "weight", w, x, normalizedShape);
    const wide = x.dt === Code.float64 ? x : x.float();
    const dims = normalizedShape.map((_, i) => lead + i);
    const standard = wide
      .mul(
        wide
          .square()
          .mean(dims, true)
          .add(eps ?? finfo(wide.dtype).eps)
          .rsqrt(),
      )
      .to(x.dtype);
    return w === null ? standard : standard.mul(w);
  },
  { method: false },
);

function requireFloating(name: string, x: Tensor): void {
  if (isIntegral(x.dt) || !isFloating(x.dt))
    throw new DTypeError({ op: name, argument: "input", expected: "a floating dtype", got: x.dtype });
}
