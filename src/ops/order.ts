/** Order: sort, msort, argsort, topk. NaN is greatest, as in torch. */
import { Code, isComplex } from "../tensor/dtype.js";
import { DTypeError, ValueError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { wrapDim } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { op, recorded } from "./define.js";
import { named } from "./named.js";
import { recordPicked, type ValuesIndices } from "./extremes.js";

const code = launch.codesOf("structured");

export interface SortOptions {
  dim?: number;
  /** Largest first. Default false. */
  descending?: boolean;
  /** Equal elements keep their order. Default false. */
  stable?: boolean;
}

function sorted(name: string, input: Tensor, dim: number, descending: boolean, stable: boolean): ValuesIndices {
  const d = wrapDim(name, dim, input.shape.length);
  input.live(name);
  const outputs = [
    { shape: input.shape, dt: input.dt },
    { shape: input.shape, dt: Code.int64 },
  ];
  const [values, indices] = launch.runMany(name, code("sort"), [input], outputs, [d, descending ? 1 : 0, stable ? 1 : 0]) as [
    Tensor,
    Tensor,
  ];
  if (recorded(input)) recordPicked("sort", input, values, indices, d, true);
  return named({ values, indices });
}

/** The elements along `dim` in order, and where they came from. @param dim default -1 */
export const sort: (
  input: Tensor,
  dim?: number | SortOptions,
  descending?: boolean | SortOptions,
  stable?: boolean | SortOptions,
) => ValuesIndices = op(
  "sort",
  "input: tensor, dim: dim = -1, descending: bool = false, stable: bool = false",
  (input: Tensor, dim: number, descending: boolean, stable: boolean) => sorted("sort", input, dim, descending, stable),
);
/** The indices that sort `dim`, int64. @param dim default -1 */
export const argsort: (
  input: Tensor,
  dim?: number | SortOptions,
  descending?: boolean | SortOptions,
  stable?: boolean | SortOptions,
) => Tensor = op(
  "argsort",
  "input: tensor, dim: dim = -1, descending: bool = false, stable: bool = false",
  (input: Tensor, dim: number, descending: boolean, stable: boolean) => sorted("argsort", input.detach(), dim, descending, stable).indices,
  { differentiable: false },
);

/** The elements in order along dim 0. */
export const msort: (input: Tensor) => Tensor = op(
  "msort",
  "input: tensor",
  (input: Tensor) => sorted("msort", input, 0, false, false).values,
);

export interface TopkOptions {
  dim?: number;
  /** The largest; else the smallest. Default true. */
  largest?: boolean;
  /** In order. Default true. */
  sorted?: boolean;
}
/** The k largest (or smallest) elements along `dim`, and where they are. @param dim default -1 */
export const topk: (
  input: Tensor,
  k: number,
  dim?: number | TopkOptions,
  largest?: boolean | TopkOptions,
  sorted?: boolean | TopkOptions,
) => ValuesIndices = op(
  "topk",
  "input: tensor, k: int, dim: dim = -1, largest: bool = true, sorted: bool = true",
  (input: Tensor, k: number, dim: number, largest: boolean, inOrder: boolean) => {
    const d = wrapDim("topk", dim, input.shape.length);
    const size = input.shape[d] ?? 1;
    if (k < 0 || k > size)
      throw new ValueError({ op: "topk", argument: "k", expected: `within the size ${size} of dim ${d}`, got: String(k) });
    input.live("topk");
    if (isComplex(input.dt) || input.dt === Code.bool)
      throw new DTypeError({ op: "topk", argument: "input", expected: "a real dtype other than bool", got: input.dtype });
    const shape = input.shape.map((n, i) => (i === d ? k : n));
    const [values, indices] = launch.runMany(
      "topk",
      code("topk"),
      [input],
      [
        { shape, dt: input.dt },
        { shape, dt: Code.int64 },
      ],
      [d, largest ? 1 : 0, inOrder ? 1 : 0],
    ) as [Tensor, Tensor];
    if (recorded(input)) recordPicked("topk", input, values, indices, d, true);
    return named({ values, indices });
  },
);
