/** Covariance and correlation of variables: cov, corrcoef. */
import { Code, isComplex } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { complex } from "./complex.js";
import { op } from "./define.js";
import { toFloat } from "./representation.js";

export interface CovOptions {
  /** Subtracted from the number of observations. Default 1. */
  correction?: number;
  /** How often each observation counts, int64 [N]. */
  fweights?: Tensor | null;
  /** How much each observation weighs, [N]. */
  aweights?: Tensor | null;
}

function covariance(name: string, given: Tensor, correction: number, fweights: Tensor | null, aweights: Tensor | null): Tensor {
  if (given.shape.length > 2)
    throw new ShapeError({ op: name, argument: "input", expected: "at most 2 dims", got: formatShape(given.shape) });
  if (given.dt === Code.bool) throw new DTypeError({ op: name, argument: "input", expected: "a dtype other than bool", got: "bool" });
  const rows = given.shape.length < 2 ? given.reshape(1, -1) : given;
  const count = rows.shape[1]!;
  for (const [argument, weights] of [
    ["fweights", fweights],
    ["aweights", aweights],
  ] as const) {
    // prettier-ignore
    if (weights === null) continue;
    if (weights.shape.length > 1 || weights.numel() !== count)
      throw new ShapeError({ op: name, argument, expected: `of shape [${count}]`, got: formatShape(weights.shape) });
    if ((argument === "fweights") === weights.isFloatingPoint())
      throw new DTypeError({
        op: name,
        argument,
        expected: argument === "fweights" ? "an integer dtype" : "a floating dtype",
        got: weights.dtype,
      });
    if (count > 0 && Number(weights.detach().amin().item()) < 0)
      throw new ValueError({ op: name, argument, expected: "weights of at least 0", got: "others" });
  }
  const weights = fweights === null ? aweights : aweights === null ? fweights : aweights.mul(fweights);
  if (weights !== null && count > 0 && Number(weights.detach().sum().item()) === 0)
    throw new ValueError({ op: name, argument: "aweights", expected: "weights that do not add up to 0", got: "0" });
  if (weights === null) {
    const centered = rows.sub(toFloat(rows).mean(1, true));
    const out = centered.mm(centered.conj().t()).div(Math.max(0, count - correction));
    return out.squeeze();
  }
  const total = weights.sum();
  const centered = rows.sub(rows.mul(weights).sum(1, true).div(total));
  const lost = aweights === null || correction === 0 ? correction : weights.mul(aweights).sum().mul(correction).div(total);
  const out = centered.mm(centered.mul(weights).conj().t()).div(total.sub(lost).clamp(0));
  return out.squeeze();
}

/** The covariance of variables in rows, observations in columns. [V,N] -> [V,V]; [N] -> [] */
export const cov: (input: Tensor, options?: CovOptions) => Tensor = op(
  "cov",
  "input: tensor, *, correction: int = 1, fweights: tensor? = null, aweights: tensor? = null",
  (input: Tensor, correction: number, fweights: Tensor | null, aweights: Tensor | null) =>
    covariance("cov", input, correction, fweights, aweights),
);

/** Pearson's correlation of variables in rows, in [-1, 1]. [V,N] -> [V,V]; [N] -> [] */
export const corrcoef: (input: Tensor) => Tensor = op("corrcoef", "input: tensor", (input: Tensor) => {
  const c = covariance("corrcoef", input, 1, null, null);
  if (c.shape.length === 0) return c.div(c);
  const deviation = c.diagonal().sqrt();
  const r = c.div(deviation.unsqueeze(1)).div(deviation.unsqueeze(0));
  return isComplex(r.dt) ? complex(r.real.clamp(-1, 1), r.imag.clamp(-1, 1)) : r.clamp(-1, 1);
});
