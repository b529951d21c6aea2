/** Modules of modules: Sequential, ModuleList, ModuleDict. */
import { IndexError, ValueError, describe } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

function requireModule(op: string, module: unknown): asserts module is Module {
  if (!(module instanceof Module)) throw new ValueError({ op, argument: "module", expected: "a Module", got: describe(module) });
}

/** A list of modules under the keys "0", "1", ... */
abstract class Numbered extends Module {
  // As for at().
  // oxlint-disable-next-line no-explicit-any
  readonly [index: number]: any;

  get length(): number {
    return this.children().length;
  }

  /** The module at a place; negative counts from the end. @example model.at<Linear>(0).weight */
  // Which class stands where is known when it runs; without a type argument its members are not checked.
  // oxlint-disable-next-line no-explicit-any
  at<M extends Module = any>(index: number): M {
    const found = this.children().at(index);
    if (found === undefined)
      throw new IndexError({
        op: `${this.constructor.name}.at`,
        argument: "index",
        expected: `in the range [${-this.length}, ${this.length - 1}]`,
        got: String(index),
      });
    return found as M;
  }

  append(module: Module): this {
    requireModule(`${this.constructor.name}.append`, module);
    this.registerModule(String(this.length), module);
    return this;
  }

  [Symbol.iterator](): IterableIterator<Module> {
    return this.children().values();
  }
}

/** Runs modules one after another; their keys are "0", "1", ..., or those of a given object. @example new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU()) */
export class Sequential extends Numbered {
  constructor(...modules: Module[] | [Record<string, Module>] | [readonly Module[]]) {
    super();
    const [first] = modules;
    const named =
      modules.length === 1 && !(first instanceof Module) && typeof first === "object" && first !== null
        ? Object.entries(first as Record<string, Module>)
        : modules.map((module, i) => [String(i), module] as const);
    for (const [name, module] of named) {
      requireModule("Sequential", module);
      this.registerModule(name, module);
    }
  }

  forward(input: Tensor): Tensor {
    let x = input;
    for (const module of this.children()) x = module.forward(x) as Tensor;
    return x;
  }
}

/** Holds modules in order; it has no forward of its own. */
export class ModuleList extends Numbered {
  constructor(modules: Iterable<Module> | null = null) {
    super();
    this.extend(modules ?? []);
  }

  extend(modules: Iterable<Module>): this {
    for (const module of modules) this.append(module);
    return this;
  }

  /** Equal neighbours once, as torch prints them. */
  protected override reprOfChildren(): [key: string, text: string][] {
    const runs: { first: number; last: number; text: string }[] = [];
    for (const [i, [, text]] of super.reprOfChildren().entries()) {
      const run = runs.at(-1);
      if (run?.text === text) run.last = i;
      else runs.push({ first: i, last: i, text });
    }
    return runs.map(({ first, last, text }) =>
      first === last ? [String(first), text] : [`${first}-${last}`, `${last - first + 1} x ${text}`],
    );
  }

  forward(): never {
    throw new ValueError({ op: "ModuleList.forward", expected: "a call of one of its modules", got: "a call of the list" });
  }
}

/** Holds modules by name; it has no forward of its own. */
export class ModuleDict extends Module {
  constructor(modules: Record<string, Module> | null = null) {
    super();
    for (const [name, module] of Object.entries(modules ?? {})) {
      requireModule("ModuleDict", module);
      this.registerModule(name, module);
    }
  }

  /** The module of a name. @throws ValueError where there is none. */
  // oxlint-disable-next-line no-explicit-any
  get<M extends Module = any>(name: string): M {
    return this.getSubmodule(name) as M;
  }

  keys(): string[] {
    return [...this.namedChildren()].map(([name]) => name);
  }

  forward(): never {
    throw new ValueError({ op: "ModuleDict.forward", expected: "a call of one of its modules", got: "a call of the dict" });
  }
}
