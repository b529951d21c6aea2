/** Convolution of sequences, transposed convolution of images, and pooling to a wanted size, as layers. */
import { ValueError } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Pair } from "../ops/convolution.js";
import { adaptiveAvgPool2d, conv1d, convTranspose2d, type AdaptiveSize } from "../ops/convolutions.js";
import { empty } from "../ops/creation.js";
import { factory, pairOf, place, readArguments, repr, requirePositive, type Factory } from "./layer.js";
import type { Conv2dOptions, FactoryOptions } from "./layers.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";
import { startBias, startWeight } from "./starts.js";

function requireGroups(op: string, inChannels: number, outChannels: number, groups: number): void {
  requirePositive(op, { inChannels, outChannels, groups });
  if (inChannels % groups !== 0 || outChannels % groups !== 0)
    throw new ValueError({ op, argument: "groups", expected: `a divisor of ${inChannels} and ${outChannels}`, got: String(groups) });
}

/** `(3,)`, as torch prints one number in a tuple. */
const tuple = (value: number): string => `(${value},)`;

/** Convolution of sequences. [N, inChannels, L] -> [N, outChannels, L']. @example new nn.Conv1d(16, 32, 3, { padding: 1 }) */
export class Conv1d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number | "valid" | "same";
  readonly dilation: number;
  readonly groups: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...rest: (Pair | string | boolean | Conv2dOptions)[]) {
    super();
    type Values = [number, number, Pair, Pair, Pair | "valid" | "same", Pair, number, boolean, string, ...Factory];
    const signature = `inChannels: int, outChannels: int, kernelSize: ints, stride: ints = 1, padding: any = 0, dilation: ints = 1, groups: int = 1, bias: bool = true, paddingMode: zeros = zeros, ${factory}`;
    const values = readArguments<Values>("Conv1d", signature, [inChannels, outChannels, kernelSize, ...rest]);
    const [nIn, nOut, kernel, stride, padding, dilation, groups, bias, , device, dtype] = values;
    requireGroups("Conv1d", nIn, nOut, groups);
    const one = (argument: string, value: Pair): number => {
      const [first, ...others] = [value].flat();
      if (first === undefined || others.length > 0)
        throw new ValueError({ op: "Conv1d", argument, expected: "one integer", got: JSON.stringify(value) });
      return first;
    };
    [this.inChannels, this.outChannels, this.groups] = [nIn, nOut, groups];
    this.kernelSize = one("kernelSize", kernel);
    this.stride = one("stride", stride);
    this.padding = typeof padding === "string" ? padding : one("padding", padding);
    this.dilation = one("dilation", dilation);
    requirePositive("Conv1d", { kernelSize: this.kernelSize, stride: this.stride, dilation: this.dilation });
    this.weight = new Parameter(empty(nOut, nIn / groups, this.kernelSize, place(device, dtype)));
    this.bias = bias ? new Parameter(empty(nOut, place(device, dtype))) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    startWeight(this.weight);
    startBias(this.weight, this.bias);
  }

  forward(input: Tensor): Tensor {
    return conv1d(input, this.weight, this.bias, this.stride, this.padding, this.dilation, this.groups);
  }

  override extraRepr(): string {
    const { padding, dilation, groups } = this;
    const parts = [`${this.inChannels}, ${this.outChannels}, kernel_size=${tuple(this.kernelSize)}, stride=${tuple(this.stride)}`];
    if (padding !== 0) parts.push(`padding=${typeof padding === "string" ? padding : tuple(padding)}`);
    if (dilation !== 1) parts.push(`dilation=${tuple(dilation)}`);
    if (groups !== 1) parts.push(`groups=${groups}`);
    if (this.bias === null) parts.push("bias=False");
    return parts.join(", ");
  }
}

export interface ConvTranspose2dOptions extends FactoryOptions {
  stride?: Pair;
  padding?: Pair;
  /** Rows and columns more at the end, of those that a stride could have come from. Default 0. */
  outputPadding?: Pair;
  groups?: number;
  bias?: boolean;
  dilation?: Pair;
  paddingMode?: "zeros";
}

/** Transposed convolution, which undoes the sizes of a convolution. [N, inChannels, H, W] -> [N, outChannels, H', W']. @example new nn.ConvTranspose2d(16, 8, 4, { stride: 2, padding: 1 }) */
export class ConvTranspose2d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: [number, number];
  readonly stride: [number, number];
  readonly padding: [number, number];
  readonly outputPadding: [number, number];
  readonly dilation: [number, number];
  readonly groups: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...rest: (Pair | string | boolean | ConvTranspose2dOptions)[]) {
    super();
    type Values = [number, number, Pair, Pair, Pair, Pair, number, boolean, Pair, string, ...Factory];
    const signature = `inChannels: int, outChannels: int, kernelSize: pair, stride: pair = 1, padding: pair = 0, outputPadding: pair = 0, groups: int = 1, bias: bool = true, dilation: pair = 1, paddingMode: zeros = zeros, ${factory}`;
    const values = readArguments<Values>("ConvTranspose2d", signature, [inChannels, outChannels, kernelSize, ...rest]);
    const [nIn, nOut, kernel, stride, padding, outputPadding, groups, bias, dilation, , device, dtype] = values;
    requireGroups("ConvTranspose2d", nIn, nOut, groups);
    [this.inChannels, this.outChannels, this.groups] = [nIn, nOut, groups];
    [this.kernelSize, this.stride, this.padding] = [pairOf(kernel), pairOf(stride), pairOf(padding)];
    [this.outputPadding, this.dilation] = [pairOf(outputPadding), pairOf(dilation)];
    this.weight = new Parameter(empty(nIn, nOut / groups, ...this.kernelSize, place(device, dtype)));
    this.bias = bias ? new Parameter(empty(nOut, place(device, dtype))) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    startWeight(this.weight);
    startBias(this.weight, this.bias);
  }

  forward(input: Tensor): Tensor {
    const { weight, bias, stride, padding, outputPadding, groups, dilation } = this;
    return convTranspose2d(input, weight, bias, stride, padding, outputPadding, groups, dilation);
  }

  override extraRepr(): string {
    const parts = [`${this.inChannels}, ${this.outChannels}, kernel_size=${repr(this.kernelSize)}, stride=${repr(this.stride)}`];
    if (this.padding.some((p) => p !== 0)) parts.push(`padding=${repr(this.padding)}`);
    if (this.dilation.some((d) => d !== 1)) parts.push(`dilation=${repr(this.dilation)}`);
    if (this.outputPadding.some((p) => p !== 0)) parts.push(`output_padding=${repr(this.outputPadding)}`);
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push("bias=False");
    return parts.join(", ");
  }
}

/** The means of windows that share an image out evenly. [N, C, H, W] -> [N, C, H', W']. @example new nn.AdaptiveAvgPool2d(1) */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: AdaptiveSize;

  constructor(outputSize: AdaptiveSize | { outputSize: AdaptiveSize }) {
    super();
    [this.outputSize] = readArguments<[AdaptiveSize]>("AdaptiveAvgPool2d", "outputSize: any", [outputSize]);
  }

  forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize);
  }

  override extraRepr(): string {
    return `output_size=${repr(this.outputSize)}`;
  }
}
