/** `cg.nn.utils`: gradient clipping, parameters as one vector. */
import { withRecording } from "../autograd/mode.js";
import { ValueError } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { cat, stack } from "../ops/joining.js";
import { zeros } from "../ops/creation.js";

type Parameters = Tensor | Iterable<Tensor>;
const listOf = (parameters: Parameters): Tensor[] => (parameters instanceof Tensor ? [parameters] : [...parameters]);

/** Scales all gradients so that their joint norm is at most maxNorm, in place. @param normType default 2 @returns the norm before */
export function clipGradNorm_(parameters: Parameters, maxNorm: number, normType = 2, options: { errorIfNonfinite?: boolean } = {}): Tensor {
  return withRecording(false, () => {
    const grads = listOf(parameters).flatMap((p) => (p.grad === null ? [] : [p.grad]));
    if (grads.length === 0) return zeros([]);
    const total = stack(grads.map((g) => g.norm(normType))).norm(normType);
    if (options.errorIfNonfinite && !Number.isFinite(Number(total.item())))
      throw new ValueError({ op: "clipGradNorm_", expected: "a finite norm", got: String(total.item()) });
    const scale = total.add(1e-6).reciprocal().mul(maxNorm).clamp(null, 1);
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
