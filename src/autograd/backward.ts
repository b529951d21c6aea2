/** The two ways to ask for gradients: `backward` leaves them in `.grad`, `grad` hands them back. */
import { Batched, batching, frameOf, hoisted, lowered, valueIn, within, without, type Frame } from "../tensor/batched.js";
import { AutogradError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { readArguments, tensorsOf } from "./arguments.js";
import { ops, runBackward } from "./engine.js";
import { edgeOf, type Edge } from "./node.js";

/** Options of `t.backward()`. */
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

const methodNames = ["gradient", "retainGraph", "createGraph", "inputs"] as const;

/** @internal `t.backward(...)`. */
export function backwardOf(t: Tensor, ...args: unknown[]): void {
  const { gradient = null, ...options } = readArguments<BackwardOptions>("backward", methodNames, args);
  if (gradient !== null && !(gradient instanceof Tensor)) {
    throw new ValueError({ op: "backward", argument: "gradient", expected: "a Tensor or null", got: describe(gradient) });
  }
  run([t], [gradient], "gradient", options);
}

/** Options of {@link backward}. */
export interface BackwardManyOptions extends Omit<BackwardOptions, "gradient"> {
  /** Gradients of what follows, one a tensor. */
  gradTensors?: Tensor | readonly (Tensor | null)[] | null;
}

/**
 * Computes the gradients of several tensors at once and adds them to the `.grad` of the leaves (torch.autograd.backward).
 * @example autograd.backward([loss, penalty])
 */
export function backward(
  tensors: Tensor | readonly Tensor[],
  ...args: [gradTensors?: Tensor | readonly (Tensor | null)[] | BackwardManyOptions | null, ...rest: unknown[]]
): void {
  const { gradTensors = null, ...options } = readArguments<BackwardManyOptions>(
    "backward",
    ["gradTensors", "retainGraph", "createGraph", "inputs"],
    args,
  );
  const outputs = tensorsOf("backward", "tensors", tensors);
  run(outputs, gradientsOf("backward", "gradTensors", gradTensors, outputs), "gradTensors", options);
}

let watcher: ((roots: readonly Tensor[]) => void) | null = null;

/** @internal Has `watch` called with what each `backward` starts from, while the graph is whole. */
export function watchBackward(watch: (roots: readonly Tensor[]) => void): void {
  watcher = watch;
}

function run(tensors: readonly Tensor[], gradients: readonly (Tensor | null)[], argument: string, options: BackwardOptions): void {
  if (batching !== null && frameOf(tensors) !== null) {
    throw new AutogradError({
      op: "backward",
      expected: "func.grad inside vmap",
      got: "backward() of a batched tensor",
      hint: "call backward() on what vmap returns",
    });
  }
  const roots = tensors.map((t, i) => rootOf("backward", argument, t, gradients[i]!));
  watcher?.(tensors);
  const createGraph = options.createGraph ?? false;
  const inputs = options.inputs == null ? null : tensorsOf("backward", "inputs", options.inputs);
  // A result among the inputs keeps its gradient as if it had been asked to.
  for (const input of inputs ?? []) if (!input.isLeaf) input.retainGrad();
  runBackward(roots, { createGraph, retainGraph: options.retainGraph ?? createGraph }, inputs, true);
}

/** Options of {@link grad}. */
export interface GradOptions {
  /** Gradients of what follows, one an output; may be left out for outputs of one element. */
  gradOutputs?: Tensor | readonly (Tensor | null)[] | null;
  /** Default: createGraph. */
  retainGraph?: boolean | null;
  /** Records the backward pass itself, for higher derivatives. Default false. */
  createGraph?: boolean;
  /** An input that the outputs do not depend on gives null instead of an error. Default: materializeGrads. */
  allowUnused?: boolean | null;
  /** `gradOutputs` have one more dim in front; the results too: one pass for each element of it. Default false. */
  isGradsBatched?: boolean;
  /** Zeros instead of null for unused inputs. Default false. */
  materializeGrads?: boolean;
}

const gradNames = ["gradOutputs", "retainGraph", "createGraph", "allowUnused", "isGradsBatched", "materializeGrads"] as const;

/**
 * Computes the gradients of `outputs` with respect to `inputs` without touching any `.grad` (torch.autograd.grad).
 * @returns one gradient of each input's shape, in order
 * @example const [dx] = autograd.grad(x.pow(3).sum(), x, { createGraph: true })
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  ...args: [gradOutputs?: Tensor | readonly (Tensor | null)[] | GradOptions | null, ...rest: unknown[]]
): Tensor[] {
  const options = readArguments<GradOptions>("grad", gradNames, args);
  const outs = tensorsOf("grad", "outputs", outputs);
  const ins = tensorsOf("grad", "inputs", inputs);
  const given = gradientsOf("grad", "gradOutputs", options.gradOutputs ?? null, outs);
  if (options.isGradsBatched === true) return batched(outs, ins, given, options);
  const frame = batching === null ? null : frameOf([outs, ins]);
  if (frame !== null) return ofExamples(frame, outs, ins, given, options);
  const roots = outs.map((t, i) => rootOf("grad", "gradOutputs", t, given[i]!));
  const createGraph = options.createGraph ?? false;
  const found = runBackward(roots, { createGraph, retainGraph: options.retainGraph ?? createGraph }, ins, false);
  const { materializeGrads = false } = options;
  const allowUnused = options.allowUnused ?? materializeGrads;
  if (materializeGrads && !allowUnused) {
    throw new ValueError({ op: "grad", argument: "allowUnused", expected: "true or left out with materializeGrads", got: "false" });
  }
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
    return (materializeGrads ? ops.zerosLike(ins[i]!) : null) as Tensor;
  });
}

/** Gradients inside vmap: examples do not depend on each other, so one pass on all of them gives the gradients of each. */
function ofExamples(
  frame: Frame,
  outs: readonly Tensor[],
  ins: readonly Tensor[],
  given: readonly (Tensor | null)[],
  options: GradOptions,
): Tensor[] {
  if (ins.some((t) => valueIn(frame, t) === null)) {
    throw new AutogradError({
      op: "grad",
      argument: "inputs",
      expected: "inputs of the function that vmap runs",
      got: "a tensor that all examples share",
      hint: "use func.grad, which gives each example a gradient of its own",
    });
  }
  const gradOutputs = outs.map((t, i) => {
    const own = valueIn(frame, t);
    if (own === null) return given[i]!;
    return given[i] !== null ? hoisted(frame, given[i]!) : t.numel() === 1 ? ops.onesLike(own) : null;
  });
  const [under, by] = [outs, ins].map((list) => list.map((t) => valueIn(frame, t) ?? t));
  const found = without(frame, () => grad(under!, by!, { ...options, gradOutputs }));
  return found.map((g) => (g === null ? g : lowered(frame, g)));
}

/** The gradients for each element of the first dim of what is given, in one pass. */
function batched(outs: readonly Tensor[], ins: readonly Tensor[], given: readonly (Tensor | null)[], options: GradOptions): Tensor[] {
  const sizes = given.map((g) => g?.shape[0]);
  const [size] = sizes;
  if (size === undefined || sizes.some((other) => other !== size)) {
    throw new ShapeError({
      op: "grad",
      argument: "gradOutputs",
      expected: "one batch of gradients for each output, all of one size",
      got: given.map((g) => (g === null ? "null" : formatShape(g.shape))).join(", "),
    });
  }
  if (size === 0) return ins.map((t) => ops.zerosLike(t).expand([0, ...t.shape]));
  return within(size, "same", (frame) => {
    const gradOutputs = given.map((g) => new Batched(g!, frame));
    return grad(outs, ins, { ...options, isGradsBatched: false, gradOutputs }).map((g) => (g === null ? g : hoisted(frame, g)));
  });
}

function gradientsOf(
  op: string,
  argument: string,
  given: Tensor | readonly (Tensor | null)[] | null,
  outputs: readonly Tensor[],
): readonly (Tensor | null)[] {
  if (given === null) return outputs.map(() => null);
  const list: readonly unknown[] = given instanceof Tensor ? [given] : given;
  if (!Array.isArray(list) || !list.every((g) => g === null || g instanceof Tensor)) {
    throw new ValueError({ op, argument, expected: "a Tensor or a list of Tensors and nulls", got: describe(given) });
  }
  if (list.length !== outputs.length) {
    throw new ValueError({ op, argument, expected: `one for each of ${outputs.length} outputs`, got: String(list.length) });
  }
  return list as readonly (Tensor | null)[];
}

function rootOf(op: string, argument: string, output: Tensor, gradient: Tensor | null): { edge: Edge; grad: Tensor } {
  const edge = edgeOf(output);
  if (edge === null) {
    throw new AutogradError({
      op,
      expected: "a tensor that requires grad",
      got: `one of shape ${formatShape(output.shape)} that does not`,
      hint: "make its inputs with { requiresGrad: true }, and compute it outside noGrad()",
    });
  }
  if (gradient === null) {
    if (output.numel() !== 1 || output.isComplex()) {
      throw new AutogradError({
        op,
        argument,
        expected: "given for an output with more than one element or of a complex dtype",
        got: `none for a ${output.dtype} tensor of shape ${formatShape(output.shape)}`,
        hint: "reduce it to a scalar loss first, for instance with sum()",
      });
    }
    return { edge, grad: ops.onesLike(output) };
  }
  if (!sameShape(gradient.shape, output.shape)) {
    throw new ShapeError({
      op,
      argument,
      expected: `of the output's shape ${formatShape(output.shape)}`,
      got: formatShape(gradient.shape),
    });
  }
  // A gradient of another dtype is converted, as torch does for what arrives at a node.
  return { edge, grad: gradient.dt === output.dt ? gradient : gradient.to(output.dtype) };
}
