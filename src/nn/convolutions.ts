/** Convolutions of sequences and images, forward and transposed, and pooling to a wanted size, as layers. */
import { ValueError } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { conv2d, type Pair } from "../ops/convolution.js";
import { adaptiveAvgPool2d, conv1d, convTranspose2d, type AdaptiveSize } from "../ops/convolutions.js";
import { empty } from "../ops/creation.js";
import { factory, place, readArguments, repr, requirePositive, type Factory } from "./layer.js";
import type { FactoryOptions } from "./layers.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";
import { startBias, startWeight } from "./starts.js";

/** One number a dim. */
type Sizes = readonly number[];

interface Geometry {
  readonly kernelSize: Sizes;
  readonly stride: Sizes;
  readonly padding: Sizes | "valid" | "same";
  readonly dilation: Sizes;
  readonly groups: number;
}

/** What all convolutions are: sizes, a weight, a bias. */
abstract class Convolution extends Module implements Geometry {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Sizes;
  readonly stride: Sizes;
  readonly padding: Sizes | "valid" | "same";
  readonly dilation: Sizes;
  readonly groups: number;
  weight: Parameter;
  bias: Parameter | null;

  /** @param rows channels of the weight's first dim, `columns` those that each of its groups is joined with */
  protected constructor(
    op: string,
    [inChannels, outChannels]: readonly [number, number],
    geometry: Geometry,
    [rows, columns]: readonly [number, number],
    bias: boolean,
    [device, dtype]: Factory,
  ) {
    super();
    const { groups } = geometry;
    requirePositive(op, { inChannels, outChannels, groups });
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new ValueError({ op, argument: "groups", expected: `a divisor of ${inChannels} and ${outChannels}`, got: String(groups) });
    [this.inChannels, this.outChannels, this.groups] = [inChannels, outChannels, groups];
    [this.kernelSize, this.stride, this.padding, this.dilation] = [
      geometry.kernelSize,
      geometry.stride,
      geometry.padding,
      geometry.dilation,
    ];
    this.weight = new Parameter(empty(rows, columns / groups, ...this.kernelSize, place(device, dtype)));
    this.bias = bias ? new Parameter(empty(outChannels, place(device, dtype))) : null;
    this.resetParameters();
  }

  resetParameters(): void {
    startWeight(this.weight);
    startBias(this.weight, this.bias);
  }

  /** What is said of the output's padding. */
  protected reprOfOutput(): string[] {
    return [];
  }

  override extraRepr(): string {
    const { padding, dilation, groups } = this;
    const parts = [`${this.inChannels}, ${this.outChannels}, kernel_size=${tuple(this.kernelSize)}, stride=${tuple(this.stride)}`];
    if (typeof padding === "string" || padding.some((p) => p !== 0))
      parts.push(`padding=${typeof padding === "string" ? repr(padding) : tuple(padding)}`);
    if (dilation.some((d) => d !== 1)) parts.push(`dilation=${tuple(dilation)}`);
    parts.push(...this.reprOfOutput());
    if (groups !== 1) parts.push(`groups=${groups}`);
    if (this.bias === null) parts.push("bias=False");
    return parts.join(", ");
  }
}

/** `(3,)` or `(3, 3)`, as torch prints them. */
const tuple = (sizes: Sizes): string => (sizes.length === 1 ? `(${sizes[0]},)` : repr(sizes));

/** One number a dim; a single one stands for all. */
function sizesOf(op: string, argument: string, dims: number, value: Pair): Sizes {
  const given = [value].flat();
  if (given.length !== 1 && given.length !== dims)
    throw new ValueError({ op, argument, expected: `an integer or a list of ${dims}`, got: JSON.stringify(value) });
  return given.length === dims ? given : new Array<number>(dims).fill(given[0]!);
}

export interface Conv2dOptions extends FactoryOptions {
  stride?: Pair;
  /** Zeros around the image, "valid" or "same". Default 0. */
  padding?: Pair | "valid" | "same";
  dilation?: Pair;
  groups?: number;
  bias?: boolean;
  paddingMode?: "zeros";
}
type ConvSetting = Pair | string | boolean | Conv2dOptions;

/** A convolution over `dims` dims, from a constructor's arguments. */
abstract class Correlation extends Convolution {
  protected constructor(op: string, dims: 1 | 2, args: readonly unknown[]) {
    type Values = [number, number, Pair, Pair, Pair | "valid" | "same", Pair, number, boolean, string, ...Factory];
    const sizes = dims === 1 ? "ints" : "pair";
    const signature = `inChannels: int, outChannels: int, kernelSize: ${sizes}, stride: ${sizes} = 1, padding: any = 0, dilation: ${sizes} = 1, groups: int = 1, bias: bool = true, paddingMode: zeros = zeros, ${factory}`;
    const [nIn, nOut, kernel, stride, padding, dilation, groups, bias, , ...where] = readArguments<Values>(op, signature, args);
    const geometry = {
      kernelSize: sizesOf(op, "kernelSize", dims, kernel),
      stride: sizesOf(op, "stride", dims, stride),
      padding: typeof padding === "string" ? padding : sizesOf(op, "padding", dims, padding),
      dilation: sizesOf(op, "dilation", dims, dilation),
      groups,
    };
    super(op, [nIn, nOut], geometry, [nOut, nIn], bias, where);
  }
}

/** Convolution of sequences. [N, inChannels, L] -> [N, outChannels, L']. @example new nn.Conv1d(16, 32, 3, { padding: 1 }) */
export class Conv1d extends Correlation {
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...rest: ConvSetting[]) {
    super("Conv1d", 1, [inChannels, outChannels, kernelSize, ...rest]);
  }

  forward(input: Tensor): Tensor {
    return conv1d(input, this.weight, this.bias, this.stride, this.padding, this.dilation, this.groups);
  }
}

/** Convolution of images. [N, inChannels, H, W] -> [N, outChannels, H', W']. @example new nn.Conv2d(1, 16, 3, { padding: 1 }) */
export class Conv2d extends Correlation {
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...rest: ConvSetting[]) {
    super("Conv2d", 2, [inChannels, outChannels, kernelSize, ...rest]);
  }

  forward(input: Tensor): Tensor {
    return conv2d(input, this.weight, this.bias, this.stride, this.padding, this.dilation, this.groups);
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
export class ConvTranspose2d extends Convolution {
  readonly outputPadding: Sizes;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, ...rest: (Pair | string | boolean | ConvTranspose2dOptions)[]) {
    const op = "ConvTranspose2d";
    type Values = [number, number, Pair, Pair, Pair, Pair, number, boolean, Pair, string, ...Factory];
    const signature = `inChannels: int, outChannels: int, kernelSize: pair, stride: pair = 1, padding: pair = 0, outputPadding: pair = 0, groups: int = 1, bias: bool = true, dilation: pair = 1, paddingMode: zeros = zeros, ${factory}`;
    const values = readArguments<Values>(op, signature, [inChannels, outChannels, kernelSize, ...rest]);
    const [nIn, nOut, kernel, stride, padding, outputPadding, groups, bias, dilation, , ...where] = values;
    const geometry = {
      kernelSize: sizesOf(op, "kernelSize", 2, kernel),
      stride: sizesOf(op, "stride", 2, stride),
      padding: sizesOf(op, "padding", 2, padding),
      dilation: sizesOf(op, "dilation", 2, dilation),
      groups,
    };
    super(op, [nIn, nOut], geometry, [nIn, nOut], bias, where);
    this.outputPadding = sizesOf(op, "outputPadding", 2, outputPadding);
  }

  forward(input: Tensor): Tensor {
    const { weight, bias, stride, padding, outputPadding, groups, dilation } = this;
    return convTranspose2d(input, weight, bias, stride, padding as Sizes, outputPadding, groups, dilation);
  }

  protected override reprOfOutput(): string[] {
    return this.outputPadding.some((p) => p !== 0) ? [`output_padding=${tuple(this.outputPadding)}`] : [];
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
