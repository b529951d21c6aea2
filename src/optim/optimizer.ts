/** The base of optimizers: parameter groups, per-parameter state, state dicts as PyTorch lays them out. */
import { ValueError, describe } from "../tensor/errors.js";
import { holderKind } from "../tensor/names.js";
import { withIntegerKeys } from "../tensor/integer-keys.js";
import { repr } from "../tensor/repr.js";
import { Tensor } from "../tensor/tensor.js";
import { tensor } from "../ops/creation.js";
import { fromPython, toPython } from "./state-keys.js";

/** Parameters that share their options. */
export type ParamGroup<O> = { params: Tensor[] } & O;

/** What an optimizer takes: parameters, or groups with options of their own. */
export type Params<O> = Iterable<Tensor> | Iterable<{ params: Iterable<Tensor> | Tensor } & Partial<O>>;

/** PyTorch's layout, under PyTorch's keys: state by index of the parameter, groups with indices instead of parameters. */
export interface OptimizerState {
  state: Record<number, Record<string, Tensor | number>>;
  param_groups: ({ params: number[] } & Record<string, unknown>)[];
}

/** Options of every optimizer that PyTorch keeps in its groups, and that change nothing here: a step is always fused. */
export interface Ignored {
  foreach: boolean | null;
  differentiable: false;
  fused: boolean | null;
}

export abstract class Optimizer<O extends object = object> {
  /** Groups of parameters with their options; change `lr` here. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** State by parameter. */
  readonly state = new Map<Tensor, Record<string, Tensor | number>>();
  readonly defaults: O;

  static {
    Object.defineProperty(this.prototype, holderKind, { value: "optimizer" });
  }

  protected constructor(params: Params<O>, defaults: O) {
    this.defaults = defaults;
    const name = this.constructor.name;
    if (params instanceof Tensor || params === null || typeof params !== "object" || !(Symbol.iterator in params)) {
      throw new ValueError({
        op: name,
        argument: "params",
        expected: "a list of parameters or of groups",
        got: describe(params),
        hint: "pass model.parameters()",
      });
    }
    const list = [...params] as (Tensor | ({ params: Iterable<Tensor> | Tensor } & Partial<O>))[];
    if (list.length === 0) throw new ValueError({ op: name, argument: "params", expected: "at least one parameter", got: "an empty list" });
    if (list.every((item) => item instanceof Tensor)) this.addParamGroup({ params: list } as { params: Tensor[] } & Partial<O>);
    else for (const group of list) this.addParamGroup(group as { params: Iterable<Tensor> | Tensor } & Partial<O>);
  }

  /** Adds parameters with options of their own. */
  addParamGroup(group: { params: Iterable<Tensor> | Tensor } & Partial<O>): void {
    const name = this.constructor.name;
    const given: unknown = group.params;
    const params = given instanceof Tensor ? [given] : [...(given as Iterable<Tensor>)];
    for (const p of params) {
      if (!(p instanceof Tensor)) throw new ValueError({ op: name, argument: "params", expected: "Tensors", got: describe(p) });
      if (!p.isLeaf) throw new ValueError({ op: name, argument: "params", expected: "leaf tensors", got: "the result of an op" });
      if (this.paramGroups.some((other) => other.params.includes(p)))
        throw new ValueError({ op: name, argument: "params", expected: "each parameter once", got: "one twice" });
    }
    const options = { ...this.defaults, ...group, params } as ParamGroup<O>;
    this.check(options);
    this.paramGroups.push(options);
  }

  /** Refuses options out of range. */
  protected abstract check(options: O): void;

  /** Updates one group whose parameters have gradients. */
  protected abstract update(group: ParamGroup<O>, params: Tensor[], grads: Tensor[]): void;

  /** Updates all parameters that have gradients. @param closure recomputes and returns the loss */
  step(closure?: () => Tensor | number): Tensor | number | undefined {
    const loss = closure?.();
    for (const group of this.paramGroups) {
      const params = group.params.filter((p) => p.grad !== null);
      if (params.length > 0)
        this.update(
          group,
          params,
          params.map((p) => p.grad!),
        );
    }
    return loss;
  }

  /** Drops the gradients, or zeroes them. @param options.setToNone default true */
  zeroGrad(options: boolean | { setToNone?: boolean } = {}): void {
    const drop = typeof options === "boolean" ? options : (options.setToNone ?? true);
    for (const { params } of this.paramGroups) {
      for (const p of params) {
        if (drop) p.grad = null;
        else p.grad?.detach_().zero_();
      }
    }
  }

  /** Everything that {@link loadStateDict} needs to go on, under PyTorch's keys: `save({ optimizer: optimizer.stateDict() }, "a.pt")` is read by torch. */
  stateDict(): OptimizerState {
    const index = new Map<Tensor, number>();
    for (const { params } of this.paramGroups) for (const p of params) index.set(p, index.size);
    return {
      state: withIntegerKeys(Object.fromEntries([...this.state].map(([p, state]) => [index.get(p)!, withTensors(state)]))),
      param_groups: this.paramGroups.map(({ params, ...options }) => ({
        ...Object.fromEntries(Object.entries(options).map(([key, value]) => [toPython(key), value])),
        params: params.map((p) => index.get(p)!),
      })),
    };
  }

  /** Goes on from a state dict, PyTorch's own included; state takes the dtype and the device of its parameter. */
  loadStateDict(saved: OptimizerState): void {
    const own = this.paramGroups;
    const groups: unknown = saved?.param_groups;
    if (!Array.isArray(groups) || typeof saved.state !== "object")
      throw new ValueError({
        op: "loadStateDict",
        argument: "state",
        expected: "an object of state and param_groups",
        got: describe(saved),
      });
    if (groups.length !== own.length || saved.param_groups.some((group, i) => group.params.length !== own[i]!.params.length)) {
      throw new ValueError({
        op: "loadStateDict",
        argument: "state",
        expected: "the groups of this optimizer",
        got: "groups of other sizes",
      });
    }
    const params = new Map<number, Tensor>();
    saved.param_groups.forEach(({ params: indices, ...options }, i) => {
      indices.forEach((index, k) => params.set(index, own[i]!.params[k]!));
      for (const [key, value] of Object.entries(options)) Object.assign(own[i]!, { [fromPython(key)]: value });
    });
    this.state.clear();
    for (const [index, state] of Object.entries(saved.state)) {
      const p = params.get(Number(index))!;
      const copied = Object.entries(state).map(([key, value]) => [key, key === "step" ? Number(value) : copyFor(p, value)]);
      this.state.set(p, Object.fromEntries(copied) as Record<string, Tensor | number>);
    }
  }

  toString(): string {
    const groups = this.paramGroups.map(
      (group, i) =>
        `Parameter Group ${i}\n${Object.entries(group)
          .filter(([key]) => key !== "params")
          .map(([key, value]) => `    ${toPython(key)}: ${repr(value)}`)
          .toSorted()
          .join("\n")}\n`,
    );
    return `${this.constructor.name} (\n${groups.join("\n")})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** The state of a parameter with its count of steps as PyTorch has it, a tensor. */
const withTensors = (state: Record<string, Tensor | number>): Record<string, Tensor | number> =>
  Object.fromEntries(Object.entries(state).map(([key, value]) => [key, typeof value === "number" ? tensor(value) : value]));

function copyFor(p: Tensor, value: Tensor | number): Tensor | number {
  if (!(value instanceof Tensor)) return value;
  const placed = value.detach().to(p.device);
  return (p.isFloatingPoint() ? placed.to(p.dtype) : placed).clone();
}

/** Refuses an option that is not a number in range. */
export function requireRange(op: string, argument: string, value: unknown, low: number, high = Infinity): void {
  if (typeof value !== "number" || !(value >= low) || !(value < high || high === Infinity)) {
    throw new ValueError({
      op,
      argument,
      expected: high === Infinity ? `a number of at least ${low}` : `in [${low}, ${high})`,
      got: describe(value),
    });
  }
}

/** Steps are no part of a graph. */
export function requireUndifferentiated(op: string, differentiable: boolean): void {
  if (differentiable)
    throw new ValueError({
      op,
      argument: "differentiable",
      expected: "false",
      got: "true",
      hint: "write the step with ops to differentiate it",
    });
}
