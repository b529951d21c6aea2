/** One call of an op inside vmap: its arguments by name, and the examples in them. */
import { mapTensors, valueIn, type Call, type Frame } from "../tensor/batched.js";
import { Tensor } from "../tensor/tensor.js";
import { registry } from "./define.js";
import { isOptions, type Param } from "./schema.js";

/** Arguments by name, as they were given; what was left out is undefined. */
export type Values = Readonly<Record<string, unknown>>;
/** Gives the result for all examples; undefined: this call is run once for each example. */
export type Rule = (batch: Batch) => unknown;

/** One call of an op for all examples of a frame. */
export class Batch {
  private constructor(
    readonly frame: Frame,
    readonly values: Values,
    private readonly params: readonly Param[],
    private readonly call: Call,
  ) {}

  static of(frame: Frame, name: string, call: Call, args: readonly unknown[]): Batch {
    const params = registry.get(name)?.params ?? [];
    return new Batch(frame, byName(params, args), params, call);
  }

  /** All examples of `t` where they differ, else null. */
  value(t: unknown): Tensor | null {
    return valueIn(this.frame, t);
  }

  /** `t` with the examples in front, stretched where they share it. */
  whole(t: Tensor): Tensor {
    return this.value(t) ?? t.unsqueeze(0).expand([this.frame.size, ...t.shape]);
  }

  /** Batched tensors of `value` with dims of size 1 after the first, so that examples of `rank` dims broadcast. */
  aligned(value: unknown, rank: number): unknown {
    return mapTensors(value, (t) => {
      const all = this.value(t);
      if (all === null || t.shape.length >= rank) return all ?? t;
      return all.reshape([all.shape[0]!, ...new Array<number>(rank - t.shape.length).fill(1), ...t.shape]);
    });
  }

  /** Runs the op itself with these arguments. */
  run(values: Values): unknown {
    const positional = this.params.filter((param) => !param.keywordOnly).map(({ name }) => values[name]);
    while (positional.length > 0 && positional.at(-1) === undefined) positional.pop();
    const named = this.params.filter(({ name, keywordOnly }) => keywordOnly && values[name] !== undefined);
    if (named.length > 0) positional.push(Object.fromEntries(named.map(({ name }) => [name, values[name]])));
    return this.call(...positional);
  }

  /** A value, or the default of its parameter. */
  given(name: string): unknown {
    return this.values[name] ?? this.params.find((param) => param.name === name)?.default ?? null;
  }

  /** Dims by name, counted on all examples; null when one is out of the range of an example's `rank` dims. */
  dims(rank: number): Values | null {
    const moved: Record<string, unknown> = {};
    for (const { name, kind } of this.params) {
      if (!(kind === "dim" || kind === "dims" || (dimNames.includes(name) && kind !== "tensor"))) continue;
      const value = this.given(name);
      const list = Array.isArray(value) ? value : [value];
      if (value === null) continue;
      if (!list.every((d) => Number.isInteger(d) && d >= -rank && d < rank)) return null;
      const shifted = list.map((d: number) => (d < 0 ? d : d + 1));
      moved[name] = Array.isArray(value) ? shifted : shifted[0];
    }
    return moved;
  }
}

const dimNames: readonly string[] = ["dim", "dims"];

function byName(params: readonly Param[], args: readonly unknown[]): Values {
  const values: Record<string, unknown> = {};
  const positional = [...args];
  if (positional.length > 0 && isOptions(positional.at(-1))) Object.assign(values, positional.pop());
  let next = 0;
  for (const { name, rest, keywordOnly } of params) {
    if (keywordOnly || next >= positional.length) break;
    if (!rest || (Array.isArray(positional[next]) && name !== "index")) values[name] = positional[next++];
    else values[name] = positional.splice(next);
  }
  return values;
}

export const rankOf = (value: unknown): number => (value instanceof Tensor ? value.shape.length : 0);
export const tensorsOf = (values: Values): Tensor[] =>
  Object.values(values)
    .flat()
    .filter((x) => x instanceof Tensor);
export const range = (n: number, first = 0): number[] => Array.from({ length: n }, (_, i) => first + i);
