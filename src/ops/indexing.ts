/** Reading and writing by index: at and setAt with everything that torch's brackets take. */
import { Code, isIntegral } from "../tensor/dtype.js";
import { DTypeError, IndexError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, type Shape } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { castTo, inPlace, record, recorded, register, requireTensor } from "./define.js";
import { asTensor, type TensorData } from "./creation.js";
import { nonzero } from "./gathering.js";
import { inPlaceForms, scalarTensor } from "./pointwise.js";
import { bind, isScalar, parseSignature } from "./schema.js";
import { selectDim, sliceDim } from "./pieces.js";

const code = launch.codesOf("structured");

/** A range of a dim, as Python's `start:stop:step`. */
export class Slice {
  constructor(
    readonly start: number | null = null,
    readonly stop: number | null = null,
    readonly step: number | null = null,
  ) {}
}

/** `slice(stop)` or `slice(start, stop, step)`: a range for {@link at}; null leaves an end open. @example x.at(slice(1, 5), slice(null, null, 2)) */
export function slice(start: number | null, stop?: number | null, step?: number | null): Slice {
  for (const [name, value] of [
    ["start", start],
    ["stop", stop ?? null],
    ["step", step ?? null],
  ] as const) {
    if (value !== null && !Number.isInteger(value))
      throw new ValueError({ op: "slice", argument: name, expected: "an integer or null", got: describe(value) });
  }
  return stop === undefined ? new Slice(null, start) : new Slice(start, stop, step ?? null);
}

/** What one place of an index may be: an integer, a range, null (a dim of size 1), "..." , a mask, positions, or Python's text such as "1:5:2". */
export type Index = number | bigint | Slice | null | string | boolean | Tensor | readonly TensorData[];

type Item = number | Slice | null | "..." | Tensor;

function readItem(name: string, given: Index): Item {
  if (given === null || given instanceof Slice || given === "...") return given;
  if (typeof given === "bigint") return Number(given);
  if (Number.isInteger(given)) return given as number;
  if (typeof given === "string") return readText(name, given);
  if (typeof given === "boolean") return asTensor(given);
  const t = given instanceof Tensor ? given : Array.isArray(given) ? positions(name, given) : null;
  if (t === null)
    throw new IndexError({
      op: name,
      argument: "index",
      expected: `integers, slices, null, "...", masks or index tensors`,
      got: describe(given),
    });
  if (t.dt === Code.uint8) return castTo(t, Code.bool); // a mask, as in torch
  if (t.shape.length === 0 && isIntegral(t.dt) && t.dt !== Code.bool) return Number(t.item());
  if (t.dt !== Code.int64 && t.dt !== Code.int32 && t.dt !== Code.bool)
    throw new IndexError({ op: name, argument: "index", expected: "an int64, int32, uint8 or bool tensor", got: t.dtype });
  return t;
}

/** A plain array of numbers holds positions, one of booleans is a mask. */
function positions(name: string, given: readonly TensorData[]): Tensor {
  const t = asTensor(given);
  if (t.dt === Code.bool || t.numel() === 0) return t.dt === Code.bool ? t : castTo(t, Code.int64);
  const flat = (given as readonly unknown[]).flat(Infinity as 1);
  const bad = flat.find((value) => !Number.isInteger(value) && typeof value !== "bigint" && !(value instanceof Tensor));
  if (bad !== undefined) throw new IndexError({ op: name, argument: "index", expected: "integers", got: describe(bad) });
  // As float32, which numbers are by default, positions beyond 2^24 would be others.
  return asTensor(given, { dtype: "int64" });
}

function readText(name: string, text: string): Item {
  const parts = text.trim().split(":");
  const whole = parts.every((part) => /^\s*(-?\d+)?\s*$/.test(part));
  if (!whole || parts.length > 3 || (parts.length === 1 && parts[0]!.trim() === "")) {
    throw new IndexError({ op: name, argument: "index", expected: `text such as ":", "1:5:2" or "..."`, got: describe(text) });
  }
  const [start = null, stop = null, step = null] = parts.map((part) => (part.trim() === "" ? null : Number(part)));
  return parts.length === 1 ? start! : new Slice(start, stop, step);
}

/** The basic part of an index applied as views, and index tensors by dim of what is left. */
interface Located {
  readonly view: Tensor;
  readonly advanced: (Tensor | null)[];
}

function locate(name: string, input: Tensor, given: readonly Index[]): Located {
  input.live(name);
  const items = given.map((item) => readItem(name, item));
  const taken = items.reduce<number>(
    (n, item) => n + (item === null || item === "..." ? 0 : item instanceof Tensor && item.dt === Code.bool ? item.shape.length : 1),
    0,
  );
  if (taken > input.shape.length) {
    throw new IndexError({
      op: name,
      argument: "index",
      expected: `at most ${input.shape.length} for shape ${formatShape(input.shape)}`,
      got: String(taken),
    });
  }
  // As torch: a further "..." stands for no dims, where nothing but more of them follows.
  while (items.at(-1) === "..." && items.indexOf("...") < items.length - 1) items.pop();
  if (items.filter((item) => item === "...").length > 1)
    throw new IndexError({ op: name, argument: "index", expected: `at most one "..."`, got: "several" });
  let view = input;
  let dim = 0;
  const advanced: (Tensor | null)[] = [];
  for (const item of items) {
    if (item === "...") {
      for (let skip = input.shape.length - taken; skip > 0; skip--, dim++) advanced.push(null);
    } else if (item === null) {
      view = view.unsqueeze(dim++);
      advanced.push(null);
    } else if (typeof item === "number") {
      view = selectAt(name, view, dim, item);
    } else if (item instanceof Slice) {
      view = sliceDim(view, dim++, item.start, item.stop, item.step);
      advanced.push(null);
    } else if (item.dt === Code.bool) {
      for (const indices of maskIndices(name, view, dim, item)) advanced.push(indices);
      if (item.shape.length === 0) view = view.unsqueeze(dim);
      dim += Math.max(1, item.shape.length);
    } else {
      advanced.push(castTo(item, Code.int64));
      dim++;
    }
  }
  return { view, advanced };
}

function selectAt(name: string, view: Tensor, dim: number, index: number): Tensor {
  if (dim >= view.shape.length)
    throw new IndexError({ op: name, argument: "index", expected: `at most ${view.shape.length} indices`, got: "more" });
  return selectDim(name, view, dim, index);
}

function maskIndices(name: string, view: Tensor, dim: number, mask: Tensor): Tensor[] {
  mask.shape.forEach((size, i) => {
    if (view.shape[dim + i] !== size) {
      throw new IndexError({
        op: name,
        argument: "index",
        expected: `a mask whose dim ${i} has size ${view.shape[dim + i]}, as dim ${dim + i} of ${formatShape(view.shape)}`,
        got: `a mask of shape ${formatShape(mask.shape)}`,
      });
    }
  });
  if (mask.shape.length === 0) return [nonzero(mask.reshape(1)).select(1, 0)];
  return nonzero(mask).unbind(1);
}

/** How the advanced part lies: index tensors broadcast to S, indexed dims moved to the front, and where S goes in the result. */
interface Plan {
  readonly source: Tensor;
  readonly indices: readonly Tensor[];
  readonly shape: Shape;
  /** From [S, rest] to the result's dims. */
  readonly order: readonly number[];
}

function planOf(name: string, { view, advanced }: Located): Plan {
  const dims = advanced.map((item, i) => (item === null ? -1 : i)).filter((i) => i >= 0);
  let common: Shape = [];
  for (const d of dims) common = broadcastShapes(name, common, advanced[d]!.shape);
  const rest = view.shape.map((_, i) => i).filter((i) => !dims.includes(i));
  const source = view.permute([...dims, ...rest]);
  const indices = dims.map((d) => advanced[d]!.expand(common).contiguous());
  const adjacent = dims.every((d, i) => i === 0 || d === dims[i - 1]! + 1);
  const lead = adjacent ? rest.filter((d) => d < dims[0]!).length : 0;
  const s = common.length;
  const order = [
    ...Array.from({ length: lead }, (_, i) => s + i),
    ...Array.from({ length: s }, (_, i) => i),
    ...Array.from({ length: rest.length - lead }, (_, i) => s + lead + i),
  ];
  return { source, indices, shape: [...common, ...rest.map((d) => view.shape[d]!)], order };
}

function pick({ source, indices, shape }: Plan): Tensor {
  const out = launch.run("at", code("index"), [source, ...indices], shape, source.dt, []);
  if (!recorded(source)) return out;
  const { shape: from } = source;
  return record("index", out, [source], indices, ([g], node) => [
    putInto(
      launch.empty("zeros", from, g!.dt, g!.dev).zero_(),
      indices.map((_, i) => node.tensor(i)),
      g!,
      true,
    ),
  ]);
}

/** self with `values` put (or added) at indices of its first dims; recorded, out of place. */
function putInto(self: Tensor, indices: readonly Tensor[], values: Tensor, accumulate: boolean): Tensor {
  const out = self.clone().detach();
  launch.runInto("indexPut_", code("indexPut"), [...indices, values], [out], [accumulate ? 1 : 0]);
  if (!recorded(self, values)) return out;
  const shape = values.shape;
  return record("indexPut", out, [self, values], indices, ([g], node) => {
    const at = indices.map((_, i) => node.tensor(i));
    const zeros = node.needs(0) && !accumulate ? scalarTensor(0, g!.dt, g!.dev).expand(shape) : null;
    return [
      node.needs(0) ? (zeros === null ? g! : putInto(g!, at, zeros, false)) : null,
      node.needs(1) ? pick({ source: g!, indices: at, shape, order: [] }) : null,
    ];
  });
}

const atParams = parseSignature("input: tensor, *index: any");

/**
 * The elements at an index, as torch's brackets: integers, `slice()`, null, "...", masks, index tensors or arrays, all mixed,
 * or Python's text a dim. Without masks and index tensors the result is a view.
 * @example x.at(0), x.at(slice(1, 5), null, "...", [0, 2]), x.at(":", "1:5:2")
 * @throws IndexError out of range, wrong mask, too many indices
 */
export const at: (input: Tensor, ...index: Index[]) => Tensor = register("at", atParams, (input, ...index) => {
  requireTensor("at", "input", input);
  const located = locate("at", input, index);
  if (located.advanced.every((item) => item === null)) return located.view === input ? input.view(input.shape) : located.view;
  const plan = planOf("at", located);
  return pick(plan).permute(plan.order);
});

/**
 * Writes `value` (a number or a tensor that broadcasts) at an index, in place; returns the tensor.
 * @param index one place, or a list of places as {@link at} takes them
 * @example x.setAt([slice(0, 2), 1], 7)
 */
export const setAt: (input: Tensor, index: Index | readonly Index[], value: Tensor | Scalar) => Tensor = register(
  "setAt",
  parseSignature("input: tensor, index: any, value: operand"),
  (input, index, value) => {
    requireTensor("setAt", "input", input);
    if (!(value instanceof Tensor) && !isScalar(value)) {
      throw new ValueError({ op: "setAt", argument: "value", expected: "a Tensor or a number", got: describe(value) });
    }
    const located = locate("setAt", input, Array.isArray(index) ? (index as readonly Index[]) : [index as Index]);
    const target = located.view;
    const given = value instanceof Tensor ? value : scalarTensor(value, input.dt, input.dev);
    if (located.advanced.every((item) => item === null)) {
      (inPlaceForms.get("copy_") as unknown as (t: Tensor, src: Tensor) => Tensor)(target, dropLeadingOnes(given, target.shape.length));
      return input;
    }
    // As torch: tensors written by index keep their dtype; one element behind one mask is cast.
    const places = [index].flat().filter((item) => typeof item === "boolean" || Array.isArray(item) || isIndexTensor(item));
    const filled = given.numel() === 1 && places.length === 1 && places[0] instanceof Tensor && places[0].dt === Code.bool;
    if (given.dt !== input.dt && !filled) throw new DTypeError({ op: "setAt", argument: "value", expected: input.dtype, got: given.dtype });
    const plan = planOf("setAt", located);
    const inverse = plan.order.map((_, i) => plan.order.indexOf(i));
    const resultShape = plan.order.map((d) => plan.shape[d]!);
    const values = castLike(dropLeadingOnes(given, resultShape.length), input).expand(resultShape).permute(inverse);
    const run = (self: Tensor, source: Tensor): void => launch.runInto("setAt", code("indexPut"), [...plan.indices, source], [self], [0]);
    const compute = (before: Tensor): Tensor => {
      const { source } = planOf("setAt", { view: before, advanced: located.advanced });
      const put = putInto(source, plan.indices, values, false);
      const dims = located.advanced.map((item, i) => (item === null ? -1 : i)).filter((i) => i >= 0);
      const order = [...dims, ...before.shape.map((_, i) => i).filter((i) => !dims.includes(i))];
      return put.permute(order.map((_, i) => order.indexOf(i)));
    };
    inPlace("setAt", target, [given], () => run(plan.source, values), compute);
    return input;
  },
);

/** A 0-d integer tensor counts as an integer. */
const isIndexTensor = (item: unknown): boolean => item instanceof Tensor && (item.shape.length > 0 || item.dt === Code.bool);

const castLike = (value: Tensor, like: Tensor): Tensor => (value.dt === like.dt ? value : value.to(like.dtype));

/** torch lets extra leading dims of size 1 fall off a value. */
function dropLeadingOnes(value: Tensor, rank: number): Tensor {
  let extra = 0;
  while (value.shape.length - extra > rank && value.shape[extra] === 1) extra++;
  return extra === 0 ? value : value.reshape(value.shape.slice(extra));
}

const putParams = parseSignature("input: tensor, indices: tensors, values: tensor, accumulate: bool = false");
/** Adds or puts values at index tensors of the first dims (torch.Tensor.index_put_). */
inPlaceForms.set("indexPut_", (...args: unknown[]) => {
  const [target, indices, values, add] = bind("indexPut_", putParams, args) as [Tensor, Tensor[], Tensor, boolean];
  if (indices.length === 0)
    throw new ValueError({ op: "indexPut_", argument: "indices", expected: "at least one index tensor", got: "none" });
  const located = locate("indexPut_", target, indices);
  if (values.dt !== target.dt) throw new DTypeError({ op: "indexPut_", argument: "values", expected: target.dtype, got: values.dtype });
  if (located.advanced.every((item) => item === null)) {
    const change = inPlaceForms.get(add ? "add_" : "copy_") as unknown as (t: Tensor, src: Tensor) => Tensor;
    change(located.view, values.expand(located.view.shape));
    return target;
  }
  const plan = planOf("indexPut_", located);
  const source = values.expand(plan.shape);
  const write = (): void => launch.runInto("indexPut_", code("indexPut"), [...plan.indices, source], [plan.source], [add ? 1 : 0]);
  return inPlace("indexPut_", target, [values], write, (before) => putInto(before, plan.indices, source, add));
});
