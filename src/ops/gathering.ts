/** Gathering and scattering along one dim, by index tensors and by masks. */
import { Code, isComplex } from "../tensor/dtype.js";
import { DTypeError, IndexError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, wrapDim, type Shape } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { castTo, inPlace, op, record, recorded, requireSameDevice } from "./define.js";
import { inPlaceForms, requireFits, scalarTensor } from "./pointwise.js";
import { bind, parseSignature } from "./schema.js";
import { setNonzero } from "./ternary.js";

const code = launch.codesOf("structured");

function requireIndex(name: string, index: Tensor, { mayBeEmpty = false } = {}): Tensor {
  const unread = mayBeEmpty && index.numel() === 0; // as torch, whatever its dtype
  if (!unread && index.dt !== Code.int64 && index.dt !== Code.int32)
    throw new DTypeError({ op: name, argument: "index", expected: "an int64 or int32 tensor", got: index.dtype });
  index.live(name);
  return castTo(index, Code.int64);
}

/** The index of a gather or scatter fits inside `bound` in every dim but `d`. */
function requireIndexFits(name: string, index: Tensor, bound: Shape, d: number, what: string): void {
  if (Math.max(index.shape.length, 1) !== Math.max(bound.length, 1) && index.numel() > 0) {
    throw new ShapeError({ op: name, argument: "index", expected: `of ${what}'s rank ${bound.length}`, got: formatShape(index.shape) });
  }
  index.shape.forEach((size, i) => {
    if (i !== d && size > (bound[i] ?? 1))
      throw new ShapeError({
        op: name,
        argument: "index",
        expected: `no larger than ${what} ${formatShape(bound)} outside dim ${d}`,
        got: formatShape(index.shape),
      });
  });
}

/** out[i][j] = input[index[i][j]][j] for dim 0, and so on. Shape of index. */
export const gather: (input: Tensor, dim: number, index: Tensor, options?: { sparseGrad?: boolean }) => Tensor = op(
  "gather",
  "input: tensor, dim: dim, index: tensor, *, sparseGrad: bool = false",
  (input: Tensor, dim: number, given: Tensor) => {
    const d = wrapDim("gather", dim, input.shape.length);
    const index = requireIndex("gather", given, { mayBeEmpty: true });
    requireIndexFits("gather", index, input.shape, d, "input");
    input.live("gather");
    // As torch: a 0-d tensor counts as a vector of one element.
    if (input.shape.length === 0 && given.shape.length === 1) return gather(input.reshape(1), 0, index);
    if (input.shape.length === 1 && given.shape.length === 0) return gather(input, 0, index.reshape(1)).reshape([]);
    const out = launch.run("gather", code("gather"), [input, index], index.shape, input.dt, [d]);
    const { shape } = input;
    if (!recorded(input)) return out;
    return record("gather", out, [input], [index], ([g], node) => [zerosOf(g!, shape).scatterAdd(d, node.tensor(0), g!)]);
  },
);

const zerosOf = (like: Tensor, shape: Shape): Tensor => launch.empty("zeros", shape, like.dt, like.dev).zero_();

const Mode = { set: 0, add: 1, multiply: 2 } as const;
type Reduce = "add" | "multiply";
const scatterSignature =
  "input: tensor, dim: dim, index: tensor, src: operand? = null, *, reduce: add|multiply? = null, value: scalar? = null";
const scatterParams = parseSignature(scatterSignature);
const scatterAddSignature = "input: tensor, dim: dim, index: tensor, src: tensor";

/** @internal Writes src at index into `target` itself, unrecorded. */
export function scatterInto(name: string, target: Tensor, d: number, index: Tensor, src: Tensor | Scalar, mode: number): void {
  if (src instanceof Tensor) launch.runInto(name, code("scatter"), [index, src], [target], [d, mode]);
  else if (typeof src === "object" || typeof src === "bigint" || isComplex(target.dt)) {
    scatterInto(name, target, d, index, scalarTensor(src, target.dt, target.dev).expand(index.shape), mode);
  } else {
    requireFits(name, src, target.dt);
    launch.runInto(name, code("scatterValue"), [index], [target], [d, Number(src), mode]);
  }
}

/** @internal The wrapped dim and the int64 index of a scatter that fits. */
export function scatterChecked(
  name: string,
  input: Tensor,
  dim: number,
  given: Tensor,
  src: Tensor | Scalar,
): { d: number; index: Tensor } {
  const d = wrapDim(name, dim, input.shape.length);
  const index = requireIndex(name, given, { mayBeEmpty: true });
  requireIndexFits(name, index, input.shape, d, "input");
  if (src instanceof Tensor) {
    requireSameDevice(name, input, src);
    if (src.dt !== input.dt) throw new DTypeError({ op: name, argument: "src", expected: input.dtype, got: src.dtype });
    requireIndexFits(name, index, src.shape, -1, "src");
  }
  input.live(name);
  // As torch: a 0-d index counts as a vector of one element.
  return { d, index: index.shape.length === 0 && input.shape.length === 1 ? index.reshape(1) : index };
}

/** @internal The out-of-place value, recorded. */
export function scattered(name: string, input: Tensor, d: number, index: Tensor, src: Tensor | Scalar, mode: number): Tensor {
  const out = input.clone().detach();
  scatterInto(name, out, d, index, src, mode);
  const source = src instanceof Tensor ? src : null;
  if (!recorded(input, source)) return out;
  if (mode === Mode.multiply)
    throw new ValueError({ op: name, argument: "reduce", expected: "add, or tensors that need no gradient", got: "multiply" });
  return record(name, out, source === null ? [input] : [input, source], [index], ([g], node) => [
    node.needs(0) ? (mode === Mode.add ? g! : scattered("scatter", g!, d, node.tensor(0), 0, Mode.set)) : null,
    node.needs(1) ? gatherShape(g!, d, node.tensor(0), source!.shape) : null,
  ]);
}

/** The gradient of a source: gathered where index reached it, zero elsewhere. */
function gatherShape(g: Tensor, d: number, index: Tensor, shape: Shape): Tensor {
  const picked = g.gather(d, index);
  if (index.shape.every((size, i) => size === shape[i])) return picked;
  let place = zerosOf(g, shape);
  const whole = place;
  index.shape.forEach((size, i) => (place = place.narrow(i, 0, size)));
  place.copy_(picked);
  return whole;
}

const modeOf = (reduce: Reduce | null): number => (reduce === null ? Mode.set : Mode[reduce]);

/** What {@link scatter} writes, by name: a tensor `src` or a number `value`. */
export interface ScatterOptions {
  src?: Tensor | Scalar | null;
  value?: Scalar | null;
  reduce?: Reduce | null;
}
function sourceOf(name: string, src: Tensor | Scalar | null, value: Scalar | null): Tensor | Scalar {
  const source = src ?? value;
  if (source === null) throw new ValueError({ op: name, argument: "src", expected: "a Tensor or a number", got: "nothing" });
  return source;
}

/** `input` with src (a tensor or a number) written at index along dim; `reduce` adds or multiplies instead. */
export const scatter: (
  input: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor | Scalar | ScatterOptions,
  options?: { reduce?: Reduce | null },
) => Tensor = op(
  "scatter",
  scatterSignature,
  (input: Tensor, dim: number, given: Tensor, from: Tensor | Scalar | null, reduce: Reduce | null, value: Scalar | null) => {
    const src = sourceOf("scatter", from, value);
    const { d, index } = scatterChecked("scatter", input, dim, given, src);
    return scattered("scatter", input, d, index, src, modeOf(reduce));
  },
  { inPlace: true },
);
inPlaceForms.set("scatter_", (...args: unknown[]) => {
  const [target, dim, given, from, reduce, value] = bind("scatter_", scatterParams, args) as [
    Tensor,
    number,
    Tensor,
    Tensor | Scalar | null,
    Reduce | null,
    Scalar | null,
  ];
  const src = sourceOf("scatter_", from, value);
  const { d, index } = scatterChecked("scatter_", target, dim, given, src);
  const mode = modeOf(reduce);
  const others = src instanceof Tensor ? [src] : [];
  return inPlace(
    "scatter_",
    target,
    others,
    () => scatterInto("scatter_", target, d, index, src, mode),
    (before) => scattered("scatter_", before, d, index, src, mode),
  );
});
/** `input` with src added at index along dim; equal indices add up, in order. */
export const scatterAdd: (input: Tensor, dim: number, index: Tensor, src: Tensor) => Tensor = op(
  "scatterAdd",
  scatterAddSignature,
  (input: Tensor, dim: number, given: Tensor, src: Tensor) => {
    const { d, index } = scatterChecked("scatterAdd", input, dim, given, src);
    return scattered("scatterAdd", input, d, index, src, Mode.add);
  },
  { inPlace: true },
);
inPlaceForms.set("scatterAdd_", (...args: unknown[]) => {
  const [target, dim, given, src] = bind("scatterAdd_", parseSignature(scatterAddSignature), args) as [Tensor, number, Tensor, Tensor];
  const { d, index } = scatterChecked("scatterAdd_", target, dim, given, src);
  return inPlace(
    "scatterAdd_",
    target,
    [src],
    () => scatterInto("scatterAdd_", target, d, index, src, Mode.add),
    (before) => scattered("scatterAdd_", before, d, index, src, Mode.add),
  );
});

function requireVector(name: string, index: Tensor): Tensor {
  if (index.shape.length > 1) throw new IndexError({ op: name, argument: "index", expected: "a vector", got: formatShape(index.shape) });
  return requireIndex(name, index).reshape(-1);
}

/** The pieces of `dim` at a vector of indices. */
export const indexSelect: (input: Tensor, dim: number, index: Tensor) => Tensor = op(
  "indexSelect",
  "input: tensor, dim: dim, index: tensor",
  (input: Tensor, dim: number, given: Tensor) => {
    const d = wrapDim("indexSelect", dim, input.shape.length);
    const index = requireVector("indexSelect", given);
    input.live("indexSelect");
    const { shape } = input;
    if (shape.length === 0) return input.reshape(1).indexSelect(0, index).reshape(shape);
    const out = launch.run(
      "indexSelect",
      code("indexSelect"),
      [input, index],
      shape.map((size, i) => (i === d ? index.numel() : size)),
      input.dt,
      [d],
    );
    if (!recorded(input)) return out;
    return record("indexSelect", out, [input], [index], ([g], node) => [zerosOf(g!, shape).indexAdd(d, node.tensor(0), g!)]);
  },
);

const indexAddSignature = "input: tensor, dim: dim, index: tensor, source: tensor, *, alpha: number = 1";

function indexAddCheck(name: string, input: Tensor, dim: number, given: Tensor, source: Tensor): { d: number; index: Tensor } {
  const d = wrapDim(name, dim, input.shape.length);
  const index = requireVector(name, given);
  requireSameDevice(name, input, source);
  if (source.dt !== input.dt) throw new DTypeError({ op: name, argument: "source", expected: input.dtype, got: source.dtype });
  const fits =
    source.shape.length === input.shape.length && source.shape.every((size, i) => size === (i === d ? index.numel() : input.shape[i]));
  if (!fits && input.shape.length > 0) {
    const expected = input.shape.map((size, i) => (i === d ? index.numel() : size));
    throw new ShapeError({ op: name, argument: "source", expected: `of shape ${formatShape(expected)}`, got: formatShape(source.shape) });
  }
  input.live(name);
  return { d, index };
}

function indexAdded(name: string, input: Tensor, d: number, index: Tensor, source: Tensor, alpha: number): Tensor {
  const out = input.clone().detach();
  launch.runInto(name, code("indexAdd"), [index, source], [out], [d, alpha]);
  if (!recorded(input, source)) return out;
  return record("indexAdd", out, [input, source], [index], ([g], node) => [
    node.needs(0) ? g! : null,
    node.needs(1) ? g!.indexSelect(d, node.tensor(0)).mul(alpha) : null,
  ]);
}

/** `input` with alpha * source added to the pieces of `dim` at a vector of indices. */
export const indexAdd: (input: Tensor, dim: number, index: Tensor, source: Tensor, options?: { alpha?: Scalar }) => Tensor = op(
  "indexAdd",
  indexAddSignature,
  (input: Tensor, dim: number, given: Tensor, source: Tensor, alpha: Scalar) => {
    const { d, index } = indexAddCheck("indexAdd", input, dim, given, source);
    return indexAdded("indexAdd", input, d, index, source, Number(alpha));
  },
  { inPlace: true },
);
inPlaceForms.set("indexAdd_", (...args: unknown[]) => {
  const [target, dim, given, source, scale] = bind("indexAdd_", parseSignature(indexAddSignature), args) as [
    Tensor,
    number,
    Tensor,
    Tensor,
    Scalar,
  ];
  const { d, index } = indexAddCheck("indexAdd_", target, dim, given, source);
  const alpha = Number(scale);
  const write = (): void => launch.runInto("indexAdd_", code("indexAdd"), [index, source], [target], [d, alpha]);
  return inPlace("indexAdd_", target, [source], write, (before) => indexAdded("indexAdd_", before, d, index, source, alpha));
});

/** The positions of non-zero elements, int64 [count, rank]. */
export const nonzero: Nonzero = op(
  "nonzero",
  "input: tensor, *, asTuple: bool = false",
  (input: Tensor, asTuple: boolean) => {
    if (asTuple) return nonzero(input.shape.length === 0 ? input.reshape(1) : input).unbind(1);
    return launch.run("nonzero", code("nonzero"), [input], [Number(input.countNonzero().item()), input.shape.length], Code.int64, []);
  },
  { differentiable: false },
);
setNonzero((condition) => nonzero(condition, { asTuple: true }));

interface Nonzero {
  /** With asTuple: a vector of positions a dim, as an index takes them. */
  (input: Tensor, options: { asTuple: true }): Tensor[];
  (input: Tensor, options?: { asTuple?: false }): Tensor;
}

/** The elements where `mask` (bool) is true, as a vector; both broadcast. */
export const maskedSelect: (input: Tensor, mask: Tensor) => Tensor = op(
  "maskedSelect",
  "input: tensor, mask: tensor",
  (given: Tensor, cover: Tensor) => {
    if (cover.dt !== Code.bool) throw new DTypeError({ op: "maskedSelect", argument: "mask", expected: "a bool tensor", got: cover.dtype });
    const shape = broadcastShapes("maskedSelect", given.shape, cover.shape);
    const input = given.expand(shape);
    const mask = cover.expand(shape);
    const out = launch.run("maskedSelect", code("maskedSelect"), [input, mask], [Number(mask.countNonzero().item())], input.dt, []);
    if (!recorded(input)) return out;
    return record("maskedSelect", out, [input], [mask], ([g], node) => [maskedBack(g!, node.tensor(0))]);
  },
);

function maskedBack(g: Tensor, mask: Tensor): Tensor {
  const out = launch.run("maskedSelect", code("maskedScatterBackward"), [g.contiguous(), mask], mask.shape, g.dt, []);
  return recorded(g) ? record("maskedScatterBackward", out, [g], [mask], ([gg], node) => [gg!.maskedSelect(node.tensor(0))]) : out;
}
