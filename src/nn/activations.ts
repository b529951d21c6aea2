/** Activations as modules. */
import type { Tensor } from "../tensor/tensor.js";
import * as F from "./functional.js";
import { readArguments, repr } from "./layer.js";
import { Module } from "./module.js";

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

/** max(x, 0). @param inplace writes into the input; default false */
export class ReLU extends Module {
  readonly inplace: boolean;
  constructor(inplace?: boolean | InPlace) {
    super();
    [this.inplace] = readArguments<[boolean]>("ReLU", "inplace: bool = false", [inplace]);
  }
  forward(input: Tensor): Tensor {
    return this.inplace ? input.relu_() : input.relu();
  }
  override extraRepr(): string {
    return this.inplace ? "inplace=True" : "";
  }
}

/** x where positive, negativeSlope * x elsewhere. @param negativeSlope default 0.01 */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;
  constructor(negativeSlope?: number | { negativeSlope?: number; inplace?: boolean }, options?: boolean | InPlace) {
    super();
    [this.negativeSlope] = readArguments<[number]>("LeakyReLU", "negativeSlope: float = 0.01, inplace: bool = false", [
      negativeSlope,
      options,
    ]);
  }
  forward(input: Tensor): Tensor {
    return F.leakyRelu(input, this.negativeSlope);
  }
  override extraRepr(): string {
    return `negative_slope=${repr(this.negativeSlope)}`;
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
  constructor(alpha?: number | { alpha?: number; inplace?: boolean }, options?: boolean | InPlace) {
    super();
    [this.alpha] = readArguments<[number]>("ELU", "alpha: float = 1.0, inplace: bool = false", [alpha, options]);
  }
  forward(input: Tensor): Tensor {
    return F.elu(input, this.alpha);
  }
  override extraRepr(): string {
    return `alpha=${this.alpha.toFixed(Number.isInteger(this.alpha) ? 1 : undefined)}`;
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
    return `beta=${this.beta.toFixed(1)}, threshold=${this.threshold.toFixed(1)}`;
  }
}

/** Clamps to [minVal, maxVal]. @param minVal default -1 @param maxVal default 1 */
export class Hardtanh extends Module {
  readonly minVal: number;
  readonly maxVal: number;
  constructor(minVal?: number | { minVal?: number; maxVal?: number }, maxVal?: number | { maxVal?: number }) {
    super();
    [this.minVal, this.maxVal] = readArguments<[number, number]>("Hardtanh", "minVal: float = -1.0, maxVal: float = 1.0", [minVal, maxVal]);
  }
  forward(input: Tensor): Tensor {
    return F.hardtanh(input, this.minVal, this.maxVal);
  }
  override extraRepr(): string {
    return `min_val=${this.minVal.toFixed(1)}, max_val=${this.maxVal.toFixed(1)}`;
  }
}

/** Clamps to [0, 6]. */
export class ReLU6 extends Module {
  forward(input: Tensor): Tensor {
    return F.hardtanh(input, 0, 6);
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
export class SiLU extends Module {
  constructor(_options?: boolean | InPlace) {
    super();
  }
  forward(input: Tensor): Tensor {
    return F.silu(input);
  }
}
/** x * tanh(softplus(x)). */
export class Mish extends Module {
  forward(input: Tensor): Tensor {
    return F.mish(input);
  }
}
/** x * clamp(x + 3, 0, 6) / 6. */
export class Hardswish extends Module {
  forward(input: Tensor): Tensor {
    return F.hardswish(input);
  }
}
/** clamp(x + 3, 0, 6) / 6. */
export class Hardsigmoid extends Module {
  forward(input: Tensor): Tensor {
    return F.hardsigmoid(input);
  }
}
