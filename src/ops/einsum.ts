/** Sums of products in Einstein's notation: diagonals, permutations and batched products of pairs. */
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import { numelOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { op } from "./define.js";

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
  const sizeIn = (x: Term, label: string): number => x.tensor.shape[x.labels.indexOf(label)] ?? 1;
  // Labels of one side only that nobody needs later are summed first; those of size 1 fall away.
  const reduced = (x: Term, y: Term): Term => {
    const shared = (label: string): boolean => y.labels.includes(label) && sizeIn(x, label) !== 1 && sizeIn(y, label) !== 1;
    const drop = x.labels.filter((label) => !later.has(label) && !shared(label));
    const summed = drop.filter((label) => sizeIn(x, label) !== 1).map((label) => x.labels.indexOf(label));
    const tensor = summed.length === 0 ? x.tensor : x.tensor.sum(summed, true);
    return {
      tensor: tensor.squeeze(drop.map((label) => x.labels.indexOf(label))),
      labels: x.labels.filter((label) => !drop.includes(label)),
    };
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
  // Nothing to sum: a product element by element, which promotes. [batch, left, 1..] * [batch, 1.., right]
  if (inner.length === 0) {
    const spread = arrange(left, [...batch, ...onlyLeft]).reshape([
      ...batch.map((label) => sizes.get(label)!),
      ...onlyLeft.map((label) => sizeIn(left, label)),
      ...onlyRight.map(() => 1),
    ]);
    const other = arrange(right, [...batch, ...onlyRight]);
    const shape = [...batch.map((label) => sizes.get(label)!), ...onlyLeft.map(() => 1), ...onlyRight.map((label) => sizeIn(right, label))];
    return { tensor: spread.mul(other.reshape(shape)), labels: [...batch, ...onlyLeft, ...onlyRight] };
  }
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
