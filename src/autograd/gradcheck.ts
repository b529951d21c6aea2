/** Proves gradients against finite differences, first and second derivatives, of real and complex functions. */
import { AutogradError, ValueError, formatShape } from "../tensor/errors.js";
import { Code } from "../tensor/dtype.js";
import { Tensor } from "../tensor/tensor.js";
import { requireFunction, tensorsOf } from "./arguments.js";
import { grad } from "./backward.js";
import { ops } from "./engine.js";
import { withRecording } from "./mode.js";

/** Options of {@link gradcheck} and {@link gradgradcheck}. */
export interface GradcheckOptions {
  /** Step of the central differences. Default 1e-6. */
  eps?: number;
  /** Absolute tolerance. Default 1e-5. */
  atol?: number;
  /** Relative tolerance. Default 1e-3. */
  rtol?: number;
  /** Throws on a difference, instead of answering false. Default true. */
  raiseException?: boolean;
  /** How far two backward passes may differ. Default 0. */
  nondetTol?: number;
}

type Outputs = Tensor | readonly Tensor[];
type Fn = (...inputs: Tensor[]) => Outputs;

const differentiableOf = (op: string, result: Outputs): readonly Tensor[] =>
  tensorsOf(op, "fn's result", result).filter((t) => t.requiresGrad);

/**
 * Compares the gradients of `fn` with central differences at `inputs` (float64 or complex128 tensors that require grad).
 * A complex gradient is dL/dRe + i dL/dIm, as torch defines it.
 * @throws AutogradError that names the output, the input and the element that differ
 * @example autograd.gradcheck((x) => x.sin(), [randn(3, { dtype: "float64", requiresGrad: true })])
 */
export function gradcheck(fn: Fn, inputs: Outputs, options: GradcheckOptions = {}): boolean {
  requireFunction("gradcheck", "fn", fn);
  const { raiseException = true } = options;
  const ins = tensorsOf("gradcheck", "inputs", inputs);
  const problem = withRecording(true, () => check(fn, ins, options));
  if (problem === null) return true;
  if (!raiseException) return false;
  throw problem;
}

function check(fn: Fn, inputs: readonly Tensor[], options: GradcheckOptions): AutogradError | null {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, nondetTol = 0 } = options;
  const checked = inputs.filter((t) => t.requiresGrad);
  requireDouble(checked);
  const outputs = differentiableOf("gradcheck", fn(...inputs));
  // One weight an element: the weighted sum's gradient shows each entry of the Jacobian somewhere.
  const weights = outputs.map(spreadWeights);
  // All analytic gradients first: the differences change the inputs that the graph saved.
  const claims = outputs.map((output, o) => {
    const gradOutputs = like(output, weights[o]!);
    const claim = (): Float64Array[] =>
      grad(output, checked, { gradOutputs, retainGraph: true, allowUnused: true, materializeGrads: true }).map((g, k) => {
        const { shape, dtype } = checked[k]!;
        if (g.dtype !== dtype || formatShape(g.shape) !== formatShape(shape)) throw misfit(o, k, checked[k]!, g);
        return doublesOf(g);
      });
    return [claim(), claim()] as const;
  });
  for (const [o, [claim, again]] of claims.entries()) {
    for (const [k, input] of checked.entries()) {
      const [first, second] = [claim[k]!, again[k]!];
      const unsteady = first.findIndex((value, i) => Math.abs(value - second[i]!) > nondetTol);
      if (unsteady >= 0) return mismatch(o, k, input, unsteady, second[unsteady]!, first[unsteady]!, "in a second backward pass");
      const value = (): number => dot(doublesOf(differentiableOf("gradcheck", fn(...inputs))[o]!), weights[o]!);
      const wrong = compare(input, first, value, eps, (numeric, claimed) => Math.abs(numeric - claimed) <= atol + rtol * Math.abs(numeric));
      if (wrong !== null) return mismatch(o, k, input, wrong.at, wrong.numeric, first[wrong.at]!, "by differences");
    }
  }
  return null;
}

/** The first element whose difference quotient is not the claimed one. */
function compare(
  input: Tensor,
  claimed: Float64Array,
  value: () => number,
  eps: number,
  close: (numeric: number, claimed: number) => boolean,
): { at: number; numeric: number } | null {
  const target = input.detach();
  const original = doublesOf(target);
  const write = (data: Float64Array): void =>
    withRecording(false, () => void target.copy_(ops.fromData(data, target.shape, target.dt, target.dev)));
  for (let at = 0; at < original.length; at++) {
    const moved = original.slice();
    const valueAt = (x: number): number => {
      moved[at] = x;
      write(moved);
      return value();
    };
    const numeric = (valueAt(original[at]! + eps) - valueAt(original[at]! - eps)) / (2 * eps);
    write(original);
    if (!close(numeric, claimed[at]!)) return { at, numeric };
  }
  return null;
}

function requireDouble(checked: readonly Tensor[]): void {
  if (checked.length === 0)
    throw new ValueError({ op: "gradcheck", argument: "inputs", expected: "at least one tensor that requires grad", got: "none" });
  const wrong = checked.find((t) => t.dt !== Code.float64 && t.dt !== Code.complex128);
  if (wrong === undefined) return;
  throw new ValueError({
    op: "gradcheck",
    argument: "inputs",
    expected: "float64 or complex128 tensors",
    got: wrong.dtype,
    hint: "float32 has too few digits for differences",
  });
}

/** The elements in row-major order, a complex one as two numbers. */
function doublesOf(t: Tensor): Float64Array {
  const wide = t.dt === Code.float64 || t.dt === Code.complex128 ? t : ops.cast(t, t.isComplex() ? Code.complex128 : Code.float64);
  return wide.detach().toTypedArray() as Float64Array;
}

/** Doubles as a tensor of `t`'s shape and dtype. */
const like = (t: Tensor, data: Float64Array): Tensor =>
  ops.cast(ops.fromData(data, t.shape, t.isComplex() ? Code.complex128 : Code.float64, t.dev), t.dt);

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Weights in [0.5, 1.5) that repeat at no distance of the shape. */
const spreadWeights = (output: Tensor): Float64Array =>
  Float64Array.from({ length: output.numel() * (output.isComplex() ? 2 : 1) }, (_, i) => 0.5 + ((i * 0.618034) % 1));

function mismatch(o: number, k: number, input: Tensor, at: number, numeric: number, claimed: number, how: string): AutogradError {
  const element = input.isComplex() ? `${at >> 1}].${at % 2 === 0 ? "re" : "im"}` : `${at}]`;
  return new AutogradError({
    op: "gradcheck",
    expected: `d output ${o} / d input ${k}[${element} to be ${numeric}, ${how}`,
    got: String(claimed),
  });
}

function misfit(o: number, k: number, input: Tensor, g: Tensor): AutogradError {
  return new AutogradError({
    op: "gradcheck",
    expected: `the gradient of output ${o} by input ${k} to be ${input.dtype} of shape ${formatShape(input.shape)}`,
    got: `${g.dtype} of shape ${formatShape(g.shape)}`,
  });
}

/**
 * As {@link gradcheck}, for second derivatives: the gradient function itself is checked.
 * @param gradOutputs gradients of the outputs at which to check; default: made up
 */
export function gradgradcheck(
  fn: Fn,
  inputs: Outputs,
  gradOutputs?: Outputs | GradcheckOptions | null,
  options: GradcheckOptions = {},
): boolean {
  // prettier-ignore
  requireFunction("gradgradcheck", "fn", fn);
  const isOptions = gradOutputs != null && !(gradOutputs instanceof Tensor) && !Array.isArray(gradOutputs);
  const given = gradOutputs == null || isOptions ? null : tensorsOf("gradgradcheck", "gradOutputs", gradOutputs);
  const ins = tensorsOf("gradgradcheck", "inputs", inputs);
  const outputs = withRecording(true, () => differentiableOf("gradgradcheck", fn(...ins)));
  const seeds = given ?? outputs.map((t) => like(t, spreadWeights(t)).requiresGrad_());
  const gradient = (...all: Tensor[]): Tensor[] => {
    const xs = all.slice(0, ins.length);
    const made = differentiableOf("gradgradcheck", fn(...xs));
    const wanted = xs.filter((t) => t.requiresGrad);
    return grad(made, wanted, { gradOutputs: all.slice(ins.length), createGraph: true, allowUnused: true, materializeGrads: true });
  };
  return gradcheck(gradient, [...ins, ...seeds], isOptions ? (gradOutputs as GradcheckOptions) : options);
}
