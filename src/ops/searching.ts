/** Finding values and places: searchsorted, bucketize, isin, argwhere, unravelIndex, unique, uniqueConsecutive. */
import { Code, category, defaultOfCategory, promoteWeak, scalarCategory } from "../tensor/dtype.js";
import { DTypeError, IndexError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { sameShape, wrapDim } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { zeros } from "./creation.js";
import { castTo, noDerivative, op, record, recorded, resultCode } from "./define.js";
import { nonzero } from "./gathering.js";
import { scalarTensor } from "./pointwise.js";

const code = launch.codesOf("structured");
const indexed = { differentiable: false } as const;

function search(name: string, ordered: Tensor, given: Tensor | Scalar, right: boolean, int32: boolean, sorter: Tensor | null): Tensor {
  ordered.live(name);
  const scalarCode = (x: Scalar): number => promoteWeak(ordered.dt, defaultOfCategory(scalarCategory(x)));
  const dt = given instanceof Tensor ? resultCode(ordered, given) : scalarCode(given);
  const sequence = castTo(ordered.detach(), dt);
  const values = given instanceof Tensor ? castTo(given.detach(), dt) : scalarTensor(given, dt, ordered.dev);
  values.live(name);
  const argument = name === "bucketize" ? "boundaries" : "sortedSequence";
  if (sequence.shape.length === 0) throw new ShapeError({ op: name, argument, expected: "at least 1 dim", got: "a 0-d tensor" });
  if (values.numel() > 0 && (category[dt] === 3 || dt === Code.bool))
    throw new DTypeError({ op: name, argument, expected: "a real dtype other than bool", got: sequence.dtype });
  if (sequence.shape.length > 1) {
    const lead = values.shape.slice(0, -1);
    if (values.shape.length !== sequence.shape.length || !sameShape(lead, sequence.shape.slice(0, -1)))
      throw new ShapeError({
        op: name,
        argument: "input",
        expected: `of shape [${[...sequence.shape.slice(0, -1), "*"].join(", ")}]`,
        got: formatShape(values.shape),
      });
  }
  if (sorter !== null && (sorter.dt !== Code.int64 || !sameShape(sorter.shape, sequence.shape)))
    throw new ShapeError({
      op: name,
      argument: "sorter",
      expected: `int64 of shape ${formatShape(sequence.shape)}`,
      got: describe(sorter),
    });
  if (
    sorter !== null &&
    sorter.numel() > 0 &&
    !(Number(sorter.amin().item()) >= 0 && Number(sorter.amax().item()) < sequence.shape.at(-1)!)
  )
    throw new ValueError({ op: name, argument: "sorter", expected: "places of the sequence", got: "others" });
  if (values.numel() === 0) return zeros(values.shape, { dtype: int32 ? "int32" : "int64" });
  const inputs = sorter === null ? [sequence, values] : [sequence, values, sorter];
  const out = launch.run(name, code("searchsorted"), inputs, values.shape, Code.int64, [right ? 1 : 0, sorter === null ? 0 : 1]);
  return int32 ? castTo(out, Code.int32) : out;
}

export interface SearchOptions {
  /** Answers int32 instead of int64. Default false. */
  outInt32?: boolean;
  /** The place after equal elements, not before. Default false. */
  right?: boolean;
}
export interface SearchsortedOptions extends SearchOptions {
  /** As `right`, in words. */
  side?: "left" | "right" | null;
  /** The order that sorts an unsorted sequence, int64. */
  sorter?: Tensor | null;
}
/** Where `input` would be inserted into ascending sequences: [n] serves any shape, [..,n] serves [..,m]. int64 like input. */
export const searchsorted: (sortedSequence: Tensor, input: Tensor | Scalar, options?: SearchsortedOptions) => Tensor = op(
  "searchsorted",
  "sortedSequence: tensor, input: operand, *, outInt32: bool = false, right: bool = false, side: left|right? = null, sorter: tensor? = null",
  (sequence: Tensor, input: Tensor | Scalar, outInt32: boolean, right: boolean, side: string | null, sorter: Tensor | null) => {
    if (side === "left" && right)
      throw new ValueError({ op: "searchsorted", argument: "side", expected: `"right", as right is true`, got: `"left"` });
    return search("searchsorted", sequence, input, right || side === "right", outInt32, sorter);
  },
  { ...indexed, method: false },
);
/** The index of the bucket between ascending boundaries [n] that holds each element. int64 like input. */
export const bucketize: (input: Tensor | Scalar, boundaries: Tensor, options?: SearchOptions) => Tensor = op(
  "bucketize",
  "input: operand, boundaries: tensor, *, outInt32: bool = false, right: bool = false",
  (input: Tensor | Scalar, boundaries: Tensor, outInt32: boolean, right: boolean) => {
    if (boundaries.shape.length !== 1)
      throw new ShapeError({ op: "bucketize", argument: "boundaries", expected: "1-d", got: formatShape(boundaries.shape) });
    return search("bucketize", boundaries, input, right, outInt32, null);
  },
  { ...indexed, method: false },
);

function requireReal(name: string, input: Tensor): void {
  if (category[input.dt] === 3) throw new DTypeError({ op: name, argument: "input", expected: "a real dtype", got: input.dtype });
}

/** Few elements are compared one by one, many through their order. */
const kFew = 16;

/** True where an element is among `testElements`. Shape of elements, bool. */
export const isin: (
  elements: Tensor | Scalar,
  testElements: Tensor | Scalar,
  options?: { assumeUnique?: boolean; invert?: boolean },
) => Tensor = op(
  "isin",
  "elements: operand, testElements: operand, *, assumeUnique: bool = false, invert: bool = false",
  (elements: Tensor | Scalar, tests: Tensor | Scalar, _unique: boolean, invert: boolean) => {
    if (!(elements instanceof Tensor) && !(tests instanceof Tensor))
      throw new ValueError({ op: "isin", expected: "at least one Tensor", got: "two numbers" });
    const like = (elements instanceof Tensor ? elements : tests) as Tensor;
    for (const x of [elements, tests]) if (x instanceof Tensor) requireReal("isin", x);
    if ([elements, tests].some((x) => (x instanceof Tensor ? x.dt === Code.bool : typeof x === "boolean")))
      throw new DTypeError({ op: "isin", argument: "elements", expected: "a dtype other than bool", got: "bool" });
    const asTensor = (value: Tensor | Scalar): Tensor =>
      value instanceof Tensor
        ? value.detach()
        : scalarTensor(value, promoteWeak(like.dt, defaultOfCategory(scalarCategory(value))), like.dev);
    const x = asTensor(elements);
    const set = asTensor(tests).reshape(-1);
    const found = set.numel() <= kFew ? amongFew(x, set) : amongMany(x, set);
    return invert ? found.logicalNot() : found;
  },
  { ...indexed, method: false },
);
function amongFew(x: Tensor, set: Tensor): Tensor {
  return x.unsqueeze(-1).eq(set).any(-1);
}
function amongMany(x: Tensor, set: Tensor): Tensor {
  const order = set.sort().values;
  const wide = x.dt === order.dt ? x : x.to(order.dtype);
  const place = searchsorted(order, wide).clamp({ max: set.numel() - 1 });
  return order.indexSelect(0, place.reshape(-1)).reshape(x.shape).eq(x);
}

/** The positions of non-zero elements, int64 [count, rank]. */
export const argwhere: (input: Tensor) => Tensor = op("argwhere", "input: tensor", (input: Tensor) => nonzero(input), indexed);

// -- unique

export interface UniqueOptions {
  /** Ascending; it always is. Default true. */
  sorted?: boolean;
  /** Also where each element is in the result. Default false. */
  returnInverse?: boolean;
  /** Also how often each occurs. Default false. */
  returnCounts?: boolean;
  /** Pieces along this dim instead of elements. Default null. */
  dim?: number | null;
}
type Unique = (
  input: Tensor,
  sorted?: boolean | UniqueOptions,
  returnInverse?: boolean | UniqueOptions,
  returnCounts?: boolean | UniqueOptions,
  dim?: number | null | UniqueOptions,
) => Tensor | [Tensor, ...Tensor[]];
type UniqueConsecutive = (
  input: Tensor,
  returnInverse?: boolean | Omit<UniqueOptions, "sorted">,
  returnCounts?: boolean | Omit<UniqueOptions, "sorted">,
  dim?: number | null | Omit<UniqueOptions, "sorted">,
) => Tensor | [Tensor, ...Tensor[]];

/** Groups of equal neighbours: which positions start one, and to which group each position belongs. */
interface Groups {
  readonly starts: Tensor;
  readonly group: Tensor;
}
function groupsOf(rows: Tensor): Groups {
  const n = rows.shape[0]!;
  const flat = rows.reshape(n, -1);
  const changed = flat.narrow(0, 1, Math.max(0, n - 1)).ne(flat.narrow(0, 0, Math.max(0, n - 1))).any(1); // prettier-ignore
  const first = zeros(n, { dtype: "bool" });
  first.setAt(0, true);
  if (n > 1) first.narrow(0, 1, n - 1).copy_(changed);
  return { starts: nonzero(first).reshape(-1), group: first.to("int64").cumsum(0).sub(1) };
}

function collect(
  values: Tensor,
  inverse: Tensor,
  counts: Tensor,
  returnInverse: boolean,
  returnCounts: boolean,
): Tensor | [Tensor, ...Tensor[]] {
  if (!returnInverse && !returnCounts) return values;
  return [values, ...(returnInverse ? [inverse] : []), ...(returnCounts ? [counts] : [])];
}

const lengths = (starts: Tensor, n: number): Tensor => starts.diff({ append: scalarTensor(n, Code.int64, starts.dev).reshape(1) });

/** As torch: the values belong to the graph, but nothing goes back from them. */
function underived<R extends Tensor | [Tensor, ...Tensor[]]>(name: string, input: Tensor, result: R): R {
  if (recorded(input)) record(name, Array.isArray(result) ? result[0] : result, [input], [], noDerivative(name));
  return result;
}

function uniqueOf(
  name: string,
  given: Tensor,
  ordered: boolean,
  returnInverse: boolean,
  returnCounts: boolean,
  dim: number | null,
): Tensor | [Tensor, ...Tensor[]] {
  requireReal(name, given);
  const input = given.detach();
  const d = dim === null ? 0 : wrapDim(name, dim, input.shape.length);
  if (dim !== null && input.shape.length === 0)
    throw new IndexError({ op: name, argument: "dim", expected: "none for a 0-d tensor", got: String(dim) });
  const rows = dim === null ? input.reshape(-1) : input.movedim(d, 0);
  const n = rows.shape[0]!;
  const none = (): Tensor => zeros(0, { dtype: "int64" });
  if (rows.numel() === 0) {
    if (dim !== null && (n > 0 || rows.shape.filter((size) => size === 0).length > 1))
      throw new ShapeError({ op: name, argument: "input", expected: "elements, or no pieces along dim", got: formatShape(input.shape) });
    return collect(
      dim === null ? rows.clone() : input.clone(),
      dim === null ? none().reshape(input.shape) : none(),
      none(),
      returnInverse,
      returnCounts,
    );
  }
  const order = ordered ? orderOf(rows) : null;
  const inOrder = order === null ? rows : rows.indexSelect(0, order);
  const { starts, group } = groupsOf(inOrder);
  const picked = inOrder.indexSelect(0, starts);
  const values = dim === null ? picked : picked.movedim(0, d).contiguous();
  const inverse = order === null ? group : zeros(n, { dtype: "int64" }).scatter(0, order, group);
  return collect(values, dim === null ? inverse.reshape(input.shape) : inverse, lengths(starts, n), returnInverse, returnCounts);
}

function orderOf(rows: Tensor): Tensor {
  if (rows.shape.length === 1) return rows.sort({ stable: true }).indices;
  const flat = rows.reshape(rows.shape[0]!, -1);
  return launch.run("unique", code("sortRows"), [flat], [flat.shape[0]!], Code.int64, []);
}

/** The distinct elements (or pieces along `dim`), ascending; on request also their places and counts, as a list. */
export const unique: Unique = op(
  "unique",
  "input: tensor, sorted: bool = true, returnInverse: bool = false, returnCounts: bool = false, dim: dim? = null",
  (input: Tensor, _sorted: boolean, returnInverse: boolean, returnCounts: boolean, dim: number | null) =>
    underived("unique", input, uniqueOf("unique", input, true, returnInverse, returnCounts, dim)),
  indexed,
);
/** The elements (or pieces along `dim`) without equal neighbours; on request also their places and counts, as a list. */
export const uniqueConsecutive: UniqueConsecutive = op(
  "uniqueConsecutive",
  "input: tensor, returnInverse: bool = false, returnCounts: bool = false, dim: dim? = null",
  (input: Tensor, returnInverse: boolean, returnCounts: boolean, dim: number | null) =>
    underived("uniqueConsecutive", input, uniqueOf("uniqueConsecutive", input, false, returnInverse, returnCounts, dim)),
  indexed,
);

/**
 * The coordinates of flat indices into a tensor of `shape`: one int tensor a dim, each of the shape and dtype of `indices`.
 * @example unravelIndex(tensor([4n, 5n]), [3, 2]) // [tensor([2, 2]), tensor([0, 1])]
 */
export const unravelIndex: (indices: Tensor, shape: number | readonly number[] | { shape: number | readonly number[] }) => Tensor[] = op(
  "unravelIndex",
  "indices: tensor, shape: ints",
  (indices: Tensor, shape: number[]) => {
    if (category[indices.dt] !== 1)
      throw new DTypeError({ op: "unravelIndex", argument: "indices", expected: "an integer dtype", got: indices.dtype });
    if (shape.some((size) => size < 0 || (size === 0 && indices.numel() > 0)))
      throw new ValueError({
        op: "unravelIndex",
        argument: "shape",
        expected: indices.numel() > 0 ? "sizes of at least 1" : "sizes of at least 0",
        got: formatShape(shape),
      });
    return shape.map((size, d) => {
      const stride = shape.slice(d + 1).reduce((product, next) => product * next, 1);
      return indices.to("int64").floorDivide(stride).remainder(size);
    });
  },
  { method: false, differentiable: false },
);
