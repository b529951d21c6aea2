/** Norms of elements. */
import { isComplex, isFloating, type DType } from "../tensor/dtype.js";
import { ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { dimMask, reducedShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { op, record, recorded } from "./define.js";
import { where } from "./ternary.js";
import { dimsOf, requireElements, requireFloat, spread, type Dims, type TypedReduceOptions } from "./reduce.js";

const code = launch.codesOf("structured");

export interface NormOptions extends TypedReduceOptions {
  /** The order: a number, Infinity, -Infinity, or "fro" for 2. Default "fro". */
  p?: number | "fro";
}
/** The p-norm of elements: (sum |x|^p)^(1/p); p 0 counts non-zeros. */
export const norm: (
  input: Tensor,
  p?: number | "fro" | NormOptions,
  dim?: Dims | NormOptions,
  keepdim?: boolean | NormOptions,
  dtype?: DType | null | NormOptions,
) => Tensor = op(
  "norm",
  "input: tensor, p: any = 2, dim: dims? = null, keepdim: bool = false, dtype: dtype? = null",
  (given: Tensor, p: unknown, dim: number[] | null, keepdim: boolean, dtype: number | null) => {
    const order = p === "fro" || p === null ? 2 : p;
    if (typeof order !== "number" || Number.isNaN(order))
      throw new ValueError({ op: "norm", argument: "p", expected: `a number or "fro"`, got: describe(p) });
    const input = dtype === null ? given : given.to(launch.dtypeName(dtype) as DType);
    if (!isFloating(input.dt) && !isComplex(input.dt)) requireFloat("norm", input);
    return vectorNorm("norm", input, order, dimsOf("norm", input, dim), keepdim);
  },
);

/** @internal */
export function vectorNorm(name: string, input: Tensor, p: number, dims: readonly number[], keepdim: boolean): Tensor {
  input.live(name);
  if (!Number.isFinite(p)) requireElements(name, input, dims);
  const out = launch.run(name, code("vectorNorm"), [input], reducedShape(input.shape, dims, keepdim), input.dt, [dimMask(dims), p]);
  if (!recorded(input)) return out;
  return record("norm", out, [input], [input, out], ([g], node) => {
    const x = node.tensor(0);
    const n = spread(node.tensor(1), x.shape, dims);
    return [normGrad(spread(g!, x.shape, dims), x, n, p, dims)];
  });
}

function normGrad(g: Tensor, x: Tensor, n: Tensor, p: number, dims: readonly number[]): Tensor {
  if (p === 0) return x.mul(0);
  if (p === 1) return g.mul(x.sign());
  if (p === 2) return where(n.eq(0), 0, g.mul(x.div(n)));
  if (!Number.isFinite(p)) {
    const winners = x.abs().eq(n);
    return g.mul(x.sign()).mul(winners).div(winners.sum(dims, true));
  }
  return where(
    n.eq(0),
    0,
    g.mul(x.sign()).mul(
      x
        .abs()
        .div(n)
        .pow(p - 1),
    ),
  );
}
