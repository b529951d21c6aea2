/** How an op is declared: the registry, recording for backward, and the in-place form of any out-of-place op. */
import { isGradEnabled, withRecording } from "../autograd/mode.js";
import { Node, edgeOf, markChanged, rewriteHistory, type BackwardRule, type Edge } from "../autograd/node.js";
import { save, type Saved } from "../autograd/saved.js";
import { native } from "../runtime/addon.js";
import { Batched, batching } from "../tensor/batched.js";
import { Code, dtypes, isComplex, promoteTypes, promoteWeak } from "../tensor/dtype.js";
import { AutogradError, DTypeError, DeviceError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { done, made } from "../tensor/launch.js";
import { sameShape, type Shape } from "../tensor/shape.js";
import { Tensor, metaOf } from "../tensor/tensor.js";
import { bind, parseSignature, type Param } from "./schema.js";

/** What tests, docs and the support table read of a declared op. */
export interface OpInfo {
  readonly name: string;
  readonly params: readonly Param[];
  /** Offered as a method of Tensor, too (tensor-methods.ts lists them). */
  readonly method: boolean;
  /** Has an in-place method `name_`. */
  readonly inPlace: boolean;
  readonly differentiable: boolean;
}

/** Every op by name. */
export const registry = new Map<string, OpInfo>();

type AnyFunction = (...args: never[]) => unknown;

export interface OpOptions {
  /** Default true: the op is a method of Tensor, its first parameter the receiver. */
  readonly method?: boolean;
  /** Default false. */
  readonly inPlace?: boolean;
  /** Default true. */
  readonly differentiable?: boolean;
}

/** Declares an op: `signature` is its one parameter list, `body` gets the converted values in that order. */
export function op<F extends AnyFunction>(
  name: string,
  signature: string,
  body: (...values: never[]) => unknown,
  options: OpOptions = {},
): F {
  const params = parseSignature(signature);
  const run = body as unknown as (...values: unknown[]) => unknown;
  const bound = (...args: unknown[]): unknown => run(...bind(name, params, args));
  const call = (...args: unknown[]): unknown => (batching === null ? bound(...args) : batching(name, bound, args));
  enter(name, params, options);
  return Object.defineProperty(shortcut(params, run, call), "name", { value: name }) as unknown as F;
}

/** `call`, or at once `run` where the arguments of an op on one tensor, two, or one and sizes are as they should be. */
function shortcut(params: readonly Param[], run: (...values: unknown[]) => unknown, call: typeof run): typeof run {
  const shape = params.map(({ kind, rest, keywordOnly }) => (keywordOnly ? "?" : (rest ? "*" : "") + kind)).join(" ");
  const isPlain = (value: unknown): boolean => value instanceof Tensor && batching === null;
  switch (shape) {
    case "tensor":
      return (...args) => (args.length === 1 && isPlain(args[0]) ? run(args[0]) : call(...args));
    case "tensor tensor":
      return (...args) => (args.length === 2 && isPlain(args[0]) && isPlain(args[1]) ? run(args[0], args[1]) : call(...args));
    case "tensor *ints":
    case "tensor *sizes":
      return (input, ...sizes) =>
        isPlain(input) && sizes.length > 0 && sizes.every(Number.isInteger) ? run(input, sizes) : call(input, ...sizes);
    default:
      return call;
  }
}

/** Registers a function that binds its own arguments (the hot ops). */
export function register<F extends AnyFunction>(name: string, params: readonly Param[], call: F, options: OpOptions = {}): F {
  enter(name, params, options);
  return dispatched(name, call);
}

function enter(name: string, params: readonly Param[], { method = true, inPlace = false, differentiable = true }: OpOptions): void {
  registry.set(name, { name, params, method, inPlace, differentiable });
}

/** `call` under a name, which goes through vmap while one is under way. */
export function dispatched<F extends AnyFunction>(name: string, call: F): F {
  const run = call as unknown as (...args: unknown[]) => unknown;
  const entry = function (a?: unknown, b?: unknown, ...rest: unknown[]): unknown {
    const plain = b === undefined && rest.length === 0;
    if (batching !== null) return batching(name, run, plain ? (a === undefined ? [] : [a]) : [a, b, ...rest]);
    return plain ? (a === undefined ? run() : run(a)) : rest.length === 0 ? run(a, b) : run(a, b, ...rest);
  };
  Object.defineProperty(entry, "name", { value: name });
  return entry as unknown as F;
}

export function requireTensor(op: string, argument: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new ValueError({ op, argument, expected: "a Tensor", got: describe(value) });
}

/** Tensors of one op must share a device; two-operand pointwise ops also take 0-d tensors of the CPU. */
export function requireSameDevice(op: string, a: Tensor, b: Tensor): void {
  if (a.dev !== b.dev) {
    throw new DeviceError({
      op,
      expected: "tensors on one device",
      got: `${a.device} and ${b.device}`,
      hint: `move one with .to("${a.device}")`,
    });
  }
}

/** The dtype of an op on two tensors: 0-d operands count by category only (torch.result_type). */
export function resultCode(a: Tensor, b: Tensor): number {
  if (a.dt === b.dt) return a.dt;
  const aZero = a.shape.length === 0;
  const bZero = b.shape.length === 0;
  if (aZero === bZero) return promoteTypes(a.dt, b.dt);
  return aZero ? promoteWeak(b.dt, a.dt) : promoteWeak(a.dt, b.dt);
}

/** `a` with another dtype; itself when it has it. Unrecorded: callers record. */
export function castTo(a: Tensor, dt: number): Tensor {
  return a.dt === dt ? a : made("to", a.shape, dt, a.dev, [a], (owner) => native.cast(a.handle, dt, owner));
}

// -- recording

// PyTorch's names of nodes where they are not the op's; a number is that of its overload.
const nodeNames: Readonly<Record<string, string>> = {
  reshape: "View", viewAs: "View", flatten: "View", swapaxes: "Transpose", swapdims: "Transpose", movedim: "Permute", narrow: "Slice", chunk: "Split",
  expandAs: "Expand", broadcastTo: "Expand", fix: "Trunc", square: "Pow", log1p: "Log1P", deg2rad: "Deg2Rad", rad2deg: "Rad2Deg", norm: "LinalgVectorNorm",
  divFloor: "Div2", divTrunc: "Div2", sumDim: "Sum1", meanDim: "Mean1", maxAll: "Max1", minAll: "Min1",
  linearBias: "Addmm", clamp: "Clamp1", matmul: "UnsafeView", linear: "UnsafeView",
}; // prettier-ignore

/** The name of an op's node: `sum` has SumBackward0, over dims SumBackward1. */
export function backwardName(op: string): string {
  const name = nodeNames[op] ?? `${op[0]!.toUpperCase()}${op.slice(1)}`;
  const overload = op in nodeNames && /\d$/.test(name) ? name.at(-1)! : "";
  return `${overload === "" ? name : name.slice(0, -1)}Backward${overload === "" ? "0" : overload}`;
}

/** Makes `out` the recorded result of an op on `inputs`. Call only when {@link recorded} says so. */
export function record(name: string, out: Tensor, inputs: readonly Tensor[], saved: readonly Tensor[], rule: BackwardRule): Tensor {
  recordMany(name, [out], inputs, saved, rule);
  return out;
}

const onesIn = [0, 1, 1, 2, 1, 2, 2, 3];

/**
 * As {@link record} for up to three inputs, of which only those are kept that a gradient somebody needs will read.
 * @param reads for the gradient of each input, which inputs it reads: the bits 1, 2 and 4
 */
export function recordReading(
  name: string,
  out: Tensor,
  inputs: readonly Tensor[],
  reads: readonly number[],
  rule: (g: Tensor, input: (i: number) => Tensor, node: Node) => readonly (Tensor | null)[],
): Tensor {
  let read = 0;
  for (let i = 0; i < inputs.length; i++) if (inputs[i]!.requiresGrad) read |= reads[i]!;
  const kept = inputs.filter((_, i) => (read >> i) & 1);
  return record(name, out, inputs, kept, ([g], node) => rule(g!, (i) => node.tensor(onesIn[read & ((1 << i) - 1)]!), node));
}

export function recordMany(
  name: string,
  outs: readonly (Tensor | null)[],
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  rule: BackwardRule,
): void {
  for (const t of inputs) if (t instanceof Batched) throw t.gone(name);
  const edges: (Edge | null)[] = new Array(inputs.length);
  for (let i = 0; i < inputs.length; i++) edges[i] = edgeOf(inputs[i]!);
  const keep: Saved[] = new Array(saved.length);
  for (let i = 0; i < saved.length; i++) keep[i] = save(saved[i]!, outs);
  const node = new Node(backwardName(name), edges, outs.length, rule, keep);
  outs.forEach((out, i) => {
    if (out === null) return;
    const meta = metaOf(out);
    meta.gradFn = node;
    meta.output = i;
  });
}

/** `out`, its node under the name that torch shows for the composition. */
export function shownAs(op: string, out: Tensor): Tensor {
  const node = out.ag?.gradFn;
  if (node != null) (node as Node).name = backwardName(op);
  return out;
}

/** True when an op on these inputs must be recorded. */
export function recorded(a: Tensor, b?: Tensor | null, c?: Tensor | null): boolean {
  return (a.requiresGrad || (b != null && b.requiresGrad) || (c != null && c.requiresGrad)) && isGradEnabled();
}

export const recordedAny = (inputs: readonly Tensor[]): boolean => inputs.some((t) => t.requiresGrad) && isGradEnabled();

/** The rule of an op that PyTorch records, but cannot differentiate. */
export const noDerivative = (op: string, hint?: string) => (): never => {
  throw new AutogradError({ op, expected: "an op with a derivative", got: op, ...(hint === undefined ? {} : { hint }) });
};

/** As torch: an op without a derivative for complex numbers refuses complex tensors that require one. */
export function requireRealGrad(op: string, ...inputs: readonly Tensor[]): void {
  if (!inputs.some((t) => isComplex(t.dt)) || !recordedAny(inputs)) return;
  throw new AutogradError({ op, expected: "real tensors, or ones that need no gradient", got: "complex ones that require grad" });
}

// -- in place

// Ops that this file needs and that are declared above it.
interface Late {
  clone(t: Tensor): Tensor;
}
let late: Late;
export function setLate(given: Late): void {
  late = given;
}

/**
 * Runs an op in place. Unrecorded, `write` changes the memory directly. Recorded, the result is computed by `compute` on a copy
 * that keeps the old history, written back, and its history becomes the target's (its base's, when the target is a view).
 */
export function inPlace(
  name: string,
  target: Tensor,
  others: readonly Tensor[],
  write: () => void,
  compute: (before: Tensor) => Tensor,
): Tensor {
  target.live(name);
  if (!recordedAny([target, ...others])) {
    write();
    markChanged(target, name);
    return target;
  }
  const base = target.ag?.view?.base ?? target;
  if (base.isLeaf && base.requiresGrad) {
    throw new AutogradError({
      op: name,
      expected: base === target ? "a tensor that is not a leaf requiring grad" : "a tensor that is not a view of a leaf requiring grad",
      got: `one of shape ${formatShape(target.shape)}`,
      hint: "wrap the change in noGrad(() => ...), or work on a clone()",
    });
  }
  if (target.ag?.view?.many === true)
    throw new AutogradError({
      op: name,
      expected: "a view that one op made alone",
      got: "one of several, as split and unbind make",
      hint: "work on a clone(), or on a narrow() or select() of the whole",
    });
  const before = withRecording(false, () => late.clone(target));
  const edge = edgeOf(target);
  if (edge !== null) {
    const meta = metaOf(before);
    meta.gradFn = edge.node;
    meta.output = edge.output;
  }
  const result = compute(before);
  rebase(name, target, result);
  return target;
}

/** Writes a recorded result into `target` and hands over its history. */
export function rebase(name: string, target: Tensor, result: Tensor): void {
  requireWritable(name, target, result.shape, result.dt);
  done(name, native.copyInto(target.handle, result.handle), target, result);
  markChanged(target, name);
  const view = target.ag?.view;
  if (view == null) {
    rewriteHistory(target, edgeOf(result));
    return;
  }
  const { base, replay } = view;
  const node = new Node("CopySlices", [edgeOf(base), edgeOf(result)], 1, ([g]) => splitGrad(g!, replay), []);
  rewriteHistory(base, { node, output: 0 });
}

/** The gradient of a base without the slice, and of the slice. */
function splitGrad(g: Tensor, replay: (base: Tensor) => Tensor): readonly Tensor[] {
  const rest = late.clone(g);
  const slice = replay(rest);
  const part = late.clone(slice);
  inPlace(
    "zero_",
    slice,
    [],
    () => done("zero_", native.fill(slice.handle, 0), slice),
    (before) => before.mul(0),
  );
  return [rest, part];
}

/** An in-place result must fit its target: same shape after broadcasting, a dtype that may be cast to the target's. */
export function requireWritable(name: string, target: Tensor, shape: Shape, dt: number): void {
  if (!sameShape(target.shape, shape)) {
    throw new ShapeError({
      op: name,
      expected: `a result of the tensor's own shape ${formatShape(target.shape)}`,
      got: formatShape(shape),
    });
  }
  if (!canCast(dt, target.dt)) {
    throw new DTypeError({ op: name, expected: `a result that can be stored as ${target.dtype}`, got: dtypes[dt]! });
  }
}

/** torch.can_cast: never from a higher category to a lower one, save that bool takes bool only. */
export function canCast(from: number, to: number): boolean {
  const rank = (code: number): number => (code === Code.bool ? 0 : code <= Code.int64 ? 1 : code <= Code.float64 ? 2 : 3);
  return rank(from) <= rank(to);
}
