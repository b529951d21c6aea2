/** The graph: nodes made by ops, edges to the nodes of their inputs. */
import { AutogradError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor, metaOf, setRefreshView, type GradFn } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { isAnomalyEnabled, withRecording } from "./mode.js";
import { placeOf } from "./place.js";
import type { Saved } from "./saved.js";

/** Gradients of a node's outputs in, gradients of its inputs out. null where none is known or needed. */
export type BackwardRule = (grads: readonly (Tensor | null)[], node: Node) => readonly (Tensor | null)[];

export interface Edge {
  readonly node: Node;
  /** Which output of `node` the edge stands for. */
  readonly output: number;
}

let sequence = 0;

/** Nodes made from now on have at least this number. */
export const nextSequence = (): number => sequence;

type TensorHook = (grad: Tensor) => Tensor | void | null;
type Grads = readonly (Tensor | null)[];

/** Removes a hook. */
export interface HookHandle {
  remove(): void;
}

/** One recorded op. */
export class Node implements GradFn {
  name: string;
  /** Later nodes have larger numbers: the backward pass visits them first. */
  readonly sequence = sequence++;
  readonly edges: (Edge | null)[];
  readonly outputs: number;
  rule: BackwardRule | null;
  saved: Saved[];
  /** Where the op was called, in anomaly mode. */
  readonly place: Error | null;
  /** Hooks on the gradients of outputs, run before the rule sees them. */
  private hooks: { readonly output: number; readonly run: TensorHook }[] | null = null;
  private preHooks: ((gradOutputs: Grads) => Grads | void | null)[] | null = null;
  private postHooks: ((gradInputs: Grads, gradOutputs: Grads) => Grads | void | null)[] | null = null;
  /** Results that keep their gradient, by output. */
  private retained: Map<number, WeakRef<Tensor>> | null = null;

  constructor(name: string, edges: (Edge | null)[], outputs: number, rule: BackwardRule, saved: Saved[]) {
    this.name = name;
    this.edges = edges;
    this.outputs = outputs;
    this.rule = rule;
    this.saved = saved;
    this.place = isAnomalyEnabled() ? placeOf(name) : null;
  }

  toString(): string {
    return `<${this.name}>`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** The nodes of the inputs, with the number of the output that the input is; null for inputs without history. */
  get nextFunctions(): readonly (readonly [GradFn | null, number])[] {
    return this.edges.map((edge) => (edge === null ? [null, 0] : [edge.node, edge.output]));
  }

  hook(output: number, run: TensorHook): () => void {
    const entry = { output, run };
    (this.hooks ??= []).push(entry);
    return () => void (this.hooks = this.hooks!.filter((other) => other !== entry));
  }

  /** Calls `hook(gradInputs, gradOutputs)` after the rule; a returned list replaces the gradients of the inputs. */
  registerHook(hook: (gradInputs: Grads, gradOutputs: Grads) => Grads | void | null): HookHandle {
    requireFunction("registerHook", hook);
    const hooks = (this.postHooks ??= []);
    return handleOf(hooks, hook);
  }

  /** Calls `hook(gradOutputs)` before the rule; a returned list replaces the gradients that the rule sees. */
  registerPrehook(hook: (gradOutputs: Grads) => Grads | void | null): HookHandle {
    requireFunction("registerPrehook", hook);
    const hooks = (this.preHooks ??= []);
    return handleOf(hooks, hook);
  }

  /** Keeps the gradient of `output` in `t.grad`, after all hooks have seen it. */
  retain(output: number, t: Tensor): void {
    (this.retained ??= new Map()).set(output, new WeakRef(t));
  }

  /** Undoes {@link retain}. */
  release(output: number): void {
    this.retained?.delete(output);
  }

  /** The gradients of the outputs after their hooks. */
  hooked(grads: (Tensor | null)[]): (Tensor | null)[] {
    for (const { output, run } of this.hooks ?? []) {
      const grad = grads[output];
      if (grad != null) grads[output] = replaced(grad, run(grad));
    }
    return grads;
  }

  /** The gradients that the rule sees. */
  prehooked(grads: (Tensor | null)[]): (Tensor | null)[] {
    for (const hook of this.preHooks ?? []) grads = [...(hook(grads) ?? grads)];
    return grads;
  }

  /** The gradients of the inputs after the hooks of the node. */
  posthooked(results: Grads, grads: Grads): Grads {
    for (const hook of this.postHooks ?? []) results = hook(results, grads) ?? results;
    return results;
  }

  /** The living results that keep their gradient. */
  *keepers(): Iterable<readonly [output: number, t: Tensor]> {
    for (const [output, reference] of this.retained ?? []) {
      const t = reference.deref();
      if (t !== undefined) yield [output, t];
    }
  }

  /** True when somebody watches the gradients that arrive. */
  get watched(): boolean {
    return this.hooks !== null || this.retained !== null || this.preHooks !== null;
  }

  /** True when the gradient of input `i` is wanted. */
  needs(i: number): boolean {
    return this.edges[i] != null;
  }

  /** Saved tensor `i`, checked against in-place changes. */
  tensor(i: number): Tensor {
    return this.saved[i]!.unpack(this);
  }

  /** Lets go of what hooks unpacked for this pass. */
  forget(): void {
    for (const saved of this.saved) saved.forget();
  }

  /** Drops what was saved. */
  free(): void {
    this.rule = null;
    for (const saved of this.saved) saved.drop();
    this.saved = [];
  }
}

function requireFunction(op: string, hook: unknown): void {
  if (typeof hook !== "function") throw new ValueError({ op, argument: "hook", expected: "a function", got: describe(hook) });
}

function handleOf<T>(hooks: T[], hook: T): HookHandle {
  hooks.push(hook);
  let here = true;
  return {
    remove: () => {
      if (here) hooks.splice(hooks.indexOf(hook), 1);
      here = false;
    },
  };
}

/** What a tensor hook made of a gradient: its result, checked, or the gradient when it returned nothing. */
export function replaced(grad: Tensor, result: Tensor | void | null): Tensor {
  if (result === undefined || result === null) return grad;
  if (!(result instanceof Tensor)) {
    throw new ValueError({ op: "registerHook", argument: "hook", expected: "to return a Tensor or nothing", got: describe(result) });
  }
  if (!sameShape(result.shape, grad.shape)) {
    throw new ShapeError({
      op: "registerHook",
      argument: "hook",
      expected: `to return a gradient of shape ${formatShape(grad.shape)}`,
      got: formatShape(result.shape),
    });
  }
  return result;
}

/** Accumulates into a leaf's `.grad`: the end of a path. */
export class AccumulateGrad extends Node {
  readonly leaf: Tensor;

  constructor(leaf: Tensor) {
    super("AccumulateGrad", [], 1, () => [], []);
    this.leaf = leaf;
  }
}

/** Gives `t` the history of an in-place change; what it kept of its gradient moves along. */
export function rewriteHistory(t: Tensor, edge: Edge | null): void {
  const meta = metaOf(t);
  if (meta.retainsGrad) {
    (meta.gradFn as Node | null)?.release(meta.output);
    edge?.node.retain(edge.output, t);
  }
  meta.gradFn = edge?.node ?? null;
  meta.output = edge?.output ?? 0;
  meta.rewrites++;
}

/** Notes an in-place change, so that graphs that saved the old values can tell. */
export function markChanged(t: Tensor, op: string): void {
  markAllChanged([t], op);
}

/** {@link markChanged} for what one call changed. */
export function markAllChanged(tensors: readonly Tensor[], op: string): void {
  trace?.changed(tensors, op);
  let place: Error | undefined;
  for (const { tag, shape } of tensors) {
    if (tag === null) continue;
    tag.version++;
    if (!tag.saved) continue;
    tag.culprit = { op, shape, place: (place ??= placeOf(op)) };
    tag.saved = false; // until the next save: whoever spoiled what was saved is known
  }
}

/** The edge that leads to the history of `t`, or null when it needs no gradient. */
export function edgeOf(t: Tensor): Edge | null {
  const meta = t.ag;
  if (meta === null) return null;
  if (meta.view !== null) refreshView(t);
  if (meta.gradFn !== null) return { node: meta.gradFn as Node, output: meta.output };
  return meta.requiresGrad ? { node: (meta.leaf ??= new AccumulateGrad(t)) as Node, output: 0 } : null;
}

/** Rebuilds the history of a view whose base was changed in place since. */
function refreshView(t: Tensor): void {
  const meta = metaOf(t);
  const { base, replay } = meta.view!;
  const rewrites = base.ag?.rewrites ?? 0;
  if (rewrites === meta.view!.rewrites) return;
  if (meta.view!.many === true)
    throw new AutogradError({
      op: "requiresGrad",
      expected: "a view that one op made alone, when its base was changed in place",
      got: "one of several, as split and unbind make",
      hint: "clone() it before the change",
    });
  meta.view!.rewrites = rewrites;
  const made = withRecording(true, () => replay(base));
  meta.gradFn = made.ag?.gradFn ?? null;
  meta.output = made.ag?.output ?? 0;
}
setRefreshView(refreshView);
