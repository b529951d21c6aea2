/** Proves gradients against finite differences, first and second derivatives. */
import { AutogradError, ValueError } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { grad } from "./engine.js";
import { withRecording } from "./mode.js";

export interface GradcheckOptions {
  /** Step of the central differences. Default 1e-6. */
  eps?: number;
  /** Absolute tolerance. Default 1e-5. */
  atol?: number;
  /** Relative tolerance. Default 1e-3. */
  rtol?: number;
  /** Throws on a difference, instead of answering false. Default true. */
  raiseException?: boolean;
}

type Outputs = Tensor | readonly Tensor[];

const listOf = (value: Outputs): readonly Tensor[] => (value instanceof Tensor ? [value] : value);

/**
 * Compares the gradients of `fn` with central differences at `inputs` (float64 tensors that require grad).
 * @example autograd.gradcheck((x) => x.sin(), [randn(3, { dtype: "float64", requiresGrad: true })])
 */
export function gradcheck(
  fn: (...inputs: Tensor[]) => Outputs,
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): boolean {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, raiseException = true } = options;
  const ins = listOf(inputs);
  const checked = ins.filter((t) => t.requiresGrad);
  if (checked.length === 0)
    throw new ValueError({ op: "gradcheck", argument: "inputs", expected: "at least one tensor that requires grad", got: "none" });
  const wrong = checked.find((t) => t.dtype !== "float64");
  if (wrong)
    throw new ValueError({
      op: "gradcheck",
      argument: "inputs",
      expected: "float64 tensors",
      got: wrong.dtype,
      hint: "float32 has too few digits for differences",
    });
  const outputs = listOf(fn(...ins)).filter((t) => t.requiresGrad);
  // One weight an element: the weighted sum's gradient shows each entry of the Jacobian somewhere.
  const weights = outputs.map((output) => spreadWeights(output));
  // All analytic gradients first: the differences change the inputs that the graph saved.
  const claims = outputs.map((output, o) =>
    grad(output, checked, { gradOutputs: weights[o]!, retainGraph: true, allowUnused: true, materializeGrads: true }),
  );
  for (const o of outputs.keys()) {
    const analytic = claims[o]!;
    const value = (): number =>
      withRecording(true, () =>
        Number(
          listOf(fn(...ins))
            .filter((t) => t.requiresGrad)
            [o]!.detach()
            .mul(weights[o]!)
            .sum()
            .item(),
        ),
      );
    for (const [k, input] of checked.entries()) {
      const elements = input.detach().view(-1);
      const expected = analytic[k]!.contiguous().view(-1);
      for (let i = 0; i < elements.numel(); i++) {
        const at = Number(elements.at(i).item());
        elements.setAt(i, at + eps);
        const above = value();
        elements.setAt(i, at - eps);
        const below = value();
        elements.setAt(i, at);
        const numeric = (above - below) / (2 * eps);
        const claimed = Number(expected.at(i).item());
        if (Math.abs(numeric - claimed) <= atol + rtol * Math.abs(numeric)) continue;
        if (!raiseException) return false;
        throw new AutogradError({
          op: "gradcheck",
          expected: `d output ${o} / d input ${k}[${i}] to be ${numeric}, by differences`,
          got: String(claimed),
        });
      }
    }
  }
  return true;
}

/** Weights in [0.5, 1.5) that repeat at no distance of the shape. */
function spreadWeights(output: Tensor): Tensor {
  const weights = output.detach().mul(0).contiguous();
  const flat = weights.view(-1);
  for (let i = 0; i < flat.numel(); i++) flat.setAt(i, 0.5 + ((i * 0.618034) % 1));
  return weights;
}

/** As {@link gradcheck}, for second derivatives: the gradient function itself is checked. */
export function gradgradcheck(
  fn: (...inputs: Tensor[]) => Outputs,
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): boolean {
  const ins = listOf(inputs);
  const outputs = listOf(fn(...ins)).filter((t) => t.requiresGrad);
  const seeds = outputs.map((t) => {
    const seed = t.detach().mul(0).add(1);
    return seed.mul(0.7).requiresGrad_();
  });
  const gradient = (...all: Tensor[]): Tensor[] => {
    const xs = all.slice(0, ins.length);
    const made = listOf(fn(...xs)).filter((t) => t.requiresGrad);
    const wanted = xs.filter((t) => t.requiresGrad);
    return grad(made, wanted, { gradOutputs: all.slice(ins.length), createGraph: true, allowUnused: true, materializeGrads: true });
  };
  return gradcheck(gradient, [...ins, ...seeds], options);
}
