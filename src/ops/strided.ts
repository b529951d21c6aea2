/** Views by strides: diagonals, windows, asStrided. */
import { io, native } from "../runtime/addon.js";
import { dtypes, isComplex, realOf } from "../tensor/dtype.js";
import { IndexError, ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { wrapDim, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { complex } from "./complex.js";
import { arange, ones, zeros } from "./creation.js";
import { op, record, recorded } from "./define.js";
import { checkSizes } from "./schema.js";
import { embed, viewOf, writeSizes, type Replay } from "./views.js";

function stridedOf(
  name: string,
  input: Tensor,
  shape: Shape,
  strides: readonly number[],
  offset: number,
  replay: Replay,
  grad: (g: Tensor) => Tensor,
): Tensor {
  const out = new Tensor(shape, input.dt, input.dev);
  const handle = input.live(name);
  writeSizes([...shape, ...strides, offset]);
  return viewOf(name, input, out, native.asStrided(handle, shape.length, out), replay, grad);
}

type DiagonalOptions = { offset?: number; dim1?: number; dim2?: number };
/** The diagonal of dims dim1 and dim2 as a last dim. */
export const diagonal: (
  input: Tensor,
  offset?: number | DiagonalOptions,
  dim1?: number | DiagonalOptions,
  dim2?: number | DiagonalOptions,
) => Tensor = op(
  "diagonal",
  "input: tensor, offset: int = 0, dim1: dim = 0, dim2: dim = 1",
  (input: Tensor, offset: number, dim1: number, dim2: number) => diagonalOf(input, offset, dim1, dim2),
);
function diagonalOf(input: Tensor, offset: number, dim1: number, dim2: number): Tensor {
  const { shape } = input;
  const a = wrapDim("diagonal", dim1, shape.length, "dim1");
  const b = wrapDim("diagonal", dim2, shape.length, "dim2");
  if (a === b) throw new ValueError({ op: "diagonal", argument: "dim2", expected: "another dim than dim1", got: String(dim2) });
  const strides = input.stride();
  const length = Math.max(0, Math.min(shape[a]! + Math.min(offset, 0), shape[b]! - Math.max(offset, 0)));
  const start = length === 0 ? 0 : offset >= 0 ? offset * strides[b]! : -offset * strides[a]!;
  const keep = shape.map((_, i) => i).filter((i) => i !== a && i !== b);
  const replay: Replay = (base) => diagonalOf(base, offset, dim1, dim2);
  const outShape = [...keep.map((i) => shape[i]!), length];
  return stridedOf(
    "diagonal",
    input,
    outShape,
    [...keep.map((i) => strides[i]!), strides[a]! + strides[b]!],
    input.storageOffset() + start,
    replay,
    (g) => embed(g, shape, replay),
  );
}

const unfoldBackwardCode = launch.codesOf("structured")("unfoldBackward");
/** All windows of `size` along `dim`, `step` apart, as a last dim. */
export const unfold: (input: Tensor, dimension: number, size: number, step: number) => Tensor = op(
  "unfold",
  "input: tensor, dimension: dim, size: int, step: int",
  (input: Tensor, dimension: number, size: number, step: number) => {
    const { shape } = input;
    const d = wrapDim("unfold", dimension, shape.length, "dimension");
    const length = shape[d] ?? 1;
    if (size < 0 || size > length)
      throw new ValueError({ op: "unfold", argument: "size", expected: `within the size ${length} of dim ${d}`, got: String(size) });
    if (step < 1) throw new ValueError({ op: "unfold", argument: "step", expected: "at least 1", got: String(step) });
    const strides = input.stride();
    const windows = Math.floor((length - size) / step) + 1;
    const outShape = shape.length === 0 ? [size] : [...shape.map((n, i) => (i === d ? windows : n)), size];
    const outStrides = shape.length === 0 ? [1] : [...strides.map((s, i) => (i === d ? s * step : s)), strides[d]!];
    const replay: Replay = (base) => unfold(base, dimension, size, step);
    return stridedOf("unfold", input, outShape, outStrides, input.storageOffset(), replay, (g) => unfoldGrad(g, shape, d, size, step));
  },
);
function unfoldGrad(g: Tensor, shape: Shape, d: number, size: number, step: number): Tensor {
  if (isComplex(g.dt)) return complex(unfoldGrad(g.real, shape, d, size, step), unfoldGrad(g.imag, shape, d, size, step));
  const out = launch.run("unfoldBackward", unfoldBackwardCode, [g], shape, g.dt, [d, size, step]);
  return recorded(g) ? record("unfoldBackward", out, [g], [], ([gg]) => [unfold(gg!, d, size, step)]) : out;
}

/** Which elements of a storage a tensor reads. */
interface Geometry {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly start: number;
}

/** The gradient of the storage, where windows add up, as `input` reads it; elements that input reads often share theirs. */
function stridedGrad(g: Tensor, input: Geometry, out: Geometry): Tensor {
  const first = Math.min(input.start, out.start);
  const ends = [input, out].map(({ shape, strides, start }) => shape.reduce((at, n, i) => at + Math.max(0, n - 1) * strides[i]!, start));
  const { dtype, device } = g;
  const elements = arange(Math.max(...ends) + 1 - first, { device });
  const places = ({ shape, strides, start }: Geometry): Tensor => asStrided(elements, shape, strides, start - first).reshape(-1);
  const [to, from] = [places(out), places(input)];
  const storage = zeros(elements.numel(), { dtype, device }).indexAdd(0, to, g.reshape(-1));
  const counts = dtypes[realOf(g.dt)]!;
  const readers = zeros(elements.numel(), { dtype: counts, device }).indexAdd(0, from, ones(from.numel(), { dtype: counts, device }));
  return storage.div(readers.clamp(1)).indexSelect(0, from).reshape(input.shape);
}

/**
 * A view of the storage with any sizes and strides (in elements). Kept in bounds.
 * Differs: a recorded change in place needs an input that is contiguous and begins its storage.
 */
export const asStrided: (
  input: Tensor,
  size: readonly number[],
  stride: readonly number[],
  storageOffset?: number | null | { storageOffset?: number | null },
) => Tensor = op(
  "asStrided",
  "input: tensor, size: ints, stride: ints, storageOffset: int? = null",
  (input: Tensor, size: number[], stride: number[], storageOffset: number | null) => {
    checkSizes("asStrided", size);
    if (size.length !== stride.length || stride.some((s) => s < 0)) {
      throw new ValueError({
        op: "asStrided",
        argument: "stride",
        expected: `${size.length} strides of at least 0`,
        got: describe(stride),
      });
    }
    const offset = storageOffset ?? input.storageOffset();
    native.info(input.live("asStrided"));
    const elements = io[3]! / input.elementSize();
    const last = size.includes(0) ? offset : size.reduce((at, n, i) => at + (n - 1) * stride[i]!, offset);
    if (offset < 0 || last >= Math.max(elements, 1)) {
      throw new IndexError({
        op: "asStrided",
        argument: "size",
        expected: `within the ${elements} elements of the storage`,
        got: `an element at ${last}`,
      });
    }
    const replay: Replay = (base) => asStrided(base, size, stride, offset);
    const { shape } = input;
    const [own, start] = [input.stride(), input.storageOffset()];
    const grad = (g: Tensor): Tensor => stridedGrad(g, { shape, strides: own, start }, { shape: size, strides: stride, start: offset });
    return stridedOf("asStrided", input, size, stride, offset, replay, grad);
  },
);
