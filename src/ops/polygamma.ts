/** The derivatives of digamma. */
import { ValueError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { op, record, recorded } from "./define.js";
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
