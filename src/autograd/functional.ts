/** `cg.autograd.functional`: derivatives of a function at a point (torch.autograd.functional). */
import { AutogradError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { readArguments, requireFunction, tensorsOf } from "./arguments.js";
import { grad } from "./backward.js";
import { alongBasis } from "./basis.js";
import { ops } from "./engine.js";
import { withRecording } from "./mode.js";
import { tracked, variable } from "./variable.js";

type Tensors = Tensor | readonly Tensor[];
type Fn = (...inputs: Tensor[]) => Tensors;
/** One tensor for one, a list for a list. */
type As<T> = T extends Tensor ? Tensor : Tensor[];

/** Options of the functions here. */
export interface FunctionalOptions {
  /** The direction, shaped like the inputs (jvp, hvp, vhp) or the output (vjp). May be left out for one element. */
  v?: Tensors | null;
  /** Records the computation, to differentiate the result again. Default false. */
  createGraph?: boolean;
  /** An input that the output does not depend on is an error instead of zeros. Default false. */
  strict?: boolean;
}

/** Options of {@link jacobian} and {@link hessian}. */
export interface JacobianOptions {
  createGraph?: boolean;
  strict?: boolean;
  /** Taken for torch's sake: there is one way to compute, whatever it says. */
  vectorize?: boolean;
  /** Row by row, or column by column. Default "reverse-mode". */
  strategy?: "reverse-mode" | "forward-mode";
}

/** A function evaluated at inputs that are its own. */
interface Point {
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly single: { readonly input: boolean; readonly output: boolean };
  readonly createGraph: boolean;
  readonly strict: boolean;
}

function evaluate(op: string, fn: Fn, inputs: Tensors, createGraph: boolean, strict: boolean): Point {
  requireFunction(op, "func", fn);
  const given = tensorsOf(op, "inputs", inputs);
  return withRecording(true, () => {
    const own = given.map((t) => (createGraph && t.requiresGrad ? tracked(t) : variable(t)));
    const result = fn(...own);
    const outputs = tensorsOf(op, "func's result", result);
    outputs.forEach((output, i) => {
      if (strict && !output.requiresGrad) throw independent(op, `output ${i} depends on no input`);
    });
    const single = { input: inputs instanceof Tensor, output: result instanceof Tensor };
    return { op, inputs: own, outputs, single, createGraph, strict };
  });
}

const independent = (op: string, got: string): AutogradError =>
  new AutogradError({ op, expected: "outputs that depend on the inputs, as strict asks", got });

/** Gradients of the outputs that have a history; zeros where there is no path, or an error when strict. */
function pull(
  { op, strict }: Pick<Point, "op" | "strict">,
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  given: readonly (Tensor | null)[],
  createGraph: boolean,
): Tensor[] {
  const live = outputs.map((_, i) => i).filter((i) => outputs[i]!.requiresGrad);
  const found: readonly (Tensor | null)[] =
    live.length === 0
      ? inputs.map(() => null)
      : withRecording(true, () =>
          grad(
            live.map((i) => outputs[i]!),
            inputs,
            { gradOutputs: live.map((i) => given[i]!), retainGraph: true, createGraph, allowUnused: true },
          ),
        );
  return found.map((g, i) => {
    if (g !== null) return g;
    if (strict) throw independent(op, `input ${i} has no part in them`);
    return ops.zerosLike(inputs[i]!);
  });
}

/** The direction that was given, or ones for a single element. */
function direction(op: string, v: Tensors | null | undefined, like: readonly Tensor[]): readonly Tensor[] {
  if (v == null) {
    if (like.length === 1 && like[0]!.numel() === 1) return [ops.onesLike(like[0]!)];
    throw new ValueError({ op, argument: "v", expected: "given where there is more than one element", got: String(v) });
  }
  const list = tensorsOf(op, "v", v);
  const fits = list.length === like.length && list.every((t, i) => sameShape(t.shape, like[i]!.shape));
  if (fits) return list;
  const shapes = (tensors: readonly Tensor[]): string => tensors.map((t) => formatShape(t.shape)).join(", ");
  throw new ShapeError({ op, argument: "v", expected: `shapes ${shapes(like)}`, got: shapes(list) });
}

/** The derivative of `outputs` along directions of `inputs`: a backward pass that is linear in its gradients, differentiated by them. */
function pushforward(point: Pick<Point, "op" | "strict">, outputs: readonly Tensor[], inputs: readonly Tensor[]) {
  const seeds = outputs.map((t) => variable(ops.zerosLike(t)));
  const linear = pull(point, outputs, inputs, seeds, true);
  return (tangents: readonly Tensor[], createGraph: boolean): Tensor[] =>
    pull({ ...point, strict: false }, linear, seeds, tangents, createGraph);
}

function shaped(list: readonly Tensor[], single: boolean, createGraph: boolean): Tensors {
  const own = createGraph ? list : list.map((t) => t.detach());
  return single ? own[0]! : own;
}

const directed = ["v", "createGraph", "strict"] as const;
type Directed = [v?: Tensors | FunctionalOptions | null, ...rest: unknown[]];

/**
 * The value of `func` and the product of `v` with its Jacobian.
 * @returns [output, vjp]; the second is shaped like the inputs
 * @example const [y, dx] = autograd.functional.vjp((x) => x.exp().sum(1), x, ones(4))
 */
export function vjp<T extends Tensors>(func: Fn, inputs: T, ...args: Directed): [Tensors, As<T>] {
  const { v, createGraph = false, strict = false } = readArguments<FunctionalOptions>("vjp", directed, args);
  const point = evaluate("vjp", func, inputs, createGraph, strict);
  const found = pull(point, point.outputs, point.inputs, direction("vjp", v, point.outputs), createGraph);
  return [shaped(point.outputs, point.single.output, createGraph), shaped(found, point.single.input, createGraph) as As<T>];
}

/**
 * The value of `func` and the product of its Jacobian with `v`: the derivative in a direction, by two backward passes.
 * @returns [output, jvp]; the second is shaped like the output
 */
export function jvp(func: Fn, inputs: Tensors, ...args: Directed): [Tensors, Tensors] {
  const { v, createGraph = false, strict = false } = readArguments<FunctionalOptions>("jvp", directed, args);
  const point = evaluate("jvp", func, inputs, createGraph, strict);
  const tangents = direction("jvp", v, point.inputs);
  const found = pushforward(point, point.outputs, point.inputs)(tangents, createGraph);
  return [shaped(point.outputs, point.single.output, createGraph), shaped(found, point.single.output, createGraph)];
}

const jacobianNames = ["createGraph", "strict", "vectorize", "strategy"] as const;
type JacobianArguments = [createGraph?: boolean | JacobianOptions, ...rest: unknown[]];

/**
 * The Jacobian of `func` at `inputs`.
 * @returns shape [...output, ...input]; for lists of inputs or outputs, lists of them, outputs outside
 * @example autograd.functional.jacobian((x) => x.exp().sum(1), rand(2, 3)).shape // [2, 2, 3]
 */
export function jacobian<R = Tensor>(func: Fn, inputs: Tensors, ...args: JacobianArguments): R {
  const options = readArguments<JacobianOptions>("jacobian", jacobianNames, args);
  const { createGraph = false, strict = false, strategy = "reverse-mode" } = options;
  const point = evaluate("jacobian", func, inputs, createGraph, strict);
  const blocks = strategy === "forward-mode" ? byColumns(point) : byRows(point);
  const rows = blocks.map((row) => shaped(row, point.single.input, createGraph));
  return (point.single.output ? rows[0] : rows) as R;
}

function byRows(point: Point): Tensor[][] {
  return point.outputs.map((output) => {
    const rows = alongBasis(output, (e) => pull(point, [output], point.inputs, [e], point.createGraph));
    return point.inputs.map((input, k) => rows[k]!.reshape([...output.shape, ...input.shape]));
  });
}

function byColumns(point: Point): Tensor[][] {
  const push = pushforward(point, point.outputs, point.inputs);
  const columns = point.inputs.map(
    (input, k) =>
    alongBasis(input, (e) => push(point.inputs.map((other, j) => (j === k ? e : ops.zerosLike(other))), point.createGraph)), // prettier-ignore
  );
  return point.outputs.map((output, o) =>
    point.inputs.map((input, k) => {
      return columns[k]![o]!.movedim(0, -1).reshape([...output.shape, ...input.shape]);
    }),
  );
}

/**
 * The Hessian of a scalar function at `inputs`.
 * @returns shape [...input, ...input]; for a list of inputs, a list of lists
 * @example autograd.functional.hessian((x) => x.pow(3).sum(), tensor([1, 2])).tolist() // [[6, 0], [0, 12]]
 */
export function hessian<R = Tensor>(func: Fn, inputs: Tensors, ...args: JacobianArguments): R {
  const { createGraph = false, strict = false } = readArguments<JacobianOptions>("hessian", jacobianNames, args);
  const gradient = (...own: Tensor[]): Tensors => {
    const out = scalar("hessian", func(...own));
    const found = pull({ op: "hessian", strict }, [out], own, [ops.onesLike(out)], true);
    return inputs instanceof Tensor ? found[0]! : found;
  };
  return jacobian(gradient, inputs, { createGraph, strict: false });
}

function scalar(op: string, result: Tensors): Tensor {
  const [out, ...more] = tensorsOf(op, "func's result", result);
  if (more.length === 0 && out!.numel() === 1) return out!;
  throw new ShapeError({ op, argument: "func", expected: "to return one element", got: describe(result) });
}

/**
 * The value of a scalar function and the product of its Hessian with `v`.
 * @returns [output, hvp]; the second is shaped like the inputs
 */
export function hvp<T extends Tensors>(func: Fn, inputs: T, ...args: Directed): [Tensor, As<T>] {
  return hessianProduct("hvp", func, inputs, args);
}

/** The value of a scalar function and the product of `v` with its Hessian; one backward pass cheaper than {@link hvp}. */
export function vhp<T extends Tensors>(func: Fn, inputs: T, ...args: Directed): [Tensor, As<T>] {
  return hessianProduct("vhp", func, inputs, args);
}

function hessianProduct<T extends Tensors>(op: "hvp" | "vhp", func: Fn, inputs: T, args: Directed): [Tensor, As<T>] {
  const { v, createGraph = false, strict = false } = readArguments<FunctionalOptions>(op, directed, args);
  const point = evaluate(op, func, inputs, createGraph, strict);
  const out = scalar(op, point.outputs);
  const along = direction(op, v, point.inputs);
  const first = pull(point, [out], point.inputs, [ops.onesLike(out)], true);
  const found =
    op === "vhp" ? pull(point, first, point.inputs, along, createGraph) : pushforward(point, first, point.inputs)(along, createGraph);
  return [shaped([out], true, createGraph) as Tensor, shaped(found, point.single.input, createGraph) as As<T>];
}
