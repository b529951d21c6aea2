/** Modules as functions of their parameters: what the transforms of `cg.func` differentiate and map over. */
import { ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { stack } from "../ops/joining.js";
import { Module } from "./module.js";

/** Tensors by their keys in a module: all of `namedParameters()` and `namedBuffers()`, or some. */
export type State = Readonly<Record<string, Tensor>>;

/** Options of {@link functionalCall}. */
export interface FunctionalCallOptions {
  /** What is one tensor in the module under several keys is replaced under all of them. Default true. */
  tieWeights?: boolean;
  /** Refuses a state that leaves out keys of the module, or has others. Default false. */
  strict?: boolean;
}

interface Place {
  readonly module: Record<string, unknown>;
  readonly name: string;
  readonly value: Tensor;
}

/**
 * Calls `module.forward(...args)` with other tensors in place of its parameters and buffers (torch.func.functional_call); the module is as
 * before afterwards. What `state` leaves out is used as it is. Buffers that forward changes are changed in `state`.
 * @param state tensors by key; or several such records
 * @param args the arguments of forward; one that is not an array may stand alone
 * @example
 * const params = Object.fromEntries(model.namedParameters())
 * const loss = (p: typeof params, x: Tensor, y: Tensor) => F.crossEntropy(func.functionalCall(model, p, [x.unsqueeze(0)]), y.unsqueeze(0))
 * func.vmap(func.grad(loss), [null, 0, 0])(params, images, labels) // the gradients of each example, by key
 * @throws ValueError for a key that the module has not
 */
export function functionalCall<R = Tensor>(
  module: Module,
  state: State | readonly State[],
  args: unknown = [],
  options: FunctionalCallOptions = {},
): R {
  if (!(module instanceof Module)) {
    throw new ValueError({ op: "functionalCall", argument: "module", expected: "a Module", got: describe(module) });
  }
  const { tieWeights = true, strict = false } = options;
  const given: Record<string, Tensor> = Object.assign({}, ...[state].flat());
  const places = placesOf(module);
  for (const [key, t] of Object.entries(given)) {
    if (t instanceof Tensor && places.has(key)) continue;
    const [expected, got] = t instanceof Tensor ? ["keys of the module", describe(key)] : [`a Tensor for ${describe(key)}`, describe(t)];
    throw new ValueError({ op: "functionalCall", argument: "state", expected, got });
  }
  const missing = [...places.keys()].filter((key) => !(key in given));
  if (strict && missing.length > 0) {
    throw new ValueError({
      op: "functionalCall",
      argument: "state",
      expected: "all keys of the module",
      got: `none for ${missing.join(", ")}`,
    });
  }
  const replaced: Place[] = [];
  const replace = (place: Place, t: Tensor): void => {
    replaced.push(place);
    place.module[place.name] = t;
  };
  try {
    for (const [key, t] of Object.entries(given)) {
      const { value } = places.get(key)!;
      const tied = tieWeights ? [...places].filter(([other, place]) => place.value === value && !(other in given)) : [];
      for (const place of [places.get(key)!, ...tied.map(([, place]) => place)]) replace(place, t);
    }
    return module.forward(...(Array.isArray(args) ? args : [args])) as R;
  } finally {
    for (const { module: owner, name, value } of replaced) owner[name] = value;
  }
}

/** Where each key of a module is, shared tensors under all their keys. */
function placesOf(root: Module): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const [path, module] of root.namedModules()) {
    const own = new Set([...module.namedParameters("", false), ...module.namedBuffers("", false)].map(([, t]) => t));
    for (const [name, value] of Object.entries(module)) {
      if (!(value instanceof Tensor) || !own.has(value)) continue;
      places.set(path === "" ? name : `${path}.${name}`, { module: module as unknown as Record<string, unknown>, name, value });
    }
  }
  return places;
}

/**
 * The parameters and buffers of several modules of one kind, each stacked along a first dim (torch.func.stack_module_state): an ensemble,
 * which `vmap` over {@link functionalCall} runs at once.
 * @returns [parameters, buffers], by key; the parameters require grad, as those of the first module do
 * @throws ValueError for modules whose keys differ, ShapeError for parameters whose shapes do
 * @example const [params, buffers] = func.stackModuleState(models)
 * func.vmap((p, b) => func.functionalCall(models[0], [p, b], [x]))(params, buffers)
 */
export function stackModuleState(models: readonly Module[]): [parameters: Record<string, Tensor>, buffers: Record<string, Tensor>] {
  if (!Array.isArray(models) || models.length === 0 || !models.every((model) => model instanceof Module)) {
    throw new ValueError({ op: "stackModuleState", argument: "models", expected: "a list of at least one Module", got: describe(models) });
  }
  const stacked = (states: readonly State[]): Record<string, Tensor> => {
    const keys = Object.keys(states[0]!);
    if (states.some((state) => Object.keys(state).join() !== keys.join())) {
      throw new ValueError({ op: "stackModuleState", argument: "models", expected: "modules of one kind", got: "ones with other keys" });
    }
    return Object.fromEntries(keys.map((key) => [key, stackOf(key, states.map((state) => state[key]!))])); // prettier-ignore
  };
  return [stacked(models.map((model) => Object.fromEntries(model.namedParameters()))), stacked(models.map((model) => Object.fromEntries(model.namedBuffers())))]; // prettier-ignore
}

function stackOf(key: string, tensors: readonly Tensor[]): Tensor {
  const odd = tensors.find((t) => !sameShape(t.shape, tensors[0]!.shape));
  if (odd !== undefined) {
    throw new ShapeError({
      op: "stackModuleState",
      argument: key,
      expected: `of shape ${formatShape(tensors[0]!.shape)} in all models`,
      got: formatShape(odd.shape),
    });
  }
  return stack(tensors.map((t) => t.detach())).requiresGrad_(tensors[0]!.requiresGrad);
}
