/** Activations of torch.nn.functional with `inplace`, their last argument, by which the result takes the place of the input. */
import type { Tensor } from "../tensor/tensor.js";
import * as composed from "./activations.js";
import { registry } from "./define.js";
import { withInPlace } from "./in-place.js";
import { inPlaceForms } from "./pointwise.js";
import * as random from "./random.js";
import { bind, parseSignature } from "./schema.js";
import * as elementwise from "./unary.js";

type Call = (...args: unknown[]) => Tensor;
/** Arguments of an activation: each may be given by name, too. */
type With<O> = Partial<O> & { readonly inplace?: boolean };
/** Writes into the input. Default false. */
type InPlace = boolean | { readonly inplace?: boolean };

const inplaceParam = parseSignature("inplace: bool = false");

/** `plain`, or its in-place form where `inplace` asks for it. */
function changing<F extends (input: Tensor, ...rest: never[]) => Tensor>(
  name: string,
  plain: (input: Tensor, ...rest: never[]) => Tensor,
): F {
  const { params } = registry.get(name)!;
  const all = [...params, ...inplaceParam];
  const [compute, change] = [plain as unknown as Call, inPlaceForms.get(`${name}_`) as unknown as Call];
  const call = (...args: unknown[]): Tensor => {
    if (args.length === 1) return compute(args[0]);
    const values = bind(name, all, args);
    return values.pop() === true ? change(...values) : compute(...values);
  };
  Object.defineProperty(call, "name", { value: name });
  return call as unknown as F;
}
for (const [name, call] of Object.entries({
  celu: composed.celu,
  selu: composed.selu,
  relu6: composed.relu6,
  rrelu: composed.rrelu,
  dropout: random.dropout,
}))
  // prettier-ignore
  withInPlace(name, call as (input: Tensor, ...rest: never[]) => Tensor);

/** max(x, 0). Shape [*]. */
export const relu: (input: Tensor, inplace?: InPlace) => Tensor = changing("relu", elementwise.relu);
/** min(max(x, 0), 6). Shape [*]. */
export const relu6: (input: Tensor, inplace?: InPlace) => Tensor = changing("relu6", composed.relu6);
/** x * sigmoid(x), also called swish. Shape [*]. */
export const silu: (input: Tensor, inplace?: InPlace) => Tensor = changing("silu", elementwise.silu);
/** x * tanh(softplus(x)). Shape [*]. */
export const mish: (input: Tensor, inplace?: InPlace) => Tensor = changing("mish", elementwise.mish);
/** x * clamp(x + 3, 0, 6) / 6. Shape [*]. */
export const hardswish: (input: Tensor, inplace?: InPlace) => Tensor = changing("hardswish", elementwise.hardswish);
/** clamp(x + 3, 0, 6) / 6. Shape [*]. */
export const hardsigmoid: (input: Tensor, inplace?: InPlace) => Tensor = changing("hardsigmoid", elementwise.hardsigmoid);
/** Klambauer et al. 2017: {@link celu} scaled so that activations keep mean 0 and variance 1. Shape [*]. */
export const selu: (input: Tensor, inplace?: InPlace) => Tensor = changing("selu", composed.selu);

type Alpha = (input: Tensor, alpha?: number | With<{ alpha: number }>, inplace?: InPlace) => Tensor;
/** x where positive, alpha * (e^x - 1) elsewhere. Shape [*]. @param alpha default 1 */
export const elu: Alpha = changing("elu", elementwise.elu);
/** x where positive, alpha * (e^(x / alpha) - 1) elsewhere. Shape [*]. @param alpha not 0; default 1 */
export const celu: Alpha = changing("celu", composed.celu);
/** max(x, 0) + negativeSlope * min(x, 0). Shape [*]. @param negativeSlope default 0.01 */
export const leakyRelu: (input: Tensor, negativeSlope?: number | With<{ negativeSlope: number }>, inplace?: InPlace) => Tensor = changing(
  "leakyRelu",
  elementwise.leakyRelu,
);

interface Bounds {
  readonly minVal: number;
  readonly maxVal: number;
}
/** Clamps to [minVal, maxVal]. Shape [*]. @param minVal default -1 @param maxVal default 1 */
export const hardtanh: (input: Tensor, minVal?: number | With<Bounds>, maxVal?: number | With<Bounds>, inplace?: InPlace) => Tensor =
  changing("hardtanh", elementwise.hardtanh);

interface Threshold {
  readonly threshold: number;
  readonly value: number;
}
/** x where x > threshold, `value` elsewhere. Shape [*]. */
export const threshold: (
  input: Tensor,
  threshold: number | With<Threshold>,
  value?: number | With<Threshold>,
  inplace?: InPlace,
) => Tensor = changing("threshold", elementwise.threshold);

interface Slopes {
  readonly lower: number;
  readonly upper: number;
  readonly training: boolean;
}
/** x where positive, a * x elsewhere: a drawn from [lower, upper) for each element when training, else their mean. Shape [*]. */
export const rrelu: (
  input: Tensor,
  lower?: number | With<Slopes>,
  upper?: number | With<Slopes>,
  training?: boolean | With<Slopes>,
  inplace?: InPlace,
) => Tensor = changing("rrelu", composed.rrelu);

interface Drop {
  readonly p: number;
  readonly training: boolean;
}
/** Zeroes elements with probability p and scales the rest by 1 / (1 - p), when training. @param p default 0.5 @param training default true */
export const dropout: (input: Tensor, p?: number | With<Drop>, training?: boolean | With<Drop>, inplace?: InPlace) => Tensor = changing(
  "dropout",
  random.dropout,
);

interface Forms {
  readonly relu_: typeof elementwise.relu;
  readonly elu_: typeof elementwise.elu;
  readonly celu_: typeof composed.celu;
  readonly selu_: typeof composed.selu;
  readonly hardtanh_: typeof elementwise.hardtanh;
  readonly leakyRelu_: typeof elementwise.leakyRelu;
  readonly threshold_: typeof elementwise.threshold;
  readonly rrelu_: typeof composed.rrelu;
  readonly dropout_: typeof random.dropout;
}
/** The in-place forms as functions, where torch has them. */
export const { relu_, elu_, celu_, selu_, hardtanh_, leakyRelu_, threshold_, rrelu_, dropout_ }: Forms = Object.fromEntries(
  inPlaceForms,
) as never;
