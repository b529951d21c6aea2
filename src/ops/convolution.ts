/** Two-dimensional convolution and pooling. Shapes [N, C, H, W], or [C, H, W] for one image. */
import { Code, isComplex, isFloating } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { complex } from "./complex.js";
import { op, record, recordReading, recorded, requireSameDevice } from "./define.js";
import { named, type Named } from "./named.js";
import { embed } from "./views.js";

const code = launch.codesOf("structured");
const kernels = {
  forward: code("conv2d"),
  input: code("conv2dBackwardInput"),
  weight: code("conv2dBackwardWeight"),
  maxPool: code("maxPool2d"),
  maxPoolBackward: code("maxPool2dBackward"),
  avgPool: code("avgPool2d"),
  avgPoolBackward: code("avgPool2dBackward"),
};

export type Pair = number | readonly number[];

export interface ConvOptions {
  bias?: Tensor | null;
  stride?: Pair;
  padding?: Pair | "valid" | "same";
  dilation?: Pair;
  groups?: number;
}

export type Conv = (
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvOptions,
  stride?: Pair | ConvOptions,
  padding?: Pair | "valid" | "same" | ConvOptions,
  dilation?: Pair | ConvOptions,
  groups?: number | ConvOptions,
) => Tensor;

export const pairOf = (op: string, argument: string, value: unknown, least: number): [number, number] => {
  const list = Number.isInteger(value) ? [value, value] : Array.isArray(value) ? (value.length === 1 ? [value[0], value[0]] : value) : [];
  if (list.length !== 2 || !list.every((n) => Number.isInteger(n) && (n as number) >= least)) {
    throw new ValueError({ op, argument, expected: `an integer of at least ${least}, or two`, got: describe(value) });
  }
  return list as [number, number];
};

/** The attributes that the native rows call "conv". */
type Geometry = readonly number[];

/**
 * The cross-correlation of images with filters: [N,C,H,W] * [O,C/groups,kH,kW] -> [N,O,H',W'].
 * @param padding zeros around the image, or "valid" (none), or "same" (output as large as input; stride 1)
 * @throws ShapeError when channels do not fit, or the kernel is larger than the padded image
 */
export const conv2d: Conv = op(
  "conv2d",
  "input: tensor, weight: tensor, bias: tensor? = null, stride: any = 1, padding: any = 0, dilation: any = 1, groups: int = 1",
  (input: Tensor, weight: Tensor, bias: Tensor | null, strideArg: unknown, paddingArg: unknown, dilationArg: unknown, groups: number) => {
    input.live("conv2d");
    weight.live("conv2d");
    if (input.shape.length === 3)
      return conv2d(input.unsqueeze(0), weight, bias, strideArg as Pair, paddingArg as Pair, dilationArg as Pair, groups).squeeze(0);
    checkConv(input, weight, bias, groups);
    const stride = pairOf("conv2d", "stride", strideArg, 1);
    const dilation = pairOf("conv2d", "dilation", dilationArg, 1);
    const [kH, kW] = weight.shape.slice(2) as [number, number];
    let x = input;
    let padding: [number, number];
    if (paddingArg === "same") {
      if (stride[0] !== 1 || stride[1] !== 1)
        throw new ValueError({ op: "conv2d", argument: "padding", expected: `a number where stride is not 1`, got: `"same"` });
      const total = [dilation[0] * (kH - 1), dilation[1] * (kW - 1)];
      padding = [Math.floor(total[0]! / 2), Math.floor(total[1]! / 2)];
      // An even kernel needs one more zero at the end.
      if (total[0]! % 2 !== 0 || total[1]! % 2 !== 0) x = padEnd(x, total[0]! % 2, total[1]! % 2);
    } else {
      padding = paddingArg === "valid" ? [0, 0] : pairOf("conv2d", "padding", paddingArg, 0);
    }
    const geometry = [...stride, ...padding, ...dilation, groups];
    const size = (i: 0 | 1): number =>
      Math.floor((x.shape[2 + i]! + 2 * padding[i] - dilation[i] * (weight.shape[2 + i]! - 1) - 1) / stride[i]) + 1;
    const shape = [x.shape[0]!, weight.shape[0]!, size(0), size(1)];
    if (shape[2]! < 1 || shape[3]! < 1) {
      throw new ShapeError({
        op: "conv2d",
        argument: "weight",
        expected: `a kernel that fits the padded image ${formatShape([x.shape[2]! + 2 * padding[0], x.shape[3]! + 2 * padding[1]])}`,
        got: formatShape([dilation[0] * (kH - 1) + 1, dilation[1] * (kW - 1) + 1]),
      });
    }
    return isFloating(x.dt) ? convolve(x, weight, bias, shape, geometry) : convolveOther(x, weight, bias, shape, geometry);
  },
  { method: false },
);

/** Complex numbers by three real convolutions (Gauss), as torch; integers through float64, exact below 2^53. */
function convolveOther(x: Tensor, w: Tensor, bias: Tensor | null, shape: readonly number[], geometry: Geometry): Tensor {
  const column = bias === null ? null : bias.reshape(-1, 1, 1);
  if (!isComplex(x.dt)) {
    if (x.dt === Code.bool) throw new DTypeError({ op: "conv2d", argument: "input", expected: "a dtype other than bool", got: "bool" });
    const whole = convolve(x.double(), w.double(), null, shape, geometry).to("int64").to(x.dtype);
    return column === null ? whole : whole.add(column);
  }
  const real = convolve(x.real, w.real, null, shape, geometry);
  const imag = convolve(x.imag, w.imag, null, shape, geometry);
  const both = convolve(x.real.add(x.imag), w.real.add(w.imag), null, shape, geometry);
  const out = complex(real.sub(imag), both.sub(real).sub(imag));
  return column === null ? out : out.add(column);
}

export const padEnd = (x: Tensor, h: number, w: number): Tensor =>
  embed(x, [x.shape[0]!, x.shape[1]!, x.shape[2]! + h, x.shape[3]! + w], (base) =>
    base.narrow(2, 0, x.shape[2]!).narrow(3, 0, x.shape[3]!),
  );

function checkConv(input: Tensor, weight: Tensor, bias: Tensor | null, groups: number): void {
  const refuse = (argument: string, expected: string, got: string, ofInput: readonly number[], ofWeight: readonly number[]): never => {
    const operands = [
      { argument: "input", shape: input.shape, clash: ofInput },
      { argument: "weight", shape: weight.shape, clash: ofWeight },
    ];
    throw new ShapeError({ op: "conv2d", argument, expected, got, operands });
  };
  const all = (t: Tensor): number[] => [...t.shape.keys()];
  if (input.shape.length !== 4) refuse("input", "of shape [N, C, H, W] or [C, H, W]", formatShape(input.shape), all(input), []);
  if (weight.shape.length !== 4) refuse("weight", "of shape [O, C/groups, kH, kW]", formatShape(weight.shape), [], all(weight));
  if (groups < 1 || weight.shape[0]! < groups || weight.shape[0]! % groups !== 0)
    throw new ValueError({
      op: "conv2d",
      argument: "groups",
      expected: `a positive divisor of weight[0] = ${weight.shape[0]}`,
      got: String(groups),
    });
  if (input.shape[1] !== weight.shape[1]! * groups) {
    refuse(
      "input",
      `of ${weight.shape[1]! * groups} channels for a weight of shape ${formatShape(weight.shape)} and ${groups} group${groups === 1 ? "" : "s"}`,
      `${input.shape[1]} in ${formatShape(input.shape)}`,
      [1],
      [1],
    );
  }
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== weight.shape[0]))
    throw new ShapeError({ op: "conv2d", argument: "bias", expected: `of shape [${weight.shape[0]}]`, got: formatShape(bias.shape) });
  for (const [argument, t] of [
    ["weight", weight],
    ["bias", bias],
  ] as const) {
    if (t === null) continue;
    requireSameDevice("conv2d", input, t);
    if (t.dt !== input.dt) throw new DTypeError({ op: "conv2d", argument, expected: `${input.dtype}, as input`, got: t.dtype });
  }
}

function convolve(x: Tensor, w: Tensor, bias: Tensor | null, shape: readonly number[], geometry: Geometry): Tensor {
  const inputs = bias === null ? [x, w] : [x, w, bias];
  const out = launch.run("conv2d", kernels.forward, inputs, shape, x.dt, [...geometry, bias === null ? 0 : 1]);
  if (!recorded(x, w, bias)) return out;
  const { shape: xShape } = x;
  const { shape: wShape } = w;
  return recordReading("conv2d", out, inputs, [2, 1, 0], (g, input, node) => [
    node.needs(0) ? convInputGrad(g, input(1), xShape, geometry) : null,
    node.needs(1) ? convWeightGrad(g, input(0), wShape, geometry) : null,
    node.needs(2) ? g.sum([0, 2, 3]) : null,
  ]);
}

// Convolution is bilinear in (input, weight), so each of its three maps has the other two as gradients.

/** dL/dx of a convolution; linear in g and w. */
export function convInputGrad(g: Tensor, w: Tensor, xShape: readonly number[], geometry: Geometry): Tensor {
  const out = launch.run("conv2d", kernels.input, [g, w], xShape, g.dt, geometry);
  if (!recorded(g, w)) return out;
  const { shape: gShape } = g;
  const { shape: wShape } = w;
  return recordReading("conv2dBackwardInput", out, [g, w], [2, 1], (h, input, node) => [
    node.needs(0) ? convolve(h, input(1), null, gShape, geometry) : null,
    node.needs(1) ? convWeightGrad(input(0), h, wShape, geometry) : null,
  ]);
}

/** dL/dw of a convolution; linear in g and x. */
function convWeightGrad(g: Tensor, x: Tensor, wShape: readonly number[], geometry: Geometry): Tensor {
  const out = launch.run("conv2d", kernels.weight, [g, x], wShape, g.dt, geometry);
  if (!recorded(g, x)) return out;
  const { shape: gShape } = g;
  const { shape: xShape } = x;
  return recordReading("conv2dBackwardWeight", out, [g, x], [2, 1], (h, input, node) => [
    node.needs(0) ? convolve(input(1), h, null, gShape, geometry) : null,
    node.needs(1) ? convInputGrad(input(0), h, xShape, geometry) : null,
  ]);
}

// -- pooling

interface PoolGeometry {
  readonly kernel: [number, number];
  readonly stride: [number, number];
  readonly padding: [number, number];
  readonly dilation: [number, number];
  readonly shape: readonly number[];
}

function poolGeometry(
  name: string,
  x: Tensor,
  kernelArg: unknown,
  strideArg: unknown,
  paddingArg: unknown,
  dilationArg: unknown,
  ceilMode: boolean,
): PoolGeometry {
  if (x.shape.length !== 4)
    throw new ShapeError({ op: name, argument: "input", expected: "of shape [N, C, H, W] or [C, H, W]", got: formatShape(x.shape) });
  const kernel = pairOf(name, "kernelSize", kernelArg, 1);
  const stride = strideArg === null || (Array.isArray(strideArg) && strideArg.length === 0) ? kernel : pairOf(name, "stride", strideArg, 1);
  const padding = pairOf(name, "padding", paddingArg, 0);
  const dilation = pairOf(name, "dilation", dilationArg, 1);
  if (padding.some((p, i) => p > kernel[i]! / 2))
    throw new ValueError({
      op: name,
      argument: "padding",
      expected: `at most half of kernelSize ${formatShape(kernel)}`,
      got: formatShape(padding),
    });
  const size = (i: 0 | 1): number => {
    const free = x.shape[2 + i]! + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
    let n = (ceilMode ? Math.ceil(free / stride[i]) : Math.floor(free / stride[i])) + 1;
    // The last window must start inside the image or its left padding.
    if (ceilMode && (n - 1) * stride[i] >= x.shape[2 + i]! + padding[i]) n--;
    return n;
  };
  const shape = [x.shape[0]!, x.shape[1]!, size(0), size(1)];
  if (shape[2]! < 1 || shape[3]! < 1)
    throw new ShapeError({
      op: name,
      argument: "kernelSize",
      expected: `one that fits the padded image of ${formatShape(x.shape)}`,
      got: formatShape(kernel),
    });
  return { kernel, stride, padding, dilation, shape };
}

export interface MaxPoolOptions {
  stride?: Pair | null;
  padding?: Pair;
  dilation?: Pair;
  /** Rounds output sizes up. Default false. */
  ceilMode?: boolean;
  /** Returns the positions of the maxima, too. Default false. */
  returnIndices?: boolean;
}
interface MaxPool {
  (
    input: Tensor,
    kernelSize: Pair,
    stride: Pair | null | undefined,
    padding: Pair,
    dilation: Pair,
    ceilMode: boolean,
    returnIndices: true,
  ): Named<{ values: Tensor; indices: Tensor }>;
  (input: Tensor, kernelSize: Pair, options: MaxPoolOptions & { returnIndices: true }): Named<{ values: Tensor; indices: Tensor }>;
  (
    input: Tensor,
    kernelSize: Pair,
    stride?: Pair | null | MaxPoolOptions,
    padding?: Pair | MaxPoolOptions,
    dilation?: Pair | MaxPoolOptions,
    ceilMode?: boolean | MaxPoolOptions,
    returnIndices?: false | MaxPoolOptions,
  ): Tensor;
}

/** The largest element of each window. [N,C,H,W] -> [N,C,H',W']. @param stride default kernelSize */
export const maxPool2d: MaxPool = op(
  "maxPool2d",
  "input: tensor, kernelSize: any, stride: any? = null, padding: any = 0, dilation: any = 1, ceilMode: bool = false, returnIndices: bool = false",
  ((
    input: Tensor,
    kernelSize: unknown,
    stride: unknown,
    padding: unknown,
    dilation: unknown,
    ceilMode: boolean,
    returnIndices: boolean,
  ) => {
    const x = input.shape.length === 3 ? input.unsqueeze(0) : input;
    x.live("maxPool2d");
    const geometry = poolGeometry("maxPool2d", x, kernelSize, stride, padding, dilation, ceilMode);
    const { shape } = geometry;
    const attrs = [...geometry.kernel, ...geometry.stride, ...geometry.padding, ...geometry.dilation];
    const outputs = [
      { shape, dt: x.dt },
      { shape, dt: Code.int64 },
    ];
    const [values, indices] = launch.runMany("maxPool2d", kernels.maxPool, [x], outputs, attrs) as [Tensor, Tensor];
    const { shape: xShape } = x;
    if (recorded(x)) record("maxPool2d", values, [x], [indices], ([g], node) => [maxPoolGrad(g!, node.tensor(0), xShape)]);
    const lower = (t: Tensor): Tensor => (x === input ? t : t.squeeze(0));
    return returnIndices ? named({ values: lower(values), indices: lower(indices) }) : lower(values);
  }) as never,
  { method: false },
);

function maxPoolGrad(g: Tensor, indices: Tensor, xShape: readonly number[]): Tensor {
  const out = launch.run("maxPool2d", kernels.maxPoolBackward, [g, indices], xShape, g.dt, []);
  if (!recorded(g)) return out;
  const { shape } = g;
  return record("maxPool2dBackward", out, [g], [indices], ([h], node) => [
    h!.flatten(2).gather(2, node.tensor(0).flatten(2)).reshape(shape),
  ]);
}

export interface AvgPoolOptions {
  stride?: Pair | null;
  padding?: Pair;
  ceilMode?: boolean;
  /** Zeros of the padding count. Default true. */
  countIncludePad?: boolean;
  /** Divides by this instead of the window's size. */
  divisorOverride?: number | null;
}

/** The mean of each window. [N,C,H,W] -> [N,C,H',W']. @param stride default kernelSize */
export const avgPool2d: (
  input: Tensor,
  kernelSize: Pair,
  stride?: Pair | null | AvgPoolOptions,
  padding?: Pair | AvgPoolOptions,
  ceilMode?: boolean | AvgPoolOptions,
  countIncludePad?: boolean | AvgPoolOptions,
  divisorOverride?: number | null | AvgPoolOptions,
) => Tensor = op(
  "avgPool2d",
  "input: tensor, kernelSize: any, stride: any? = null, padding: any = 0, ceilMode: bool = false, countIncludePad: bool = true, divisorOverride: int? = null",
  (
    input: Tensor,
    kernelSize: unknown,
    stride: unknown,
    padding: unknown,
    ceilMode: boolean,
    countIncludePad: boolean,
    divisor: number | null,
  ) => {
    const x = input.shape.length === 3 ? input.unsqueeze(0) : input;
    x.live("avgPool2d");
    if (divisor === 0) throw new ValueError({ op: "avgPool2d", argument: "divisorOverride", expected: "not zero", got: "0" });
    const geometry = poolGeometry("avgPool2d", x, kernelSize, stride, padding, 1, ceilMode);
    const attrs = [...geometry.kernel, ...geometry.stride, ...geometry.padding, countIncludePad ? 1 : 0, divisor ?? 0];
    const out = averaged(x, geometry.shape, attrs);
    return x === input ? out : out.squeeze(0);
  },
  { method: false },
);

// Average pooling is linear: it and its transpose are each other's gradients.
function averaged(x: Tensor, shape: readonly number[], attrs: readonly number[]): Tensor {
  const out = launch.run("avgPool2d", kernels.avgPool, [x], shape, x.dt, attrs);
  const { shape: xShape } = x;
  return recorded(x) ? record("avgPool2d", out, [x], [], ([g]) => [averagedBack(g!, xShape, attrs)]) : out;
}
function averagedBack(g: Tensor, xShape: readonly number[], attrs: readonly number[]): Tensor {
  const out = launch.run("avgPool2d", kernels.avgPoolBackward, [g], xShape, g.dt, attrs);
  const { shape } = g;
  return recorded(g) ? record("avgPool2dBackward", out, [g], [], ([h]) => [averaged(h!, shape, attrs)]) : out;
}
