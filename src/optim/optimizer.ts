/** The base of optimizers: parameter groups, per-parameter state, state dicts as PyTorch lays them out. */
import { ValueError, describe } from "../tensor/errors.js";
import { holderKind } from "../tensor/names.js";
import { Tensor } from "../tensor/tensor.js";

/** Parameters that share their options. */
export type ParamGroup<O> = { params: Tensor[] } & O;

/** What an optimizer takes: parameters, or groups with options of their own. */
export type Params<O> = Iterable<Tensor> | Iterable<{ params: Iterable<Tensor> | Tensor } & Partial<O>>;

/** PyTorch's layout: state by index of the parameter, groups with indices instead of parameters. */
export interface OptimizerState {
  state: Record<number, Record<string, Tensor | number>>;
  paramGroups: ({ params: number[] } & Record<string, unknown>)[];
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

  stateDict(): OptimizerState {
    const index = new Map<Tensor, number>();
    for (const { params } of this.paramGroups) for (const p of params) index.set(p, index.size);
    return {
      state: Object.fromEntries([...this.state].map(([p, state]) => [index.get(p)!, { ...state }])),
      paramGroups: this.paramGroups.map(({ params, ...options }) => ({ ...options, params: params.map((p) => index.get(p)!) })),
    };
  }

  loadStateDict(saved: OptimizerState): void {
    const own = this.paramGroups;
    if (saved.paramGroups.length !== own.length || saved.paramGroups.some((group, i) => group.params.length !== own[i]!.params.length)) {
      throw new ValueError({
        op: "loadStateDict",
        argument: "state",
        expected: "the groups of this optimizer",
        got: "groups of other sizes",
      });
    }
    const params = new Map<number, Tensor>();
    saved.paramGroups.forEach(({ params: indices, ...options }, i) => {
      indices.forEach((index, k) => params.set(index, own[i]!.params[k]!));
      Object.assign(own[i]!, options);
    });
    this.state.clear();
    for (const [index, state] of Object.entries(saved.state)) {
      const copied = Object.entries(state).map(([key, value]) => [key, value instanceof Tensor ? value.detach().clone() : value]);
      this.state.set(params.get(Number(index))!, Object.fromEntries(copied) as Record<string, Tensor | number>);
    }
  }

  toString(): string {
    const groups = this.paramGroups.map(
      ({ params, ...options }, i) =>
        `Parameter Group ${i}\n${Object.entries(options)
          .map(([key, value]) => `    ${key}: ${Array.isArray(value) ? `(${value.join(", ")})` : String(value)}`)
          .join("\n")}\n    params: ${params.length}`,
    );
    return `${this.constructor.name} (\n${groups.join("\n\n")}\n)`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
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
