/** Softmax, gelu and the normalizations: fused kernels, whose higher derivatives come from their definitions in plain ops. */
import { isGradEnabled } from "../autograd/mode.js";
import { isIntegral, type DType } from "../tensor/dtype.js";
import { AutogradError, DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { numelOf, sameShape, wrapDim } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { op, record, recorded, register, requireSameDevice, recordedAny } from "./define.js";
import { fusedGrad } from "./pointwise.js";
import { bind, parseSignature } from "./schema.js";

const code = launch.codesOf("structured");
const unaryCode = launch.codesOf("unary");
const binaryCode = launch.codesOf("binary");

type Softmax = (
  input: Tensor,
  dim?: number | null | { dim?: number | null; dtype?: DType | null },
  dtype?: DType | null | { dtype?: DType | null },
) => Tensor;

function softmaxOf(name: "softmax" | "logSoftmax", gradient: (g: Tensor, y: Tensor, dim: number) => Tensor): Softmax {
  const kernel = code(name);
  const backwardKernel = code(`${name}Backward`);
  return op<Softmax>(
    name,
    "input: tensor, dim: dim? = null, dtype: dtype? = null",
    (given: Tensor, dim: number | null, dtype: number | null) => {
      const target = dtype ?? given.dt;
      if (isIntegral(target))
        throw new DTypeError({ op: name, argument: "input", expected: "a floating dtype", got: launch.dtypeName(target) });
      const input = target === given.dt ? given : given.to(launch.dtypeName(target) as DType);
      input.live(name);
      // torch's implicit dim: 0 for ranks 0, 1 and 3, else 1
      const d = wrapDim(name, dim ?? ([0, 1, 3].includes(input.shape.length) ? 0 : 1), input.shape.length);
      const out = launch.run(name, kernel, [input], input.shape, input.dt, [d]);
      if (!recorded(input)) return out;
      return record(name, out, [input], [out], ([g], node) => {
        const y = node.tensor(0);
        if (isGradEnabled()) return [gradient(g!, y, d)];
        return [launch.run(name, backwardKernel, [g!, y], y.shape, y.dt, [d])];
      });
    },
  );
}

/** e^x / sum(e^x) along `dim`. @example softmax(tensor([0, 0]), 0) // [0.5, 0.5] */
export const softmax = softmaxOf("softmax", (g, y, d) => y.mul(g.sub(g.mul(y).sum(d, true))));
/** log(softmax(x)) along `dim`, without overflow. */
export const logSoftmax = softmaxOf("logSoftmax", (g, y, d) => g.sub(y.exp().mul(g.sum(d, true))));

type Approximate = "none" | "tanh";
const geluParams = parseSignature("input: tensor, approximate: none|tanh = none");
const geluKernels = {
  none: [unaryCode("gelu"), binaryCode("geluBackward")],
  tanh: [unaryCode("geluTanh"), binaryCode("geluTanhBackward")],
} as const;

function geluDefinition(x: Tensor, approximate: Approximate): Tensor {
  if (approximate === "none") return x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1));
  return x.mul(0.5).mul(
    x
      .pow(3)
      .mul(0.044715)
      .add(x)
      .mul(Math.sqrt(2 / Math.PI))
      .tanh()
      .add(1),
  );
}

/** x * Phi(x), or its tanh approximation. Shape [*]. @param approximate "none" or "tanh"; default "none" */
export const gelu: (input: Tensor, approximate?: Approximate | { approximate?: Approximate }) => Tensor = register(
  "gelu",
  geluParams,
  (...args) => {
    const [input, approximate] = bind("gelu", geluParams, args) as [Tensor, Approximate];
    if (isIntegral(input.dt)) throw new DTypeError({ op: "gelu", argument: "input", expected: "a floating dtype", got: input.dtype });
    const [kernel, backwardKernel] = geluKernels[approximate];
    const out = launch.unary("gelu", kernel, input, input.dt, input.dt);
    if (!recorded(input)) return out;
    return record("gelu", out, [input], [input], ([g], node) => {
      const x = node.tensor(0);
      const fast = (): Tensor[] => [launch.binary("gelu", backwardKernel, g!, x, x.shape, x.dt, x.dt)];
      return fusedGrad(fast, g!, [x], (input) => geluDefinition(input!, approximate));
    });
  },
);

interface LayerNormOptions {
  weight?: Tensor | null;
  bias?: Tensor | null;
  eps?: number;
}
type LayerNorm = (
  input: Tensor,
  normalizedShape: number | readonly number[],
  weight?: Tensor | null | LayerNormOptions,
  bias?: Tensor | null | LayerNormOptions,
  eps?: number | LayerNormOptions,
) => Tensor;

/** Standardizes the last dims, those of `normalizedShape`, then scales and shifts. */
export const layerNorm: LayerNorm = op(
  "layerNorm",
  "input: tensor, normalizedShape: ints, weight: tensor? = null, bias: tensor? = null, eps: float = 1e-05",
  (x: Tensor, normalizedShape: number[], w: Tensor | null, b: Tensor | null, eps: number) => {
    x.live("layerNorm");
    const lead = x.shape.length - normalizedShape.length;
    if (normalizedShape.length === 0 || lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape)) {
      throw new ShapeError({
        op: "layerNorm",
        argument: "normalizedShape",
        expected: `the last sizes of ${formatShape(x.shape)}`,
        got: formatShape(normalizedShape),
      });
    }
    for (const [argument, t] of [
      ["weight", w],
      ["bias", b],
    ] as const)
      requireParameter("layerNorm", argument, t, x, normalizedShape);
    const features = numelOf(normalizedShape);
    const rows = features === 0 ? 0 : x.numel() / features;
    const flags = (w === null ? 0 : 1) + (b === null ? 0 : 2);
    const given = [w, b].filter((t) => t !== null);
    const outputs = [
      { shape: x.shape, dt: x.dt },
      { shape: [rows], dt: x.dt },
      { shape: [rows], dt: x.dt },
    ];
    const [out, mean, rstd] = launch.runMany("layerNorm", code("layerNorm"), [x, ...given], outputs, [features, eps, flags]) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const inputs = [x, ...given];
    if (!recorded(x, w, b)) return out;
    return record("layerNorm", out, inputs, [x, mean, rstd, ...given], ([g], node) => {
      const [input, m, r] = [node.tensor(0), node.tensor(1), node.tensor(2)];
      const params = given.map((_, i) => node.tensor(3 + i));
      const fast = (): Tensor[] => {
        const ins = [g!, input, m, r, ...(w === null ? [] : [params[0]!])];
        const outs = [
          { shape: input.shape, dt: input.dt },
          { shape: normalizedShape, dt: input.dt },
          { shape: normalizedShape, dt: input.dt },
        ];
        const [dx, dw, db] = launch.runMany("layerNorm", code("layerNormBackward"), ins, outs, [features, flags & 1]) as [
          Tensor,
          Tensor,
          Tensor,
        ];
        return [dx, ...(w === null ? [] : [dw]), ...(b === null ? [] : [db])];
      };
      return fusedGrad(fast, g!, [input, ...params], (t, ...rest) => {
        const dims = normalizedShape.map((_, i) => lead + i);
        const normal = t!.sub(t!.mean(dims, true)).mul(t!.var(dims, { correction: 0, keepdim: true }).add(eps).rsqrt());
        const scaled = w === null ? normal : normal.mul(rest[0]!);
        return b === null ? scaled : scaled.add(rest.at(-1)!);
      });
    });
  },
  { method: false },
);

/** @internal */
export function requireParameter(name: string, argument: string, t: Tensor | null, like: Tensor, shape: readonly number[]): void {
  if (t === null) return;
  requireSameDevice(name, like, t);
  t.live(name);
  if (!sameShape(t.shape, shape))
    throw new ShapeError({ op: name, argument, expected: `of shape ${formatShape(shape)}`, got: formatShape(t.shape) });
  if (t.dt !== like.dt) throw new DTypeError({ op: name, argument, expected: like.dtype, got: t.dtype });
}

interface BatchNormOptions {
  weight?: Tensor | null;
  bias?: Tensor | null;
  /** Use and update with batch statistics. Default false. */
  training?: boolean;
  /** Weight of the batch in the running statistics. Default 0.1. */
  momentum?: number;
  eps?: number;
}
type BatchNorm = (
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight?: Tensor | null | BatchNormOptions,
  bias?: Tensor | null | BatchNormOptions,
  training?: boolean | BatchNormOptions,
  momentum?: number | BatchNormOptions,
  eps?: number | BatchNormOptions,
) => Tensor;

/** Standardizes each channel (dim 1), by batch statistics when training (the running ones are updated in place), else by the running ones. */
export const batchNorm: BatchNorm = op(
  "batchNorm",
  "input: tensor, runningMean: tensor?, runningVar: tensor?, weight: tensor? = null, bias: tensor? = null, training: bool = false, momentum: float = 0.1, eps: float = 1e-05",
  (
    x: Tensor,
    mean: Tensor | null,
    variance: Tensor | null,
    w: Tensor | null,
    b: Tensor | null,
    training: boolean,
    momentum: number,
    eps: number,
  ) => {
    x.live("batchNorm");
    if (x.numel() === 0 && (!training || valuesPerChannel(x) !== 1)) return x.mul(w?.at(0) ?? 1).add(b?.at(0) ?? 0);
    if (x.shape.length < 2)
      throw new ShapeError({ op: "batchNorm", argument: "input", expected: "at least 2 dims [N, C, *]", got: formatShape(x.shape) });
    if (isIntegral(x.dt)) throw new DTypeError({ op: "batchNorm", argument: "input", expected: "a floating dtype", got: x.dtype });
    const channels = [x.shape[1]!];
    for (const [argument, t] of [
      ["runningMean", mean],
      ["runningVar", variance],
      ["weight", w],
      ["bias", b],
    ] as const)
      requireParameter("batchNorm", argument, t, x, channels);
    if (recordedAny([mean, variance].filter((t) => t !== null)))
      throw new AutogradError({
        op: "batchNorm",
        expected: "running statistics that do not require grad",
        got: "ones that do",
        hint: "pass runningMean.detach() and runningVar.detach()",
      });
    const flags = (w === null ? 0 : 1) + (b === null ? 0 : 2);
    const given = [w, b].filter((t) => t !== null);
    if (!training) {
      if (mean === null || variance === null)
        throw new ValueError({ op: "batchNorm", argument: "runningMean", expected: "given with runningVar outside training", got: "null" });
      return normalizeBy(x, mean, variance, w, b, eps, flags, given);
    }
    const count = valuesPerChannel(x);
    if (count <= 1)
      throw new ValueError({
        op: "batchNorm",
        argument: "input",
        expected: "more than 1 value per channel when training",
        got: formatShape(x.shape),
      });
    const stat = { shape: channels, dt: x.dt };
    const [out, m, r, v] = launch.runMany(
      "batchNorm",
      code("batchNorm"),
      [x, ...given],
      [{ shape: x.shape, dt: x.dt }, stat, stat, stat],
      [eps, flags],
    ) as [Tensor, Tensor, Tensor, Tensor];
    mean?.mul_(1 - momentum).add_(m, { alpha: momentum });
    variance?.mul_(1 - momentum).add_(v, { alpha: (momentum * count) / (count - 1) });
    return recordBatchNorm(out, x, m, r, w, b, true, eps, flags, given);
  },
  { method: false },
);

const valuesPerChannel = (x: Tensor): number => numelOf(x.shape.filter((_, d) => d !== 1));

function normalizeBy(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  w: Tensor | null,
  b: Tensor | null,
  eps: number,
  flags: number,
  given: readonly Tensor[],
): Tensor {
  const out = launch.run("batchNorm", code("batchNormEval"), [x, mean, variance, ...given], x.shape, x.dt, [eps, flags]);
  return recorded(x, w, b) ? recordBatchNorm(out, x, mean, variance.detach().add(eps).rsqrt(), w, b, false, eps, flags, given) : out;
}

function recordBatchNorm(
  out: Tensor,
  x: Tensor,
  mean: Tensor,
  rstd: Tensor,
  w: Tensor | null,
  b: Tensor | null,
  training: boolean,
  eps: number,
  flags: number,
  given: readonly Tensor[],
): Tensor {
  if (!recorded(x, w, b)) return out;
  const saved = training ? [x, mean, rstd, ...given] : [x, mean.clone(), rstd, ...given];
  return record("batchNorm", out, [x, ...given], saved, ([g], node) => {
    const [input, m, r] = [node.tensor(0), node.tensor(1), node.tensor(2)];
    const params = given.map((_, i) => node.tensor(3 + i));
    const stat = { shape: m.shape, dt: input.dt };
    const fast = (): Tensor[] => {
      const ins = [g!, input, m, r, ...(w === null ? [] : [params[0]!])];
      const [dx, dw, db] = launch.runMany(
        "batchNorm",
        code("batchNormBackward"),
        ins,
        [{ shape: input.shape, dt: input.dt }, stat, stat],
        [training ? 1 : 0, flags & 1],
      ) as [Tensor, Tensor, Tensor];
      return [dx, ...(w === null ? [] : [dw]), ...(b === null ? [] : [db])];
    };
    return fusedGrad(fast, g!, [input, ...params], (t, ...rest) => {
      const wide = input.shape.map((size, i) => (i === 1 ? size : 1));
      const dims = input.shape.map((_, i) => i).filter((i) => i !== 1);
      const [center, scale] = training
        ? [t!.mean(dims, true), t!.var(dims, { correction: 0, keepdim: true }).add(eps).rsqrt()]
        : [m.reshape(wide), r.reshape(wide)];
      const normal = t!.sub(center).mul(scale);
      const scaled = w === null ? normal : normal.mul(rest[0]!.reshape(wide));
      return b === null ? scaled : scaled.add(rest.at(-1)!.reshape(wide));
    });
  });
}
