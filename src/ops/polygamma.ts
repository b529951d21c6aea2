/** The gamma function's relatives with a parameter: polygamma, mvlgamma. */
import { Code, isComplex, type DType } from "../tensor/dtype.js";
import { DTypeError, ValueError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { arange } from "./creation.js";
import { op, record, recorded, shownAs } from "./define.js";
import { withInPlace } from "./in-place.js";
import { toFloat } from "./representation.js";

const code = launch.codesOf("unaryAttr")("polygamma");

/**
 * The n-th derivative of digamma. Shape [*]. As a method the receiver is the input: `x.polygamma(1)`.
 * @param n at least 0
 */
export const polygamma: (n: number, input: Tensor) => Tensor = op(
  "polygamma",
  "n: int, input: tensor",
  (n: number, given: Tensor) => {
    if (n < 0) throw new ValueError({ op: "polygamma", argument: "n", expected: "at least 0", got: String(n) });
    const input = toFloat(given);
    const out = launch.unaryAttr("polygamma", code, input, n, 0, input.dt);
    return recorded(input) ? record("polygamma", out, [input], [input], ([g], node) => [g!.mul(polygamma(n + 1, node.tensor(0)))]) : out;
  },
  { method: false },
);

/**
 * The logarithm of the multivariate gamma function of dimension `p`: p (p - 1) / 4 log(pi) plus the sum of log|Gamma(x - j / 2)| for j below p.
 * Shape [*].
 * @param p at least 1
 * @example mvlgamma(tensor([3]), 2) // [1.5502]
 */
export const mvlgamma: (input: Tensor, p: number | { p: number }) => Tensor = withInPlace(
  "mvlgamma",
  op("mvlgamma", "input: tensor, p: int", (given: Tensor, p: number) => {
    if (given.dt === Code.bool || isComplex(given.dt))
      throw new DTypeError({ op: "mvlgamma", argument: "input", expected: "a real dtype other than bool", got: given.dtype });
    if (p < 1) throw new ValueError({ op: "mvlgamma", argument: "p", expected: "at least 1", got: String(p) });
    const input = toFloat(given);
    const halves = arange(p, { dtype: input.dtype as DType, device: input.device }).mul(0.5);
    const terms = input.unsqueeze(-1).sub(halves).lgamma();
    return shownAs("mvlgamma", terms.sum(-1).add(((p * (p - 1)) / 4) * Math.log(Math.PI)));
  }),
);
