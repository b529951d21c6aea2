/** Tensors on other memory than before (resize_, set_), element by element through a function (apply_, map_), and copies of parts. */
import { withRecording } from "../autograd/mode.js";
import { io, native } from "../runtime/addon.js";
import { dtypes, type DType } from "../tensor/dtype.js";
import { AutogradError, DTypeError, IndexError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { broadcastShapes, numelOf, sameShape } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { empty, full, tensor } from "./creation.js";
import { op, requireTensor } from "./define.js";
import { nonzero } from "./gathering.js";
import { become } from "./in-place-views.js";
import { narrow } from "./pieces.js";
import { inPlaceForms } from "./pointwise.js";
import { bind, parseSignature } from "./schema.js";
import { asStrided } from "./strided.js";

/** As torch: what is given other memory, or values of a function, has no history. */
function requireNoGrad(name: string, t: Tensor): void {
  requireTensor(name, "input", t);
  t.live(name);
  if (t.requiresGrad)
    throw new AutogradError({ op: name, expected: "a tensor that requires no grad", got: "one that does", hint: `call it on detach()` });
}

/** Elements in the storage from the tensor's first on. */
function room(t: Tensor): number {
  native.info(t.live("resize_"));
  return io[3]! / t.elementSize() - t.storageOffset();
}

function resize(target: Tensor, sizes: readonly number[]): Tensor {
  requireNoGrad("resize_", target);
  if (sizes.some((size) => size < 0))
    throw new ShapeError({ op: "resize_", argument: "sizes", expected: "at least 0 each", got: formatShape(sizes) });
  if (sameShape(target.shape, sizes)) return target;
  const strides = sizes.map((_, d) => numelOf(sizes.slice(d + 1).map((size) => Math.max(size, 1))));
  return become("resize_", target, (input) => {
    const count = room(input);
    if (numelOf(sizes) <= count) return asStrided(input, [...sizes], strides, input.storageOffset());
    const grown = empty(numelOf(sizes), { dtype: input.dtype as DType, device: input.device });
    grown.narrow(0, 0, count).copy_(asStrided(input, [count], [1], input.storageOffset()));
    return asStrided(grown, [...sizes], strides, 0);
  });
}

const resizeSignature = parseSignature("input: tensor, *sizes: ints");
inPlaceForms.set("resize_", (...args: unknown[]) => resize(...(bind("resize_", resizeSignature, args) as [Tensor, number[]])));
/** Gives `input` the shape of `other`: its elements in memory's order, new ones undefined. */
export const resizeAs_ = (input: Tensor, other: Tensor): Tensor => {
  requireTensor("resizeAs_", "other", other);
  return resize(input, other.shape);
};
inPlaceForms.set("resizeAs_", resizeAs_);

inPlaceForms.set("set_", (target: Tensor, source?: Tensor) => {
  requireNoGrad("set_", target);
  const given = source ?? empty(0, { dtype: target.dtype as DType, device: target.device });
  requireTensor("set_", "source", given);
  if (given.dt !== target.dt) throw new DTypeError({ op: "set_", argument: "source", expected: target.dtype, got: given.dtype });
  return become("set_", target, () => given.detach());
});

/** Writes what `compute` makes of each element and of those of other tensors at its place. */
function through(name: string, target: Tensor, others: readonly Tensor[], compute: (...values: Scalar[]) => Scalar): Tensor {
  requireNoGrad(name, target);
  if (typeof compute !== "function")
    throw new ValueError({ op: name, argument: "callable", expected: "a function", got: describe(compute) });
  const spread = others.map((other) => {
    requireTensor(name, "tensor", other);
    if (other.dt !== target.dt) throw new DTypeError({ op: name, argument: "tensor", expected: target.dtype, got: other.dtype });
    if (!sameShape(broadcastShapes(name, other.shape, target.shape), target.shape))
      throw new ShapeError({
        op: name,
        argument: "tensor",
        expected: `broadcastable to ${formatShape(target.shape)}`,
        got: formatShape(other.shape),
      });
    return other.detach().expand(target.shape).elements() as Scalar[];
  });
  const values = (target.elements() as Scalar[]).map((value, i) => compute(value, ...spread.map((list) => list[i]!)));
  const answers = tensor(values as number[], { dtype: dtypes[target.dt] as DType, device: target.device });
  return withRecording(false, () => target.copy_(answers.reshape(target.shape)));
}
inPlaceForms.set("apply_", (target: Tensor, callable: never) => through("apply_", target, [], callable));
inPlaceForms.set("map_", (target: Tensor, other: Tensor, callable: never) => through("map_", target, [other], callable));
inPlaceForms.set("map2_", (target: Tensor, x: Tensor, y: Tensor, callable: never) => through("map2_", target, [x, y], callable));

/** A copy of {@link narrow}: `length` places from `start` along `dim`. */
export const narrowCopy: (input: Tensor, dim: number, start: number | Tensor, length: number) => Tensor = op(
  "narrowCopy",
  "input: tensor, dim: int, start: any, length: int",
  (input: Tensor, dim: number, start: number, length: number) => narrow(input, dim, start, length).clone(),
);

/** The first `size` places of non-zero elements, then rows of `fillValue`. Shape [size, dims]; int64. @param fillValue default -1 */
export const nonzeroStatic: (input: Tensor, options: { size: number; fillValue?: number }) => Tensor = op(
  "nonzeroStatic",
  "input: tensor, *, size: int, fillValue: int = -1",
  (input: Tensor, size: number, fillValue: number) => {
    if (size < 0) throw new IndexError({ op: "nonzeroStatic", argument: "size", expected: "at least 0", got: String(size) });
    const found = nonzero(input).narrow(0, 0, Math.min(size, Number(input.countNonzero().item())));
    const out = full([size, input.shape.length], fillValue, { dtype: "int64", device: input.device });
    out.narrow(0, 0, found.shape[0]!).copy_(found);
    return out;
  },
  { differentiable: false },
);
