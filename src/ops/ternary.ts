/** Functions of three operands, element by element: where, clamp, lerp, addcmul, addcdiv, maskedFill. */
import { withRecording } from "../autograd/mode.js";
import { Code, defaultOfCategory, isComplex, isIntegral, promoteTypes, promoteWeak, scalarCategory } from "../tensor/dtype.js";
import { DTypeError, ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, type Shape } from "../tensor/shape.js";
import { Tensor, type Complex, type Scalar } from "../tensor/tensor.js";
import { op, record, recordReading, recorded, resultCode } from "./define.js";
import { fromResult, withInPlace } from "./in-place.js";
import { conjOf, inPlaceForms, promoteAll, requireFits, scalarTensor, toInput } from "./pointwise.js";
import { bind, parseSignature } from "./schema.js";

const ternaryCode = launch.codesOf("ternary");
const unaryAttrCode = launch.codesOf("unaryAttr");

/**
 * Elements of `input` where `condition` is true, of `other` elsewhere. All three broadcast; input and other promote.
 * As a method the receiver is the input: `x.where(x.gt(0), 0)`.
 * Of the condition alone: where it is true, one vector of positions a dim.
 * @example where(tensor([true, false]), 1, tensor([5, 6])) // [1., 6.]
 */
export const where: Where = op<Where>(
  "where",
  "condition: tensor, input: operand? = null, other: operand? = null",
  (condition: Tensor, a: Tensor | Scalar | null, b: Tensor | Scalar | null) => {
    if (a === null && b === null) return nonzeroOf(condition);
    if (a === null || b === null)
      throw new ValueError({ op: "where", argument: a === null ? "input" : "other", expected: "a Tensor or a number", got: "nothing" });
    if (condition.dt !== Code.bool && condition.dt !== Code.uint8) {
      throw new DTypeError({ op: "where", argument: "condition", expected: "a bool tensor", got: condition.dtype });
    }
    const [x, y, dt] = choices(a, b, condition.dev);
    const shape = broadcastShapes("where", condition.shape, broadcastShapes("where", x.shape, y.shape));
    const out = launch.ternary("where", ternaryCode("where"), condition, x, y, 0, shape, dt);
    if (recorded(x, y)) recordWhere(out, condition, x, y);
    return out;
  },
  { method: false },
);

interface Where {
  (condition: Tensor, input: Tensor | Scalar, other: Tensor | Scalar): Tensor;
  (condition: Tensor): Tensor[];
}
let nonzeroOf: (condition: Tensor) => Tensor[];
/** Given by src/ops/gathering.ts, which is above this file. */
export function setNonzero(given: typeof nonzeroOf): void {
  nonzeroOf = given;
}

function choices(a: Tensor | Scalar, b: Tensor | Scalar, dev: number): [Tensor, Tensor, number] {
  if (a instanceof Tensor && b instanceof Tensor) return [a, b, resultCode(a, b)];
  if (a instanceof Tensor || b instanceof Tensor) {
    const { tensors, dt } = promoteAll("where", [a, b]);
    return [tensors[0]!, tensors[1]!, dt];
  }
  const dt = promoteTypes(defaultOfCategory(scalarCategory(a)), defaultOfCategory(scalarCategory(b)));
  return [scalarTensor(a, dt, dev), scalarTensor(b, dt, dev), dt];
}

function recordWhere(out: Tensor, condition: Tensor, x: Tensor, y: Tensor): void {
  const { shape: xShape, dt: xDt } = x;
  const { shape: yShape, dt: yDt } = y;
  record("where", out, [x, y], [condition], ([g], node) => [
    node.needs(0) ? toInput(where(node.tensor(0), g!, 0), xShape, xDt) : null,
    node.needs(1) ? toInput(where(node.tensor(0), 0, g!), yShape, yDt) : null,
  ]);
}

type Bound = Tensor | Scalar | null;
/** Options of {@link clamp}. */
export interface ClampOptions {
  min?: Bound;
  max?: Bound;
}

const clampParams = parseSignature("input: tensor, min: operand? = null, max: operand? = null");

function clampOf(name: string, input: Tensor, min: Bound, max: Bound): Tensor {
  if (min === null && max === null) throw new ValueError({ op: name, expected: "min, max or both", got: "neither" });
  // Beside a number, a 0-d tensor without history counts as one.
  if (isConstant(min) && max !== null && !(max instanceof Tensor)) return clampOf(name, input, min.item(), max);
  if (isConstant(max) && min !== null && !(min instanceof Tensor)) return clampOf(name, input, min, max.item());
  if (min instanceof Tensor || max instanceof Tensor) return clampByTensors(name, input, min, max);
  let dt = input.dt;
  for (const bound of [min, max]) if (bound !== null) dt = boundCode(new Tensor(input.shape, dt, input.dev), bound);
  if (dt === Code.bool) throw new DTypeError({ op: name, argument: "input", expected: "a dtype other than bool", got: "bool" });
  const row = max === null ? "clampMin" : min === null ? "clampMax" : "clamp";
  const lo = min === null ? -Infinity : Number(min);
  const hi = max === null ? Infinity : Number(max);
  const out = launch.unaryAttr(name, unaryAttrCode(row), input, row === "clampMax" ? hi : lo, hi, dt);
  if (recorded(input)) record("clamp", out, [input], [input], ([g], node) => [clampGrad(g!, node.tensor(0), lo, hi)]);
  return out;
}

const isConstant = (bound: Bound): bound is Tensor => bound instanceof Tensor && bound.shape.length === 0 && !bound.requiresGrad;

/** Limits to tensors: one bound is a maximum or minimum; between two, torch shares the gradient in a way of its own. */
function clampByTensors(name: string, input: Tensor, lo: Bound, hi: Bound): Tensor {
  for (const bound of [lo, hi]) {
    if (bound !== null && !(bound instanceof Tensor))
      throw new ValueError({ op: name, expected: "two numbers or two tensors", got: `a tensor and ${describe(bound)}` });
  }
  if (hi === null) return input.maximum(lo as Tensor);
  if (lo === null) return input.minimum(hi as Tensor);
  const [low, high] = [lo as Tensor, hi as Tensor];
  if ([input, low, high].every((x) => x.dt === Code.bool))
    throw new DTypeError({ op: "clamp", argument: "input", expected: "a dtype other than bool", got: "bool" });
  const out = withRecording(false, () => input.maximum(low).minimum(high));
  if (!recorded(input, low, high)) return out;
  const forms = [input, low, high].map(({ shape, dt }) => ({ shape, dt }));
  return record("clamp", out, [input, low, high], [input, low, high], ([g], node) => {
    const [x, a, b] = [node.tensor(0), node.tensor(1), node.tensor(2)];
    const parts = clampShares(g!, x, a, b);
    return parts.map((part, i) => (node.needs(i) ? toInput(part(), forms[i]!.shape, forms[i]!.dt) : null));
  });
}

/** Who gets the gradient of clamp(x, a, b): halves at a bound, all to x at a NaN of its own or where a = x = b, all to b where a > b. */
function clampShares(g: Tensor, x: Tensor, a: Tensor, b: Tensor): readonly (() => Tensor)[] {
  const [open, crossed] = [a.lt(b), a.gt(b)];
  const half = g.mul(0.5);
  return [
    () => {
      const cut = x.lt(a).logicalOr(x.gt(b)).logicalOr(crossed);
      const shares = x.eq(a).logicalOr(x.eq(b)).logicalAnd(open);
      return where(x.isnan(), g, where(cut, 0, where(shares, half, g)));
    },
    () => where(x.lt(a).logicalAnd(a.le(b)), g, where(x.eq(a).logicalAnd(open), half, 0)),
    () => where(x.gt(b).logicalAnd(a.le(b)).logicalOr(crossed), g, where(x.eq(b).logicalAnd(open), half, 0)),
  ];
}

/** Passes where lo < x < hi; nothing at the bounds, as in torch 2.15. */
function clampGrad(g: Tensor, x: Tensor, lo: number, hi: number): Tensor {
  if (hi === Infinity) return where(x.gt(lo), g, 0);
  return where(lo === -Infinity ? x.lt(hi) : x.gt(lo).logicalAnd(x.lt(hi)), g, 0);
}

const boundCode = (input: Tensor, bound: Scalar): number => promoteWeak(input.dt, defaultOfCategory(scalarCategory(bound)));

/** Limits elements to [min, max]; bounds are two numbers or two tensors that broadcast, null for none. Shape [*]. NaN stays. */
export const clamp: (input: Tensor, min?: Bound | ClampOptions, max?: Bound | ClampOptions) => Tensor = op(
  "clamp",
  "input: tensor, min: operand? = null, max: operand? = null",
  (input: Tensor, min: Bound, max: Bound) => clampOf("clamp", input, min, max),
  { inPlace: true },
);
type Limit = (input: Tensor, bound: Tensor | Scalar) => Tensor;
/** The larger of each element and `min`, a number or a tensor that broadcasts. Shape [*]. */
export const clampMin: Limit = withInPlace(
  "clampMin",
  op("clampMin", "input: tensor, min: operand", (input: Tensor, min: Tensor | Scalar) => clampOf("clampMin", input, min, null)),
);
/** The smaller of each element and `max`, a number or a tensor that broadcasts. Shape [*]. */
export const clampMax: Limit = withInPlace(
  "clampMax",
  op("clampMax", "input: tensor, max: operand", (input: Tensor, max: Tensor | Scalar) => clampOf("clampMax", input, null, max)),
);
inPlaceForms.set("clamp_", (...args: unknown[]) => {
  const [target, min, max] = bind("clamp_", clampParams, args) as [Tensor, Bound, Bound];
  return fromResult("clamp_", target, [min, max], (before) => clampOf("clamp_", before, min, max));
});

function three(
  name: string,
  row: string,
  a: Tensor,
  b: Tensor | Scalar,
  c: Tensor | Scalar,
  p0: number,
): { out: Tensor; tensors: readonly Tensor[] } {
  const { tensors, shape, dt } = promoteAll(name, [a, b, c]);
  if (name === "addcmul" && dt === Code.bool) throw new DTypeError({ op: name, expected: "operands that are not all bool", got: "bool" });
  return { out: launch.ternary(name, ternaryCode(row), tensors[0]!, tensors[1]!, tensors[2]!, p0, shape, dt), tensors };
}

type TernaryGrad = (g: Tensor, input: (i: number) => Tensor) => readonly [() => Tensor, () => Tensor, () => Tensor];

function recordThree(name: string, out: Tensor, tensors: readonly Tensor[], reads: readonly number[], rules: TernaryGrad): Tensor {
  if (!recorded(tensors[0]!, tensors[1], tensors[2])) return out;
  const forms: readonly { shape: Shape; dt: number }[] = tensors.map(({ shape, dt }) => ({ shape, dt }));
  return recordReading(name, out, tensors, reads, (g, input, node) => {
    const grads = rules(g, (i) => conjOf(input(i)));
    return grads.map((grad, i) => (node.needs(i) ? toInput(grad(), forms[i]!.shape, forms[i]!.dt) : null));
  });
}

/** input + weight * (end - input); weight is a number or a tensor. Floating and complex, one dtype. Shapes broadcast. */
export const lerp: (input: Tensor, end: Tensor, weight: Tensor | Scalar) => Tensor = op(
  "lerp",
  "input: tensor, end: tensor, weight: operand",
  (input: Tensor, end: Tensor, weight: Tensor | Scalar) => {
    requireOneDtype(input, end, weight);
    const { out, tensors } = three("lerp", "lerp", input, end, weight, 0);
    return recordThree("lerp", out, tensors, [4, 4, 3], (g, input) => [
      () => g.mul(input(2).neg().add(1)),
      () => g.mul(input(2)),
      () => g.mul(input(1).sub(input(0))),
    ]);
  },
  { inPlace: true },
);

function requireOneDtype(input: Tensor, end: Tensor, weight: Tensor | Scalar): void {
  if (isIntegral(input.dt))
    throw new DTypeError({ op: "lerp", argument: "input", expected: "a floating or complex dtype", got: input.dtype });
  if (end.dt !== input.dt) throw new DTypeError({ op: "lerp", argument: "end", expected: input.dtype, got: end.dtype });
  if (weight instanceof Tensor ? weight.shape.length > 0 && weight.dt !== input.dt : typeof weight === "object" && !isComplex(input.dt))
    throw new DTypeError({
      op: "lerp",
      argument: "weight",
      expected: input.dtype,
      got: weight instanceof Tensor ? weight.dtype : "complex",
    });
}

const addcSignature = "input: tensor, tensor1: tensor, tensor2: tensor, *, value: scalar = 1";
type Addc = (input: Tensor, tensor1: Tensor, tensor2: Tensor, options?: { value?: Scalar }) => Tensor;

/** a * b by a complex number, which only complex results can hold. */
function fittingProduct(name: string, input: Tensor, a: Tensor, b: Tensor, value: Complex): Tensor {
  requireFits(name, value, promoteTypes(input.dt, promoteTypes(a.dt, b.dt)));
  return a.mul(b).mul(value);
}

/** input + value * tensor1 * tensor2. Shapes broadcast. */
export const addcmul: Addc = op(
  "addcmul",
  addcSignature,
  (input: Tensor, a: Tensor, b: Tensor, value: Scalar) => {
    if (typeof value === "object") return input.add(fittingProduct("addcmul", input, a, b, value));
    const v = Number(value);
    const { out, tensors } = three("addcmul", "addcmul", input, a, b, v);
    return recordThree("addcmul", out, tensors, [0, 4, 2], (g, input) => [
      () => g,
      () => g.mul(input(2)).mul(v),
      () => g.mul(input(1)).mul(v),
    ]);
  },
  { inPlace: true },
);

/** input + value * tensor1 / tensor2. Shapes broadcast; integer division is refused. */
export const addcdiv: Addc = op(
  "addcdiv",
  addcSignature,
  (input: Tensor, a: Tensor, b: Tensor, value: Scalar) => {
    if (isIntegral(a.dt) && isIntegral(b.dt)) {
      throw new DTypeError({ op: "addcdiv", argument: "tensor1", expected: "a floating dtype", got: `${a.dtype} and ${b.dtype}` });
    }
    if (typeof value === "object") return input.add(fittingProduct("addcdiv", input, a, b.reciprocal(), value));
    const v = Number(value);
    const { out, tensors } = three("addcdiv", "addcdiv", input, a, b, v);
    return recordThree("addcdiv", out, tensors, [0, 4, 6], (g, input) => [
      () => g,
      () => g.div(input(2)).mul(v),
      () => g.mul(input(1)).div(input(2).square()).mul(-v),
    ]);
  },
  { inPlace: true },
);

for (const [name, compute] of [
  ["lerp", lerp],
  ["addcmul", addcmul],
  ["addcdiv", addcdiv],
] as const) {
  inPlaceForms.set(`${name}_`, (target: Tensor, ...args: never[]) => {
    const run = compute as unknown as (input: Tensor, ...rest: unknown[]) => Tensor;
    return fromResult(`${name}_`, target, args, (before) => run(before, ...args));
  });
}

const maskedSignature = "input: tensor, mask: tensor, value: operand";
const maskedParams = parseSignature(maskedSignature);
/** `input` with `value` where `mask` (bool, broadcastable to input's shape) is true. */
export const maskedFill: (input: Tensor, mask: Tensor, value: Tensor | Scalar) => Tensor = op(
  "maskedFill",
  maskedSignature,
  (input: Tensor, mask: Tensor, value: Tensor | Scalar) => {
    if (mask.dt !== Code.bool) throw new DTypeError({ op: "maskedFill", argument: "mask", expected: "a bool tensor", got: mask.dtype });
    if (value instanceof Tensor && value.shape.length > 0) {
      throw new ValueError({
        op: "maskedFill",
        argument: "value",
        expected: "a number or a 0-d tensor",
        got: `a tensor with ${value.shape.length} dims`,
      });
    }
    if (value instanceof Tensor && isComplex(value.dt) && !isComplex(input.dt)) requireFits("maskedFill", value.item<Complex>(), input.dt);
    const filled = where(mask, value instanceof Tensor ? value : scalarTensor(value, input.dt, input.dev), input);
    return filled.dt === input.dt ? filled : filled.to(input.dtype);
  },
  { inPlace: true },
);
inPlaceForms.set("maskedFill_", (...args: unknown[]) => {
  const [target, mask, value] = bind("maskedFill_", maskedParams, args) as [Tensor, Tensor, Tensor | Scalar];
  return fromResult("maskedFill_", target, [value], (before) => maskedFill(before, mask, value));
});
