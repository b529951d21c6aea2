/** The modified Bessel function i0 and the incomplete gamma functions igamma, igammac. */
import { category } from "../tensor/dtype.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { noDerivative, record, recorded } from "./define.js";
import { binary, unary, type Binary, type Unary } from "./pointwise.js";
import { where } from "./ternary.js";

const order1 = launch.codesOf("unary")("i1");

/** The modified Bessel function of order 1, the slope of {@link i0}. */
function i1(x: Tensor): Tensor {
  const out = launch.unary("i1", order1, x, x.dt, x.dt);
  if (!recorded(x)) return out;
  // I1' = I0 - I1 / x, which is 1/2 at 0
  return record("i1", out, [x], [x, out], ([g], node) => {
    const [at, value] = [node.tensor(0), node.tensor(1)];
    return [g!.mul(where(at.eq(0), 0.5, i0(at).sub(value.div(at))))];
  });
}

/** The modified Bessel function of the first kind, of order 0. Shape [*]. @example i0(tensor([0, 1])) // [1., 1.2661] */
export const i0: Unary = unary("i0", { grad: (g, x) => g.mul(i1(x)) });

// torch has no derivative for the first operand; the second's is the density x^(a - 1) e^-x / Gamma(a).
const refuse = (op: string): (() => never) => noDerivative(`${op}: input`);
const density = (a: Tensor, x: Tensor): Tensor => x.log().mul(a.sub(1)).sub(x).sub(a.lgamma()).exp();
const floating = (code: number): string | null => (category[code] === 2 ? null : "floating dtypes");

/** The lower incomplete gamma function of `other` with the parameter `input`, over Gamma(input). Shapes broadcast. @example igamma(tensor([1]), tensor([1])) // [0.6321] */
export const igamma: Binary = binary("igamma", {
  tensorsOnly: true,
  grad: [refuse("igamma"), (g, a, x) => g.mul(density(a as Tensor, x as Tensor))],
  refuse: floating,
});
/** The upper incomplete gamma function over Gamma(input): 1 - {@link igamma}. Shapes broadcast. */
export const igammac: Binary = binary("igammac", {
  tensorsOnly: true,
  grad: [refuse("igammac"), (g, a, x) => g.mul(density(a as Tensor, x as Tensor)).neg()],
  refuse: floating,
});
