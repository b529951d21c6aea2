/** The largest and the smallest: amax, amin, max, min, argmax, argmin. */
import { Code } from "../tensor/dtype.js";
import { DTypeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { emptyShape, reducedShape, wrapDim, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { op, record, recordMany, recorded } from "./define.js";
import { named, type Named } from "./named.js";
import { maximum, minimum } from "./binary.js";
import { dimsOf, dimsSignature, reduceTo, requireElements, spread, type Reduce } from "./reduce.js";

const code = launch.codesOf("structured");

function extreme(name: "amax" | "amin"): Reduce {
  return op<Reduce>(name, dimsSignature, (input: Tensor, dim: number[] | null, keepdim: boolean) => {
    const dims = dimsOf(name, input, dim);
    requireElements(name, input, dims);
    const out = reduceTo(name, input, dims, keepdim, input.dt);
    if (!recorded(input)) return out;
    return record(name, out, [input], [input, out], ([g], node) => {
      const x = node.tensor(0);
      const winners = x.eq(spread(node.tensor(1), x.shape, dims));
      return [winners.mul(spread(g!, x.shape, dims)).div(winners.sum(dims, true))];
    });
  });
}
/** The largest element; ties share the gradient. */
export const amax = extreme("amax");
/** The smallest element; ties share the gradient. */
export const amin = extreme("amin");

export type ValuesIndices = Named<{ values: Tensor; indices: Tensor }>;
interface MaxMin {
  (input: Tensor): Tensor;
  (input: Tensor, other: Tensor | { other: Tensor }): Tensor;
  (input: Tensor, dim: number, keepdim?: boolean | { keepdim?: boolean }): ValuesIndices;
  (input: Tensor, options: { dim: number; keepdim?: boolean }): ValuesIndices;
}

function maxMin(name: "max" | "min"): MaxMin {
  const [all, elementwise] = name === "max" ? [amax, maximum] : [amin, minimum];
  const body = (input: Tensor, given: unknown, keepdim: boolean, other: Tensor | null): unknown => {
    const dim = given ?? other;
    if (dim === null) {
      if (input.numel() === 0)
        throw new ValueError({ op: name, argument: "input", expected: "at least one element", got: `shape ${formatShape(input.shape)}` });
      const out = all(input.detach());
      if (!recorded(input)) return out;
      return record(`${name}All`, out, [input], [input, out], ([g], node) => {
        const x = node.tensor(0);
        // NaN won, if there is one.
        const winners = x.eq(node.tensor(1)).logicalOr(x.isnan());
        return [winners.mul(g!).div(winners.sum())];
      });
    }
    if (dim instanceof Tensor) return elementwise(input, dim);
    if (!Number.isInteger(dim)) throw new ValueError({ op: name, argument: "dim", expected: "an integer or a Tensor", got: describe(dim) });
    return alongDim(name, input, dim as number, keepdim);
  };
  return op<MaxMin>(name, "input: tensor, dim: any? = null, keepdim: bool = false, *, other: tensor? = null", body as never);
}

function alongDim(name: "max" | "min", input: Tensor, dim: number, keepdim: boolean): ValuesIndices {
  input.live(name);
  const d = wrapDim(name, dim, input.shape.length);
  requireElements(name, input, input.shape.length === 0 ? [] : [d]);
  const shape = reducedShape(input.shape, input.shape.length === 0 ? [] : [d], keepdim);
  const outputs = [
    { shape, dt: input.dt },
    { shape, dt: Code.int64 },
  ];
  const [values, indices] = launch.runMany(name, code(`${name}Dim`), [input], outputs, [d]) as [Tensor, Tensor];
  if (recorded(input)) recordPicked(name, input, values, indices, d, keepdim);
  return named({ values, indices });
}

/** Values that were picked along a dim: their gradient goes back to where they came from. */
export function recordPicked(name: string, input: Tensor, values: Tensor, indices: Tensor, d: number, keepdim: boolean): void {
  const { shape } = input;
  recordMany(name, [values, null], [input], [indices], ([g], node) => {
    if (shape.length === 0) return [g!.reshape(shape)];
    const at = keepdim ? node.tensor(0) : node.tensor(0).unsqueeze(d);
    return [scatterZeros(shape, g!, d, at, keepdim)];
  });
}

function scatterZeros(shape: Shape, g: Tensor, d: number, at: Tensor, keepdim: boolean): Tensor {
  const zeros = launch.empty("zeros", shape, g.dt, g.dev).zero_();
  return zeros.scatterAdd(d, at, keepdim ? g : g.unsqueeze(d));
}

/** The largest element; with `dim` also where it is; with a tensor the elementwise maximum. */
export const max = maxMin("max");
/** The smallest element; with `dim` also where it is; with a tensor the elementwise minimum. */
export const min = maxMin("min");

/** The smallest and the largest element, of all or along one dim; ties share the gradient. */
export const aminmax: (input: Tensor, options?: { dim?: number | null; keepdim?: boolean }) => Named<{ min: Tensor; max: Tensor }> = op(
  "aminmax",
  "input: tensor, *, dim: dim? = null, keepdim: bool = false",
  (input: Tensor, dim: number | null, keepdim: boolean) => {
    const dims = dim === null ? null : [dim];
    return named({ min: amin(input, { dim: dims, keepdim }), max: amax(input, { dim: dims, keepdim }) });
  },
);

type ArgReduce = (
  input: Tensor,
  dim?: number | null | { dim?: number | null; keepdim?: boolean },
  keepdim?: boolean | { keepdim?: boolean },
) => Tensor;
function argReduce(name: "argmax" | "argmin"): ArgReduce {
  return op<ArgReduce>(
    name,
    "input: tensor, dim: dim? = null, keepdim: bool = false",
    (input: Tensor, dim: number | null, keepdim: boolean) => {
      input.live(name);
      if (input.dt === Code.bool) throw new DTypeError({ op: name, argument: "input", expected: "a dtype other than bool", got: "bool" });
      const { shape } = input;
      if (dim === null || shape.length === 0) {
        if (dim !== null) wrapDim(name, dim, 0);
        requireElements(
          name,
          input,
          shape.map((_, i) => i),
        );
        return launch.run(name, code(name), [input], keepdim ? shape.map(() => 1) : emptyShape, Code.int64, [-1]);
      }
      const d = wrapDim(name, dim, shape.length);
      requireElements(name, input, [d]);
      return launch.run(name, code(name), [input], reducedShape(shape, [d], keepdim), Code.int64, [d]);
    },
    { differentiable: false },
  );
}
/** The index of the largest element (of the flattened tensor without `dim`), int64. NaN counts as largest. */
export const argmax = argReduce("argmax");
/** The index of the smallest element, int64. */
export const argmin = argReduce("argmin");
