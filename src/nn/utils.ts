/** `cg.nn.utils`: gradient clipping, parameters as one vector. */
import { withRecording } from "../autograd/mode.js";
import { ValueError } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { cat, stack } from "../ops/joining.js";
import { zeros } from "../ops/creation.js";
import { readArguments } from "./layer.js";

type Parameters = Tensor | Iterable<Tensor>;
const listOf = (parameters: Parameters): Tensor[] => (parameters instanceof Tensor ? [parameters] : [...parameters]);

export interface ClipOptions {
  /** Which norm. Default 2. */
  normType?: number;
  /** Throws where the norm is infinite or not a number. Default false. */
  errorIfNonfinite?: boolean;
}
/**
 * Scales all gradients so that their joint norm is at most maxNorm, in place.
 * @returns the norm before
 * @throws ValueError for a norm that is not finite, where errorIfNonfinite
 */
export function clipGradNorm_(parameters: Parameters, maxNorm: number, ...rest: (number | boolean | ClipOptions)[]): Tensor {
  const signature = "parameters: any, maxNorm: float, normType: float = 2, errorIfNonfinite: bool = false";
  const [given, most, normType, errorIfNonfinite] = readArguments<[Parameters, number, number, boolean]>("clipGradNorm_", signature, [parameters, maxNorm, ...rest]); // prettier-ignore
  return withRecording(false, () => {
    const grads = listOf(given).flatMap((p) => (p.grad === null ? [] : [p.grad]));
    if (grads.length === 0) return zeros([]);
    const total = stack(grads.map((g) => g.norm(normType))).norm(normType);
    if (errorIfNonfinite && !Number.isFinite(Number(total.item())))
      throw new ValueError({ op: "clipGradNorm_", expected: "a finite norm", got: String(total.item()) });
    const scale = total.add(1e-6).reciprocal().mul(most).clamp(null, 1);
    for (const g of grads) g.mul_(scale);
    return total;
  });
}

/** Clamps all gradients to [-clipValue, clipValue], in place. */
export function clipGradValue_(parameters: Parameters, clipValue: number): void {
  withRecording(false, () => {
    for (const p of listOf(parameters)) p.grad?.clamp_(-clipValue, clipValue);
  });
}

/** All parameters as one vector. */
export const parametersToVector = (parameters: Iterable<Tensor>): Tensor => cat([...parameters].map((p) => p.reshape(-1)));

/** Writes the pieces of a vector into parameters. */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  let start = 0;
  withRecording(false, () => {
    for (const p of parameters) {
      p.copy_(vector.narrow(0, start, p.numel()).view(p.shape));
      start += p.numel();
    }
  });
}
