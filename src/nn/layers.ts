/** Layers with parameters, and the shape layers between them. */
import { withRecording } from "../autograd/mode.js";
import type { DType } from "../tensor/dtype.js";
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { avgPool2d, maxPool2d, type Pair } from "../ops/convolution.js";
import { empty, ones, tensor, zeros } from "../ops/creation.js";
import { linear } from "../ops/matmul.js";
import { dropout } from "../ops/changing.js";
import { batchNorm, layerNorm } from "../ops/softmax.js";
import { factory, place, readArguments, repr, requirePositive, type Factory } from "./layer.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";
import { startBias, startWeight } from "./starts.js";

/** Options that every layer with parameters takes. */
export interface FactoryOptions {
  dtype?: DType | null;
  device?: string | null;
}

export interface LinearOptions extends FactoryOptions {
  /** Adds a learned bias. Default true. */
  bias?: boolean;
}
/** x W^T + b. [.., inFeatures] -> [.., outFeatures]. @example new nn.Linear(784, 10) */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, bias?: boolean | LinearOptions, options?: LinearOptions) {
    super();
    const [nIn, nOut, withBias, device, dtype] = readArguments<[number, number, boolean, ...Factory]>(
      "Linear",
      `inFeatures: int, outFeatures: int, bias: bool = true, ${factory}`,
      [inFeatures, outFeatures, bias, options],
    );
    requirePositive("Linear", { inFeatures: nIn, outFeatures: nOut }, 0);
    this.inFeatures = nIn;
    this.outFeatures = nOut;
    this.weight = new Parameter(empty(nOut, nIn, place(device, dtype)));
    this.bias = withBias ? new Parameter(empty(nOut, place(device, dtype))) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    startWeight(this.weight);
    startBias(this.weight, this.bias);
  }

  forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${repr(this.bias !== null)}`;
  }
}

export interface BatchNormLayerOptions extends FactoryOptions {
  eps?: number;
  /** Weight of a batch in the running statistics; null: a plain average. Default 0.1. */
  momentum?: number | null;
  /** Learns a scale and a shift. Default true. */
  affine?: boolean;
  /** Keeps running statistics. Default true. */
  trackRunningStats?: boolean;
  /** Learns the shift where `affine`. Default true. */
  bias?: boolean;
}

abstract class BatchNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  weight: Parameter | null;
  bias: Parameter | null;
  declare running_mean: Tensor | null;
  declare running_var: Tensor | null;
  declare num_batches_tracked: Tensor | null;

  constructor(numFeatures: number, ...rest: (number | boolean | null | BatchNormLayerOptions)[]) {
    super();
    type Values = [number, number, number | null, boolean, boolean, ...Factory, boolean];
    const signature = `numFeatures: int, eps: float = 1e-05, momentum: float? = 0.1, affine: bool = true, trackRunningStats: bool = true, ${factory}, *, bias: bool = true`;
    const [n, eps, momentum, affine, track, device, dtype, bias] = readArguments<Values>(new.target.name, signature, [
      numFeatures,
      ...rest,
    ]);
    requirePositive(new.target.name, { numFeatures: n });
    [this.numFeatures, this.eps, this.momentum, this.affine, this.trackRunningStats] = [n, eps, momentum, affine, track];
    this.weight = affine ? new Parameter(ones(n, place(device, dtype))) : null;
    this.bias = affine && bias ? new Parameter(zeros(n, place(device, dtype))) : null;
    this.registerBuffer("running_mean", track ? zeros(n, place(device, dtype)) : null);
    this.registerBuffer("running_var", track ? ones(n, place(device, dtype)) : null);
    this.registerBuffer("num_batches_tracked", track ? tensor(0, { dtype: "int64", device }) : null);
  }

  protected abstract readonly ranks: readonly number[];
  protected abstract readonly expected: string;

  get runningMean(): Tensor | null {
    return this.running_mean;
  }

  get runningVar(): Tensor | null {
    return this.running_var;
  }

  forward(input: Tensor): Tensor {
    if (!this.ranks.includes(input.shape.length) || input.shape[1] !== this.numFeatures) {
      throw new ShapeError({
        op: this.constructor.name,
        argument: "input",
        expected: `of shape ${this.expected} with C = ${this.numFeatures}`,
        got: formatShape(input.shape),
      });
    }
    const batch = this.training || this.running_mean === null;
    let momentum = this.momentum ?? 0;
    if (this.training && this.num_batches_tracked !== null) {
      withRecording(false, () => this.num_batches_tracked!.add_(1));
      if (this.momentum === null) momentum = 1 / Number(this.num_batches_tracked.item());
    }
    const [mean, variance] = !this.training || this.trackRunningStats ? [this.running_mean, this.running_var] : [null, null];
    return batchNorm(
      input,
      batch && !this.training ? null : mean,
      batch && !this.training ? null : variance,
      this.weight,
      this.bias,
      batch,
      momentum,
      this.eps,
    );
  }

  override extraRepr(): string {
    return `${this.numFeatures}, eps=${repr(this.eps)}, momentum=${repr(this.momentum)}, affine=${repr(this.affine)}, bias=${repr(this.bias !== null)}, track_running_stats=${repr(this.trackRunningStats)}`;
  }
}

/** Batch normalization of [N, C] or [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [2, 3];
  }
  protected get expected(): string {
    return "[N, C] or [N, C, L]";
  }
}
/** Batch normalization of images [N, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [4];
  }
  protected get expected(): string {
    return "[N, C, H, W]";
  }
}

export interface LayerNormOptions extends FactoryOptions {
  eps?: number;
  elementwiseAffine?: boolean;
  bias?: boolean;
}
/** Layer normalization of the last dims, those of `normalizedShape`. */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly elementwiseAffine: boolean;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(normalizedShape: number | readonly number[], ...rest: (number | boolean | LayerNormOptions)[]) {
    super();
    type Values = [number[], number, boolean, boolean, ...Factory];
    const signature = `normalizedShape: ints, eps: float = 1e-05, elementwiseAffine: bool = true, bias: bool = true, ${factory}`;
    const [shape, eps, affine, bias, device, dtype] = readArguments<Values>("LayerNorm", signature, [normalizedShape, ...rest]);
    [this.normalizedShape, this.eps, this.elementwiseAffine] = [shape, eps, affine];
    this.weight = affine ? new Parameter(ones(shape, place(device, dtype))) : null;
    this.bias = affine && bias ? new Parameter(zeros(shape, place(device, dtype))) : null;
  }

  forward(input: Tensor): Tensor {
    return layerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    return `${this.normalizedShape.length === 1 ? `(${this.normalizedShape[0]},)` : repr([...this.normalizedShape])}, eps=${repr(this.eps)}, elementwise_affine=${repr(this.elementwiseAffine)}, bias=${repr(this.bias !== null)}`;
  }
}

/** Zeroes elements with probability p while training. @param p default 0.5 */
export class Dropout extends Module {
  readonly p: number;
  readonly inplace: boolean;
  constructor(p?: number | { p?: number; inplace?: boolean }, inplace?: boolean | { inplace?: boolean }) {
    super();
    [this.p, this.inplace] = readArguments<[number, boolean]>("Dropout", "p: float = 0.5, inplace: bool = false", [p, inplace]);
    if (!(this.p >= 0 && this.p <= 1)) throw new ValueError({ op: "Dropout", argument: "p", expected: "in [0, 1]", got: String(this.p) });
  }
  forward(input: Tensor): Tensor {
    return dropout(input, this.p, this.training, this.inplace);
  }
  override extraRepr(): string {
    return `p=${repr(this.p)}, inplace=${repr(this.inplace)}`;
  }
}

export interface MaxPoolLayerOptions {
  stride?: Pair | null;
  padding?: Pair;
  dilation?: Pair;
  returnIndices?: boolean;
  ceilMode?: boolean;
}
/** The largest element of each window. @param stride default kernelSize */
export class MaxPool2d extends Module {
  readonly options: readonly [Pair, Pair | null, Pair, Pair, boolean, boolean];
  constructor(kernelSize: Pair, ...rest: (Pair | null | boolean | MaxPoolLayerOptions)[]) {
    super();
    const signature =
      "kernelSize: ints, stride: ints? = null, padding: ints = 0, dilation: ints = 1, returnIndices: bool = false, ceilMode: bool = false";
    this.options = readArguments<[Pair, Pair | null, Pair, Pair, boolean, boolean]>("MaxPool2d", signature, [kernelSize, ...rest]);
    Object.defineProperty(this, "options", { enumerable: false });
  }
  forward(input: Tensor): Tensor {
    const [kernel, stride, padding, dilation, returnIndices, ceilMode] = this.options;
    return maxPool2d(input, kernel, stride, padding, dilation, ceilMode, returnIndices as false);
  }
  override extraRepr(): string {
    const one = (value: Pair | null): string => repr(Array.isArray(value) && value.length === 1 ? value[0] : value);
    const [kernel, stride, padding, dilation, , ceilMode] = this.options;
    return `kernel_size=${one(kernel)}, stride=${one(stride ?? kernel)}, padding=${one(padding)}, dilation=${one(dilation)}, ceil_mode=${repr(ceilMode)}`;
  }
}

export interface AvgPoolLayerOptions {
  stride?: Pair | null;
  padding?: Pair;
  ceilMode?: boolean;
  countIncludePad?: boolean;
  divisorOverride?: number | null;
}
/** The mean of each window. @param stride default kernelSize */
export class AvgPool2d extends Module {
  readonly options: readonly [Pair, Pair | null, Pair, boolean, boolean, number | null];
  constructor(kernelSize: Pair, ...rest: (Pair | null | boolean | AvgPoolLayerOptions)[]) {
    super();
    const signature =
      "kernelSize: ints, stride: ints? = null, padding: ints = 0, ceilMode: bool = false, countIncludePad: bool = true, divisorOverride: int? = null";
    this.options = readArguments<[Pair, Pair | null, Pair, boolean, boolean, number | null]>("AvgPool2d", signature, [kernelSize, ...rest]);
    Object.defineProperty(this, "options", { enumerable: false });
  }
  forward(input: Tensor): Tensor {
    const [kernel, stride, padding, ceilMode, include, divisor] = this.options;
    return avgPool2d(input, kernel, stride, padding, ceilMode, include, divisor);
  }
  override extraRepr(): string {
    const one = (value: Pair | null): string => repr(Array.isArray(value) && value.length === 1 ? value[0] : value);
    const [kernel, stride, padding] = this.options;
    return `kernel_size=${one(kernel)}, stride=${one(stride ?? kernel)}, padding=${one(padding)}`;
  }
}

/** Joins dims startDim..endDim. Defaults 1 and -1: all but the batch. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;
  constructor(startDim?: number | { startDim?: number; endDim?: number }, endDim?: number | { endDim?: number }) {
    super();
    [this.startDim, this.endDim] = readArguments<[number, number]>("Flatten", "startDim: int = 1, endDim: int = -1", [startDim, endDim]);
  }
  forward(input: Tensor): Tensor {
    return input.flatten(this.startDim, this.endDim);
  }
  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/** Splits one dim into several. */
export class Unflatten extends Module {
  constructor(
    readonly dimension: number,
    readonly unflattenedSize: readonly number[],
  ) {
    super();
  }
  forward(input: Tensor): Tensor {
    return input.unflatten(this.dimension, this.unflattenedSize);
  }
  override extraRepr(): string {
    return `dim=${this.dimension}, unflattened_size=${repr([...this.unflattenedSize])}`;
  }
}
