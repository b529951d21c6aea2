/** Running sums, products, extremes and log-sum-exps along a dim. */
import { Code, isComplex, isIntegral, type DType } from "../tensor/dtype.js";
import { DTypeError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { wrapDim } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { logaddexp } from "./binary.js";
import { cat, stack } from "./joining.js";
import { op, record, recorded } from "./define.js";
import { recordPicked, type ValuesIndices } from "./extremes.js";
import { withInPlace } from "./in-place.js";
import { greatest } from "./finite.js";
import { named } from "./named.js";
import { conjOf } from "./pointwise.js";
import { asDtype } from "./reduce.js";
import { where } from "./ternary.js";

const code = launch.codesOf("structured");

type Scan = (input: Tensor, dim: number | { dim: number; dtype?: DType | null }, options?: { dtype?: DType | null }) => Tensor;
const scanSignature = "input: tensor, dim: dim, *, dtype: dtype? = null";

function scanOf(name: "cumsum" | "cumprod", given: Tensor, dim: number, dtype: number | null): { input: Tensor; out: Tensor; d: number } {
  given.live(name);
  const target = dtype ?? (isIntegral(given.dt) ? Code.int64 : given.dt);
  const input = asDtype(name, given, target);
  const d = wrapDim(name, dim, input.shape.length);
  return { input, out: launch.run(name, code(name), [input], input.shape, target, [d]), d };
}

/** The running sum along `dim`. @example tensor([1, 2, 3]).cumsum(0) // [1., 3., 6.] */
export const cumsum: Scan = withInPlace(
  "cumsum",
  op("cumsum", scanSignature, (given: Tensor, dim: number, dtype: number | null) => {
    const { input, out, d } = scanOf("cumsum", given, dim, dtype);
    return recorded(input) ? record("cumsum", out, [input], [], ([g]) => [reverseSum(g!, d)]) : out;
  }),
);
/** The running product along `dim`. */
export const cumprod: Scan = withInPlace(
  "cumprod",
  op("cumprod", scanSignature, (given: Tensor, dim: number, dtype: number | null) => {
    const { input, out, d } = scanOf("cumprod", given, dim, dtype);
    if (!recorded(input)) return out;
    return record("cumprod", out, [input], [input, out], ([g], node) => [
      cumprodGrad(g!, conjOf(node.tensor(0)), conjOf(node.tensor(1)), d),
    ]);
  }),
);

function runningExtreme(name: "cummax" | "cummin"): (input: Tensor, dim: number | { dim: number }) => ValuesIndices {
  return op(name, "input: tensor, dim: dim", (input: Tensor, dim: number) => {
    input.live(name);
    const d = wrapDim(name, dim, input.shape.length);
    const outputs = [
      { shape: input.shape, dt: input.dt },
      { shape: input.shape, dt: Code.int64 },
    ];
    const [values, indices] = launch.runMany(name, code(name), [input], outputs, [d]) as [Tensor, Tensor];
    if (recorded(input)) recordPicked(name, input, values, indices, d, true);
    return named({ values, indices });
  });
}
/** The running maximum along `dim`, and where it is (the last of equals). NaN wins from its place on. */
export const cummax = runningExtreme("cummax");
/** The running minimum along `dim`, and where it is. */
export const cummin = runningExtreme("cummin");

/** The running log(sum(exp(x))) along `dim`, without overflow. Floating dtypes. */
export const logcumsumexp: (input: Tensor, dim: number | { dim: number }) => Tensor = op(
  "logcumsumexp",
  "input: tensor, dim: dim",
  (input: Tensor, dim: number) => {
    input.live("logcumsumexp");
    if (isIntegral(input.dt))
      throw new DTypeError({ op: "logcumsumexp", argument: "input", expected: "a floating dtype", got: input.dtype });
    const d = wrapDim("logcumsumexp", dim, input.shape.length);
    if (isComplex(input.dt)) return complexScan(input, d);
    const out = launch.run("logcumsumexp", code("logcumsumexp"), [input], input.shape, input.dt, [d]);
    if (!recorded(input)) return out;
    return record("logcumsumexp", out, [input], [input, out], ([g], node) => {
      if (g!.numel() === 0 || (g!.shape[d] ?? 1) === 1) return [g!];
      // Sums of g e^(x - y) from each place on, in logarithms; positive and negative parts apart.
      const [x, y] = [node.tensor(0), node.tensor(1)];
      const size = g!.abs().log();
      const least = -(greatest[g!.dt] ?? 0);
      const part = (sign: Tensor): Tensor =>
        reversed(d, where(sign, size, least).sub(y), logcumsumexp)
          .add(x)
          .exp();
      return [part(g!.gt(0)).sub(part(g!.lt(0)))];
    });
  },
);

/** Of complex numbers: one after the other, as the phase of each sum goes on from that of the one before. */
function complexScan(input: Tensor, d: number): Tensor {
  if (input.numel() === 0 || input.shape.length === 0) return input.clone();
  const sums: Tensor[] = [];
  for (const piece of input.unbind(d)) sums.push(sums.length === 0 ? piece : logaddexp(sums.at(-1)!, piece));
  return stack(sums, d);
}

const reversed = (d: number, x: Tensor, scan: (x: Tensor, dim: number) => Tensor): Tensor =>
  x.shape.length === 0 ? scan(x, d) : scan(x.flip(d), d).flip(d);

const reverseSum = (g: Tensor, d: number): Tensor => (g.shape.length === 0 ? g : g.flip(d).cumsum(d).flip(d));

function cumprodGrad(g: Tensor, x: Tensor, y: Tensor, d: number): Tensor {
  if (x.shape.length === 0 || x.numel() === 0 || x.shape[d] === 1) return g;
  if (!x.eq(0).any().item()) return reverseSum(g.mul(y), d).div(x);
  // dL/dx_i = prod(x_0..x_i-1) * sum over k >= i of g_k prod(x_i+1..x_k)
  const n = x.shape[d]!;
  const one = x.narrow(d, 0, 1).mul(0).add(1);
  const parts = Array.from({ length: n }, (_, i) => {
    const before = i === 0 ? one : x.narrow(d, 0, i).prod(d, true);
    const after = cat([one, x.narrow(d, i + 1, n - i - 1).cumprod(d)], d);
    return before.mul(
      g
        .narrow(d, i, n - i)
        .mul(after)
        .sum(d, true),
    );
  });
  return cat(parts, d);
}
