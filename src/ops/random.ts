/** Random numbers by Philox: a generator is a seed and a count of launches, so results depend on neither threads nor devices. */
import { Code, category, defaultDtypeCode, isComplex, isFloating, realOf, type DType } from "../tensor/dtype.js";
import { defaultDeviceCode, deviceCode, type Device } from "../tensor/device.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { op, record, recorded } from "./define.js";
import { inPlaceForms } from "./pointwise.js";
import type { TensorOptions } from "./creation.js";
import { viewAsComplex } from "./complex.js";
import { checkSizes } from "./schema.js";

const code = launch.codesOf("structured");

/** A stream of random numbers of its own (torch.Generator). @example new Generator().manualSeed(1) */
export class Generator {
  private seed = 0n;
  private launches = 0;

  /** @param device kept for torch's sake: streams are equal on every device */
  constructor(readonly device: Device = "cpu") {
    deviceCode("Generator", device);
    this.manualSeed(BigInt(Math.floor(Math.random() * 2 ** 53)));
  }

  /** Restarts the stream at a seed: an integer, taken modulo 2^64. */
  manualSeed(seed: number | bigint): this {
    if (typeof seed !== "bigint" && !Number.isInteger(seed))
      throw new ValueError({ op: "manualSeed", argument: "seed", expected: "an integer", got: describe(seed) });
    this.seed = BigInt.asUintN(64, BigInt(seed));
    this.launches = 0;
    return this;
  }

  /** The seed the stream started at. */
  initialSeed(): bigint {
    return this.seed;
  }

  /** The whole state; {@link setState} continues from it. */
  getState(): { readonly seed: bigint; readonly launches: number } {
    return { seed: this.seed, launches: this.launches };
  }

  setState(state: { readonly seed: bigint; readonly launches: number }): this {
    this.seed = state.seed;
    this.launches = state.launches;
    return this;
  }

  /** @internal The attributes "rng" of one launch: seedLo, seedHi, offset. */
  next(): [number, number, number] {
    return trace === null ? this.draw() : trace.fresh(0, () => this.draw());
  }

  private draw(): [number, number, number] {
    return [Number(this.seed & 0xffffffffn), Number(this.seed >> 32n), this.launches++];
  }
}

/** The generator that functions use when none is given. */
export const defaultGenerator: Generator = new Generator();

/** Restarts the default generator at a seed. @example manualSeed(0) */
export const manualSeed = (seed: number | bigint): Generator => defaultGenerator.manualSeed(seed);
/** The seed of the default generator. */
export const initialSeed = (): bigint => defaultGenerator.initialSeed();
/** The state of the default generator (torch.get_rng_state). */
export const getRngState = (): ReturnType<Generator["getState"]> => defaultGenerator.getState();
/** Continues the default generator from a state. */
export const setRngState = (state: ReturnType<Generator["getState"]>): void => void defaultGenerator.setState(state);

/** @internal The generator of an option. */
export function streamOf(name: string, generator: unknown): Generator {
  if (generator === null) return defaultGenerator;
  if (generator instanceof Generator) return generator;
  throw new ValueError({ op: name, argument: "generator", expected: "a Generator or null", got: describe(generator) });
}

export interface RandomOptions extends TensorOptions {
  /** Default: the generator that manualSeed() seeds. */
  generator?: Generator | null;
}
/** @internal */
export const making = "*, generator: generator? = null, dtype: dtype? = null, device: device? = null, requiresGrad: bool = false";
type Sized = (...size: (number | readonly number[] | (RandomOptions & { size?: readonly number[] }))[]) => Tensor;
const plain = { method: false, differentiable: false } as const;

function sized(name: string, kernel: "uniform" | "normal", attrs: readonly [number, number]): Sized {
  const body = (size: number[], generator: unknown, dt: number | null, dev: number | null, requiresGrad: boolean): Tensor => {
    const device = dev ?? defaultDeviceCode();
    const out = drawn(name, kernel, checkSizes(name, size), dt ?? defaultDtypeCode(), device, streamOf(name, generator), attrs);
    return requiresGrad ? out.requiresGrad_() : out;
  };
  return op<Sized>(name, `*size: ints, ${making}`, body, plain);
}
/**
 * A fresh tensor of random numbers. Complex ones have independent parts, of half the variance when normal; uniform half types
 * are whole multiples of their resolution, because rounding would reach the bound. @internal
 */
export function drawn(
  name: string,
  kernel: "uniform" | "normal",
  shape: Shape,
  dt: number,
  dev: number,
  stream: Generator,
  [a, b]: readonly [number, number],
): Tensor {
  if (isComplex(dt)) {
    const scale = kernel === "normal" ? Math.SQRT1_2 : 1;
    return viewAsComplex(drawn(name, kernel, [...shape, 2], realOf(dt), dev, stream, [a * scale, b * scale]));
  }
  requireFloat(name, dt);
  if (kernel === "uniform" && (dt === Code.float16 || dt === Code.bfloat16)) {
    const steps = dt === Code.float16 ? 2 ** 11 : 2 ** 8;
    const draws = launch.run(name, code("randint"), [], shape, dt, [...stream.next(), 0, steps], dev);
    return draws.mul((b - a) / steps).add(a);
  }
  return launch.run(name, code(kernel), [], shape, dt, [...stream.next(), a, b], dev);
}
/** @internal */
export function requireFloat(name: string, dt: number): void {
  if (!isFloating(dt)) throw new DTypeError({ op: name, argument: "dtype", expected: "a floating dtype", got: launch.dtypeName(dt) });
}

/** Uniform numbers in [0, 1). @example rand(2, 3) */
export const rand = sized("rand", "uniform", [0, 1]);
/** Standard normal numbers. @example randn(2, 3, { requiresGrad: true }) */
export const randn = sized("randn", "normal", [0, 1]);

type Like = (input: Tensor, options?: RandomOptions) => Tensor;
const likeOf = (name: string, kernel: "uniform" | "normal"): Like =>
  op<Like>(
    name,
    `input: tensor, ${making}`,
    (input: Tensor, generator: unknown, dt: number | null, dev: number | null, requiresGrad: boolean) => {
      const out = drawn(name, kernel, input.shape, dt ?? input.dt, dev ?? input.dev, streamOf(name, generator), [0, 1]);
      return requiresGrad ? out.requiresGrad_() : out;
    },
    plain,
  );
/** Uniform numbers in [0, 1) with the shape and dtype of `input`. */
export const randLike = likeOf("randLike", "uniform");
/** Standard normal numbers with the shape and dtype of `input`. */
export const randnLike = likeOf("randnLike", "normal");

interface Randint {
  (high: number, size: readonly number[], options?: RandomOptions): Tensor;
  (low: number, high: number, size: readonly number[], options?: RandomOptions): Tensor;
  (low: number, options: RandomOptions & { high: number; size: readonly number[] }): Tensor;
  (options: RandomOptions & { low?: number; high: number; size: readonly number[] }): Tensor;
}
const randintBound = op<(low: number, high: number, size: readonly number[], options?: RandomOptions) => Tensor>(
  "randint",
  `low: int, high: int, size: ints, ${making}`,
  (low: number, high: number, size: number[], generator: unknown, dt: number | null, dev: number | null, requiresGrad: boolean) => {
    if (high <= low) throw new ValueError({ op: "randint", argument: "high", expected: `greater than low = ${low}`, got: String(high) });
    const out = launch.run(
      "randint",
      code("randint"),
      [],
      checkSizes("randint", size),
      dt ?? Code.int64,
      [...streamOf("randint", generator).next(), low, high],
      dev ?? defaultDeviceCode(),
    );
    return requiresGrad ? out.requiresGrad_() : out;
  },
  plain,
);
/** Integers in [low, high), int64 by default; low is 0 when left out. @example randint(10, [3]) */
export const randint: Randint = ((...args: unknown[]) => {
  const call = randintBound as unknown as (...all: unknown[]) => Tensor;
  const [first] = args;
  if (typeof first === "object" && first !== null) return call({ low: 0, ...first });
  const high = typeof args[1] === "object" && args[1] !== null && "high" in args[1];
  return !high && typeof args[1] === "object" ? call(0, ...args) : call(...args);
}) as Randint;

/** The exclusive upper end of `random_()` without bounds: every integer that the dtype represents exactly. */
export const exactIntegers: Readonly<Record<number, number>> = {
  [Code.bool]: 2, [Code.uint8]: 256, [Code.int8]: 128, [Code.int16]: 32768, [Code.int32]: 2147483648, [Code.int64]: 2 ** 53,
  [Code.float16]: 2049, [Code.bfloat16]: 257, [Code.float32]: 2 ** 24 + 1, [Code.float64]: 2 ** 53,
}; // prettier-ignore

/** As torch: bounds that an integer dtype cannot hold are refused. */
export function requireRange(name: string, low: number, high: number, dt: number): void {
  if (category[dt]! > 1 || dt === Code.int64) return;
  const most = exactIntegers[dt]!;
  const least = dt === Code.bool || dt === Code.uint8 ? 0 : -most;
  if (low < least || high > most)
    throw new ValueError({
      op: name,
      argument: "to",
      expected: `within [${least}, ${most}] for ${launch.dtypeName(dt)}`,
      got: `${low} and ${high}`,
    });
}

/** Integers in [low, high) with the shape and dtype of `input`; low is 0 when left out. */
export const randintLike: (
  input: Tensor,
  low: number | (RandomOptions & { low?: number | null; high?: number | null }),
  high?: number | null | (RandomOptions & { high?: number | null }),
  options?: RandomOptions,
) => Tensor = op(
  "randintLike",
  `input: tensor, low: int? = null, high: int? = null, ${making}`,
  (
    input: Tensor,
    low: number | null,
    high: number | null,
    generator: unknown,
    dt: number | null,
    dev: number | null,
    requiresGrad: boolean,
  ) => {
    const [from, to] = high === null ? [0, low] : [low ?? 0, high];
    if (to === null) throw new ValueError({ op: "randintLike", argument: "high", expected: "an integer", got: "nothing" });
    requireRange("randintLike", from, to, dt ?? input.dt);
    return randint(from, to, input.shape, {
      generator: generator as Generator | null,
      dtype: launch.dtypeName(dt ?? input.dt) as DType,
      requiresGrad,
      ...(dev === null ? {} : { device: input.device }),
    });
  },
  plain,
);

/** A random permutation of 0..n-1, int64. */
export const randperm: (n: number, options?: RandomOptions) => Tensor = op(
  "randperm",
  `n: int, ${making}`,
  (n: number, generator: unknown, dt: number | null, dev: number | null) => {
    if (n < 0) throw new ValueError({ op: "randperm", argument: "n", expected: "at least 0", got: String(n) });
    const out = launch.run(
      "randperm",
      code("randperm"),
      [],
      [n],
      Code.int64,
      streamOf("randperm", generator).next(),
      dev ?? defaultDeviceCode(),
    );
    return dt === null || dt === Code.int64 ? out : out.to(launch.dtypeName(dt) as DType);
  },
  plain,
);
type Draw = (target: Tensor, p: number, options: { generator: unknown }) => Tensor;

/** @internal */
export function requireOdds(name: string, odds: Tensor): void {
  if (odds.numel() === 0) return;
  const [lowest, highest] = [odds.detach().amin(), odds.detach().amax()].map((x) => Number(x.item())) as [number, number];
  if (!(lowest >= 0 && highest <= 1))
    throw new ValueError({ op: name, argument: "p", expected: "probabilities in [0, 1]", got: `${lowest} to ${highest}` });
}

/** Ones with probability `input` (or `p` everywhere), zeros else; same shape and dtype. */
export const bernoulli: (
  input: Tensor,
  p?: number | null | { p?: number | null; generator?: Generator | null },
  options?: { generator?: Generator | null },
) => Tensor = op(
  "bernoulli",
  "input: tensor, p: float? = null, *, generator: generator? = null",
  (input: Tensor, p: number | null, generator: unknown) => {
    if (p !== null) return (inPlaceForms.get("bernoulli_") as never as Draw)(input.detach().clone(), p, { generator });
    requireFloat("bernoulli", input.dt);
    requireOdds("bernoulli", input);
    return launch.run("bernoulli", code("bernoulli"), [input.contiguous()], input.shape, input.dt, [
      ...streamOf("bernoulli", generator).next(),
      0,
      1,
    ]);
  },
  { differentiable: false },
);
/** Indices drawn with the given weights: [n] -> [numSamples], [rows, n] -> [rows, numSamples]; int64. @param replacement default false */
export const multinomial: (
  input: Tensor,
  numSamples: number,
  replacement?: boolean | { replacement?: boolean; generator?: Generator | null },
  options?: { generator?: Generator | null },
) => Tensor = op(
  "multinomial",
  "input: tensor, numSamples: int, replacement: bool = false, *, generator: generator? = null",
  (input: Tensor, numSamples: number, replacement: boolean, generator: unknown) => {
    requireFloat("multinomial", input.dt);
    if (input.shape.length < 1 || input.shape.length > 2)
      throw new ShapeError({ op: "multinomial", argument: "input", expected: "1-d or 2-d", got: formatShape(input.shape) });
    const n = input.shape.at(-1)!;
    if (numSamples < 1 || (!replacement && numSamples > n)) {
      throw new ValueError({
        op: "multinomial",
        argument: "numSamples",
        expected: replacement ? "at least 1" : `in [1, ${n}] without replacement`,
        got: String(numSamples),
      });
    }
    const weights = input.detach();
    if (!(Number(weights.amin().item()) >= 0) || !weights.isfinite().all().item())
      throw new ValueError({ op: "multinomial", argument: "input", expected: "finite weights of at least 0", got: "others" });
    // As torch: without replacement, weights of 0 are drawn when no others are left.
    if (!weights.gt(0).any(-1).all().item())
      throw new ValueError({ op: "multinomial", argument: "input", expected: "a positive weight in each row", got: "none" });
    const rows = input.reshape(-1, n).contiguous();
    const attrs = [...streamOf("multinomial", generator).next(), replacement ? 1 : 0];
    const out = launch.run("multinomial", code("multinomial"), [rows], [rows.shape[0]!, numSamples], Code.int64, attrs);
    return input.shape.length === 1 ? out.reshape(numSamples) : out;
  },
  { differentiable: false },
);

/** Zeroes elements with probability p and scales the rest by 1 / (1 - p), when training. @param p default 0.5 @param training default true */
export const dropout: (
  input: Tensor,
  p?: number | { p?: number; training?: boolean },
  training?: boolean | { training?: boolean },
) => Tensor = op(
  "dropout",
  "input: tensor, p: float = 0.5, training: bool = true",
  (input: Tensor, p: number, training: boolean) => {
    if (!(p >= 0 && p <= 1)) throw new ValueError({ op: "dropout", argument: "p", expected: "in [0, 1]", got: String(p) });
    input.live("dropout");
    if (!training || p === 0) return input;
    // As torch: all of them dropped is a product with 0, which every dtype has.
    if (p === 1) return input.dt === Code.bool ? input.logicalXor(input) : input.mul(0);
    if (isComplex(input.dt)) return input.mul(dropout(launch.empty("dropout", input.shape, realOf(input.dt), input.dev).fill_(1), p));
    requireFloat("dropout", input.dt);
    const outputs = [
      { shape: input.shape, dt: input.dt },
      { shape: input.shape, dt: Code.bool },
    ];
    const [out, mask] = launch.runMany("dropout", code("dropout"), [input], outputs, [...defaultGenerator.next(), p]) as [Tensor, Tensor];
    if (!recorded(input)) return out;
    return record("dropout", out, [input], [mask], ([g], node) => [g!.mul(node.tensor(0)).mul(p === 1 ? 0 : 1 / (1 - p))]);
  },
  { method: false },
);
