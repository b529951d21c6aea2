/** Draws in place and from parameters: uniform_, normal_, exponential_ ..., normal, poisson. */
import { native } from "../runtime/addon.js";
import { Code, category, isComplex, isFloating } from "../tensor/dtype.js";
import { defaultDeviceCode } from "../tensor/device.js";
import { DTypeError, ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { viewAsComplex } from "./complex.js";
import { castTo, inPlace, op } from "./define.js";
import type { TensorOptions } from "./creation.js";
import { inPlaceForms } from "./pointwise.js";
import { exactIntegers, making, requireFloat, requireOdds, requireRange, streamOf, type Generator } from "./random.js";
import { checkSizes } from "./schema.js";

const code = launch.codesOf("structured");
const plain = { method: false, differentiable: false } as const;
const generatorOption = "*, generator: generator? = null";

/** Registers the in-place draw `name`: `fresh` makes what the tensor becomes; it has no gradient. */
function draw(
  name: string,
  parameters: string,
  check: (a: number, b: number) => string | null,
  fresh: (like: Tensor, a: number, b: number, stream: Generator) => Tensor,
  direct?: string,
): void {
  const call = op<(input: Tensor, ...args: unknown[]) => Tensor>(
    name,
    `input: tensor, ${parameters}, ${generatorOption}`,
    (target: Tensor, ...given: unknown[]) => {
      const generator = given.pop();
      const [a = 0, b = 0] = given as number[];
      if (name === "geometric_" ? target.dt === Code.bool : category[target.dt]! < 2) {
        const expected = name === "geometric_" ? "a dtype other than bool" : "a floating dtype";
        throw new DTypeError({ op: name, argument: "input", expected, got: target.dtype });
      }
      if (category[target.dt] === 3 && direct === undefined)
        throw new DTypeError({ op: name, argument: "input", expected: "a floating dtype", got: target.dtype });
      const wrong = check(a, b);
      if (wrong !== null) throw new ValueError({ op: name, expected: wrong, got: given.length === 1 ? String(a) : `${a} and ${b}` });
      const make = (like: Tensor): Tensor => fresh(like, a, b, streamOf(name, generator));
      const write = (): void => {
        // Kernels of random numbers write row-major memory only.
        if (direct !== undefined && target.isContiguous() && !isComplex(target.dt))
          return launch.runInto(name, code(direct), [], [target], [...streamOf(name, generator).next(), a, b]);
        const drawn = make(target);
        launch.done(name, native.copyInto(target.handle, drawn.handle), target, drawn);
      };
      return inPlace(name, target, [], write, (before) => castTo(make(before), before.dt));
    },
    plain,
  );
  inPlaceForms.set(name, call as never);
}

const numbers = (kernel: string, like: Tensor, dt: number, stream: Generator, attrs: readonly number[]): Tensor =>
  launch.run(kernel, code(kernel), [], like.shape, dt, [...stream.next(), ...attrs], like.dev);

/** The dtype in which a draw for `like` is made. */
const wide = (like: Tensor): number => (isFloating(like.dt) && like.dt !== Code.float64 ? Code.float32 : Code.float64);

/** A draw of as many numbers as `like` has, for complex numbers of both their parts. */
function inParts(like: Tensor, fresh: (like: Tensor) => Tensor): Tensor {
  return isComplex(like.dt) ? viewAsComplex(fresh(like.detach().viewAsReal())) : fresh(like);
}

/** Standard normal numbers; the parts of complex ones share the variance of 1. */
function normalLike(like: Tensor, stream: Generator): Tensor {
  return inParts(like, (parts) => numbers("normal", parts, parts.dt, stream, [0, isComplex(like.dt) ? Math.SQRT1_2 : 1]));
}

/** Uniform numbers in (0, 1]: their logarithms are finite. */
const positiveUnit = (like: Tensor, stream: Generator): Tensor => numbers("uniform", like, wide(like), stream, [0, 1]).neg().add(1);

draw(
  "uniform_",
  "from: float = 0.0, to: float = 1.0",
  (a, b) => (a <= b ? null : "from not above to"),
  (like, a, b, stream) => inParts(like, (parts) => numbers("uniform", parts, parts.dt, stream, [a, b])),
  "uniform",
);
draw(
  "normal_",
  "mean: float = 0.0, std: float = 1.0",
  (_, std) => (std >= 0 ? null : "std of at least 0"),
  (like, mean, std, stream) => normalLike(like, stream).mul(std).add(mean),
  "normal",
);
draw(
  "exponential_",
  "lambd: float = 1.0",
  (rate) => (rate > 0 ? null : "lambd greater than 0"),
  (like, rate, _, stream) => positiveUnit(like, stream).log().div(-rate),
);
draw(
  "cauchy_",
  "median: float = 0.0, sigma: float = 1.0",
  (_, sigma) => (sigma > 0 ? null : "sigma greater than 0"),
  (like, median, sigma, stream) => positiveUnit(like, stream).sub(0.5).mul(Math.PI).tan().mul(sigma).add(median),
);
draw(
  "logNormal_",
  "mean: float = 1.0, std: float = 2.0",
  (_, std) => (std > 0 ? null : "std greater than 0"),
  (like, mean, std, stream) => numbers("normal", like, wide(like), stream, [mean, std]).exp(),
);
draw(
  "geometric_",
  "p: float",
  (p) => (p > 0 && p < 1 ? null : "p in (0, 1)"),
  (like, p, _, stream) => positiveUnit(like, stream).log().div(Math.log1p(-p)).ceil().clamp(1),
);

// bernoulli_ takes a number or a tensor of probabilities.
const coin = op<(input: Tensor, ...args: unknown[]) => Tensor>(
  "bernoulli_",
  `input: tensor, p: any = 0.5, ${generatorOption}`,
  (target: Tensor, p: unknown, generator: unknown) => {
    if (!(p instanceof Tensor) && !(typeof p === "number" && p >= 0 && p <= 1))
      throw new ValueError({ op: "bernoulli_", argument: "p", expected: "a number in [0, 1] or a Tensor", got: describe(p) });
    const stream = streamOf("bernoulli_", generator);
    const make = (like: Tensor): Tensor => {
      if (!(p instanceof Tensor)) return numbers("bernoulli", like, like.dt, stream, [p, 0]);
      requireFloat("bernoulli_", p.dt);
      requireOdds("bernoulli_", p);
      const odds = p.detach().expand(like.shape).contiguous();
      return launch.run("bernoulli_", code("bernoulli"), [odds], like.shape, like.dt, [...stream.next(), 0, 1]);
    };
    const write = (): void => {
      const drawn = make(target);
      launch.done("bernoulli_", native.copyInto(target.handle, drawn.handle), target, drawn);
    };
    return inPlace("bernoulli_", target, [], write, make);
  },
  plain,
);
inPlaceForms.set("bernoulli_", coin as never);

const integersIn = op<(input: Tensor, ...args: unknown[]) => Tensor>(
  "random_",
  `input: tensor, from: int? = null, to: int? = null, ${generatorOption}`,
  (target: Tensor, from: number | null, to: number | null, generator: unknown) => {
    if (isComplex(target.dt)) throw new DTypeError({ op: "random_", argument: "input", expected: "a real dtype", got: target.dtype });
    const [low, high] = from === null && to === null ? [0, exactIntegers[target.dt]!] : to === null ? [0, from!] : [from ?? 0, to];
    if (low >= high) throw new ValueError({ op: "random_", argument: "from", expected: "less than to", got: `${low} and ${high}` });
    requireRange("random_", low, high, target.dt);
    const stream = streamOf("random_", generator);
    const make = (like: Tensor): Tensor => castTo(numbers("randint", like, Code.int64, stream, [low, high]), like.dt);
    const write = (): void => {
      const drawn = make(target);
      launch.done("random_", native.copyInto(target.handle, drawn.handle), target, drawn);
    };
    return inPlace("random_", target, [], write, make);
  },
  plain,
);
inPlaceForms.set("random_", integersIn as never);

type NormalOptions = TensorOptions & { size?: readonly number[] | null; generator?: Generator | null };
/** Normal numbers with the given means and deviations (tensors broadcast); of a `size` when both are numbers. */
export const normal: (
  mean: Tensor | number,
  std?: Tensor | number | (NormalOptions & { std?: Tensor | number }),
  size?: readonly number[] | NormalOptions,
  options?: NormalOptions,
) => Tensor = op(
  "normal",
  `mean: operand, std: operand = 1, size: ints? = null, ${making}`,
  (
    mean: Tensor | number,
    std: Tensor | number,
    size: number[] | null,
    generator: unknown,
    dt: number | null,
    _dev: unknown,
    requiresGrad: boolean,
  ) => {
    const tensors = [mean, std].filter((x) => x instanceof Tensor);
    for (const t of tensors) {
      if (!isComplex(t.dt) || t === std) requireFloat("normal", t.dt);
    }
    if (tensors.length === 0 && size === null)
      throw new ValueError({ op: "normal", argument: "size", expected: "a shape, as mean and std are numbers", got: "null" });
    if (tensors.length > 0 && size !== null)
      throw new ValueError({ op: "normal", argument: "size", expected: "null beside tensors", got: describe(size) });
    const negative = std instanceof Tensor ? std.numel() > 0 && Number(std.detach().amin().item()) < 0 : Number(std) < 0;
    if (negative)
      throw new ValueError({
        op: "normal",
        argument: "std",
        expected: "at least 0",
        got: std instanceof Tensor ? "negative numbers" : String(std),
      });
    const shape = tensors.reduce<readonly number[]>(
      (common, t) => broadcastShapes("normal", common, t.shape),
      checkSizes("normal", size ?? []),
    );
    const like = launch.empty("normal", shape, dt ?? tensors[0]?.dt ?? Code.float32, tensors[0]?.dev ?? defaultDeviceCode());
    const out = normalLike(like, streamOf("normal", generator));
    const spread = out.mul(std instanceof Tensor ? std.detach().to(like.dtype) : std);
    const drawn = spread.add(mean instanceof Tensor ? mean.detach().to(like.dtype) : mean);
    return requiresGrad ? drawn.requiresGrad_() : drawn;
  },
  plain,
);

/** Poisson numbers with the given rates; shape and dtype of `input`. */
export const poisson: (input: Tensor, generator?: Generator | null | { generator?: Generator | null }) => Tensor = op(
  "poisson",
  `input: tensor, generator: generator? = null`,
  (input: Tensor, generator: unknown) => {
    requireFloat("poisson", input.dt);
    if (input.numel() > 0 && Number(input.detach().amin().item()) < 0)
      throw new ValueError({ op: "poisson", argument: "input", expected: "rates of at least 0", got: "negative ones" });
    return launch.run("poisson", code("poisson"), [input.detach()], input.shape, input.dt, streamOf("poisson", generator).next());
  },
  { method: false, differentiable: false },
);
