/** Functions that turn functions into their derivatives and their batched forms (torch.func): `cg.func`. */
import { AutogradError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { readArguments, requireFunction } from "./arguments.js";
import { grad as gradients } from "./backward.js";
import { ops } from "./engine.js";
import { isGradEnabled, withRecording } from "./mode.js";
import { alongBasis } from "./basis.js";
import { AccumulateGrad, edgeOf, type Node } from "./node.js";
import { flatten, type Flat } from "./tree.js";
import { tracked, underneath, variable } from "./variable.js";

/** Options of the transforms. */
export interface TransformOptions {
  /** Which arguments to differentiate. Default 0. */
  argnums?: number | readonly number[];
  /** The function returns [output, aux], and aux is handed on. Default false. */
  hasAux?: boolean;
}

/** Options of {@link jacrev}. */
export interface JacobianTransformOptions extends TransformOptions {
  /** How many rows to compute at once, to save memory. Default: all. */
  chunkSize?: number | null;
}

type Fn = (...args: never[]) => unknown;
type OfTensors = (...args: Tensor[]) => unknown;
type Rest = [argnums?: number | readonly number[] | TransformOptions, hasAux?: boolean | TransformOptions];

/** A call of a function on tensors that are known to be its inputs. */
interface Traced {
  readonly inputs: readonly Tensor[];
  readonly input: Flat;
  readonly outputs: readonly Tensor[];
  readonly output: Flat;
  readonly aux: unknown;
  /** Whether the derivative must be recorded, because somebody outside differentiates it. */
  readonly recorded: boolean;
}

function trace(op: string, fn: Fn, args: readonly unknown[], { argnums = 0, hasAux = false }: TransformOptions): Traced {
  const numbers = typeof argnums === "number" ? [argnums] : argnums;
  for (const n of numbers) {
    if (!Number.isInteger(n) || n < -args.length || n >= args.length) {
      throw new ValueError({ op, argument: "argnums", expected: `positions of the ${args.length} arguments`, got: describe(n) });
    }
  }
  const places = numbers.map((n) => (n < 0 ? n + args.length : n));
  const input = flatten(typeof argnums === "number" ? args[places[0]!] : places.map((n) => args[n]));
  const outside = isGradEnabled();
  return withRecording(true, () => {
    const inputs = input.leaves.map((leaf) => {
      if (!(leaf instanceof Tensor) || !(leaf.isFloatingPoint() || leaf.isComplex())) {
        throw new ValueError({ op, expected: "floating or complex tensors to differentiate by", got: describe(leaf) });
      }
      return leaf.requiresGrad ? tracked(leaf) : variable(leaf);
    });
    const built = input.build(inputs);
    const given = [...args];
    places.forEach((n, i) => (given[n] = typeof argnums === "number" ? built : (built as unknown[])[i]));
    const result = fn(...(given as never[]));
    if (hasAux && !(Array.isArray(result) && result.length === 2)) {
      throw new ValueError({
        op,
        argument: "fn",
        expected: "a function that returns [output, aux], as hasAux says",
        got: describe(result),
      });
    }
    const [value, aux] = hasAux ? (result as [unknown, unknown]) : [result, undefined];
    const output = flatten(value);
    for (const leaf of output.leaves) {
      if (!(leaf instanceof Tensor))
        throw new ValueError({ op, argument: "fn", expected: "a function that returns Tensors", got: describe(leaf) });
    }
    const outputs = output.leaves as readonly Tensor[];
    return { inputs, input, outputs, output, aux, recorded: outside && othersIn(outputs, inputs) };
  });
}

/** True when the graph of `outputs` leads to leaves other than `inputs`. */
function othersIn(outputs: readonly Tensor[], inputs: readonly Tensor[]): boolean {
  const own = new Set(inputs.map(underneath).filter((t) => t.isLeaf).map((t) => edgeOf(t)!.node)); // prettier-ignore
  const seen = new Set<Node>();
  const stack = outputs.flatMap((t) => edgeOf(underneath(t))?.node ?? []);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node instanceof AccumulateGrad && !own.has(node)) return true;
    for (const edge of node.edges) if (edge) stack.push(edge.node);
  }
  return false;
}

/** Gradients of some outputs; zeros where there is no path. */
function pull(outputs: readonly Tensor[], inputs: readonly Tensor[], given: readonly Tensor[], keep: boolean, record: boolean): Tensor[] {
  const live = outputs.map((_, i) => i).filter((i) => outputs[i]!.requiresGrad);
  if (live.length === 0) return inputs.map((t) => ops.zerosLike(t));
  return gradients(
    live.map((i) => outputs[i]!),
    inputs,
    { gradOutputs: live.map((i) => given[i]!), retainGraph: keep || record, createGraph: record, materializeGrads: true },
  );
}

/** The directional derivative by two backward passes: the first is linear in its gradients, the second differentiates it by them. */
function pushforward({ outputs, inputs, recorded }: Traced): (tangents: readonly Tensor[]) => Tensor[] {
  const seeds = outputs.map((t) => variable(ops.zerosLike(t)));
  const linear = withRecording(true, () => pull(outputs, inputs, seeds, true, true));
  return (tangents) => pull(linear, seeds, tangents, true, recorded);
}

const finish = ({ recorded, output, outputs }: Traced): unknown => output.build(recorded ? outputs : outputs.map((t) => t.detach()));
const withAux = (traced: Traced, value: unknown, hasAux: boolean | undefined): unknown => (hasAux === true ? [value, traced.aux] : value);

function readOptions(op: string, fn: unknown, args: readonly unknown[]): JacobianTransformOptions {
  requireFunction(op, "fn", fn);
  return readArguments<JacobianTransformOptions>(op, op === "jacrev" ? ["argnums", "hasAux", "chunkSize"] : ["argnums", "hasAux"], args);
}

function requireScalar(op: string, { outputs }: Traced): void {
  if (outputs.length === 1 && outputs[0]!.shape.length === 0 && !outputs[0]!.isComplex()) return;
  throw new ShapeError({
    op,
    argument: "fn",
    expected: "a function that returns one real 0-d tensor",
    got: outputs.map((t) => `a ${t.dtype} tensor of shape ${formatShape(t.shape)}`).join(", "),
    hint: "use jacrev() for outputs with several elements",
  });
}

/**
 * The function that computes the gradient of `fn` by its argument `argnums` (torch.func.grad). It nests: `grad(grad(fn))`.
 * @returns (...args) => gradient, shaped like the argument: a tensor, or the same arrays and objects of tensors
 * @example func.grad((x) => x.sin())(tensor(0)).item() // 1
 */
export function grad<R = Tensor>(fn: OfTensors, ...rest: Rest): (...args: Tensor[]) => NoInfer<R>;
export function grad<F extends Fn, R = Parameters<F>[0]>(fn: F, ...rest: Rest): (...args: Parameters<F>) => NoInfer<R>;
export function grad(fn: Fn, ...rest: unknown[]): (...args: unknown[]) => unknown {
  const both = gradAndValue(fn, ...(rest as Rest));
  return (...args) => {
    const [gradient, value] = both(...(args as never[])) as [unknown, unknown];
    return readOptions("grad", fn, rest).hasAux === true ? [gradient, (value as unknown[])[1]] : gradient;
  };
}

/** As {@link grad}, with the value: `[gradient, value]` (torch.func.grad_and_value). */
export function gradAndValue<R = [gradient: Tensor, value: Tensor]>(fn: OfTensors, ...rest: Rest): (...args: Tensor[]) => NoInfer<R>;
export function gradAndValue<F extends Fn, R = [gradient: Parameters<F>[0], value: Tensor]>(
  fn: F,
  ...rest: Rest
): (...args: Parameters<F>) => NoInfer<R>;
export function gradAndValue(fn: Fn, ...rest: unknown[]): (...args: unknown[]) => unknown {
  const options = readOptions("grad", fn, rest);
  return (...args) => {
    const traced = trace("grad", fn, args, options);
    requireScalar("grad", traced);
    const found = pull(traced.outputs, traced.inputs, [ops.onesLike(traced.outputs[0]!)], false, traced.recorded);
    return [traced.input.build(found), withAux(traced, finish(traced), options.hasAux)];
  };
}

/**
 * The value of `fn` and the function that multiplies a gradient with its Jacobian (torch.func.vjp).
 * @returns [output, vjpFn], and aux with { hasAux: true }; vjpFn gives one gradient an argument
 * @example const [y, vjpFn] = func.vjp((x) => x.square(), x); const [dx] = vjpFn(onesLike(y))
 */
export function vjp<R = [output: Tensor, vjpFn: (...cotangents: Tensor[]) => Tensor[]]>(fn: OfTensors, ...primals: unknown[]): NoInfer<R>;
export function vjp<R = [output: Tensor, vjpFn: (...cotangents: Tensor[]) => Tensor[]]>(fn: Fn, ...primals: unknown[]): NoInfer<R>;
export function vjp(fn: Fn, ...primals: unknown[]): unknown {
  requireFunction("vjp", "fn", fn);
  const { options, args } = splitAux(primals);
  const traced = trace("vjp", fn, args, { ...options, argnums: args.map((_, i) => i) });
  const pullback = (...cotangents: unknown[]): unknown => {
    const given = flatten(cotangents.length === 1 ? cotangents[0] : cotangents).leaves as Tensor[];
    requireLike("vjp", "cotangents", given, traced.outputs);
    return traced.input.build(pull(traced.outputs, traced.inputs, given, true, isGradEnabled() && (traced.recorded || given.some((t) => t.requiresGrad)))); // prettier-ignore
  };
  return options.hasAux === true ? [finish(traced), pullback, traced.aux] : [finish(traced), pullback];
}

/**
 * The value of `fn` and its derivative in a direction (torch.func.jvp).
 * @param primals the arguments @param tangents the direction, of their shapes
 * @returns [output, tangent of the output], and aux with { hasAux: true }
 * @example func.jvp((x) => x.sin(), [x], [onesLike(x)])[1] // cos(x)
 */
export function jvp<R = [output: Tensor, tangent: Tensor]>(
  fn: OfTensors,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  options?: { hasAux?: boolean },
): NoInfer<R>;
export function jvp<R = [output: Tensor, tangent: Tensor]>(
  fn: Fn,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  options?: { hasAux?: boolean },
): NoInfer<R>;
export function jvp(fn: Fn, primals: readonly unknown[], tangents: readonly unknown[], options: { hasAux?: boolean } = {}): unknown {
  requireFunction("jvp", "fn", fn);
  const traced = trace("jvp", fn, primals, { ...options, argnums: primals.map((_, i) => i) });
  const directions = flatten(tangents).leaves as Tensor[];
  requireLike("jvp", "tangents", directions, traced.inputs);
  const recorded = isGradEnabled() && (traced.recorded || directions.some((t) => t.requiresGrad));
  const along = traced.output.build(pushforward({ ...traced, recorded })(directions));
  return options.hasAux === true ? [finish(traced), along, traced.aux] : [finish(traced), along];
}

/**
 * The value of `fn` at `primals` and its derivative there, as a function of the direction (torch.func.linearize): cheaper than
 * {@link jvp} for several directions.
 * @returns [output, jvpFn]
 * @example const [y, along] = func.linearize((x) => x.sin(), x); along(onesLike(x)) // cos(x)
 */
export function linearize<R = [output: Tensor, along: (...tangents: Tensor[]) => Tensor]>(fn: OfTensors, ...primals: unknown[]): NoInfer<R>;
export function linearize<R = [output: Tensor, along: (...tangents: Tensor[]) => Tensor]>(fn: Fn, ...primals: unknown[]): NoInfer<R>;
export function linearize(fn: Fn, ...primals: unknown[]): unknown {
  requireFunction("linearize", "fn", fn);
  const traced = trace("linearize", fn, primals, { argnums: primals.map((_, i) => i) });
  const push = pushforward(traced);
  const along = (...tangents: unknown[]): unknown => {
    const directions = flatten(tangents).leaves as Tensor[];
    requireLike("linearize", "tangents", directions, traced.inputs);
    return traced.output.build(push(directions));
  };
  return [finish(traced), along];
}

/**
 * The function that computes the Jacobian of `fn` row by row, by backward passes (torch.func.jacrev): for few outputs.
 * @returns (...args) => tensor of shape [...output, ...input], in the structure of the outputs and, inside it, of the inputs
 */
export function jacrev<R = Tensor>(
  fn: OfTensors,
  ...rest: [argnums?: number | readonly number[] | JacobianTransformOptions, hasAux?: boolean | JacobianTransformOptions]
): (...args: Tensor[]) => NoInfer<R>;
export function jacrev<F extends Fn, R = Tensor>(
  fn: F,
  ...rest: [argnums?: number | readonly number[] | JacobianTransformOptions, hasAux?: boolean | JacobianTransformOptions]
): (...args: Parameters<F>) => NoInfer<R>;
export function jacrev(fn: Fn, ...rest: unknown[]): (...args: unknown[]) => unknown {
  const options = readOptions("jacrev", fn, rest);
  return (...args) => {
    const traced = trace("jacrev", fn, args, options);
    const { outputs, inputs, recorded } = traced;
    const blocks = outputs.map((output) => {
      const rows = alongBasis(output, (e) => pull([output], inputs, [e], true, recorded), options.chunkSize);
      return inputs.map((input, k) => rows[k]!.reshape([...output.shape, ...input.shape]));
    });
    return withAux(traced, traced.output.build(blocks.map((row) => traced.input.build(row))), options.hasAux);
  };
}

/**
 * The function that computes the Jacobian of `fn` column by column, by directional derivatives (torch.func.jacfwd): for few inputs.
 * @returns as {@link jacrev}
 */
export function jacfwd<R = Tensor>(fn: OfTensors, ...rest: Rest): (...args: Tensor[]) => NoInfer<R>;
export function jacfwd<F extends Fn, R = Tensor>(fn: F, ...rest: Rest): (...args: Parameters<F>) => NoInfer<R>;
export function jacfwd(fn: Fn, ...rest: unknown[]): (...args: unknown[]) => unknown {
  const options = readOptions("jacfwd", fn, rest);
  return (...args) => {
    const traced = trace("jacfwd", fn, args, options);
    const { outputs, inputs } = traced;
    const push = pushforward(traced);
    const columns = inputs.map((input, k) => alongBasis(input, (e) => push(inputs.map((other, j) => (j === k ? e : ops.zerosLike(other)))))); // prettier-ignore
    const blocks = outputs.map((output, o) =>
      inputs.map((input, k) => {
        return columns[k]![o]!.movedim(0, -1).reshape([...output.shape, ...input.shape]);
      }),
    );
    return withAux(traced, traced.output.build(blocks.map((row) => traced.input.build(row))), options.hasAux);
  };
}

/** The function that computes the Hessian of `fn` (torch.func.hessian): `jacfwd(jacrev(fn))`. */
export function hessian<R = Tensor>(fn: OfTensors, ...rest: Rest): (...args: Tensor[]) => NoInfer<R>;
export function hessian<F extends Fn, R = Tensor>(fn: F, ...rest: Rest): (...args: Parameters<F>) => NoInfer<R>;
export function hessian(fn: Fn, ...rest: Rest): (...args: never[]) => unknown {
  return jacfwd(jacrev(fn, ...rest), ...rest);
}

function splitAux(given: readonly unknown[]): { options: { hasAux?: boolean }; args: unknown[] } {
  const last = given.at(-1);
  const isOptions = typeof last === "object" && last !== null && Object.keys(last).length === 1 && "hasAux" in last;
  return isOptions ? { options: last as { hasAux?: boolean }, args: given.slice(0, -1) } : { options: {}, args: [...given] };
}

function requireLike(op: string, argument: string, given: readonly Tensor[], wanted: readonly Tensor[]): void {
  const fits = given.length === wanted.length && given.every((t, i) => t instanceof Tensor && sameShape(t.shape, wanted[i]!.shape));
  if (fits) return;
  const shapes = (list: readonly unknown[]): string =>
    list.map((t) => (t instanceof Tensor ? formatShape(t.shape) : describe(t))).join(", ");
  throw new AutogradError({ op, argument, expected: `tensors of shapes ${shapes(wanted)}`, got: shapes(given) });
}
