/** The graph: nodes made by ops, edges to the nodes of their inputs, tensors saved for the backward pass. */
import { AutogradError, formatShape } from "../tensor/errors.js";
import { Tensor, metaOf, tagOf, type GradFn, type StorageTag } from "../tensor/tensor.js";

/** Gradients of a node's outputs in, gradients of its inputs out. null where none is known or needed. */
export type BackwardRule = (grads: readonly (Tensor | null)[], node: Node) => readonly (Tensor | null)[];

export interface Edge {
  readonly node: Node;
  /** Which output of `node` the edge stands for. */
  readonly output: number;
}

let sequence = 0;

/** One recorded op. */
export class Node implements GradFn {
  readonly name: string;
  /** Later nodes have larger numbers: the backward pass visits them first. */
  readonly sequence = sequence++;
  readonly edges: (Edge | null)[];
  readonly outputs: number;
  rule: BackwardRule | null;
  /** Hooks on the gradients of outputs, run before the rule sees them. */
  private hooks: { output: number; run: (grad: Tensor) => Tensor | void | null }[] | null = null;
  saved: Saved[];

  constructor(name: string, edges: (Edge | null)[], outputs: number, rule: BackwardRule, saved: Saved[]) {
    this.name = name;
    this.edges = edges;
    this.outputs = outputs;
    this.rule = rule;
    this.saved = saved;
  }

  hook(output: number, run: (grad: Tensor) => Tensor | void | null): () => void {
    const entry = { output, run };
    (this.hooks ??= []).push(entry);
    return () => void (this.hooks = this.hooks!.filter((other) => other !== entry));
  }

  /** The gradients of the outputs after their hooks. */
  hooked(grads: (Tensor | null)[]): (Tensor | null)[] {
    for (const { output, run } of this.hooks ?? []) if (grads[output]) grads[output] = run(grads[output]) ?? grads[output];
    return grads;
  }

  get hasHooks(): boolean {
    return this.hooks !== null && this.hooks.length > 0;
  }

  /** True when the gradient of input `i` is wanted. */
  needs(i: number): boolean {
    return this.edges[i] != null;
  }

  /** Saved tensor `i`, checked against in-place changes. */
  tensor(i: number): Tensor {
    return this.saved[i]!.unpack(this);
  }

  /** Drops what was saved. */
  free(): void {
    this.rule = null;
    this.saved = [];
  }
}

/** Accumulates into a leaf's `.grad`: the end of a path. */
export class AccumulateGrad extends Node {
  readonly leaf: Tensor;

  constructor(leaf: Tensor) {
    super("AccumulateGrad", [], 1, () => [], []);
    this.leaf = leaf;
  }
}

/** A tensor kept for the backward pass, with the version of its storage. */
export class Saved {
  private readonly value: Tensor;
  private readonly tag: StorageTag;
  private readonly version: number;

  constructor(value: Tensor) {
    this.value = value;
    this.tag = tagOf(value);
    this.tag.saved = true;
    this.version = this.tag.version;
  }

  unpack(node: Node): Tensor {
    if (this.tag.version !== this.version) throw changed(node, this.value, this.version, this.tag);
    return this.value;
  }
}

function changed(node: Node, value: Tensor, version: number, tag: StorageTag): AutogradError {
  const { culprit } = tag;
  const where = culprit?.place.stack
    ?.split("\n")
    .find((line) => /:\d+:\d+\)?$/.test(line) && !/[\\/](build[\\/]js[\\/])?src[\\/](ops|tensor|autograd)[\\/]/.test(line));
  return new AutogradError({
    op: node.name,
    expected: `the ${value.dtype} tensor of shape ${formatShape(value.shape)} that it saved, at version ${version}`,
    got: `version ${tag.version}${culprit === null ? "" : `: ${culprit.op} on shape ${formatShape(culprit.shape)} changed it in place${where === undefined ? "" : ` ${where.trim()}`}`}`,
    hint: "use the out-of-place form, or clone() before changing",
  });
}

/** Notes an in-place change, so that graphs that saved the old values can tell. */
export function markChanged(t: Tensor, op: string): void {
  markAllChanged([t], op);
}

/** {@link markChanged} for what one call changed. */
export function markAllChanged(tensors: readonly Tensor[], op: string): void {
  let place: Error | undefined;
  for (const { tag, shape } of tensors) {
    if (tag === null) continue;
    tag.version++;
    // The stack is written out only if somebody asks: formatting it costs more than most ops.
    if (tag.saved) tag.culprit = { op, shape, place: (place ??= new Error(op)) };
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
  meta.view!.rewrites = rewrites;
  const made = replay(base);
  meta.gradFn = made.ag?.gradFn ?? null;
  meta.output = made.ag?.output ?? 0;
}
