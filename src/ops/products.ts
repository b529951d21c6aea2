/** Products beside matmul: vdot, inner, addmv, addr, addbmm, baddbmm, tensordot, kron, cross, chainMatmul. */
import { Code, category, promoteTypes } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, numelOf, sameShape, wrapDim, wrapDims, type Shape } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { op } from "./define.js";
import { withInPlace } from "./in-place.js";
import { unread, type AddmmOptions } from "./matmul.js";
import { requireFits } from "./pointwise.js";

type Product = (input: Tensor, other: Tensor) => Tensor;

function requireRank(name: string, argument: string, t: Tensor, rank: number): void {
  if (t.shape.length !== rank) throw new ShapeError({ op: name, argument, expected: `${rank}-d`, got: formatShape(t.shape) });
}
function requireSameDtype(name: string, ...tensors: Tensor[]): void {
  const [first] = tensors;
  for (const t of tensors)
    if (t.dt !== first!.dt) throw new DTypeError({ op: name, expected: "operands of one dtype", got: `${first!.dtype} and ${t.dtype}` });
}
/** The inner product of two vectors, the first conjugated. [K], [K] -> [] */
export const vdot: Product = op("vdot", "input: tensor, other: tensor", (a: Tensor, b: Tensor) => a.conj().dot(b));

/** Sums of products over the last dims. [..,K], [*,K] -> [..,*] */
export const inner: Product = op("inner", "input: tensor, other: tensor", (a: Tensor, b: Tensor) => {
  if (a.shape.length === 0 || b.shape.length === 0) return a.mul(b);
  requireSameDtype("inner", a, b);
  if (a.shape.at(-1) !== b.shape.at(-1))
    throw new ShapeError({
      op: "inner",
      expected: "input[-1] to equal other[-1]",
      got: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    });
  return tensordotOf(a, b, [a.shape.length - 1], [b.shape.length - 1]);
});

type Added = (input: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions) => Tensor;

/** beta * input + alpha * product; with beta 0 input is not read, so that its NaN stay out. */
function added(
  name: string,
  a: string,
  b: string,
  check: (x: Tensor, y: Tensor) => void,
  product: (x: Tensor, y: Tensor, input: Tensor, beta: Scalar, alpha: Scalar) => Tensor,
): Added {
  const call = op<Added>(
    name,
    `input: tensor, ${a}: tensor, ${b}: tensor, *, beta: scalar = 1, alpha: scalar = 1`,
    (input: Tensor, x: Tensor, y: Tensor, beta: Scalar, alpha: Scalar) => {
      check(x, y);
      for (const factor of [beta, alpha])
        if (typeof factor === "object") requireFits(name, factor, promoteTypes(input.dt, promoteTypes(x.dt, y.dt)));
      const part = product(x, y, input, beta, alpha);
      // As torch: beside a matrix without elements the input is not broadcast.
      if (name === "addmv" && x.numel() === 0 && Number(beta) !== 0) return scaled(input, whole(part, beta)).add(part.sum());
      if (!sameShape(broadcastShapes(name, input.shape, part.shape), part.shape))
        throw new ShapeError({
          op: name,
          argument: "input",
          expected: `broadcastable to ${formatShape(part.shape)}`,
          got: formatShape(input.shape),
        });
      if (Number(beta) === 0) return input.requiresGrad ? unread(input).add(part) : part;
      return scaled(input, whole(part, beta)).add(part);
    },
  );
  return withInPlace(name, call as never) as Added;
}
const scaled = (t: Tensor, by: Scalar): Tensor => (Number(by) === 1 ? t : t.mul(by));
/** A factor in t's dtype: for integers PyTorch cuts off its fraction, for bools it is one. */
function whole(t: Tensor, by: Scalar): Scalar {
  if (t.dt === Code.bool) return Number(by) !== 0;
  return category[t.dt]! < 2 && typeof by === "number" ? Math.trunc(by) : by;
}

/** alpha * product of operands that share input's dtype. */
function ofOneDtype(name: string, product: (x: Tensor, y: Tensor) => Tensor) {
  return (x: Tensor, y: Tensor, input: Tensor, _beta: Scalar, alpha: Scalar): Tensor => {
    requireSameDtype(name, x, y, input);
    const part = product(x, y);
    return scaled(part, whole(part, alpha));
  };
}

/** beta * input + alpha * (mat @ vec). [N], [N,M], [M] -> [N] */
export const addmv = added(
  "addmv",
  "mat",
  "vec",
  (mat, vec) => {
    requireRank("addmv", "mat", mat, 2);
    requireRank("addmv", "vec", vec, 1);
  },
  ofOneDtype("addmv", (mat, vec) => mat.mv(vec)),
);
/** beta * input + alpha * outer(vec1, vec2); dtypes promote. [N,M], [N], [M] -> [N,M] */
export const addr = added(
  "addr",
  "vec1",
  "vec2",
  (a, b) => {
    requireRank("addr", "vec1", a, 1);
    requireRank("addr", "vec2", b, 1);
  },
  (a, b, input, beta, alpha) => {
    const dt = promoteTypes(input.dt, promoteTypes(a.dt, b.dt));
    if (category[dt]! < 2 && ![beta, alpha].every((scale) => typeof scale !== "number" || Number.isInteger(scale)))
      throw new ValueError({ op: "addr", argument: "alpha", expected: "integers for integer tensors", got: `${beta} and ${alpha}` });
    if (dt !== Code.bool && [beta, alpha].some((scale) => typeof scale === "boolean"))
      throw new ValueError({ op: "addr", argument: "alpha", expected: "booleans for bool tensors only", got: `${beta} and ${alpha}` });
    const part = a.outer(b).to(launch.dtypeName(dt) as "float32");
    return scaled(part, whole(part, alpha));
  },
);
function requireStacks(name: string): (a: Tensor, b: Tensor) => void {
  return (a, b) => {
    requireRank(name, "batch1", a, 3);
    requireRank(name, "batch2", b, 3);
  };
}
/** beta * input + alpha * the sum of the products of two stacks. [N,P], [B,N,M], [B,M,P] -> [N,P] */
export const addbmm = added(
  "addbmm",
  "batch1",
  "batch2",
  requireStacks("addbmm"),
  ofOneDtype("addbmm", (a, b) => a.bmm(b).sum(0).to(a.dtype)),
);
/** beta * input + alpha * (batch1 @ batch2). [B,N,P], [B,N,M], [B,M,P] -> [B,N,P] */
export const baddbmm = added(
  "baddbmm",
  "batch1",
  "batch2",
  requireStacks("baddbmm"),
  ofOneDtype("baddbmm", (a, b) => a.bmm(b)),
);

/** Sums products over dims `left` of a and `right` of b. */
function tensordotOf(a: Tensor, b: Tensor, left: readonly number[], right: readonly number[]): Tensor {
  const restA = a.shape.map((_, i) => i).filter((i) => !left.includes(i));
  const restB = b.shape.map((_, i) => i).filter((i) => !right.includes(i));
  const sizes = (t: Tensor, dims: readonly number[]): Shape => dims.map((d) => t.shape[d]!);
  const inner = numelOf(sizes(a, left));
  // [rest of a, summed] @ [summed, rest of b]
  const x = a.permute([...restA, ...left]).reshape(numelOf(sizes(a, restA)), inner);
  const y = b.permute([...right, ...restB]).reshape(inner, numelOf(sizes(b, restB)));
  return x.mm(y).reshape([...sizes(a, restA), ...sizes(b, restB)]);
}

/**
 * Sums products over dims: the last `dims` of a with the first of b, or two lists of dims. @param dims default 2
 * @example tensordot(zeros(2, 3, 4), zeros(4, 3, 5), [[1, 2], [1, 0]]).shape // [2, 5]
 */
export const tensordot: (
  a: Tensor,
  b: Tensor,
  dims?: number | readonly [readonly number[], readonly number[]] | { dims?: number | readonly (readonly number[])[] },
) => Tensor = op(
  "tensordot",
  "a: tensor, b: tensor, dims: any = 2",
  (a: Tensor, b: Tensor, dims: unknown) => {
    requireSameDtype("tensordot", a, b);
    const lists = (dims instanceof Tensor ? dims.tolist() : dims) as number | number[] | number[][];
    const count = typeof lists === "number" ? lists : -1;
    if (typeof lists === "number" && (!Number.isInteger(count) || count < 0 || count > Math.min(a.shape.length, b.shape.length)))
      throw new ValueError({ op: "tensordot", argument: "dims", expected: "a count of dims that both have", got: String(lists) });
    const pair =
      typeof lists === "number"
        ? [Array.from({ length: count }, (_, i) => a.shape.length - count + i), Array.from({ length: count }, (_, i) => i)]
        : lists;
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new ValueError({ op: "tensordot", argument: "dims", expected: "an integer or two lists of integers", got: String(pair) });
    const [left, right] = pair.map((list, side) => {
      const given = typeof list === "number" ? [list] : list;
      if (!Array.isArray(given) || !given.every(Number.isInteger))
        throw new ValueError({ op: "tensordot", argument: "dims", expected: "lists of integers", got: String(list) });
      return wrapDims("tensordot", given, (side === 0 ? a : b).shape.length);
    }) as [number[], number[]];
    if (left.length !== right.length)
      throw new ValueError({
        op: "tensordot",
        argument: "dims",
        expected: "two lists of one length",
        got: `${formatShape(left)} and ${formatShape(right)}`,
      });
    let [x, y] = [a, b];
    left.forEach((d, i) => {
      const [n, m] = [a.shape[d]!, b.shape[right[i]!]!];
      if (n === m) return;
      // A dim of size 1 is summed against any size.
      if (n === 1) y = y.sum(right[i]!, true).to(b.dtype);
      else if (m === 1) x = x.sum(d, true).to(a.dtype);
      else
        throw new ShapeError({
          op: "tensordot",
          expected: `dim ${d} of a to equal dim ${right[i]} of b`,
          got: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
        });
    });
    return tensordotOf(x, y, left, right);
  },
  { method: false },
);

/** Kronecker's product: every element of input times other. Sizes multiply. */
export const kron: Product = op("kron", "input: tensor, other: tensor", (a: Tensor, b: Tensor) => {
  const rank = Math.max(a.shape.length, b.shape.length);
  const lifted = (t: Tensor): Shape => [...new Array<number>(rank - t.shape.length).fill(1), ...t.shape];
  const [left, right] = [lifted(a), lifted(b)];
  // [n, 1, ..] * [1, m, ..] -> [n, m, ..] -> [n m, ..]
  const product = a.reshape(left.flatMap((size) => [size, 1])).mul(b.reshape(right.flatMap((size) => [1, size])));
  return product.reshape(left.map((size, i) => size * right[i]!));
});

/** The cross product of vectors of size 3 along `dim`. Shapes broadcast. @param dim default: the first dim of size 3 */
export const cross: (input: Tensor, other: Tensor, dim?: number | null | { dim?: number | null }) => Tensor = op(
  "cross",
  "input: tensor, other: tensor, dim: dim? = null",
  (a: Tensor, b: Tensor, dim: number | null) => {
    if (a.shape.length !== b.shape.length)
      throw new ShapeError({ op: "cross", expected: "tensors of one rank", got: `${formatShape(a.shape)} and ${formatShape(b.shape)}` });
    const shape = broadcastShapes("cross", a.shape, b.shape);
    const d = dim === null ? a.shape.indexOf(3) : wrapDim("cross", dim, shape.length);
    if (d < 0 || a.shape[d] !== 3 || b.shape[d] !== 3)
      throw new ShapeError({
        op: "cross",
        argument: "dim",
        expected: "a dim of size 3",
        got: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
      });
    requireSameDtype("cross", a, b);
    if (a.dt === Code.bool) throw new DTypeError({ op: "cross", expected: "a dtype other than bool", got: "bool" });
    const turned = (t: Tensor, by: number): Tensor => t.expand(shape).roll(-by, d);
    return turned(a, 1)
      .mul(turned(b, 2))
      .sub(turned(a, 2).mul(turned(b, 1)));
  },
);

/** The product of several matrices, in the order that needs the fewest multiplications (torch.chain_matmul). */
export const chainMatmul: (...matrices: (Tensor | readonly Tensor[])[]) => Tensor = op(
  "chainMatmul",
  "*matrices: tensors",
  (matrices: readonly Tensor[]) => {
    if (matrices.length === 0)
      throw new ValueError({ op: "chainMatmul", argument: "matrices", expected: "at least one Tensor", got: "none" });
    for (const t of matrices) requireRank("chainMatmul", "matrices", t, 2);
    const sizes = [matrices[0]!.shape[0]!, ...matrices.map((t) => t.shape[1]!)];
    const splits = cheapest(sizes);
    const multiply = (from: number, to: number): Tensor => {
      if (from === to) return matrices[from]!;
      const at = splits[from]![to]!;
      return multiply(from, at).mm(multiply(at + 1, to));
    };
    return multiply(0, matrices.length - 1);
  },
  { method: false },
);

/** Where to split each run of matrices (Cormen et al., matrix-chain order). */
function cheapest(sizes: readonly number[]): number[][] {
  const n = sizes.length - 1;
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const splits = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let length = 2; length <= n; length++)
    for (let i = 0; i + length <= n; i++) {
      const j = i + length - 1;
      cost[i]![j] = Infinity;
      for (let k = i; k < j; k++) {
        const total = cost[i]![k]! + cost[k + 1]![j]! + sizes[i]! * sizes[k + 1]! * sizes[j + 1]!;
        if (total < cost[i]![j]!) [cost[i]![j], splits[i]![j]] = [total, k];
      }
    }
  return splits;
}
