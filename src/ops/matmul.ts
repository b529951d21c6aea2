/** Products of matrices and vectors, and what is made of them: addmm, linear. */
import { isComplex } from "../tensor/dtype.js";
import { DTypeError, ShapeError, formatShape, type ShapeOperand } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, emptyShape, numelOf, type Shape } from "../tensor/shape.js";
import type { Scalar, Tensor } from "../tensor/tensor.js";
import { op, record, recordReading, recorded, requireSameDevice } from "./define.js";
import { withInPlace } from "./in-place.js";
import { conjOf, requireFits, sumTo } from "./pointwise.js";

const code = launch.codesOf("structured");
const matmulCode = code("matmul");
const linearCode = code("linear");

type Product = (input: Tensor, other: Tensor) => Tensor;

function requirePair(name: string, a: Tensor, b: Tensor, second = "other"): void {
  requireSameDevice(name, a, b);
  if (a.dt !== b.dt)
    throw new DTypeError({ op: name, expected: `input and ${second} to have one dtype`, got: `${a.dtype} and ${b.dtype}` });
  a.live(name);
  b.live(name);
}

/** `left` and `right` name dims: `input[-1]`. */
function clash(name: string, left: string, right: string, a: Shape, b: Shape): ShapeError {
  const operand = (place: string, shape: Shape): ShapeOperand => {
    const [, argument, dim] = /^(\w+)\[(-?\d+)\]$/.exec(place)!;
    return { argument: argument!, shape, clash: [Number(dim) < 0 ? shape.length + Number(dim) : Number(dim)] };
  };
  return new ShapeError({
    op: name,
    expected: `${left} to equal ${right}`,
    got: `${formatShape(a)} and ${formatShape(b)}`,
    operands: [operand(left, a), operand(right, b)],
  });
}

/** The product of stacks of matrices; ranks are equal and at least 2. [..,M,K] @ [..,K,N] -> [..,M,N] */
function product(name: string, a: Tensor, b: Tensor, batch: Shape): Tensor {
  const m = a.shape[a.shape.length - 2]!;
  const n = b.shape[b.shape.length - 1]!;
  const out = launch.run(name, matmulCode, [a, b], [...batch, m, n], a.dt, []);
  if (!recorded(a, b)) return out;
  const { shape: aShape } = a;
  const { shape: bShape } = b;
  return recordReading(name === "matmul" && batch.length === 0 ? "mm" : name, out, [a, b], [2, 1], (g, input, node) => [
    node.needs(0) ? sumTo(g.matmul(conjOf(input(1)).transpose(-2, -1)), aShape) : null,
    node.needs(1) ? sumTo(conjOf(input(0)).transpose(-2, -1).matmul(g), bShape) : null,
  ]);
}

function matmulOf(name: string, a: Tensor, b: Tensor): Tensor {
  requirePair(name, a, b);
  const aRank = a.shape.length;
  const bRank = b.shape.length;
  if (aRank === 0 || bRank === 0) {
    throw new ShapeError({ op: name, argument: aRank === 0 ? "input" : "other", expected: "at least 1 dim", got: "a 0-d tensor" });
  }
  if (a.shape[aRank - 1] !== b.shape[bRank === 1 ? 0 : bRank - 2]) {
    throw clash(name, "input[-1]", bRank === 1 ? "other[-1]" : "other[-2]", a.shape, b.shape);
  }
  if (aRank === 1 && bRank === 1) return dotOf(name, a, b);
  if (aRank === 1) return matmulOf(name, a.unsqueeze(0), b).squeeze(-2);
  if (bRank === 1) return matmulOf(name, a, b.unsqueeze(1)).squeeze(-1);
  if (aRank === 2 && bRank === 2) return product(name, a, b, emptyShape);
  if (bRank === 2) {
    // One product instead of a stack: [.., K] rows against one matrix.
    const rows = a.reshape(numelOf(a.shape.slice(0, -1)), a.shape[aRank - 1]!);
    return product(name, rows, b, emptyShape).reshape([...a.shape.slice(0, -1), b.shape[1]!]);
  }
  const batch = broadcastShapes(name, a.shape.slice(0, -2), b.shape.slice(0, -2));
  const rank = batch.length + 2;
  const stacked = (x: Tensor): Tensor =>
    x.shape.length === rank ? x : x.reshape([...new Array<number>(rank - x.shape.length).fill(1), ...x.shape]);
  return product(name, stacked(a), stacked(b), batch);
}

function dotOf(name: string, a: Tensor, b: Tensor): Tensor {
  const out = launch.run(name, code("dot"), [a, b], emptyShape, a.dt, []);
  if (!recorded(a, b)) return out;
  return recordReading("dot", out, [a, b], [2, 1], (g, input, node) => [
    node.needs(0) ? conjOf(input(1)).mul(g) : null,
    node.needs(1) ? conjOf(input(0)).mul(g) : null,
  ]);
}

/**
 * The matrix product: vectors, matrices, or stacks of matrices whose leading dims broadcast.
 * [M,K] @ [K,N] -> [M,N]; a vector on the left is a row, on the right a column.
 * @throws ShapeError when input[-1] and other[-2] differ
 */
export const matmul: Product = op("matmul", "input: tensor, other: tensor", (a: Tensor, b: Tensor) => matmulOf("matmul", a, b));

function ranked(name: string, signature: string, rankA: number, rankB: number): Product {
  const second = /, (\w+): tensor/.exec(signature)![1]!;
  return op<Product>(name, signature, (a: Tensor, b: Tensor) => {
    for (const [argument, t, rank] of [
      ["input", a, rankA],
      [second, b, rankB],
    ] as const) {
      if (t.shape.length === rank) continue;
      const operands = [
        { argument: "input", shape: a.shape, clash: a.shape.length === rankA ? [] : [...a.shape.keys()] },
        { argument: second, shape: b.shape, clash: b.shape.length === rankB ? [] : [...b.shape.keys()] },
      ];
      throw new ShapeError({ op: name, argument, expected: `${rank}-d`, got: formatShape(t.shape), operands });
    }
    if (rankA === 3 && a.shape[0] !== b.shape[0]) throw clash(name, "input[0]", `${second}[0]`, a.shape, b.shape);
    return matmulOf(name, a, b);
  });
}
/** The product of two matrices. [M,K] @ [K,N] -> [M,N] */
export const mm = ranked("mm", "input: tensor, mat2: tensor", 2, 2);
/** The products of two stacks of matrices. [B,M,K] @ [B,K,N] -> [B,M,N] */
export const bmm = ranked("bmm", "input: tensor, mat2: tensor", 3, 3);
/** The product of a matrix and a vector. [M,K] @ [K] -> [M] */
export const mv = ranked("mv", "input: tensor, vec: tensor", 2, 1);
/** The inner product of two vectors. [K], [K] -> [] */
export const dot = ranked("dot", "input: tensor, tensor: tensor", 1, 1);
/** The outer product of two vectors. [M], [N] -> [M,N] */
export const outer: Product = op("outer", "input: tensor, vec2: tensor", (a: Tensor, b: Tensor) => {
  for (const [argument, x] of [
    ["input", a],
    ["vec2", b],
  ] as const) {
    if (x.shape.length !== 1) throw new ShapeError({ op: "outer", argument, expected: "1-d", got: formatShape(x.shape) });
  }
  return a.unsqueeze(1).mul(b.unsqueeze(0));
});

/** Options of {@link addmm}. */
/** @internal A zero in place of an input that a beta of 0 leaves out: its NaN stay out, its gradient is zero. */
export function unread(input: Tensor): Tensor {
  const { shape } = input;
  const out = launch.empty("zeros", shape, input.dt, input.dev).zero_();
  return recorded(input) ? record("mul", out, [input], [], ([g]) => [g!.mul(0)]) : out;
}

export interface AddmmOptions {
  /** Multiplies `input`. Default 1. */
  beta?: Scalar;
  /** Multiplies the product. Default 1. */
  alpha?: Scalar;
}
/** beta * input + alpha * (mat1 @ mat2); input broadcasts to [M,N]. */
export const addmm: (input: Tensor, mat1: Tensor, mat2: Tensor, options?: AddmmOptions) => Tensor = withInPlace(
  "addmm",
  op(
    "addmm",
    "input: tensor, mat1: tensor, mat2: tensor, *, beta: scalar = 1, alpha: scalar = 1",
    (input: Tensor, a: Tensor, b: Tensor, beta: Scalar, alpha: Scalar) => {
      requirePair("addmm", a, b, "mat2");
      requirePair("addmm", input, a, "mat1");
      if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[1] !== b.shape[0])
        throw clash("addmm", "mat1[1]", "mat2[0]", a.shape, b.shape);
      const shape = [a.shape[0]!, b.shape[1]!];
      if (broadcastShapes("addmm", input.shape, shape).some((size, i) => size !== shape[i])) {
        throw new ShapeError({
          op: "addmm",
          argument: "input",
          expected: `broadcastable to ${formatShape(shape)}`,
          got: formatShape(input.shape),
        });
      }
      for (const factor of [beta, alpha]) if (typeof factor === "object") requireFits("addmm", factor, a.dt);
      if (isComplex(a.dt) || typeof beta === "object" || typeof alpha === "object") {
        const product = a.matmul(b).mul(alpha);
        return (beta === 0 ? unread(input) : input.mul(beta)).add(product);
      }
      const [scaleC, scaleAB] = [Number(beta), Number(alpha)];
      const c = input.expand(shape);
      const out = launch.run("addmm", code("addmm"), [c, a, b], shape, a.dt, [scaleC, scaleAB]);
      if (!recorded(input, a, b)) return out;
      const { shape: cShape } = input;
      return recordReading("addmm", out, [input, a, b], [0, 4, 2], (g, read, node) => {
        const scaled = scaleAB === 1 ? g : g.mul(scaleAB);
        return [
          node.needs(0) ? sumTo(scaleC === 1 ? g : g.mul(scaleC), cShape) : null,
          node.needs(1) ? scaled.matmul(read(2).t()) : null,
          node.needs(2) ? read(1).t().matmul(scaled) : null,
        ];
      });
    },
  ),
);

/**
 * input @ weight^T + bias (torch.nn.functional.linear). [..,K], [N,K], [N] -> [..,N]
 * @throws ShapeError when input[-1] and weight[1] differ
 */
export const linear: (input: Tensor, weight: Tensor, bias?: Tensor | null | { bias?: Tensor | null }) => Tensor = op(
  "linear",
  "input: tensor, weight: tensor, bias: tensor? = null",
  (x: Tensor, w: Tensor, bias: Tensor | null) => {
    requirePair("linear", x, w, "weight");
    // A vector as weight: no dim of outputs, [..,K], [K] -> [..]
    if (w.shape.length === 1 && bias === null) return x.matmul(w);
    if (w.shape.length !== 2) throw new ShapeError({ op: "linear", argument: "weight", expected: "2-d", got: formatShape(w.shape) });
    const k = x.shape[x.shape.length - 1];
    if (k !== w.shape[1]) throw clash("linear", "input[-1]", "weight[1]", x.shape, w.shape);
    if (bias !== null) {
      requirePair("linear", x, bias, "bias");
      if (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0]) throw clash("linear", "bias[0]", "weight[0]", bias.shape, w.shape);
    }
    if (isComplex(x.dt)) return bias === null ? x.matmul(w.t()) : x.matmul(w.t()).add(bias);
    const shape = [...x.shape.slice(0, -1), w.shape[0]!];
    const out = launch.run("linear", linearCode, bias === null ? [x, w] : [x, w, bias], shape, x.dt, [bias === null ? 0 : 1]);
    if (!recorded(x, w, bias)) return out;
    const node = x.shape.length !== 2 ? (bias === null ? "linear" : "view") : bias === null ? "mm" : "linearBias";
    return recordReading(node, out, bias === null ? [x, w] : [x, w, bias], [2, 1, 0], (g, input, node) => {
      const flat = (t: Tensor): Tensor => (t.shape.length === 2 ? t : t.reshape(numelOf(t.shape.slice(0, -1)), t.shape.at(-1)!));
      return [
        node.needs(0) ? g.matmul(input(1)) : null,
        node.needs(1)
          ? flat(g)
              .t()
              .matmul(flat(input(0)))
          : null,
        node.needs(2) ? flat(g).sum(0) : null,
      ];
    });
  },
  { method: false },
);
