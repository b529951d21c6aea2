/** Complex numbers: their parts as views, conjugates, angles, and how they are made. */
import { withRecording } from "../autograd/mode.js";
import { io, native } from "../runtime/addon.js";
import { Code, complexOf, defaultDtypeCode, isComplex, isIntegral, realOf } from "../tensor/dtype.js";
import { DTypeError, ShapeError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { castMethod, type Cast } from "./convert.js";
import { castTo, op, record, recorded } from "./define.js";
import { withInPlace } from "./in-place.js";
import { toInput, unary, type Unary } from "./pointwise.js";
import { where } from "./ternary.js";
import { viewOf, type Replay } from "./views.js";

/** The same bytes read as `dt`, with the given sizes, strides and offset in its elements. */
function reinterpret(
  name: string,
  input: Tensor,
  dt: number,
  shape: Shape,
  layout: { strides: readonly number[]; offset: number },
  replay: Replay,
  grad: (g: Tensor) => Tensor,
): Tensor {
  const out = new Tensor(shape, dt, input.dev);
  [...shape, ...layout.strides, layout.offset].forEach((value, i) => (io[i] = value));
  return viewOf(name, input, out, native.reinterpret(input.live(name), dt, shape.length, out), replay, grad);
}

function requireComplex(name: string, input: Tensor): void {
  if (!isComplex(input.dt)) throw new DTypeError({ op: name, argument: "input", expected: "a complex tensor", got: input.dtype });
}

/** A complex tensor as real numbers with one more dim, [*] -> [*, 2]: real part, imaginary part. A view. */
export const viewAsReal: (input: Tensor) => Tensor = op("viewAsReal", "input: tensor", (input: Tensor) => {
  requireComplex("viewAsReal", input);
  const layout = { strides: [...input.stride().map((stride) => 2 * stride), 1], offset: 2 * input.storageOffset() };
  return reinterpret("viewAsReal", input, realOf(input.dt), [...input.shape, 2], layout, viewAsReal, (g) => viewAsComplex(g.contiguous()));
});

/** Real numbers in pairs as complex ones, [*, 2] -> [*]. A view: the pairs must lie side by side. */
export const viewAsComplex: (input: Tensor) => Tensor = op("viewAsComplex", "input: tensor", (input: Tensor) => {
  if (input.dt !== Code.float32 && input.dt !== Code.float64)
    throw new DTypeError({ op: "viewAsComplex", argument: "input", expected: "float32 or float64", got: input.dtype });
  const strides = input.stride().map((stride) => stride / 2);
  const offset = input.storageOffset() / 2;
  if (input.shape.at(-1) !== 2) {
    throw new ShapeError({ op: "viewAsComplex", argument: "input", expected: "a last dim of size 2", got: formatShape(input.shape) });
  }
  if (strides.pop() !== 0.5 || ![...strides, offset].every(Number.isInteger)) {
    throw new ShapeError({
      op: "viewAsComplex",
      argument: "input",
      expected: "pairs that lie side by side",
      got: `strides ${formatShape(input.stride())} from element ${2 * offset}`,
      hint: "use contiguous()",
    });
  }
  const shape = input.shape.slice(0, -1);
  return reinterpret("viewAsComplex", input, complexOf(input.dt), shape, { strides, offset }, viewAsComplex, viewAsReal);
});

function part(name: "real" | "imag", which: 0 | 1, grad: (g: Tensor) => Tensor): (input: Tensor) => Tensor {
  const view = (input: Tensor): Tensor => {
    const layout = { strides: input.stride().map((stride) => 2 * stride), offset: 2 * input.storageOffset() + which };
    return reinterpret(name, input, realOf(input.dt), input.shape, layout, view, grad);
  };
  return view;
}
const realView = part("real", 0, (g) => g.to(launch.dtypeName(complexOf(g.dt)) as "complex64"));
const imagView = part("imag", 1, (g) => complex(g.mul(0), g));

/** The real parts, as a view; a real tensor itself. Shape [*]. */
export const real: (input: Tensor) => Tensor = op("real", "input: tensor", (input: Tensor) =>
  isComplex(input.dt) ? realView(input) : input,
);
/** The imaginary parts of a complex tensor, as a view. Shape [*]. */
export const imag: (input: Tensor) => Tensor = op("imag", "input: tensor", (input: Tensor) => {
  requireComplex("imag", input);
  return imagView(input);
});

const flipSign = unary("conj", { result: "same", grad: (g) => g.conj(), saves: "none" });
/** The complex conjugate of each element; a real tensor itself. Shape [*]. Differs: computed at once, torch marks the tensor. */
export const conj: Unary = (input, ...rest) =>
  input instanceof Tensor && !isComplex(input.dt) && rest.length === 0 ? (input.live("conj"), input) : flipSign(input, ...rest);
/** As {@link conj} (torch.conj_physical). */
export const conjPhysical: Unary = withInPlace(
  "conjPhysical",
  op("conjPhysical", "input: tensor", (input: Tensor) => conj(input)),
);
/** The tensor itself: conjugates are never lazy here (torch.resolve_conj). */
export const resolveConj: Unary = op("resolveConj", "input: tensor", (input: Tensor) => input);

/** The angle in the complex plane, in radians; of a real number 0 or pi. Integers give the default float. Shape [*]. */
export const angle: Unary = op("angle", "input: tensor", (input: Tensor) => {
  if (!isComplex(input.dt)) {
    const x = isIntegral(input.dt) ? castTo(input, defaultDtypeCode()) : input;
    return where(x.lt(0), Math.PI, where(x.isnan(), x, x.mul(0))).to(x.dtype);
  }
  const out = withRecording(false, () => input.imag.atan2(input.real));
  if (!recorded(input)) return out;
  // d angle = Im(dz / z): the gradient is g i z / |z|^2, and 0 at 0.
  return record("angle", out, [input], [input], ([g], node) => {
    const z = node.tensor(0);
    const slope = z.mul({ re: 0, im: 1 }).div(z.abs().square());
    return [where(z.eq(0), 0, slope).mul(g!)];
  });
});

/** The modulus of complex numbers: real; its gradient is g z / |z|, and 0 at 0. */
export function modulus(input: Tensor): Tensor {
  const out = withRecording(false, () => input.real.hypot(input.imag));
  return recorded(input) ? record("abs", out, [input], [input], ([g], node) => [node.tensor(0).sgn().mul(g!)]) : out;
}

/** Complex numbers from their parts (float32 or float64, broadcasting). @example complex(tensor([1]), tensor([2])) // [1.+2.j] */
export const complex: (real: Tensor, imag: Tensor) => Tensor = op(
  "complex",
  "real: tensor, imag: tensor",
  (re: Tensor, im: Tensor) => {
    for (const [argument, t] of [
      ["real", re],
      ["imag", im],
    ] as const) {
      if (t.dt !== Code.float32 && t.dt !== Code.float64)
        throw new DTypeError({ op: "complex", argument, expected: "float32 or float64", got: t.dtype });
    }
    if (re.dt !== im.dt) throw new DTypeError({ op: "complex", expected: "parts of one dtype", got: `${re.dtype} and ${im.dtype}` });
    const out = launch.empty("complex", broadcastShapes("complex", re.shape, im.shape), complexOf(re.dt), re.dev);
    withRecording(false, () => {
      out.real.copy_(re);
      out.imag.copy_(im);
    });
    const [a, b] = [re.shape, im.shape];
    return recorded(re, im) ? record("complex", out, [re, im], [], ([g]) => [toInput(g!.real, a, re.dt), toInput(g!.imag, b, im.dt)]) : out;
  },
  { method: false },
);

/** Complex numbers from moduli and angles (radians): abs * (cos + i sin). */
export const polar: (abs: Tensor, angle: Tensor) => Tensor = op(
  "polar",
  "abs: tensor, angle: tensor",
  (length: Tensor, turn: Tensor) => {
    for (const t of [length, turn]) {
      if (t.dt !== Code.float32 && t.dt !== Code.float64)
        throw new DTypeError({ op: "polar", argument: t === length ? "abs" : "angle", expected: "float32 or float64", got: t.dtype });
    }
    return complex(length.mul(turn.cos()), length.mul(turn.sin()));
  },
  { method: false },
);

/** True where the imaginary part is zero. Shape [*], bool. */
export const isreal: Unary = op(
  "isreal",
  "input: tensor",
  (input: Tensor) => (isComplex(input.dt) ? input.imag.eq(0) : input.eq(input).logicalOr(input.ne(input))),
  { differentiable: false },
);

/** As `to("complex64")`. */
export const cfloat: Cast = castMethod("cfloat", "complex64");
/** As `to("complex128")`. */
export const cdouble: Cast = castMethod("cdouble", "complex128");
