/** The table of a model: a row a module, in the order of the tree; modules that follow each other and are alike are one row. */
import type { Module } from "../../nn/module.js";
import type { Tensor } from "../../tensor/tensor.js";

/** One module, or several alike. */
export interface ModuleRow {
  /** The keys of the modules that the row stands for. */
  readonly keys: readonly string[];
  readonly depth: number;
  /** The class and its settings. */
  readonly title: string;
  /** Its own tensors; those of modules below have rows of their own. */
  readonly tensors: readonly ModuleTensor[];
}

export interface ModuleTensor {
  readonly name: string;
  readonly tensor: Tensor;
  readonly isBuffer: boolean;
}

/** What a model holds. Shared tensors count once. */
export interface ModuleTotals {
  readonly parameters: number;
  readonly frozen: number;
  readonly buffers: number;
  readonly bytes: number;
}

export function moduleRows(model: Module): ModuleRow[] {
  const rows: ModuleRow[] = [];
  const visit = (keys: readonly string[], module: Module, depth: number): void => {
    rows.push({ keys, depth, title: titleOf(module), tensors: tensorsOf(module) });
    for (const [names, child] of alike(module.namedChildren())) visit(names, child, depth + 1);
  };
  visit([], model, 0);
  return rows;
}

export function moduleTotals(model: Module): ModuleTotals {
  const parameters = model.parameters();
  const buffers = model.buffers();
  const numel = (tensors: readonly Tensor[]): number => tensors.reduce((sum, t) => sum + t.numel(), 0);
  return {
    parameters: numel(parameters),
    frozen: numel(parameters.filter((p) => !p.requiresGrad)),
    buffers: numel(buffers),
    bytes: [...parameters, ...buffers].reduce((sum, t) => sum + t.numel() * t.itemsize, 0),
  };
}

/** What {@link Module.toString} says of the module itself. */
function titleOf(module: Module): string {
  return `${module.constructor.name}${module.namedChildren().length > 0 ? "" : `(${module.extraRepr()})`}`;
}

function tensorsOf(module: Module): ModuleTensor[] {
  const parameters = module.namedParameters("", false).map(([name, tensor]) => ({ name, tensor, isBuffer: false }));
  return [...parameters, ...module.namedBuffers("", false).map(([name, tensor]) => ({ name, tensor, isBuffer: true }))];
}

/** Children one after another, those that look the same together. */
function alike(children: readonly (readonly [string, Module])[]): [string[], Module][] {
  const groups: { names: string[]; module: Module; look: string }[] = [];
  for (const [name, module] of children) {
    const look = lookOf(module);
    const last = groups.at(-1);
    if (last?.look === look) last.names.push(name);
    else groups.push({ names: [name], module, look });
  }
  return groups.map(({ names, module }) => [names, module]);
}

function lookOf(module: Module): string {
  const tensors = [...module.namedParameters(), ...module.namedBuffers()];
  return [module.toString(), ...tensors.map(([name, t]) => `${name} ${t.dtype} ${t.device} ${t.requiresGrad} ${t.shape.join()}`)].join(
    "\n",
  );
}
