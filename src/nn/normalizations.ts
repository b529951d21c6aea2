/** Normalization of groups of channels, and by the root of the mean square, as layers. */
import { ValueError } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { ones, zeros } from "../ops/creation.js";
import { groupNorm, rmsNorm } from "../ops/normalizations.js";
import { factory, place, readArguments, repr, requirePositive, type Factory } from "./layer.js";
import type { FactoryOptions } from "./layers.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

export interface GroupNormLayerOptions extends FactoryOptions {
  eps?: number;
  affine?: boolean;
  bias?: boolean;
}

/** Standardizes each example's groups of channels. [N, C, *] -> [N, C, *]. @example new nn.GroupNorm(4, 32) */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly affine: boolean;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(numGroups: number, numChannels: number, ...rest: (number | boolean | GroupNormLayerOptions)[]) {
    super();
    type Values = [number, number, number, boolean, ...Factory, boolean];
    const signature = `numGroups: int, numChannels: int, eps: float = 1e-05, affine: bool = true, ${factory}, *, bias: bool = true`;
    const values = readArguments<Values>("GroupNorm", signature, [numGroups, numChannels, ...rest]);
    const [groups, channels, eps, affine, device, dtype, bias] = values;
    requirePositive("GroupNorm", { numGroups: groups, numChannels: channels });
    if (channels % groups !== 0)
      throw new ValueError({ op: "GroupNorm", argument: "numGroups", expected: `a divisor of ${channels}`, got: String(groups) });
    [this.numGroups, this.numChannels, this.eps, this.affine] = [groups, channels, eps, affine];
    this.weight = affine ? new Parameter(ones(channels, place(device, dtype))) : null;
    this.bias = affine && bias ? new Parameter(zeros(channels, place(device, dtype))) : null;
  }

  forward(input: Tensor): Tensor {
    return groupNorm(input, this.numGroups, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${repr(this.eps)}, affine=${repr(this.affine)}, bias=${repr(this.bias !== null)}`;
  }
}

export interface RMSNormOptions extends FactoryOptions {
  /** Default null: that of the dtype it computes in. */
  eps?: number | null;
  elementwiseAffine?: boolean;
}

/** Divides by the root of the mean square of the last dims, those of `normalizedShape`. @example new nn.RMSNorm(512) */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;
  readonly elementwiseAffine: boolean;
  weight: Parameter | null;

  constructor(normalizedShape: number | readonly number[], ...rest: (number | null | boolean | RMSNormOptions)[]) {
    super();
    type Values = [number[], number | null, boolean, ...Factory];
    const signature = `normalizedShape: ints, eps: float? = null, elementwiseAffine: bool = true, ${factory}`;
    const [shape, eps, affine, device, dtype] = readArguments<Values>("RMSNorm", signature, [normalizedShape, ...rest]);
    [this.normalizedShape, this.eps, this.elementwiseAffine] = [shape, eps, affine];
    this.weight = affine ? new Parameter(ones(shape, place(device, dtype))) : null;
  }

  forward(input: Tensor): Tensor {
    return rmsNorm(input, this.normalizedShape, this.weight, this.eps);
  }

  override extraRepr(): string {
    const shape = this.normalizedShape.length === 1 ? `(${this.normalizedShape[0]},)` : repr([...this.normalizedShape]);
    return `${shape}, eps=${repr(this.eps)}, elementwise_affine=${repr(this.elementwiseAffine)}`;
  }
}
