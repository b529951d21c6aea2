/** Activations of torch.nn.functional that are compositions of other ops; each is one node by name, as torch shows it. */
import { isFloating, isIntegral, type DType } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { wrapDim } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { op, requireSameDevice, shownAs } from "./define.js";
import { softmax } from "./softmax.js";
import { where } from "./ternary.js";
import { hardtanh, leakyRelu } from "./unary.js";

const plain = { method: false } as const;

function requireReal(op: string, input: Tensor): void {
  input.live(op);
  if (!isFloating(input.dt)) throw new DTypeError({ op, argument: "input", expected: "a real floating dtype", got: input.dtype });
}

/** scale * x where positive, scale * alpha * (e^(x / width) - 1) elsewhere; no infinity meets a zero in the gradient. */
function exponentialBelow(input: Tensor, alpha: number, width: number, scale: number): Tensor {
  const below = where(input.gt(0), 0, input).div(width).expm1().mul(alpha);
  const out = where(input.gt(0), input, below);
  return scale === 1 ? out : out.mul(scale);
}

/** x where positive, alpha * (e^(x / alpha) - 1) elsewhere. Shape [*]. @param alpha not 0; default 1 */
export const celu: (input: Tensor, alpha?: number | { alpha?: number }) => Tensor = op(
  "celu",
  "input: tensor, alpha: float = 1.0",
  (input: Tensor, alpha: number) => {
    requireReal("celu", input);
    if (alpha === 0) throw new ValueError({ op: "celu", argument: "alpha", expected: "not 0", got: "0" });
    return shownAs("celu", exponentialBelow(input, alpha, alpha, 1));
  },
  plain,
);

/** Klambauer et al. 2017: {@link celu} scaled so that activations keep mean 0 and variance 1. Shape [*]. */
export const selu: (input: Tensor) => Tensor = op(
  "selu",
  "input: tensor",
  (input: Tensor) => {
    requireReal("selu", input);
    return shownAs("elu", exponentialBelow(input, 1.6732632423543772, 1, 1.0507009873554805));
  },
  plain,
);

/** min(max(x, 0), 6). Shape [*]. */
export const relu6: (input: Tensor) => Tensor = op("relu6", "input: tensor", (input: Tensor) => hardtanh(input, 0, 6), plain);

/** x / (1 + |x|). Shape [*]. */
export const softsign: (input: Tensor) => Tensor = op("softsign", "input: tensor", (input: Tensor) => input.div(input.abs().add(1)), plain);

/** x - tanh(x). Shape [*]. */
export const tanhshrink: (input: Tensor) => Tensor = op("tanhshrink", "input: tensor", (input: Tensor) => input.sub(input.tanh()), plain);

type Shrink = (input: Tensor, lambd?: number | { lambd?: number }) => Tensor;
/** x outside [-lambd, lambd], 0 inside. Shape [*]. @param lambd default 0.5 */
export const hardshrink: Shrink = op("hardshrink", "input: tensor, lambd: float = 0.5", (input: Tensor, lambd: number) => {
  requireReal("hardshrink", input);
  return shownAs("hardshrink", where(input.detach().ge(-lambd).logicalAnd(input.detach().le(lambd)), 0, input));
});
/** x moved towards 0 by lambd, 0 inside [-lambd, lambd]. Shape [*]. @param lambd at least 0; default 0.5 */
export const softshrink: Shrink = op(
  "softshrink",
  "input: tensor, lambd: float = 0.5",
  (input: Tensor, lambd: number) => {
    requireReal("softshrink", input);
    if (!(lambd >= 0)) throw new ValueError({ op: "softshrink", argument: "lambd", expected: "at least 0", got: String(lambd) });
    const x = input.detach();
    return shownAs("softshrink", where(x.gt(lambd), input.sub(lambd), where(x.lt(-lambd), input.add(lambd), input.mul(0))));
  },
  plain,
);

type SoftminOptions = { dim?: number | null; dtype?: DType | null };
/** softmax(-x): e^-x / sum(e^-x) along `dim`. Shape [*]. */
export const softmin: (input: Tensor, dim?: number | null | SoftminOptions, options?: SoftminOptions) => Tensor = op(
  "softmin",
  "input: tensor, dim: int? = null, *, dtype: dtype? = null",
  (input: Tensor, dim: number | null, dtype: number | null) =>
    softmax(input.neg(), dim, { dtype: dtype === null ? null : (launch.dtypeName(dtype) as DType) }),
  plain,
);

/** The first half along `dim` times the sigmoid of the second. [.., 2n, ..] -> [.., n, ..] @param dim default -1 */
export const glu: (input: Tensor, dim?: number | { dim?: number }) => Tensor = op(
  "glu",
  "input: tensor, dim: dim = -1",
  (input: Tensor, dim: number) => {
    requireReal("glu", input);
    if (input.shape.length === 0) throw new ShapeError({ op: "glu", argument: "input", expected: "at least 1 dim", got: "a 0-d tensor" });
    const d = wrapDim("glu", dim, input.shape.length);
    if (input.shape[d]! % 2 !== 0)
      throw new ShapeError({ op: "glu", argument: "input", expected: `an even size of dim ${d}`, got: formatShape(input.shape) });
    const [a, b] = input.chunk(2, d) as [Tensor, Tensor];
    return shownAs("glu", a.mul(b.sigmoid()));
  },
  plain,
);

/** x where positive, weight * x elsewhere. `weight`: one element, or [C], one a channel (dim 1). Shape [*]. */
export const prelu: (input: Tensor, weight: Tensor) => Tensor = op("prelu", "input: tensor, weight: tensor", (x: Tensor, w: Tensor) => {
  requireReal("prelu", x);
  requireSameDevice("prelu", x, w);
  if (w.dt !== x.dt) throw new DTypeError({ op: "prelu", argument: "weight", expected: x.dtype, got: w.dtype });
  const channels = x.shape.length < 2 ? 1 : x.shape[1]!;
  if (w.shape.length > 1 || (w.numel() !== 1 && (w.numel() !== channels || x.shape.length === 0)))
    throw new ShapeError({ op: "prelu", argument: "weight", expected: `of one element, or of ${channels}`, got: formatShape(w.shape) });
  const slope = w.reshape(x.shape.length < 2 ? (x.shape.length === 0 ? [] : [1]) : x.shape.map((_, i) => (i === 1 ? w.numel() : 1)));
  return shownAs("preluKernel", where(x.detach().gt(0), x, x.mul(slope)));
});

export interface RreluOptions {
  lower?: number;
  upper?: number;
  training?: boolean;
}
/** x where positive, a * x elsewhere: a drawn from [lower, upper) for each element when training, else their mean. Shape [*]. */
export const rrelu: (
  input: Tensor,
  lower?: number | RreluOptions,
  upper?: number | RreluOptions,
  training?: boolean | RreluOptions,
) => Tensor = op(
  "rrelu",
  "input: tensor, lower: float = 0.125, upper: float = 0.3333333333333333, training: bool = false",
  (input: Tensor, lower: number, upper: number, training: boolean) => {
    requireReal("rrelu", input);
    if (!(lower <= upper)) throw new ValueError({ op: "rrelu", argument: "lower", expected: `at most upper ${upper}`, got: String(lower) });
    if (!training) return shownAs("rreluWithNoise", leakyRelu(input, (lower + upper) / 2));
    const slopes = launch.empty("rrelu", input.shape, input.dt, input.dev).uniform_(lower, upper);
    return shownAs("rreluWithNoise", where(input.detach().gt(0), input, input.mul(slopes)));
  },
  plain,
);

interface DistanceOptions {
  p?: number;
  eps?: number;
  keepdim?: boolean;
}
/** The p-norm of x1 - x2 + eps along the last dim; shapes broadcast. @param p default 2 @param eps default 1e-6 */
export const pairwiseDistance: (
  x1: Tensor,
  x2: Tensor,
  p?: number | DistanceOptions,
  eps?: number | DistanceOptions,
  keepdim?: boolean | DistanceOptions,
) => Tensor = op(
  "pairwiseDistance",
  "x1: tensor, x2: tensor, p: float = 2.0, eps: float = 1e-06, keepdim: bool = false",
  (a: Tensor, b: Tensor, p: number, eps: number, keepdim: boolean) => {
    const difference = a.sub(b);
    return (isIntegral(difference.dt) ? difference.float() : difference).add(eps).norm(p, -1, keepdim);
  },
  plain,
);
