/** The backward pass: visits nodes from the latest to the earliest, adds up gradients, leaves them in leaves or hands them back. */
import { AutogradError, InterruptedError, formatShape } from "../tensor/errors.js";
import type { TypedArray } from "../tensor/dtype.js";
import { batching } from "../tensor/batched.js";
import type { Shape } from "../tensor/shape.js";
import { metaOf, type Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { isAnomalyCheckNanEnabled, withRecording } from "./mode.js";
import { AccumulateGrad, edgeOf, replaced, type Edge, type Node } from "./node.js";
import { callerOf } from "./place.js";

/** The few ops that the engine itself needs; src/ops gives them at start-up, so that autograd does not import ops. */
export interface EngineOps {
  add(a: Tensor, b: Tensor): Tensor;
  /** a += b, unrecorded. */
  addInto(a: Tensor, b: Tensor): void;
  onesLike(t: Tensor): Tensor;
  zerosLike(t: Tensor): Tensor;
  /** A contiguous copy with storage of its own; recorded. */
  clone(t: Tensor): Tensor;
  stack(tensors: readonly Tensor[]): Tensor;
  zeros(shape: Shape, dt: number): Tensor;
  cast(t: Tensor, dt: number): Tensor;
  /** Sums over the dims that broadcasting added or stretched. */
  sumTo(t: Tensor, shape: Shape): Tensor;
  cat(tensors: readonly Tensor[], dim: number): Tensor;
  /** The rule of a node on gradients that vmap batched. */
  applyRule(node: Node, grads: (Tensor | null)[]): readonly (Tensor | null)[];
  hasNan(t: Tensor): boolean;
  /** A contiguous CPU tensor of elements in row-major order. */
  fromData(data: TypedArray, shape: Shape, dt: number, dev: number): Tensor;
  /** The state of the default generator. */
  rngState(): unknown;
  setRngState(state: unknown): void;
  /** True when numbers were drawn since the generator had this state. */
  rngUsed(since: unknown): boolean;
}

/** Set before anybody can make a tensor. */
export let ops: EngineOps;
export function setEngineOps(given: EngineOps): void {
  ops = given;
}

export interface PassOptions {
  readonly retainGraph: boolean;
  readonly createGraph: boolean;
}

/** Gradients by output that wait for a node to be visited. */
type Inbox = (Tensor | null)[];

/**
 * Runs the pass from `roots`. Without `inputs` every leaf accumulates; with them, only they are computed:
 * returned in order when `accumulate` is false, else added to their `.grad`.
 */
export function runBackward(
  roots: readonly { edge: Edge; grad: Tensor }[],
  options: PassOptions,
  inputs: readonly Tensor[] | null = null,
  accumulate = inputs === null,
): (Tensor | null)[] {
  const found: (Tensor | null)[] = inputs === null ? [] : inputs.map(() => null);
  const wanted = inputs === null ? null : wantedNodes(roots, inputs);
  const inboxes = new Map<Node, Inbox>();
  const queue = new LatestFirst();
  // Gradients that somebody else holds, too: a leaf must not take them over.
  const shared = new Set<Tensor>(roots.map((root) => root.grad));

  const deliver = ({ node, output }: Edge, grad: Tensor): void => {
    let inbox = inboxes.get(node);
    if (inbox === undefined) {
      inbox = new Array<Tensor | null>(node.outputs).fill(null);
      inboxes.set(node, inbox);
      queue.push(node);
    }
    inbox[output] = inbox[output] === null ? grad : ops.add(inbox[output]!, grad);
  };

  withRecording(options.createGraph, () => {
    for (const { edge, grad } of roots) deliver(edge, grad);
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      let grads: Inbox = inboxes.get(node)!;
      inboxes.delete(node);
      if (node.watched) {
        grads = node.prehooked(node.hooked(grads));
        for (const [output, t] of node.keepers()) if (grads[output]) keepGrad(t, grads[output]!);
        for (const grad of grads) if (grad !== null) shared.add(grad);
      }
      if (node instanceof AccumulateGrad) {
        finishLeaf(node, grads[0]!, wanted, found, accumulate, shared, options.createGraph);
        continue;
      }
      if (wanted !== null) {
        for (const { index, output } of wanted.captured.get(node) ?? []) found[index] = grads[output] ?? null;
        if (!wanted.through.has(node)) continue;
      }
      trace?.visited(node.sequence);
      const results = apply(node, grads);
      for (let i = 0; i < node.edges.length; i++) {
        const edge = node.edges[i];
        const grad = results[i];
        if (!edge || !grad || (wanted !== null && !wanted.reach.has(edge.node))) continue;
        if (grads.includes(grad) || results.indexOf(grad) !== i) shared.add(grad);
        deliver(edge, grad);
      }
      if (options.retainGraph) node.forget();
      else node.free();
    }
  });
  return found;
}

/** The gradients of a node's inputs. In anomaly mode an error says where the op was called, and NaN is one. */
function apply(node: Node, grads: Inbox): readonly (Tensor | null)[] {
  const { name } = node;
  if (node.rule === null) {
    throw new AutogradError({
      op: "backward",
      expected: "a graph that is still there",
      got: `${name}, whose saved tensors were freed by an earlier backward`,
      hint: "pass { retainGraph: true } to the first one",
    });
  }
  const rule = batching === null ? node.rule : (given: Inbox) => ops.applyRule(node, given);
  if (node.place === null) return node.posthooked(rule(grads, node), grads);
  let results: readonly (Tensor | null)[];
  try {
    results = node.posthooked(rule(grads, node), grads);
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    throw anomaly(node, "its gradient to be computed", (error as Error).message, error);
  }
  const nan = isAnomalyCheckNanEnabled() ? results.findIndex((grad) => grad != null && ops.hasNan(grad)) : -1;
  if (nan >= 0) throw anomaly(node, "gradients without NaN", `NaN in that of input ${nan}`);
  return results;
}

function anomaly(node: Node, expected: string, got: string, cause?: unknown): AutogradError {
  const where = callerOf(node.place!);
  return new AutogradError({ op: node.name, expected, got, hint: where === null ? undefined : `the op was called ${where}` }, cause);
}

/** Adds a gradient to what a result of an op keeps. */
function keepGrad(t: Tensor, grad: Tensor): void {
  const meta = metaOf(t);
  meta.grad = meta.grad === null ? grad : ops.add(meta.grad, grad);
}

function finishLeaf(
  node: AccumulateGrad,
  incoming: Tensor,
  wanted: Wanted | null,
  found: (Tensor | null)[],
  accumulate: boolean,
  shared: ReadonlySet<Tensor>,
  createGraph: boolean,
): void {
  const { leaf } = node;
  const meta = metaOf(leaf);
  let grad = incoming;
  let owned = !shared.has(grad) && grad.tag === null;
  for (const hook of meta.hooks ?? []) {
    grad = replaced(grad, hook(grad));
    owned = false;
  }
  for (const { index } of wanted?.captured.get(node) ?? []) found[index] = grad;
  if (!accumulate) return;
  trace?.grad(leaf, "read");
  trace?.grad(leaf, "set");
  if (meta.grad === null) meta.grad = owned ? grad : ops.clone(createGraph ? grad : grad.detach());
  else if (createGraph) meta.grad = ops.add(meta.grad, grad);
  else ops.addInto(meta.grad, grad);
  for (const hook of [...(meta.postAccumulate ?? [])]) hook(leaf);
}

interface Wanted {
  /** Nodes whose incoming gradient is a result, with the places where it goes. */
  readonly captured: Map<Node, { index: number; output: number }[]>;
  /** Nodes on a path to a captured node, itself included. */
  readonly reach: Set<Node>;
  /** Nodes whose rule must run. */
  readonly through: Set<Node>;
}

function wantedNodes(roots: readonly { edge: Edge }[], inputs: readonly Tensor[]): Wanted {
  const captured: Wanted["captured"] = new Map();
  inputs.forEach((input, index) => {
    const edge = edgeOf(input);
    if (edge === null) {
      throw new AutogradError({
        op: "grad",
        argument: "inputs",
        expected: "tensors that require grad",
        got: `one of shape ${formatShape(input.shape)} that does not`,
      });
    }
    captured.set(edge.node, [...(captured.get(edge.node) ?? []), { index, output: edge.output }]);
  });
  const all = new Set<Node>();
  const stack = roots.map((root) => root.edge.node);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (all.has(node)) continue;
    all.add(node);
    for (const edge of node.edges) if (edge) stack.push(edge.node);
  }
  // Inputs of a node have smaller sequence numbers: one ascending sweep settles reachability.
  const reach = new Set<Node>();
  const through = new Set<Node>();
  for (const node of [...all].sort((a, b) => a.sequence - b.sequence)) {
    if (node.edges.some((edge) => edge && reach.has(edge.node))) through.add(node);
    if (through.has(node) || captured.has(node)) reach.add(node);
  }
  return { captured, reach, through };
}

/** A binary max-heap of nodes by sequence number. All consumers of a node are later than it, so its gradient is whole when it comes up. */
class LatestFirst {
  private readonly heap: Node[] = [];

  push(node: Node): void {
    const { heap } = this;
    let i = heap.length;
    heap.push(node);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.sequence >= node.sequence) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = node;
  }

  pop(): Node | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || last === top) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.sequence > heap[child]!.sequence) child++;
      if (heap[child]!.sequence <= last.sequence) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
