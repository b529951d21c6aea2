/** `cg.nn.init`: fills tensors in place with the usual starting values (torch.nn.init). */
import { withRecording } from "../autograd/mode.js";
import { ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { numelOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Generator } from "../ops/random.js";
import { eye } from "../ops/creation.js";

interface Seeded {
  generator?: Generator | null;
}
const quietly = (t: Tensor, fill: () => void): Tensor => {
  withRecording(false, fill);
  return t;
};

/** Uniform in [a, b). */
export const uniform_ = (t: Tensor, a = 0, b = 1, options: Seeded = {}): Tensor => quietly(t, () => t.uniform_(a, b, options));
/** Normal with the given mean and standard deviation. */
export const normal_ = (t: Tensor, mean = 0, std = 1, options: Seeded = {}): Tensor => quietly(t, () => t.normal_(mean, std, options));
/** One value everywhere. */
export const constant_ = (t: Tensor, value: number): Tensor => quietly(t, () => t.fill_(value));
export const ones_ = (t: Tensor): Tensor => constant_(t, 1);
export const zeros_ = (t: Tensor): Tensor => constant_(t, 0);
/** The identity matrix. */
export const eye_ = (t: Tensor): Tensor => {
  if (t.shape.length !== 2) throw new ShapeError({ op: "eye_", argument: "tensor", expected: "2-d", got: formatShape(t.shape) });
  return quietly(t, () => t.copy_(eye(t.shape[0]!, t.shape[1]!)));
};

export type Nonlinearity = "linear" | "conv1d" | "conv2d" | "conv3d" | "sigmoid" | "tanh" | "relu" | "leaky_relu" | "selu";

/** The factor that keeps variance through a nonlinearity. @param param the slope of leaky_relu; default 0.01 */
export function calculateGain(nonlinearity: Nonlinearity, param: number | null = null): number {
  switch (nonlinearity) {
    case "linear":
    case "conv1d":
    case "conv2d":
    case "conv3d":
    case "sigmoid":
      return 1;
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leaky_relu":
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case "selu":
      return 3 / 4;
    default:
      throw new ValueError({
        op: "calculateGain",
        argument: "nonlinearity",
        expected: "linear, conv2d, sigmoid, tanh, relu, leaky_relu or selu",
        got: describe(nonlinearity),
      });
  }
}

/** Inputs and outputs of one unit: [out, in, ...receptive field]. */
export function calculateFanInAndFanOut(op: string, t: Tensor): { fanIn: number; fanOut: number } {
  if (t.shape.length < 2) throw new ShapeError({ op, argument: "tensor", expected: "at least 2 dims", got: formatShape(t.shape) });
  const field = numelOf(t.shape.slice(2));
  return { fanIn: t.shape[1]! * field, fanOut: t.shape[0]! * field };
}

/** Glorot and Bengio (2010), uniform. */
export function xavierUniform_(t: Tensor, gain = 1, options: Seeded = {}): Tensor {
  const { fanIn, fanOut } = calculateFanInAndFanOut("xavierUniform_", t);
  const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(t, -bound, bound, options);
}
/** Glorot and Bengio (2010), normal. */
export function xavierNormal_(t: Tensor, gain = 1, options: Seeded = {}): Tensor {
  const { fanIn, fanOut } = calculateFanInAndFanOut("xavierNormal_", t);
  return normal_(t, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), options);
}

export interface KaimingOptions extends Seeded {
  /** Slope of the leaky ReLU that follows. Default 0. */
  a?: number;
  /** Keep variance forward or backward. Default "fan_in". */
  mode?: "fan_in" | "fan_out";
  /** Default "leaky_relu". */
  nonlinearity?: Nonlinearity;
}
function kaimingStd(op: string, t: Tensor, { a = 0, mode = "fan_in", nonlinearity = "leaky_relu" }: KaimingOptions): number {
  const { fanIn, fanOut } = calculateFanInAndFanOut(op, t);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === "fan_in" ? fanIn : fanOut);
}
/** He et al. (2015), uniform. */
export function kaimingUniform_(t: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd("kaimingUniform_", t, options);
  return uniform_(t, -bound, bound, { generator: options.generator });
}
/** He et al. (2015), normal. */
export const kaimingNormal_ = (t: Tensor, options: KaimingOptions = {}): Tensor =>
  normal_(t, 0, kaimingStd("kaimingNormal_", t, options), { generator: options.generator });
