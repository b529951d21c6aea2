/** Activations as modules. */
import { full } from "../ops/creation.js";
import { ShapeError, formatShape } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import * as F from "./functional.js";
import { readArguments, repr, reprFloat } from "./layer.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** Returns its input. */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super();
  }
  forward(input: Tensor): Tensor {
    return input;
  }
}

interface InPlace {
  inplace?: boolean;
}
/** What a printed form says of `inplace`. */
const inplaceRepr = (inplace: boolean, before = ""): string => [before, inplace ? "inplace=True" : ""].filter(Boolean).join(", ");

/** An activation without other arguments. */
abstract class Changing extends Module {
  readonly inplace: boolean;
  constructor(inplace?: boolean | InPlace) {
    super();
    [this.inplace] = readArguments<[boolean]>(new.target.name, "inplace: bool = false", [inplace]);
  }
  override extraRepr(): string {
    return inplaceRepr(this.inplace);
  }
}

/** max(x, 0). @param inplace writes into the input; default false */
export class ReLU extends Changing {
  forward(input: Tensor): Tensor {
    return this.inplace ? input.relu_() : input.relu();
  }
}

/** x where positive, negativeSlope * x elsewhere. @param negativeSlope default 0.01 */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;
  readonly inplace: boolean;
  constructor(negativeSlope?: number | { negativeSlope?: number; inplace?: boolean }, options?: boolean | InPlace) {
    super();
    [this.negativeSlope, this.inplace] = readArguments<[number, boolean]>(
      "LeakyReLU",
      "negativeSlope: float = 0.01, inplace: bool = false",
      [negativeSlope, options],
    );
  }
  forward(input: Tensor): Tensor {
    return F.leakyRelu(input, this.negativeSlope, this.inplace);
  }
  override extraRepr(): string {
    return inplaceRepr(this.inplace, `negative_slope=${repr(this.negativeSlope)}`);
  }
}

/** x * Phi(x). @param approximate "none" or "tanh" */
export class GELU extends Module {
  readonly approximate: "none" | "tanh";
  constructor(approximate?: "none" | "tanh" | { approximate?: "none" | "tanh" }) {
    super();
    [this.approximate] = readArguments<["none" | "tanh"]>("GELU", "approximate: none|tanh = none", [approximate]);
  }
  forward(input: Tensor): Tensor {
    return F.gelu(input, this.approximate);
  }
  override extraRepr(): string {
    return `approximate='${this.approximate}'`;
  }
}

/** x where positive, alpha (e^x - 1) elsewhere. @param alpha default 1 */
export class ELU extends Module {
  readonly alpha: number;
  readonly inplace: boolean;
  constructor(alpha?: number | { alpha?: number; inplace?: boolean }, options?: boolean | InPlace) {
    super();
    [this.alpha, this.inplace] = readArguments<[number, boolean]>("ELU", "alpha: float = 1.0, inplace: bool = false", [alpha, options]);
  }
  forward(input: Tensor): Tensor {
    return F.elu(input, this.alpha, this.inplace);
  }
  override extraRepr(): string {
    return inplaceRepr(this.inplace, `alpha=${reprFloat(this.alpha)}`);
  }
}

/** log(1 + e^(beta x)) / beta. @param beta default 1 @param threshold default 20 */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;
  constructor(beta?: number | { beta?: number; threshold?: number }, threshold?: number | { threshold?: number }) {
    super();
    [this.beta, this.threshold] = readArguments<[number, number]>("Softplus", "beta: float = 1.0, threshold: float = 20.0", [
      beta,
      threshold,
    ]);
  }
  forward(input: Tensor): Tensor {
    return F.softplus(input, this.beta, this.threshold);
  }
  override extraRepr(): string {
    return `beta=${reprFloat(this.beta)}, threshold=${reprFloat(this.threshold)}`;
  }
}

/** Clamps to [minVal, maxVal]. @param minVal default -1 @param maxVal default 1 */
export class Hardtanh extends Module {
  readonly minVal: number;
  readonly maxVal: number;
  readonly inplace: boolean;
  constructor(
    minVal?: number | ({ minVal?: number; maxVal?: number } & InPlace),
    maxVal?: number | ({ maxVal?: number } & InPlace),
    inplace?: boolean | InPlace,
  ) {
    super();
    const signature = "minVal: float = -1.0, maxVal: float = 1.0, inplace: bool = false";
    [this.minVal, this.maxVal, this.inplace] = readArguments<[number, number, boolean]>("Hardtanh", signature, [minVal, maxVal, inplace]);
  }
  forward(input: Tensor): Tensor {
    return F.hardtanh(input, this.minVal, this.maxVal, this.inplace);
  }
  override extraRepr(): string {
    return inplaceRepr(this.inplace, `min_val=${reprFloat(this.minVal)}, max_val=${reprFloat(this.maxVal)}`);
  }
}

/** Clamps to [0, 6]. */
export class ReLU6 extends Changing {
  forward(input: Tensor): Tensor {
    return F.relu6(input, this.inplace);
  }
}

/** x where positive, weight * x elsewhere; the weight is learned. @param numParameters 1, or one a channel; default 1 @param init default 0.25 */
export class PReLU extends Module {
  readonly numParameters: number;
  weight: Parameter;
  constructor(numParameters?: number | { numParameters?: number; init?: number }, options?: number | { init?: number }) {
    super();
    const [count, init] = readArguments<[number, number]>("PReLU", "numParameters: int = 1, init: float = 0.25", [numParameters, options]);
    this.numParameters = count;
    this.weight = new Parameter(full([count], init));
  }
  forward(input: Tensor): Tensor {
    return F.prelu(input, this.weight);
  }
  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}

/** x where positive, alpha (e^(x / alpha) - 1) elsewhere. @param alpha default 1 */
export class CELU extends Module {
  readonly alpha: number;
  readonly inplace: boolean;
  constructor(alpha?: number | { alpha?: number; inplace?: boolean }, options?: boolean | InPlace) {
    super();
    [this.alpha, this.inplace] = readArguments<[number, boolean]>("CELU", "alpha: float = 1.0, inplace: bool = false", [alpha, options]);
  }
  forward(input: Tensor): Tensor {
    return F.celu(input, this.alpha, this.inplace);
  }
  override extraRepr(): string {
    return inplaceRepr(this.inplace, `alpha=${reprFloat(this.alpha)}`);
  }
}
/** The scaled exponential unit of Klambauer et al. 2017. */
export class SELU extends Changing {
  forward(input: Tensor): Tensor {
    return F.selu(input, this.inplace);
  }
}
/** The first half along `dim` times the sigmoid of the second. @param dim default -1 */
export class GLU extends Module {
  readonly dim: number;
  constructor(dim?: number | { dim?: number }) {
    super();
    [this.dim] = readArguments<[number]>("GLU", "dim: int = -1", [dim]);
  }
  forward(input: Tensor): Tensor {
    return F.glu(input, this.dim);
  }
  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
/** x / (1 + |x|). */
export class Softsign extends Module {
  forward(input: Tensor): Tensor {
    return F.softsign(input);
  }
}
/** x - tanh(x). */
export class Tanhshrink extends Module {
  forward(input: Tensor): Tensor {
    return F.tanhshrink(input);
  }
}
abstract class Shrink extends Module {
  readonly lambd: number;
  constructor(lambd?: number | { lambd?: number }) {
    super();
    [this.lambd] = readArguments<[number]>(new.target.name, "lambd: float = 0.5", [lambd]);
  }
  override extraRepr(): string {
    return repr(this.lambd);
  }
}
/** x outside [-lambd, lambd], 0 inside. @param lambd default 0.5 */
export class Hardshrink extends Shrink {
  forward(input: Tensor): Tensor {
    return F.hardshrink(input, this.lambd);
  }
}
/** x moved towards 0 by lambd, 0 inside [-lambd, lambd]. @param lambd default 0.5 */
export class Softshrink extends Shrink {
  forward(input: Tensor): Tensor {
    return F.softshrink(input, this.lambd);
  }
}
/** x where x > threshold, value elsewhere. */
export class Threshold extends Module {
  readonly threshold: number;
  readonly value: number;
  readonly inplace: boolean;
  constructor(
    threshold: number | ({ threshold: number; value: number } & InPlace),
    value?: number | ({ value: number } & InPlace),
    inplace?: boolean | InPlace,
  ) {
    super();
    const signature = "threshold: float, value: float, inplace: bool = false";
    [this.threshold, this.value, this.inplace] = readArguments<[number, number, boolean]>("Threshold", signature, [
      threshold,
      value,
      inplace,
    ]);
  }
  forward(input: Tensor): Tensor {
    return F.threshold(input, this.threshold, this.value, this.inplace);
  }
  override extraRepr(): string {
    return inplaceRepr(this.inplace, `threshold=${repr(this.threshold)}, value=${repr(this.value)}`);
  }
}
/** x where positive, a x elsewhere: a drawn from [lower, upper) when training, else their mean. @param lower default 1/8 @param upper default 1/3 */
export class RReLU extends Module {
  readonly lower: number;
  readonly upper: number;
  readonly inplace: boolean;
  constructor(
    lower?: number | ({ lower?: number; upper?: number } & InPlace),
    upper?: number | ({ upper?: number } & InPlace),
    inplace?: boolean | InPlace,
  ) {
    super();
    const signature = "lower: float = 0.125, upper: float = 0.3333333333333333, inplace: bool = false";
    [this.lower, this.upper, this.inplace] = readArguments<[number, number, boolean]>("RReLU", signature, [lower, upper, inplace]);
  }
  forward(input: Tensor): Tensor {
    return F.rrelu(input, this.lower, this.upper, this.training, this.inplace);
  }
  override extraRepr(): string {
    return inplaceRepr(this.inplace, `lower=${repr(this.lower)}, upper=${repr(this.upper)}`);
  }
}

/** Softmax along `dim`. */
export class Softmax extends Module {
  readonly dim: number | null;
  constructor(dim?: number | null | { dim?: number | null }) {
    super();
    [this.dim] = readArguments<[number | null]>(new.target.name, "dim: int? = null", [dim]);
  }
  forward(input: Tensor): Tensor {
    return F.softmax(input, this.dim);
  }
  override extraRepr(): string {
    return `dim=${repr(this.dim)}`;
  }
}
/** Softmax of -x along `dim`. */
export class Softmin extends Softmax {
  override forward(input: Tensor): Tensor {
    return F.softmin(input, this.dim);
  }
}
/** Softmax over the channels of [N, C, H, W] or [C, H, W]. */
export class Softmax2d extends Module {
  forward(input: Tensor): Tensor {
    if (input.shape.length !== 3 && input.shape.length !== 4)
      throw new ShapeError({ op: "Softmax2d", argument: "input", expected: "of shape [N, C, H, W] or [C, H, W]", got: formatShape(input.shape) }); // prettier-ignore
    return F.softmax(input, -3);
  }
}
/** Log-softmax along `dim`. */
export class LogSoftmax extends Softmax {
  override forward(input: Tensor): Tensor {
    return F.logSoftmax(input, this.dim);
  }
}

/** 1 / (1 + e^-x). */
export class Sigmoid extends Module {
  forward(input: Tensor): Tensor {
    return input.sigmoid();
  }
}
/** log(sigmoid(x)). */
export class LogSigmoid extends Module {
  forward(input: Tensor): Tensor {
    return F.logsigmoid(input);
  }
}
/** Hyperbolic tangent. */
export class Tanh extends Module {
  forward(input: Tensor): Tensor {
    return input.tanh();
  }
}
/** x * sigmoid(x). */
export class SiLU extends Changing {
  forward(input: Tensor): Tensor {
    return F.silu(input, this.inplace);
  }
}
/** x * tanh(softplus(x)). */
export class Mish extends Changing {
  forward(input: Tensor): Tensor {
    return F.mish(input, this.inplace);
  }
}
/** x * clamp(x + 3, 0, 6) / 6. */
export class Hardswish extends Changing {
  forward(input: Tensor): Tensor {
    return F.hardswish(input, this.inplace);
  }
  override extraRepr(): string {
    return "";
  }
}
/** clamp(x + 3, 0, 6) / 6. */
export class Hardsigmoid extends Changing {
  forward(input: Tensor): Tensor {
    return F.hardsigmoid(input, this.inplace);
  }
  override extraRepr(): string {
    return "";
  }
}
