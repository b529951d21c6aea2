/** Functions of one tensor that keep its elements finite: nanToNum, logit. */
import { Code, defaultDtypeCode, isComplex, isIntegral, type DType } from "../tensor/dtype.js";
import { DTypeError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { viewAsComplex } from "./complex.js";
import { op, record, recorded } from "./define.js";
import { withInPlace } from "./in-place.js";
import { where } from "./ternary.js";

/** The largest finite number of a floating dtype, by code. */
export const greatest: Readonly<Record<number, number>> = {
  [Code.float16]: 65504,
  [Code.bfloat16]: 3.3895313892515355e38,
  [Code.float32]: 3.4028234663852886e38,
  [Code.float64]: Number.MAX_VALUE,
};

export interface NanToNumOptions {
  /** Replaces NaN. Default 0. */
  nan?: number | null;
  /** Replaces Infinity. Default: the largest number of the dtype. */
  posinf?: number | null;
  /** Replaces -Infinity. Default: the smallest number of the dtype. */
  neginf?: number | null;
}

/** The elements with NaN and infinities replaced. Shape [*]. @example nanToNum(tensor([NaN, Infinity]), { posinf: 9 }) // [0., 9.] */
export const nanToNum: (
  input: Tensor,
  nan?: number | null | NanToNumOptions,
  posinf?: number | null | NanToNumOptions,
  neginf?: number | null | NanToNumOptions,
) => Tensor = withInPlace(
  "nanToNum",
  op(
    "nanToNum",
    "input: tensor, nan: float? = null, posinf: float? = null, neginf: float? = null",
    (input: Tensor, nan: number | null, posinf: number | null, neginf: number | null) => {
      if (isIntegral(input.dt)) return input.clone();
      if (isComplex(input.dt)) {
        const out = viewAsComplex(nanToNum(input.detach().viewAsReal(), { nan, posinf, neginf }));
        return recorded(input) ? record("nanToNum", out, [input], [input], ([g], node) => [g!.mul(node.tensor(0).isfinite())]) : out;
      }
      const most = greatest[input.dt] ?? 0;
      const upper = where(input.isposinf(), posinf ?? most, input);
      const bounded = where(input.isneginf(), neginf ?? -most, upper);
      return where(input.isnan(), nan ?? 0, bounded);
    },
  ),
);

/** log(x / (1 - x)), with x limited to [eps, 1 - eps] when `eps` is given. Shape [*]. */
export const logit: (input: Tensor, eps?: number | null | { eps?: number | null }) => Tensor = withInPlace(
  "logit",
  op("logit", "input: tensor, eps: float? = null", (given: Tensor, limit: number | null) => {
    const eps = limit !== null && limit < 0 ? null : limit;
    if (isComplex(given.dt)) throw new DTypeError({ op: "logit", argument: "input", expected: "a real dtype", got: given.dtype });
    const x = (isIntegral(given.dt) ? given.to(launch.dtypeName(defaultDtypeCode()) as DType) : given).detach();
    const z = eps === null ? x : x.clamp(eps, 1 - eps);
    const out = z.div(z.neg().add(1)).log();
    if (!recorded(given)) return out;
    return record("logit", out, [given], [given], ([g], node) => {
      const at = node.tensor(0);
      const slope = g!.div(at.mul(at.neg().add(1)));
      const [low, high] = eps === null ? [0, 1] : [eps, 1 - eps];
      return [where(at.ge(low).logicalAnd(at.le(high)), slope, eps === null ? NaN : 0)];
    });
  }),
);
