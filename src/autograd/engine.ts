/** The backward pass: visits nodes from the latest to the earliest, adds up gradients, leaves them in leaves or hands them back. */
import { AutogradError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor, metaOf } from "../tensor/tensor.js";
import { withRecording } from "./mode.js";
import { AccumulateGrad, edgeOf, type Edge, type Node } from "./node.js";

/** The few ops that the engine itself needs; src/ops gives them at start-up, so that autograd does not import ops. */
export interface EngineOps {
  add(a: Tensor, b: Tensor): Tensor;
  /** a += b, unrecorded. */
  addInto(a: Tensor, b: Tensor): void;
  onesLike(t: Tensor): Tensor;
  zerosLike(t: Tensor): Tensor;
  /** A contiguous copy with storage of its own. */
  copy(t: Tensor): Tensor;
}

let ops: EngineOps;
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
      if (node.hasHooks) {
        grads = node.hooked(grads);
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
      if (node.rule === null) {
        throw new AutogradError({
          op: "backward",
          expected: "a graph that is still there",
          got: `${node.name}, whose saved tensors were freed by an earlier backward`,
          hint: "pass { retainGraph: true } to the first one",
        });
      }
      const results = node.rule(grads, node);
      for (let i = 0; i < node.edges.length; i++) {
        const edge = node.edges[i];
        const grad = results[i];
        if (!edge || !grad || (wanted !== null && !wanted.reach.has(edge.node))) continue;
        if (grads.includes(grad) || results.indexOf(grad) !== i) shared.add(grad);
        deliver(edge, grad);
      }
      if (!options.retainGraph) node.free();
    }
  });
  return found;
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
    grad = hook(grad) ?? grad;
    owned = false;
  }
  for (const { index } of wanted?.captured.get(node) ?? []) found[index] = grad;
  if (!accumulate) return;
  if (meta.grad === null) meta.grad = owned || createGraph ? grad : ops.copy(grad);
  else if (createGraph) meta.grad = ops.add(meta.grad, grad);
  else ops.addInto(meta.grad, grad);
  for (const hook of meta.postAccumulate ?? []) hook(leaf);
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

function rootOf(op: string, output: Tensor, gradient: Tensor | null, single: boolean): { edge: Edge; grad: Tensor } {
  const edge = edgeOf(output);
  if (edge === null) {
    throw new AutogradError({
      op,
      expected: "a tensor that requires grad",
      got: `one of shape ${formatShape(output.shape)} that does not`,
    });
  }
  if (gradient === null) {
    if (output.numel() !== 1) {
      throw new AutogradError({
        op,
        argument: single ? "gradient" : "gradOutputs",
        expected: "given for an output with more than one element",
        got: `none for shape ${formatShape(output.shape)}`,
      });
    }
    return { edge, grad: ops.onesLike(output) };
  }
  if (!sameShape(gradient.shape, output.shape)) {
    throw new ShapeError({
      op,
      argument: single ? "gradient" : "gradOutputs",
      expected: `of the output's shape ${formatShape(output.shape)}`,
      got: formatShape(gradient.shape),
    });
  }
  return { edge, grad: gradient };
}

/** Options of {@link backward}. */
export interface BackwardOptions {
  /** Gradient of what follows with respect to this tensor; may be left out for one element. */
  gradient?: Tensor | null;
  /** Keeps saved tensors for another backward. Default: createGraph. */
  retainGraph?: boolean | null;
  /** Records the backward pass itself, for higher derivatives. Default false. */
  createGraph?: boolean;
  /** Accumulate into these only. Default: all leaves. */
  inputs?: Tensor | readonly Tensor[] | null;
}

export function backward(tensors: readonly Tensor[], gradients: readonly (Tensor | null)[], options: BackwardOptions): void {
  const roots = tensors.map((t, i) => rootOf("backward", t, gradients[i] ?? null, true));
  const createGraph = options.createGraph ?? false;
  const inputs = options.inputs == null ? null : options.inputs instanceof Tensor ? [options.inputs] : options.inputs;
  runBackward(roots, { createGraph, retainGraph: options.retainGraph ?? createGraph }, inputs, true);
}

/** Options of {@link grad}. */
export interface GradOptions {
  gradOutputs?: Tensor | readonly (Tensor | null)[] | null;
  /** Default: createGraph. */
  retainGraph?: boolean | null;
  createGraph?: boolean;
  /** An input that the outputs do not depend on gives null instead of an error. Default: materializeGrads. */
  allowUnused?: boolean | null;
  /** Zeros instead of null for unused inputs. */
  materializeGrads?: boolean;
}

/**
 * Computes the gradients of `outputs` with respect to `inputs` without touching any `.grad` (torch.autograd.grad).
 * @returns one gradient of each input's shape, in order
 * @example const [dx] = autograd.grad(x.pow(3).sum(), x, { createGraph: true })
 */
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options: GradOptions = {}): Tensor[] {
  const outs = listOf("outputs", outputs);
  const ins = listOf("inputs", inputs);
  const given = options.gradOutputs == null ? [] : options.gradOutputs instanceof Tensor ? [options.gradOutputs] : options.gradOutputs;
  const roots = outs.map((t, i) => rootOf("grad", t, given[i] ?? null, false));
  const createGraph = options.createGraph ?? false;
  const found = runBackward(roots, { createGraph, retainGraph: options.retainGraph ?? createGraph }, ins, false);
  const allowUnused = options.allowUnused ?? options.materializeGrads ?? false;
  return found.map((result, i) => {
    if (result !== null) return result;
    if (!allowUnused) {
      throw new AutogradError({
        op: "grad",
        argument: "inputs",
        expected: "tensors that the outputs depend on",
        got: `input ${i}, which was not used`,
        hint: "pass { allowUnused: true }",
      });
    }
    return (options.materializeGrads ? ops.zerosLike(ins[i]!) : null) as Tensor;
  });
}

function listOf(argument: string, value: Tensor | readonly Tensor[]): readonly Tensor[] {
  const list = value instanceof Tensor ? [value] : value;
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => item instanceof Tensor)) {
    throw new ValueError({ op: "grad", argument, expected: "a Tensor or a list of Tensors", got: describe(value) });
  }
  return list as readonly Tensor[];
}
