/** `cg.nn.init`: fills tensors in place with the usual starting values (torch.nn.init). */
import { withRecording } from "../autograd/mode.js";
import { ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { numelOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Generator } from "../ops/random.js";
import { eye } from "../ops/creation.js";
import { readArguments } from "./layer.js";

interface Seeded {
  generator?: Generator | null;
}
const quietly = (t: Tensor, fill: () => void): Tensor => {
  withRecording(false, fill);
  return t;
};

const generator = "generator: generator? = null";
type Draw = [tensor: Tensor, first: number, second: number, generator: Generator | null];

/** Uniform in [a, b). @param a default 0 @param b default 1 */
export function uniform_(t: Tensor, ...rest: (number | ({ a?: number; b?: number } & Seeded))[]): Tensor {
  const [tensor, a, b, source] = readArguments<Draw>("uniform_", `tensor: tensor, a: float = 0, b: float = 1, ${generator}`, [t, ...rest]);
  return quietly(tensor, () => tensor.uniform_(a, b, { generator: source }));
}
/** Normal with the given mean and standard deviation. @param mean default 0 @param std default 1 */
export function normal_(t: Tensor, ...rest: (number | ({ mean?: number; std?: number } & Seeded))[]): Tensor {
  const signature = `tensor: tensor, mean: float = 0, std: float = 1, ${generator}`;
  const [tensor, mean, std, source] = readArguments<Draw>("normal_", signature, [t, ...rest]);
  return quietly(tensor, () => tensor.normal_(mean, std, { generator: source }));
}
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

export interface XavierOptions extends Seeded {
  /** Times the range or the deviation. Default 1. */
  gain?: number;
}
/** The standard deviation that Glorot and Bengio (2010) give. */
function readXavier(op: string, args: readonly unknown[]): { tensor: Tensor; std: number; options: Seeded } {
  type Values = [Tensor, number, Generator | null];
  const [tensor, gain, source] = readArguments<Values>(op, `tensor: tensor, gain: float = 1, ${generator}`, args);
  const { fanIn, fanOut } = calculateFanInAndFanOut(op, tensor);
  return { tensor, std: gain * Math.sqrt(2 / (fanIn + fanOut)), options: { generator: source } };
}
/** Glorot and Bengio (2010), uniform. @param gain default 1 */
export function xavierUniform_(t: Tensor, ...rest: (number | XavierOptions)[]): Tensor {
  const { tensor, std, options } = readXavier("xavierUniform_", [t, ...rest]);
  const bound = Math.sqrt(3) * std;
  return uniform_(tensor, -bound, bound, options);
}
/** Glorot and Bengio (2010), normal. @param gain default 1 */
export function xavierNormal_(t: Tensor, ...rest: (number | XavierOptions)[]): Tensor {
  const { tensor, std, options } = readXavier("xavierNormal_", [t, ...rest]);
  return normal_(tensor, 0, std, options);
}

export interface KaimingOptions extends Seeded {
  /** Slope of the leaky ReLU that follows. Default 0. */
  a?: number;
  /** Keep variance forward or backward. Default "fan_in". */
  mode?: "fan_in" | "fan_out";
  /** Default "leaky_relu". */
  nonlinearity?: Nonlinearity;
}
/** The standard deviation that He et al. (2015) give. */
function readKaiming(op: string, args: readonly unknown[]): { tensor: Tensor; std: number; options: Seeded } {
  type Values = [Tensor, number, "fan_in" | "fan_out", Nonlinearity, Generator | null];
  const signature = `tensor: tensor, a: float = 0, mode: fan_in|fan_out = fan_in, nonlinearity: any = leaky_relu, ${generator}`;
  const [tensor, a, mode, nonlinearity, source] = readArguments<Values>(op, signature, args);
  const { fanIn, fanOut } = calculateFanInAndFanOut(op, tensor);
  return {
    tensor,
    std: calculateGain(nonlinearity, a) / Math.sqrt(mode === "fan_in" ? fanIn : fanOut),
    options: { generator: source },
  };
}
/** He et al. (2015), uniform. @param a, mode and nonlinearity, in this order or as options */
export function kaimingUniform_(t: Tensor, ...rest: (number | string | KaimingOptions)[]): Tensor {
  const { tensor, std, options } = readKaiming("kaimingUniform_", [t, ...rest]);
  const bound = Math.sqrt(3) * std;
  return uniform_(tensor, -bound, bound, options);
}
/** He et al. (2015), normal. @param a, mode and nonlinearity, in this order or as options */
export function kaimingNormal_(t: Tensor, ...rest: (number | string | KaimingOptions)[]): Tensor {
  const { tensor, std, options } = readKaiming("kaimingNormal_", [t, ...rest]);
  return normal_(tensor, 0, std, options);
}
