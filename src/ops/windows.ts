/** Window functions of signal processing: hann, hamming, blackman, bartlett, kaiser. */
import { defaultDtypeCode, isFloating, type DType } from "../tensor/dtype.js";
import { DTypeError, ValueError } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { arange, ones, type TensorOptions } from "./creation.js";
import { op } from "./define.js";

const making = "*, dtype: dtype? = null, device: device? = null, requiresGrad: bool = false";
const plain = { method: false, differentiable: false } as const;

/** The numbers 0 to n - 1, and n - 1 itself, for a window that `shape` turns into its values. */
type Shape = (at: Tensor, last: number) => Tensor;

/** Windows of `windowLength` points; a periodic one is a symmetric one of a point more, without the last. */
function windowOf(name: string, length: number, periodic: boolean, dt: number | null, requiresGrad: boolean, shape: Shape): Tensor {
  const dtype = launch.dtypeName(dt ?? defaultDtypeCode()) as DType;
  if (!isFloating(dt ?? defaultDtypeCode()))
    throw new DTypeError({ op: name, argument: "dtype", expected: "a floating dtype", got: dtype });
  if (length < 0) throw new ValueError({ op: name, argument: "windowLength", expected: "at least 0", got: String(length) });
  if (length < 2) return ones(length, { dtype, requiresGrad });
  const points = periodic ? length + 1 : length;
  const values = shape(arange(points, { dtype: "float64" }), points - 1).narrow(0, 0, length);
  const out = values.to(dtype).contiguous();
  return requiresGrad ? out.requiresGrad_() : out;
}

type WindowOptions = TensorOptions & { periodic?: boolean };
type Window = (windowLength: number, periodic?: boolean | WindowOptions, options?: WindowOptions) => Tensor;

function simple(name: string, shape: Shape): Window {
  return op<Window>(
    name,
    `windowLength: int, periodic: bool = true, ${making}`,
    (length: number, periodic: boolean, dt: number | null, _dev: unknown, requiresGrad: boolean) =>
      windowOf(name, length, periodic, dt, requiresGrad, shape),
    plain,
  );
}

const cosine = (at: Tensor, last: number, turns: number): Tensor => at.mul((2 * Math.PI * turns) / last).cos();

/** Hann's window, (1 - cos(2 pi n / N)) / 2. [windowLength]. @param periodic default true */
export const hannWindow = simple("hannWindow", (at, last) => cosine(at, last, 1).mul(-0.5).add(0.5));
/** Blackman's window. [windowLength]. @param periodic default true */
export const blackmanWindow = simple("blackmanWindow", (at, last) =>
  cosine(at, last, 2).mul(0.08).add(cosine(at, last, 1).mul(-0.5)).add(0.42).clamp(0),
); // prettier-ignore
/** Bartlett's triangular window. [windowLength]. @param periodic default true */
export const bartlettWindow = simple("bartlettWindow", (at, last) =>
  at.mul(2 / last).sub(1).abs().neg().add(1),
); // prettier-ignore

type HammingOptions = WindowOptions & { alpha?: number; beta?: number };
/** Hamming's window, alpha - beta cos(2 pi n / N). [windowLength]. @param alpha default 0.54 @param beta default 0.46 */
export const hammingWindow: (
  windowLength: number,
  periodic?: boolean | HammingOptions,
  alpha?: number | HammingOptions,
  beta?: number | HammingOptions,
  options?: HammingOptions,
) => Tensor = op(
  "hammingWindow",
  `windowLength: int, periodic: bool = true, alpha: float = 0.54, beta: float = 0.46, ${making}`,
  (length: number, periodic: boolean, alpha: number, beta: number, dt: number | null, _dev: unknown, requiresGrad: boolean) =>
    windowOf("hammingWindow", length, periodic, dt, requiresGrad, (at, last) => cosine(at, last, 1).mul(-beta).add(alpha)),
  plain,
);

/** The modified Bessel function of order 0, by its power series; windows need few points of it. */
function besselI0(x: Tensor): Tensor {
  const quarter = x.square().div(4);
  let [term, sum] = [quarter.mul(0).add(1), quarter.mul(0).add(1)];
  const most = Number(x.amax().item());
  for (let k = 1; k <= 30 + most; k++) {
    term = term.mul(quarter).div(k * k);
    sum = sum.add(term);
  }
  return sum;
}

type KaiserOptions = WindowOptions & { beta?: number };
/** Kaiser's window, I0(beta sqrt(1 - (2n/N - 1)^2)) / I0(beta). [windowLength]. @param beta default 12 */
export const kaiserWindow: (
  windowLength: number,
  periodic?: boolean | KaiserOptions,
  beta?: number | KaiserOptions,
  options?: KaiserOptions,
) => Tensor = op(
  "kaiserWindow",
  `windowLength: int, periodic: bool = true, beta: float = 12.0, ${making}`,
  (length: number, periodic: boolean, beta: number, dt: number | null, _dev: unknown, requiresGrad: boolean) =>
    windowOf("kaiserWindow", length, periodic, dt, requiresGrad, (at, last) => {
      const x = at.mul(2 / last).sub(1).square().neg().add(1).clamp(0).sqrt().mul(beta); // prettier-ignore
      const whole = besselI0(x.mul(0).add(Math.abs(beta)));
      return besselI0(x.abs()).div(whole);
    }),
  plain,
);
