/** The base of all modules: parameters, buffers and children by attribute, state dicts with PyTorch's keys, modes and hooks. */
import { withRecording } from "../autograd/mode.js";
import { codeOf, isDifferentiable, type DType } from "../tensor/dtype.js";
import type { Device } from "../tensor/device.js";
import { ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { attachBackwardHooks, type BackwardHook } from "./hooks.js";
import { listed, type Listed } from "./listed.js";
import { Parameter } from "./parameter.js";

/** Tensors by PyTorch's keys, in PyTorch's order. */
export type StateDict = Record<string, Tensor>;

export type ForwardHook<M extends Module = Module> = (
  module: M,
  args: Parameters<M["forward"]>,
  output: ReturnType<M["forward"]>,
) => unknown;
export type ForwardPreHook<M extends Module = Module> = (module: M, args: Parameters<M["forward"]>) => unknown;

interface Removable {
  remove(): void;
}

/**
 * A part of a network. Attributes that are parameters or modules register themselves, in the order of definition.
 * @example
 * class Net extends nn.Module {
 *   body = new nn.Linear(4, 2)
 *   forward(x: Tensor) { return this.body.forward(x).relu() }
 * }
 */
export abstract class Module {
  declare private _training: boolean;
  // Not enumerable, so that the attributes of a module are what a person gave it.
  declare private readonly _buffers: Map<string, boolean>;
  declare private readonly _forwardHooks: Set<ForwardHook>;
  declare private readonly _preHooks: Set<ForwardPreHook>;
  declare private readonly _backwardHooks: Set<BackwardHook>;

  constructor() {
    for (const key of ["_forwardHooks", "_preHooks", "_backwardHooks"]) Object.defineProperty(this, key, { value: new Set() });
    Object.defineProperty(this, "_buffers", { value: new Map<string, boolean>() });
    Object.defineProperty(this, "_training", { value: true, writable: true });
  }

  // Modules differ in what they take and give; subclasses say it in their types.
  // oxlint-disable-next-line no-explicit-any
  /** Computes the output; runs the hooks. */
  abstract forward(...inputs: any[]): any;

  // -- registration

  /** Adds a tensor that is part of the state but not learned. @param persistent in the state dict; default true */
  registerBuffer(name: string, tensor: Tensor | null, persistent = true): void {
    this.checkName("registerBuffer", name);
    this._buffers.set(name, persistent);
    (this as Record<string, unknown>)[name] = tensor;
  }

  /** Adds a parameter under a name that need not be an identifier. */
  registerParameter(name: string, parameter: Parameter | null): void {
    this.checkName("registerParameter", name);
    (this as Record<string, unknown>)[name] = parameter;
  }

  /** Adds a child under a name that need not be an identifier. */
  registerModule(name: string, module: Module | null): void {
    this.checkName("registerModule", name);
    (this as Record<string, unknown>)[name] = module;
  }

  /** As {@link registerModule}. */
  addModule(name: string, module: Module | null): void {
    this.registerModule(name, module);
  }

  private checkName(op: string, name: string): void {
    if (typeof name !== "string" || name === "" || name.includes(".")) {
      throw new ValueError({ op, argument: "name", expected: `a non-empty string without "."`, got: describe(name) });
    }
  }

  // -- walking

  private own<T>(type: abstract new (...args: never[]) => T): [string, T][] {
    return Object.entries(this).filter((entry): entry is [string, T] => entry[1] instanceof type);
  }

  /** The modules right below this one, with their names. */
  namedChildren(): Listed<[string, Module]> {
    return listed(this.own(Module));
  }

  /** The modules right below this one. */
  children(): Listed<Module> {
    return listed(this.own(Module).map(([, child]) => child));
  }

  /** This module and all below it, with their paths; shared ones once. */
  namedModules(prefix = ""): Listed<[string, Module]> {
    const found = new Map<Module, string>();
    const visit = (module: Module, path: string): void => {
      if (found.has(module)) return;
      found.set(module, path);
      for (const [name, child] of module.own(Module)) visit(child, join(path, name));
    };
    visit(this, prefix);
    return listed(Array.from(found, ([module, path]) => [path, module]));
  }

  /** This module and all below it; shared ones once. */
  modules(): Listed<Module> {
    return listed(this.namedModules().map(([, module]) => module));
  }

  /** Parameters with their keys; shared ones once. @param recurse also those of the modules below, default true */
  namedParameters(prefix = "", recurse = true): Listed<[string, Parameter]> {
    const found = new Map<Parameter, string>();
    for (const [path, module] of this.owners(prefix, recurse)) {
      for (const [name, parameter] of module.own(Parameter)) if (!found.has(parameter)) found.set(parameter, join(path, name));
    }
    return listed(Array.from(found, ([parameter, key]) => [key, parameter]));
  }

  /** Parameters, shared ones once. @example model.parameters().reduce((sum, p) => sum + p.numel(), 0) */
  parameters(recurse = true): Listed<Parameter> {
    return listed(this.namedParameters("", recurse).map(([, parameter]) => parameter));
  }

  /** Buffers with their keys. @param recurse also those of the modules below, default true */
  namedBuffers(prefix = "", recurse = true): Listed<[string, Tensor]> {
    const entries = this.owners(prefix, recurse).flatMap(([path, module]) =>
      Array.from(module._buffers.keys(), (name): [string, unknown] => [join(path, name), Reflect.get(module, name)]),
    );
    return listed(entries.filter((entry): entry is [string, Tensor] => entry[1] instanceof Tensor));
  }

  /** Buffers. @param recurse also those of the modules below, default true */
  buffers(recurse = true): Listed<Tensor> {
    return listed(this.namedBuffers("", recurse).map(([, buffer]) => buffer));
  }

  private owners(prefix: string, recurse: boolean): [string, Module][] {
    return recurse ? this.namedModules(prefix) : [[prefix, this]];
  }

  /** The module at a path such as `"layers.0"`. */
  getSubmodule(path: string): Module {
    if (path === "") return this;
    const found = this.namedModules().find(([name]) => name === path);
    if (found === undefined)
      throw new ValueError({ op: "getSubmodule", argument: "path", expected: "the path of a module", got: describe(path) });
    return found[1];
  }

  /** The parameter at a key such as `"layers.0.weight"`. */
  getParameter(key: string): Parameter {
    const found = this.namedParameters().find(([name]) => name === key);
    if (found === undefined)
      throw new ValueError({ op: "getParameter", argument: "key", expected: "the key of a parameter", got: describe(key) });
    return found[1];
  }

  // -- state

  /** Parameters and persistent buffers by PyTorch's keys; they share storage with the module. */
  stateDict(prefix = ""): StateDict {
    const state: StateDict = {};
    for (const [name, parameter] of this.own(Parameter)) state[prefix + name] = parameter.detach();
    for (const [name, persistent] of this._buffers) {
      const buffer = (this as Record<string, unknown>)[name];
      if (persistent && buffer instanceof Tensor) state[prefix + name] = buffer;
    }
    for (const [name, child] of this.own(Module)) Object.assign(state, child.stateDict(`${prefix}${name}.`));
    return state;
  }

  /**
   * Copies a state dict into the module.
   * @param options.strict refuse missing and unexpected keys; default true
   * @throws ValueError for keys, ShapeError for shapes; nothing is copied then
   */
  loadStateDict(state: StateDict, options: boolean | { strict?: boolean } = {}): { missingKeys: string[]; unexpectedKeys: string[] } {
    const strict = typeof options === "boolean" ? options : (options.strict ?? true);
    const own = this.stateDict();
    const missingKeys = Object.keys(own).filter((key) => !(key in state));
    const unexpectedKeys = Object.keys(state).filter((key) => !(key in own));
    if (strict && missingKeys.length + unexpectedKeys.length > 0) {
      const parts = [
        missingKeys.length > 0 ? `without ${missingKeys.join(", ")}` : "",
        unexpectedKeys.length > 0 ? `with unknown ${unexpectedKeys.join(", ")}` : "",
      ];
      throw new ValueError({
        op: "loadStateDict",
        argument: "state",
        expected: "the keys of the module",
        got: `a state ${parts.filter(Boolean).join(" and ")}`,
      });
    }
    for (const [key, target] of Object.entries(own)) {
      const source = state[key];
      if (source === undefined) continue;
      if (!(source instanceof Tensor))
        throw new ValueError({ op: "loadStateDict", argument: key, expected: "a Tensor", got: describe(source) });
      if (!sameShape(source.shape, target.shape))
        throw new ShapeError({
          op: "loadStateDict",
          argument: key,
          expected: `of shape ${formatShape(target.shape)}`,
          got: formatShape(source.shape),
        });
    }
    withRecording(false, () => {
      for (const [key, target] of Object.entries(own)) if (state[key]) target.copy_(state[key]);
    });
    return { missingKeys, unexpectedKeys };
  }

  /**
   * Moves or converts all parameters and buffers; integer buffers keep their dtype, and what modules share stays shared.
   * @throws ValueError for a dtype that is neither floating point nor complex
   */
  to(target: DType | Device | { dtype?: DType; device?: Device }): this {
    const options: { dtype?: DType; device?: Device } =
      typeof target !== "string" ? { ...target } : target in codeOf ? { dtype: target as DType } : { device: target };
    const { dtype, device } = options;
    if (dtype !== undefined && !isDifferentiable(codeOf[dtype]))
      throw new ValueError({ op: "Module.to", argument: "dtype", expected: "a floating point or complex dtype", got: describe(dtype) });
    const moved = (value: Tensor): Tensor => {
      const data = isDifferentiable(value.dt) ? value.to(options) : device ? value.to(device) : value;
      if (data === value) return value;
      const result = value instanceof Parameter ? new Parameter(data.detach(), value.requiresGrad) : data.detach();
      result.grad = value.grad?.to(options) ?? null;
      return result;
    };
    const results = new Map<Tensor, Tensor>();
    withRecording(false, () => {
      for (const module of this.modules()) {
        for (const [name, value] of Object.entries(module)) {
          if (!(value instanceof Tensor)) continue;
          if (!results.has(value)) results.set(value, moved(value));
          if (results.get(value) !== value) (module as unknown as Record<string, unknown>)[name] = results.get(value);
        }
      }
    });
    return this;
  }

  cpu(): this {
    return this.to("cpu");
  }

  float(): this {
    return this.to("float32");
  }

  double(): this {
    return this.to("float64");
  }

  // -- modes

  /** Set by {@link train} and {@link eval}; read by Dropout and BatchNorm. */
  get training(): boolean {
    const training = this._training;
    trace?.guard(() => this._training === training);
    return training;
  }

  set training(mode: boolean) {
    trace?.refuse("train() and eval() change modules: call them outside of the compiled function");
    this._training = mode;
  }

  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(requiresGrad);
    return this;
  }

  /** Drops the gradients of all parameters, or zeroes them. @param options.setToNone default true */
  zeroGrad(options: boolean | { setToNone?: boolean } = {}): void {
    const drop = typeof options === "boolean" ? options : (options.setToNone ?? true);
    for (const parameter of this.parameters()) {
      if (drop) parameter.grad = null;
      else parameter.grad?.detach_().zero_();
    }
  }

  /** Calls `fn` on every module, children first. */
  apply(fn: (module: Module) => void): this {
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  // -- hooks

  /** Calls `hook(module, args, output)` after forward; a returned value replaces the output. */
  registerForwardHook(hook: ForwardHook<this>): Removable {
    return this.addHook(this._forwardHooks, hook);
  }

  /** Calls `hook(module, args)` before forward; a returned list replaces the arguments. */
  registerForwardPreHook(hook: ForwardPreHook<this>): Removable {
    return this.addHook(this._preHooks, hook);
  }

  /** Calls `hook(module, gradInput, gradOutput)` when the gradients of the inputs are known; a returned list replaces gradInput. */
  registerFullBackwardHook(hook: BackwardHook): Removable {
    return this.addHook(this._backwardHooks, hook);
  }

  private addHook<H>(hooks: Set<H>, hook: H): Removable {
    if (typeof hook !== "function")
      throw new ValueError({ op: "registerHook", argument: "hook", expected: "a function", got: describe(hook) });
    this.wrapForward();
    hooks.add(hook);
    return { remove: () => void hooks.delete(hook) };
  }

  /** Gives this instance a forward that runs hooks; modules without hooks pay nothing. */
  private wrapForward(): void {
    if (Object.hasOwn(this, "_wrapped")) return;
    const inner = this.forward;
    const call = (...inputs: unknown[]): unknown => {
      let args: unknown[] = inputs;
      for (const hook of this._preHooks) {
        const replaced = hook(this, args);
        if (replaced !== undefined && replaced !== null) args = Array.isArray(replaced) ? replaced : [replaced];
      }
      const run = (...given: unknown[]): unknown => inner.apply(this, given);
      let output = this._backwardHooks.size === 0 ? run(...args) : attachBackwardHooks(this, this._backwardHooks, args, run);
      for (const hook of this._forwardHooks) output = hook(this, args, output) ?? output;
      return output;
    };
    Object.defineProperty(this, "forward", { value: call, configurable: true, writable: true });
    Object.defineProperty(this, "_wrapped", { value: true });
  }

  // -- words

  /** What stands between the parentheses of {@link toString}. */
  extraRepr(): string {
    return "";
  }

  /** The tree of modules, as torch prints it. */
  toString(): string {
    const name = this.constructor.name;
    const lines = this.reprOfChildren().map(([key, text]) => `(${key}): ${text.replaceAll("\n", "\n  ")}`);
    if (lines.length === 0) return `${name}(${this.extraRepr()})`;
    return `${name}(\n  ${lines.join("\n  ")}\n)`;
  }

  /** The keys and texts of the children. */
  protected reprOfChildren(): [key: string, text: string][] {
    return this.own(Module).map(([key, child]) => [key, child.toString()]);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

const join = (prefix: string, name: string): string => (prefix === "" ? name : `${prefix}.${name}`);
