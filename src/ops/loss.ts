/** Losses: how far a prediction is from its target, as one number or one per sample. */
import { Code, isComplex, isFloating, isIntegral } from "../tensor/dtype.js";
import { AutogradError, DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { numelOf, sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { convertDtype } from "./convert.js";
import { castTo, op, record, recorded, resultCode } from "./define.js";
import { fusedGrad, toInput } from "./pointwise.js";
import { where } from "./ternary.js";

const code = launch.codesOf("structured");

export type Reduction = "mean" | "sum" | "none";
const reductionParam = "reduction: mean|sum|none = mean";

const reduced = (loss: Tensor, reduction: Reduction): Tensor =>
  reduction === "mean" ? loss.mean() : reduction === "sum" ? loss.sum() : loss;

export interface ClassLossOptions {
  /** One factor a class, [C]. */
  weight?: Tensor | null;
  /** Targets of this value do not count. Default -100. */
  ignoreIndex?: number;
  /** Default "mean": the mean weighted by the classes' weights. */
  reduction?: Reduction;
}
export interface CrossEntropyOptions extends ClassLossOptions {
  /** Mass spread over all classes, in [0, 1]. Default 0. */
  labelSmoothing?: number;
}

/** Logits or log-probabilities as [M, C] with targets [M]; `shape` is that of the loss without reduction. */
interface Rows {
  readonly scores: Tensor;
  readonly target: Tensor;
  readonly shape: readonly number[];
}

function rowsOf(name: string, input: Tensor, target: Tensor): Rows {
  input.live(name);
  target.live(name);
  const rank = input.shape.length;
  if (rank === 0) throw new ShapeError({ op: name, argument: "input", expected: "of shape [C], [N, C] or [N, C, *]", got: "[]" });
  if (input.dt !== Code.float32 && input.dt !== Code.float64)
    throw new DTypeError({ op: name, argument: "input", expected: "a floating dtype", got: input.dtype });
  if (target.dt !== Code.int64 && target.dt !== Code.uint8)
    throw new DTypeError({ op: name, argument: "target", expected: "int64 class indices", got: target.dtype });
  const expected = rank === 1 ? [] : [input.shape[0]!, ...input.shape.slice(2)];
  if (!sameShape(target.shape, expected)) {
    throw new ShapeError({
      op: name,
      argument: "target",
      expected: `of shape ${formatShape(expected)} for an input of shape ${formatShape(input.shape)}`,
      got: formatShape(target.shape),
    });
  }
  const classes = rank === 1 ? input.shape[0]! : input.shape[1]!;
  const scores = rank <= 2 ? input.reshape(-1, classes) : input.movedim(1, -1).reshape(-1, classes);
  return { scores, target: castTo(target, Code.int64).reshape(-1), shape: expected };
}

function requireWeight(name: string, weight: Tensor | null, scores: Tensor): readonly Tensor[] {
  if (weight === null) return [];
  if (!sameShape(weight.shape, [scores.shape[1]!]))
    throw new ShapeError({
      op: name,
      argument: "weight",
      expected: `of shape [${scores.shape[1]}], one a class`,
      got: formatShape(weight.shape),
    });
  if (weight.dt !== scores.dt) throw new DTypeError({ op: name, argument: "weight", expected: scores.dtype, got: weight.dtype });
  refuseGrad(name, "weight", weight);
  return [weight];
}
/** As torch: weights of classes have no gradient. */
function refuseGrad(op: string, argument: string, weight: Tensor): void {
  if (recorded(weight))
    throw new AutogradError({ op, argument, expected: "a tensor that needs no gradient", got: "one that requires grad" });
}
const isHalf = (input: Tensor): boolean => input.dt === Code.float16 || input.dt === Code.bfloat16;

function reduceClasses(loss: Tensor, weights: Tensor, reduction: Reduction, shape: readonly number[]): Tensor {
  if (reduction === "none") return loss.reshape(shape);
  return reduction === "sum" ? loss.sum() : loss.sum().div(weights.sum());
}

/** One-hot targets times their class weights, zero where ignored: the plain-op form of picking. [M, C] */
function targetWeights(scores: Tensor, target: Tensor, weight: readonly Tensor[], ignoreIndex: number): { oneHot: Tensor; kept: Tensor } {
  const kept = target.ne(ignoreIndex);
  const safe = where(kept, target, 0);
  const zeros = launch.empty("zeros", scores.shape, scores.dt, scores.dev).zero_();
  const oneHot = zeros.scatter(1, safe.unsqueeze(1), 1).mul(kept.unsqueeze(1));
  return { oneHot: weight.length === 0 ? oneHot : oneHot.mul(weight[0]!), kept };
}

type ClassLoss<O> = (
  input: Tensor,
  target: Tensor,
  weight?: Tensor | null | O,
  ignoreIndex?: number | O,
  reduction?: Reduction | O,
) => Tensor;

/** The negative log-likelihood of log-probabilities [N, C] (or [N, C, *]) at target classes [N] (or [N, *]). */
export const nllLoss: ClassLoss<ClassLossOptions> = op(
  "nllLoss",
  `input: tensor, target: tensor, weight: tensor? = null, ignoreIndex: int = -100, ${reductionParam}`,
  (input: Tensor, given: Tensor, weight: Tensor | null, ignoreIndex: number, reduction: Reduction) => {
    if (isHalf(input)) return nllLoss(input.float(), given, { weight: weight?.float() ?? null, ignoreIndex, reduction }).to(input.dtype);
    const { scores, target, shape } = rowsOf("nllLoss", input, given);
    const weights = requireWeight("nllLoss", weight, scores);
    const outputs = [
      { shape: target.shape, dt: scores.dt },
      { shape: target.shape, dt: scores.dt },
    ];
    const flags = weights.length;
    const [loss, used] = launch.runMany("nllLoss", code("nllLoss"), [scores, target, ...weights], outputs, [ignoreIndex, flags]) as [
      Tensor,
      Tensor,
    ];
    if (recorded(scores)) {
      record("nllLoss", loss, [scores], [scores, target, ...weights], ([g], node) => {
        const [x, y] = [node.tensor(0), node.tensor(1)];
        const ws = weights.map((_, i) => node.tensor(2 + i));
        const fast = (): Tensor[] => [launch.run("nllLoss", code("nllLossBackward"), [g!, y, ...ws], x.shape, x.dt, [ignoreIndex, flags])];
        return fusedGrad(fast, g!, [x], (t) =>
          t!
            .mul(targetWeights(t!, y, ws, ignoreIndex).oneHot)
            .sum(1)
            .neg(),
        );
      });
    }
    return reduceClasses(loss, used, reduction, shape);
  },
  { method: false },
);

/**
 * The cross-entropy of logits [N, C] (or [N, C, *]) with target classes [N] (or [N, *], int64), or with class probabilities of input's shape.
 * @example F.crossEntropy(model.forward(images), labels)
 */
export const crossEntropy: (
  ...args: [...Parameters<ClassLoss<CrossEntropyOptions>>, labelSmoothing?: number | CrossEntropyOptions]
) => Tensor = op(
  "crossEntropy",
  `input: tensor, target: tensor, weight: tensor? = null, ignoreIndex: int = -100, ${reductionParam}, labelSmoothing: float = 0.0`,
  (input: Tensor, given: Tensor, weight: Tensor | null, ignoreIndex: number, reduction: Reduction, smoothing: number) => {
    if (!(smoothing >= 0 && smoothing <= 1))
      throw new ValueError({ op: "crossEntropy", argument: "labelSmoothing", expected: "in [0, 1]", got: String(smoothing) });
    if (isHalf(input)) {
      const target = given.isFloatingPoint() ? given.float() : given;
      const options = { weight: weight?.float() ?? null, ignoreIndex, reduction, labelSmoothing: smoothing };
      return crossEntropy(input.float(), target, options).to(input.dtype);
    }
    if (given.isFloatingPoint()) return softCrossEntropy(input, given, weight, reduction, smoothing);
    const { scores, target, shape } = rowsOf("crossEntropy", input, given);
    const weights = requireWeight("crossEntropy", weight, scores);
    const flags = weights.length;
    const row = { shape: target.shape, dt: scores.dt };
    const attrs = [ignoreIndex, flags, smoothing];
    const [loss, used, logp] = launch.runMany(
      "crossEntropy",
      code("crossEntropy"),
      [scores, target, ...weights],
      [row, row, { shape: scores.shape, dt: scores.dt }],
      attrs,
    ) as [Tensor, Tensor, Tensor];
    if (recorded(scores)) {
      record("crossEntropy", loss, [scores], [scores, logp, target, ...weights], ([g], node) => {
        const [x, lp, y] = [node.tensor(0), node.tensor(1), node.tensor(2)];
        const ws = weights.map((_, i) => node.tensor(3 + i));
        const fast = (): Tensor[] => [launch.run("crossEntropy", code("crossEntropyBackward"), [g!, lp, y, ...ws], x.shape, x.dt, attrs)];
        return fusedGrad(fast, g!, [x], (t) => smoothedLoss(t!, y, ws, ignoreIndex, smoothing));
      });
    }
    return reduceClasses(loss, used, reduction, shape);
  },
  { method: false },
);

function smoothedLoss(scores: Tensor, target: Tensor, weight: readonly Tensor[], ignoreIndex: number, smoothing: number): Tensor {
  const logp = scores.logSoftmax(1);
  const { oneHot, kept } = targetWeights(scores, target, weight, ignoreIndex);
  const hard = logp.mul(oneHot).sum(1).neg();
  if (smoothing === 0) return hard;
  const spreadOut = (weight.length === 0 ? logp : logp.mul(weight[0]!)).sum(1).neg().mul(kept);
  return hard.mul(1 - smoothing).add(spreadOut.mul(smoothing / scores.shape[1]!));
}

/** Cross-entropy with probabilities as target. */
function softCrossEntropy(input: Tensor, target: Tensor, weight: Tensor | null, reduction: Reduction, smoothing: number): Tensor {
  if (!sameShape(input.shape, target.shape)) {
    throw new ShapeError({
      op: "crossEntropy",
      argument: "target",
      expected: `of input's shape ${formatShape(input.shape)} for probabilities`,
      got: formatShape(target.shape),
      hint: 'class indices have an integer dtype, such as tensor([1, 0], { dtype: "int64" })',
    });
  }
  const dim = input.shape.length === 1 ? 0 : 1;
  const classes = input.shape[dim]!;
  const smooth = smoothing === 0 ? target : target.mul(1 - smoothing).add(smoothing / classes);
  const shape = input.shape.map((size, i) => (i === dim ? size : 1));
  const weighted = weight === null ? smooth : smooth.mul(weight.reshape(shape));
  const loss = input.logSoftmax(dim).mul(weighted).sum(dim).neg();
  if (reduction === "mean") return loss.sum().div(numelOf(input.shape) / classes);
  return reduced(loss, reduction);
}

export interface LossOptions {
  reduction?: Reduction;
}
type PairLoss = (input: Tensor, target: Tensor, options?: LossOptions & { weight?: Tensor | null }) => Tensor;

function pairLoss(name: string, each: (input: Tensor, target: Tensor) => Tensor): PairLoss {
  return op<PairLoss>(
    name,
    `input: tensor, target: tensor, *, ${reductionParam}, weight: tensor? = null`,
    (a: Tensor, b: Tensor, reduction: Reduction, weight: Tensor | null) => {
      const loss = each(a, b);
      if (weight === null) return reduced(loss, reduction);
      requireWeightOf(name, weight, a);
      return reduction === "mean" ? loss.mul(weight).sum().div(weight.sum()) : reduced(loss.mul(weight), reduction);
    },
    { method: false },
  );
}
function requireWeightOf(name: string, weight: Tensor, input: Tensor): void {
  if (sameShape(weight.shape, input.shape)) return;
  throw new ShapeError({
    op: name,
    argument: "weight",
    expected: `of input's shape ${formatShape(input.shape)}`,
    got: formatShape(weight.shape),
  });
}
/** As torch: losses of numbers that are floating and real, alone or after promotion. */
function requireReal(name: string, a: Tensor, b: Tensor): void {
  const dt = resultCode(a, b);
  if (isComplex(dt) || isIntegral(dt))
    throw new DTypeError({ op: name, argument: "input", expected: "a real floating dtype", got: launch.dtypeName(dt) });
}
/** The squared difference. Shapes broadcast. */
export const mseLoss = pairLoss("mseLoss", (a, b) => {
  requireReal("mseLoss", a, b);
  return a.sub(b).square();
});
/** The absolute difference. Shapes broadcast. */
export const l1Loss = pairLoss("l1Loss", (a, b) => a.sub(b).abs());

type Beta = (
  input: Tensor,
  target: Tensor,
  reduction?: Reduction | { reduction?: Reduction; beta?: number; delta?: number; weight?: Tensor | null },
  scale?: number | { beta?: number; delta?: number; weight?: Tensor | null },
  weight?: Tensor | null | { weight?: Tensor | null },
) => Tensor;
/** d^2 / 2 up to the kink, then a line of slope kink; an infinite d has a finite gradient, NaN stays NaN. */
function kinked(name: string, a: Tensor, b: Tensor, kink: number): Tensor {
  const dt = resultCode(a, b);
  const difference = castTo(a.detach(), dt).sub(castTo(b.detach(), dt));
  const size = difference.abs();
  const inner = size.clamp({ max: kink });
  const out = inner.square().mul(0.5).add(size.sub(inner).mul(kink));
  if (!recorded(a, b)) return out;
  const forms = [a, b].map(({ shape, dt }) => ({ shape, dt }));
  return record(name, out, [a, b], [a, b], ([g], node) => {
    const slope = g!.mul(
      convertDtype(node.tensor(0), dt)
        .sub(convertDtype(node.tensor(1), dt))
        .clamp(-kink, kink),
    );
    return forms.map(({ shape, dt }, i) => (node.needs(i) ? toInput(i === 0 ? slope : slope.neg(), shape, dt) : null));
  });
}
/** Squared below `beta`, linear above. @param beta default 1 */
export const smoothL1Loss: Beta = op(
  "smoothL1Loss",
  `input: tensor, target: tensor, ${reductionParam}, beta: float = 1.0`,
  (a: Tensor, b: Tensor, reduction: Reduction, beta: number) => {
    if (beta === 0) return l1Loss(a, b, { reduction });
    requireReal("smoothL1Loss", a, b);
    if (beta < 0) throw new ValueError({ op: "smoothL1Loss", argument: "beta", expected: "at least 0", got: String(beta) });
    return reduced(kinked("smoothL1Loss", a, b, beta).div(beta), reduction);
  },
  { method: false },
);
/** Squared below `delta`, linear above, with slope delta. @param delta default 1 */
export const huberLoss: Beta = op(
  "huberLoss",
  `input: tensor, target: tensor, ${reductionParam}, delta: float = 1.0, weight: tensor? = null`,
  (a: Tensor, b: Tensor, reduction: Reduction, delta: number, weight: Tensor | null) => {
    requireReal("huberLoss", a, b);
    if (!(delta > 0)) throw new ValueError({ op: "huberLoss", argument: "delta", expected: "greater than 0", got: String(delta) });
    const loss = convertDtype(kinked("huberLoss", a, b, delta), a.dt);
    if (weight !== null) requireWeightOf("huberLoss", weight, a);
    return reduced(weight === null ? loss : loss.mul(weight), reduction);
  },
  { method: false },
);

type Weighted = (
  input: Tensor,
  target: Tensor,
  weight?: Tensor | null | WeightedOptions,
  reduction?: Reduction | WeightedOptions,
  posWeight?: Tensor | null | WeightedOptions,
) => Tensor;
export interface WeightedOptions extends LossOptions {
  weight?: Tensor | null;
  posWeight?: Tensor | null;
}

function requireSame(name: string, a: Tensor, b: Tensor): void {
  if (!sameShape(a.shape, b.shape))
    throw new ShapeError({ op: name, argument: "target", expected: `of input's shape ${formatShape(a.shape)}`, got: formatShape(b.shape) });
}

/** Binary cross-entropy of logits with targets in [0, 1], without overflow; of target's dtype. @param posWeight multiplies the positive part */
export const binaryCrossEntropyWithLogits: Weighted = op(
  "binaryCrossEntropyWithLogits",
  `input: tensor, target: tensor, weight: tensor? = null, ${reductionParam}, posWeight: tensor? = null`,
  (x: Tensor, y: Tensor, weight: Tensor | null, reduction: Reduction, posWeight: Tensor | null) => {
    requireSame("binaryCrossEntropyWithLogits", x, y);
    if (!isFloating(y.dt))
      throw new DTypeError({ op: "binaryCrossEntropyWithLogits", argument: "target", expected: "a floating dtype", got: y.dtype });
    // (1 - y) x + (1 + (p - 1) y) softplus(-x)
    const soft = x.logsigmoid().neg();
    if (posWeight !== null) refuseGrad("binaryCrossEntropyWithLogits", "posWeight", posWeight);
    const scale = posWeight === null ? null : posWeight.sub(1).mul(y).add(1);
    const loss = y
      .neg()
      .add(1)
      .mul(x)
      .add(scale === null ? soft : scale.mul(soft));
    return reduced(convertDtype(weight === null ? loss : loss.mul(weight), y.dt), reduction);
  },
  { method: false },
);
/** -y log p - (1 - y) log(1 - p) by element; the slope (p - y) / (p (1 - p)) is bounded at 0 and 1, as in torch. */
function probabilityLoss(p: Tensor, y: Tensor): Tensor {
  const logs = (x: Tensor): readonly [Tensor, Tensor] => [x.log().clamp(-100), x.neg().log1p().clamp(-100)];
  const [hit, miss] = logs(p.detach());
  const target = y.detach();
  const out = target.mul(hit).add(target.neg().add(1).mul(miss)).neg();
  if (!recorded(p, y)) return out;
  return record("binaryCrossEntropy", out, [p, y], [p, y], ([g], node) => {
    const [x, t] = [node.tensor(0), node.tensor(1)];
    const [toHit, toMiss] = node.needs(1) ? logs(x) : [x, x];
    const slope = x.sub(t).div(x.neg().add(1).mul(x).clamp(1e-12));
    return [g!.mul(slope), node.needs(1) ? g!.mul(toMiss.sub(toHit)) : null];
  });
}
function requireProbabilities(p: Tensor, y: Tensor): void {
  for (const [argument, x] of [
    ["input", p],
    ["target", y],
  ] as const) {
    if (!x.detach().ge(0).logicalAnd(x.detach().le(1)).all().item())
      throw new ValueError({ op: "binaryCrossEntropy", argument, expected: "numbers in [0, 1]", got: "others" });
  }
}
/** Binary cross-entropy of probabilities with targets in [0, 1]; logarithms are clamped at -100. */
export const binaryCrossEntropy: Weighted = op(
  "binaryCrossEntropy",
  `input: tensor, target: tensor, weight: tensor? = null, ${reductionParam}`,
  (p: Tensor, y: Tensor, weight: Tensor | null, reduction: Reduction) => {
    requireSame("binaryCrossEntropy", p, y);
    requireReal("binaryCrossEntropy", p, y);
    if (y.dt !== p.dt) throw new DTypeError({ op: "binaryCrossEntropy", argument: "target", expected: p.dtype, got: y.dtype });
    requireProbabilities(p, y);
    const loss = probabilityLoss(p, y);
    return reduced(weight === null ? loss : loss.mul(weight.expand(p.shape)), reduction);
  },
  { method: false },
);
/** The Kullback-Leibler divergence of log-probabilities from a target distribution. @param logTarget the target is in log space */
export const klDiv: (input: Tensor, target: Tensor, options?: { reduction?: Reduction | "batchmean"; logTarget?: boolean }) => Tensor = op(
  "klDiv",
  "input: tensor, target: tensor, *, reduction: mean|sum|none|batchmean = mean, logTarget: bool = false",
  (logp: Tensor, target: Tensor, reduction: Reduction | "batchmean", logTarget: boolean) => {
    requireReal("klDiv", logp, target);
    const loss = logTarget ? target.exp().mul(target.sub(logp)) : target.xlogy(target).sub(target.mul(logp));
    if (reduction === "batchmean") return logp.shape.length === 0 ? loss.sum() : loss.sum().div(logp.shape[0]!);
    return reduced(loss, reduction);
  },
  { method: false },
);
