/** Products of matrices and vectors, and what is made of them: linear, einsum. */
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, emptyShape, numelOf, type Shape } from "../tensor/shape.js";
import type { Scalar, Tensor } from "../tensor/tensor.js";
import { op, record, recorded, requireSameDevice } from "./define.js";
import { sumTo } from "./pointwise.js";

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

function clash(name: string, left: string, right: string, a: Shape, b: Shape): ShapeError {
  return new ShapeError({ op: name, expected: `${left} to equal ${right}`, got: `${formatShape(a)} and ${formatShape(b)}` });
}

/** The product of stacks of matrices; ranks are equal and at least 2. [..,M,K] @ [..,K,N] -> [..,M,N] */
function product(name: string, a: Tensor, b: Tensor, batch: Shape): Tensor {
  const m = a.shape[a.shape.length - 2]!;
  const n = b.shape[b.shape.length - 1]!;
  const out = launch.run(name, matmulCode, [a, b], [...batch, m, n], a.dt, []);
  if (!recorded(a, b)) return out;
  const { shape: aShape } = a;
  const { shape: bShape } = b;
  return record(name, out, [a, b], [a, b], ([g], node) => [
    node.needs(0) ? sumTo(g!.matmul(node.tensor(1).transpose(-2, -1)), aShape) : null,
    node.needs(1) ? sumTo(node.tensor(0).transpose(-2, -1).matmul(g!), bShape) : null,
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
  return record(name, out, [a, b], [a, b], ([g], node) => [
    node.needs(0) ? node.tensor(1).mul(g!) : null,
    node.needs(1) ? node.tensor(0).mul(g!) : null,
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
      if (t.shape.length !== rank) throw new ShapeError({ op: name, argument, expected: `${rank}-d`, got: formatShape(t.shape) });
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
export interface AddmmOptions {
  /** Multiplies `input`. Default 1. */
  beta?: Scalar;
  /** Multiplies the product. Default 1. */
  alpha?: Scalar;
}
/** beta * input + alpha * (mat1 @ mat2); input broadcasts to [M,N]. */
export const addmm: (input: Tensor, mat1: Tensor, mat2: Tensor, options?: AddmmOptions) => Tensor = op(
  "addmm",
  "input: tensor, mat1: tensor, mat2: tensor, *, beta: number = 1, alpha: number = 1",
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
    const [scaleC, scaleAB] = [Number(beta), Number(alpha)];
    const c = input.expand(shape);
    const out = launch.run("addmm", code("addmm"), [c, a, b], shape, a.dt, [scaleC, scaleAB]);
    if (!recorded(input, a, b)) return out;
    const { shape: cShape } = input;
    return record("addmm", out, [input, a, b], [a, b], ([g], node) => {
      const scaled = scaleAB === 1 ? g! : g!.mul(scaleAB);
      return [
        node.needs(0) ? sumTo(scaleC === 1 ? g! : g!.mul(scaleC), cShape) : null,
        node.needs(1) ? scaled.matmul(node.tensor(1).t()) : null,
        node.needs(2) ? node.tensor(0).t().matmul(scaled) : null,
      ];
    });
  },
);

/**
 * input @ weight^T + bias (torch.nn.functional.linear). [..,K], [N,K], [N] -> [..,N]
 * @throws ShapeError when input[-1] and weight[1] differ
 */
export const linear: (input: Tensor, weight: Tensor, bias?: Tensor | null) => Tensor = op(
  "linear",
  "input: tensor, weight: tensor, bias: tensor? = null",
  (x: Tensor, w: Tensor, bias: Tensor | null) => {
    requirePair("linear", x, w, "weight");
    if (w.shape.length !== 2) throw new ShapeError({ op: "linear", argument: "weight", expected: "2-d", got: formatShape(w.shape) });
    const k = x.shape[x.shape.length - 1];
    if (k !== w.shape[1]) throw clash("linear", "input[-1]", "weight[1]", x.shape, w.shape);
    if (bias !== null) {
      requirePair("linear", x, bias, "bias");
      if (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0]) throw clash("linear", "bias[0]", "weight[0]", bias.shape, w.shape);
    }
    const shape = [...x.shape.slice(0, -1), w.shape[0]!];
    const out = launch.run("linear", linearCode, bias === null ? [x, w] : [x, w, bias], shape, x.dt, [bias === null ? 0 : 1]);
    if (!recorded(x, w, bias)) return out;
    return record("linear", out, bias === null ? [x, w] : [x, w, bias], [x, w], ([g], node) => {
      const input = node.tensor(0);
      const count = numelOf(input.shape.slice(0, -1));
      const rows = g!.shape.length === 2 ? g! : g!.reshape(count, g!.shape.at(-1)!);
      const flat = input.shape.length === 2 ? input : input.reshape(count, k!);
      return [
        node.needs(0) ? g!.matmul(node.tensor(1)) : null,
        node.needs(1) ? rows.t().matmul(flat) : null,
        node.needs(2) ? rows.sum(0) : null,
      ];
    });
  },
  { method: false },
);

/**
 * Sums of products in Einstein's notation: letters are dims, a letter that is missing on the right is summed, `...` broadcasts.
 * @example einsum("bij,bjk->bik", a, b) // a.bmm(b)
 */
export const einsum: (equation: string, ...operands: (Tensor | readonly Tensor[])[]) => Tensor = op(
  "einsum",
  "equation: string, *operands: tensors",
  (equation: string, operands: readonly Tensor[]) => einsumOf(equation, operands),
  { method: false },
);

interface Term {
  readonly tensor: Tensor;
  readonly labels: string[];
}

function einsumOf(equation: string, operands: readonly Tensor[]): Tensor {
  const refuse = (expected: string, got: string): never => {
    throw new ValueError({ op: "einsum", argument: "equation", expected, got });
  };
  const [left, right] = equation.replaceAll(" ", "").split("->") as [string, string?];
  const subscripts = left.split(",");
  if (subscripts.length !== operands.length)
    refuse(`${operands.length} operand${operands.length === 1 ? "" : "s"}`, `${subscripts.length} in "${equation}"`);
  const ellipsisRank = Math.max(
    0,
    ...operands.map((t, i) => (subscripts[i]!.includes("...") ? t.shape.length - subscripts[i]!.replace("...", "").length : 0)),
  );
  const terms = operands.map((t, i) => termOf(t, subscripts[i]!, ellipsisRank, refuse));
  const sizes = new Map<string, number>();
  for (const { tensor, labels } of terms) {
    labels.forEach((label, i) => {
      const size = tensor.shape[i]!;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && known !== size)
        throw new ShapeError({ op: "einsum", expected: `dims "${label}" to have one size`, got: `${known} and ${size}` });
      sizes.set(label, Math.max(known, size));
      if (size === 0) sizes.set(label, 0);
    });
  }
  const dots = Array.from({ length: ellipsisRank }, (_, i) => `.${i}`);
  const counts = new Map<string, number>();
  for (const label of left.replace(/[,.]/g, "")) counts.set(label, (counts.get(label) ?? 0) + 1);
  const output =
    right === undefined
      ? [
          ...dots,
          ...[...counts]
            .filter(([, n]) => n === 1)
            .map(([label]) => label)
            .sort(),
        ]
      : right.includes("...")
        ? [...right.slice(0, right.indexOf("...")), ...dots, ...right.slice(right.indexOf("...") + 3)]
        : [...right];
  for (const label of output) if (!sizes.has(label)) refuse("output labels that occur in the inputs", `"${label}"`);
  if (new Set(output).size !== output.length) refuse("output labels without repeats", `"${right}"`);
  return contract(terms, output, sizes);
}

/** An operand with one label a dim: repeated labels become a diagonal. */
function termOf(t: Tensor, subscript: string, ellipsisRank: number, refuse: (expected: string, got: string) => never): Term {
  const letters = subscript.replace("...", "");
  if (!/^[A-Za-z]*$/.test(letters)) refuse("letters, commas, -> and ...", `"${subscript}"`);
  const own = t.shape.length - letters.length;
  if (own < 0 || (!subscript.includes("...") && own !== 0))
    refuse(`${t.shape.length} labels for shape ${formatShape(t.shape)}`, `"${subscript}"`);
  const at = subscript.indexOf("...");
  const labels =
    at < 0
      ? [...letters]
      : [...letters.slice(0, at), ...Array.from({ length: own }, (_, i) => `.${ellipsisRank - own + i}`), ...letters.slice(at)];
  let tensor = t;
  for (let i = 0; i < labels.length; i++) {
    const twin = labels.indexOf(labels[i]!, i + 1);
    if (twin < 0) continue;
    if (tensor.shape[i] !== tensor.shape[twin])
      throw new ShapeError({
        op: "einsum",
        expected: `dims "${labels[i]}" to have one size`,
        got: `${tensor.shape[i]} and ${tensor.shape[twin]}`,
      });
    tensor = tensor.diagonal(0, i, twin);
    const label = labels[i]!;
    labels.splice(twin, 1);
    labels.splice(i, 1);
    labels.push(label);
    i--;
  }
  return { tensor, labels };
}

/** Contracts from left to right, each pair by one batched product. */
function contract(terms: readonly Term[], output: readonly string[], sizes: ReadonlyMap<string, number>): Tensor {
  let left = terms[0]!;
  for (let i = 1; i < terms.length; i++) {
    const later = new Set([...output, ...terms.slice(i + 1).flatMap((term) => term.labels)]);
    left = contractPair(left, terms[i]!, later, sizes);
  }
  const summed = left.labels.map((label, i) => (output.includes(label) ? -1 : i)).filter((i) => i >= 0);
  const tensor = summed.length === 0 ? left.tensor : left.tensor.sum(summed);
  const labels = left.labels.filter((label) => output.includes(label));
  const expanded = tensor.permute(output.map((label) => labels.indexOf(label)));
  return expanded.expand(output.map((label) => sizes.get(label)!));
}

function contractPair(a: Term, b: Term, later: ReadonlySet<string>, sizes: ReadonlyMap<string, number>): Term {
  // Labels of one side only that nobody needs later are summed first.
  const reduced = (x: Term, y: Term): Term => {
    const drop = x.labels.map((label, i) => (later.has(label) || y.labels.includes(label) ? -1 : i)).filter((i) => i >= 0);
    return drop.length === 0 ? x : { tensor: x.tensor.sum(drop), labels: x.labels.filter((_, i) => !drop.includes(i)) };
  };
  const left = reduced(a, b);
  const right = reduced(b, a);
  const both = left.labels.filter((label) => right.labels.includes(label));
  const batch = both.filter((label) => later.has(label));
  const inner = both.filter((label) => !later.has(label));
  const onlyLeft = left.labels.filter((label) => !both.includes(label));
  const onlyRight = right.labels.filter((label) => !both.includes(label));
  const arrange = (x: Term, labels: readonly string[]): Tensor =>
    x.tensor
      .permute(labels.map((label) => x.labels.indexOf(label)))
      .expand(labels.map((label) => (both.includes(label) ? sizes.get(label)! : x.tensor.shape[x.labels.indexOf(label)]!)));
  const count = (x: Tensor, from: number, n: number): number => numelOf(x.shape.slice(from, from + n));
  const l = arrange(left, [...batch, ...onlyLeft, ...inner]);
  const r = arrange(right, [...batch, ...inner, ...onlyRight]);
  const batchShape = l.shape.slice(0, batch.length);
  const [n, m] = [numelOf(batchShape), count(l, batch.length, onlyLeft.length)];
  const k = count(r, batch.length, inner.length);
  const p = count(r, batch.length + inner.length, onlyRight.length);
  // [batch, left, inner] @ [batch, inner, right]
  const out = l.reshape(n, m, k).bmm(r.reshape(n, k, p));
  const shape = [
    ...batchShape,
    ...l.shape.slice(batch.length, batch.length + onlyLeft.length),
    ...r.shape.slice(batch.length + inner.length),
  ];
  return { tensor: out.reshape(shape), labels: [...batch, ...onlyLeft, ...onlyRight] };
}
