/** Losses as modules. */
import type { Tensor } from "../tensor/tensor.js";
import type { ClassLossOptions, CrossEntropyOptions, Reduction, WeightedOptions } from "../ops/loss.js";
import * as F from "./functional.js";
import { readArguments } from "./layer.js";
import { Module } from "./module.js";

interface Reducing {
  reduction?: Reduction;
}
const reduction = "reduction: mean|sum|none = mean";

/** Cross-entropy of logits with target classes. */
export class CrossEntropyLoss extends Module {
  declare weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
  readonly labelSmoothing: number;
  constructor(...args: (Tensor | null | number | string | CrossEntropyOptions)[]) {
    super();
    const signature = `weight: tensor? = null, ignoreIndex: int = -100, ${reduction}, labelSmoothing: float = 0.0`;
    const [weight, ignoreIndex, kind, smoothing] = readArguments<[Tensor | null, number, Reduction, number]>(
      "CrossEntropyLoss",
      signature,
      args,
    );
    this.registerBuffer("weight", weight);
    [this.ignoreIndex, this.reduction, this.labelSmoothing] = [ignoreIndex, kind, smoothing];
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.crossEntropy(input, target, this.weight, this.ignoreIndex, this.reduction, this.labelSmoothing);
  }
}

/** Negative log-likelihood of log-probabilities. */
export class NLLLoss extends Module {
  declare weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
  constructor(...args: (Tensor | null | number | string | ClassLossOptions)[]) {
    super();
    const [weight, ignoreIndex, kind] = readArguments<[Tensor | null, number, Reduction]>(
      "NLLLoss",
      `weight: tensor? = null, ignoreIndex: int = -100, ${reduction}`,
      args,
    );
    this.registerBuffer("weight", weight);
    [this.ignoreIndex, this.reduction] = [ignoreIndex, kind];
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.nllLoss(input, target, this.weight, this.ignoreIndex, this.reduction);
  }
}

/** Binary cross-entropy of logits. */
export class BCEWithLogitsLoss extends Module {
  declare weight: Tensor | null;
  declare pos_weight: Tensor | null;
  readonly reduction: Reduction;
  constructor(...args: (Tensor | null | string | WeightedOptions)[]) {
    super();
    const [weight, kind, posWeight] = readArguments<[Tensor | null, Reduction, Tensor | null]>(
      "BCEWithLogitsLoss",
      `weight: tensor? = null, ${reduction}, posWeight: tensor? = null`,
      args,
    );
    this.registerBuffer("weight", weight);
    this.registerBuffer("pos_weight", posWeight);
    this.reduction = kind;
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropyWithLogits(input, target, this.weight, this.reduction, this.pos_weight);
  }
}

/** Binary cross-entropy of probabilities. */
export class BCELoss extends Module {
  declare weight: Tensor | null;
  readonly reduction: Reduction;
  constructor(...args: (Tensor | null | string | WeightedOptions)[]) {
    super();
    const [weight, kind] = readArguments<[Tensor | null, Reduction]>("BCELoss", `weight: tensor? = null, ${reduction}`, args);
    this.registerBuffer("weight", weight);
    this.reduction = kind;
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropy(input, target, this.weight, this.reduction);
  }
}

/** The base of losses that know only their reduction. */
abstract class PlainLoss extends Module {
  readonly reduction: Reduction;
  constructor(...args: (string | Reducing)[]) {
    super();
    [this.reduction] = readArguments<[Reduction]>(new.target.name, reduction, args);
  }
}
/** The squared difference. */
export class MSELoss extends PlainLoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.mseLoss(input, target, { reduction: this.reduction });
  }
}
/** The absolute difference. */
export class L1Loss extends PlainLoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.l1Loss(input, target, { reduction: this.reduction });
  }
}
/** Squared below beta, linear above. */
export class SmoothL1Loss extends Module {
  readonly reduction: Reduction;
  readonly beta: number;
  constructor(...args: (string | number | (Reducing & { beta?: number }))[]) {
    super();
    [this.reduction, this.beta] = readArguments<[Reduction, number]>("SmoothL1Loss", `${reduction}, beta: float = 1.0`, args);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.smoothL1Loss(input, target, this.reduction, this.beta);
  }
}
/** Squared below delta, linear above with slope delta. */
export class HuberLoss extends Module {
  readonly reduction: Reduction;
  readonly delta: number;
  constructor(...args: (string | number | (Reducing & { delta?: number }))[]) {
    super();
    [this.reduction, this.delta] = readArguments<[Reduction, number]>("HuberLoss", `${reduction}, delta: float = 1.0`, args);
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.huberLoss(input, target, this.reduction, this.delta);
  }
}
/** The Kullback-Leibler divergence. */
export class KLDivLoss extends Module {
  readonly reduction: Reduction | "batchmean";
  readonly logTarget: boolean;
  constructor(...args: (string | { reduction?: Reduction | "batchmean"; logTarget?: boolean })[]) {
    super();
    [this.reduction, this.logTarget] = readArguments(
      "KLDivLoss",
      "reduction: mean|sum|none|batchmean = mean, *, logTarget: bool = false",
      args,
    );
  }
  forward(input: Tensor, target: Tensor): Tensor {
    return F.klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}
