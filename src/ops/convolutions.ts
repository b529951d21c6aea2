/** Layers made of the convolution of images: of sequences, transposed; and the mean of as many windows as are wanted. */
import { isFloating } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { avgPool2d, conv2d, convInputGrad, padEnd, pairOf, type Conv, type Pair } from "./convolution.js";
import { tensor } from "./creation.js";
import { op, requireSameDevice } from "./define.js";

/** A number, or a list of one. */
const singleOf = (name: string, argument: string, value: unknown, least: number): number => {
  const one = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
  if (!Number.isInteger(one) || (one as number) < least)
    throw new ValueError({ op: name, argument, expected: `an integer of at least ${least}`, got: describe(value) });
  return one as number;
};

/** The cross-correlation of sequences with filters: [N,C,L] * [O,C/groups,K] -> [N,O,L']; [C,L] for one. Options as {@link conv2d}'s. */
export const conv1d: Conv = op(
  "conv1d",
  "input: tensor, weight: tensor, bias: tensor? = null, stride: any = 1, padding: any = 0, dilation: any = 1, groups: int = 1",
  (input: Tensor, weight: Tensor, bias: Tensor | null, stride: unknown, padding: unknown, dilation: unknown, groups: number) => {
    if (input.shape.length !== 2 && input.shape.length !== 3)
      throw new ShapeError({ op: "conv1d", argument: "input", expected: "of shape [N, C, L] or [C, L]", got: formatShape(input.shape) });
    if (weight.shape.length !== 3)
      throw new ShapeError({ op: "conv1d", argument: "weight", expected: "of shape [O, C/groups, K]", got: formatShape(weight.shape) });
    const padded = typeof padding === "string" ? (padding as "same") : ([0, singleOf("conv1d", "padding", padding, 0)] as const);
    const steps = [1, singleOf("conv1d", "stride", stride, 1)];
    const apart = [1, singleOf("conv1d", "dilation", dilation, 1)];
    return conv2d(input.unsqueeze(-2), weight.unsqueeze(-2), bias, steps, padded, apart, groups).squeeze(-2);
  },
  { method: false },
);

export interface ConvTransposeOptions {
  bias?: Tensor | null;
  stride?: Pair;
  /** Rows and columns that are left out at each side. Default 0. */
  padding?: Pair;
  /** Rows and columns more at the end, of those that a stride could have come from. Default 0. */
  outputPadding?: Pair;
  groups?: number;
  dilation?: Pair;
}

/**
 * The transposed convolution, the gradient of {@link conv2d} by its input: [N,C,H,W] * [C,O/groups,kH,kW] -> [N,O,H',W'] with
 * H' = (H - 1) * stride - 2 * padding + dilation * (kH - 1) + outputPadding + 1.
 */
export const convTranspose2d: (
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvTransposeOptions,
  stride?: Pair | ConvTransposeOptions,
  padding?: Pair | ConvTransposeOptions,
  outputPadding?: Pair | ConvTransposeOptions,
  groups?: number | ConvTransposeOptions,
  dilation?: Pair | ConvTransposeOptions,
) => Tensor = op(
  "convTranspose2d",
  "input: tensor, weight: tensor, bias: tensor? = null, stride: any = 1, padding: any = 0, outputPadding: any = 0, groups: int = 1, dilation: any = 1",
  (input: Tensor, weight: Tensor, bias: Tensor | null, ...given: [unknown, unknown, unknown, number, unknown]): Tensor => {
    const [strideArg, paddingArg, extraArg, groups, dilationArg] = given;
    const name = "convTranspose2d";
    if (input.shape.length === 3) {
      const [stride, padding, extra, dilation] = [strideArg as Pair, paddingArg as Pair, extraArg as Pair, dilationArg as Pair];
      return convTranspose2d(input.unsqueeze(0), weight, bias, stride, padding, extra, groups, dilation).squeeze(0);
    }
    const stride = pairOf(name, "stride", strideArg, 1);
    const padding = pairOf(name, "padding", paddingArg, 0);
    const extra = pairOf(name, "outputPadding", extraArg, 0);
    const dilation = pairOf(name, "dilation", dilationArg, 1);
    requireFitting(name, input, weight, bias, groups);
    extra.forEach((more, i) => {
      const least = Math.max(stride[i]!, dilation[i]!);
      if (more >= least)
        throw new ValueError({
          op: name,
          argument: "outputPadding",
          expected: `less than stride or dilation, ${least}`,
          got: String(more),
        });
    });
    const [n, , height, width] = input.shape as [number, number, number, number];
    const [, perGroup, kH, kW] = weight.shape as [number, number, number, number];
    const sizeOf = (i: 0 | 1, cut: number, more: number): number =>
      ([height, width][i]! - 1) * stride[i] - 2 * cut + dilation[i] * ([kH, kW][i]! - 1) + more + 1;
    const size = [sizeOf(0, padding[0], extra[0]), sizeOf(1, padding[1], extra[1])] as const;
    if (size.some((each) => each < 1))
      throw new ShapeError({ op: name, argument: "padding", expected: "one that leaves something", got: formatShape(size) });
    const spread = (cut: readonly number[], to: readonly number[]): Tensor =>
      convInputGrad(input, weight, [n, perGroup * groups, ...to], [...stride, ...cut, ...dilation, groups]);
    let out: Tensor;
    if (extra.every((more, i) => more < stride[i]!)) out = spread(padding, size);
    else {
      // More rows than a stride could have come from: they are cut out of the whole, and zeros beyond it.
      const whole = [sizeOf(0, 0, 0), sizeOf(1, 0, 0)] as const;
      const [below, right] = whole.map((each, i) => Math.max(0, padding[i]! + size[i]! - each)) as [number, number];
      out = padEnd(spread([0, 0], whole), below, right)
        .narrow(2, padding[0], size[0])
        .narrow(3, padding[1], size[1]);
    }
    return bias === null ? out : out.add(bias.reshape(-1, 1, 1));
  },
  { method: false },
);

function requireFitting(name: string, input: Tensor, weight: Tensor, bias: Tensor | null, groups: number): void {
  const refuse = (argument: string, expected: string, t: Tensor): never => {
    throw new ShapeError({ op: name, argument, expected, got: formatShape(t.shape) });
  };
  if (input.shape.length !== 4) refuse("input", "of shape [N, C, H, W] or [C, H, W]", input);
  if (weight.shape.length !== 4) refuse("weight", "of shape [C, O/groups, kH, kW]", weight);
  if (input.shape[1] !== weight.shape[0]) refuse("input", `of ${weight.shape[0]} channels, those of weight`, input);
  if (groups < 1 || weight.shape[0]! % groups !== 0)
    throw new ValueError({ op: name, argument: "groups", expected: `a positive divisor of ${weight.shape[0]}`, got: String(groups) });
  const outputs = weight.shape[1]! * groups;
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== outputs)) refuse("bias", `of shape [${outputs}]`, bias);
  if (!isFloating(input.dt)) throw new DTypeError({ op: name, argument: "input", expected: "a floating dtype", got: input.dtype });
  for (const [argument, t] of Object.entries({ weight, bias })) {
    if (t === null) continue;
    requireSameDevice(name, input, t);
    if (t.dt !== input.dt) throw new DTypeError({ op: name, argument, expected: `${input.dtype}, as input`, got: t.dtype });
  }
}

/** Sizes of an output; null keeps the input's. */
export type AdaptiveSize = number | null | readonly (number | null)[];

/**
 * The means of windows that share an image out evenly: [N,C,H,W] -> [N,C,H',W'], or [C,H,W] for one. The i-th of n windows over H rows goes
 * from floor(i * H / n) to ceil((i + 1) * H / n).
 * @example adaptiveAvgPool2d(x, 1) // [N,C,H,W] -> [N,C,1,1]
 */
export const adaptiveAvgPool2d: (input: Tensor, outputSize: AdaptiveSize | { outputSize: AdaptiveSize }) => Tensor = op(
  "adaptiveAvgPool2d",
  "input: tensor, outputSize: any",
  (input: Tensor, outputSize: unknown) => {
    const name = "adaptiveAvgPool2d";
    const rank = input.shape.length;
    if (rank !== 3 && rank !== 4)
      throw new ShapeError({ op: name, argument: "input", expected: "of shape [N, C, H, W] or [C, H, W]", got: formatShape(input.shape) });
    if (!isFloating(input.dt)) throw new DTypeError({ op: name, argument: "input", expected: "a floating dtype", got: input.dtype });
    const sizes = Array.isArray(outputSize) && outputSize.length === 2 ? (outputSize as unknown[]) : [outputSize, outputSize];
    const [height, width] = input.shape.slice(-2) as [number, number];
    const [rows, columns] = sizes.map((size, i) => size ?? [height, width][i]) as [unknown, unknown];
    if (![rows, columns].every((size) => Number.isInteger(size) && (size as number) > 0))
      throw new ValueError({ op: name, argument: "outputSize", expected: "a positive integer or null, or two", got: describe(outputSize) });
    const [h, w] = [rows as number, columns as number];
    if (h === 1 && w === 1) return input.mean([-2, -1], true);
    if (height % h === 0 && width % w === 0) return avgPool2d(input, [height / h, width / w]);
    const { dtype, device } = input;
    const down = tensor(windows(height, h), { dtype, device });
    const across = tensor(windows(width, w), { dtype, device });
    return down.matmul(input).matmul(across.t());
  },
  { method: false },
);

/** Row i holds the weights of the elements in the i-th of n windows over `size`. */
function windows(size: number, n: number): number[][] {
  return Array.from({ length: n }, (_, i) => {
    const [from, to] = [Math.floor((i * size) / n), Math.ceil(((i + 1) * size) / n)];
    return Array.from({ length: size }, (_unused, j) => (j >= from && j < to ? 1 / (to - from) : 0));
  });
}
