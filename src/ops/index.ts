/** All ops of `torch.*`; importing this file also gives Tensor its methods and autograd its few ops. */
import { grad } from "../autograd/backward.js";
import { setEngineOps } from "../autograd/engine.js";
import { dtypes } from "../tensor/dtype.js";
import { add } from "./binary.js";
import { fromBuffer, onesLike, zeros, zerosLike } from "./creation.js";
import { clone, convertDtype } from "./convert.js";
import { stack } from "./joining.js";
import { setGradOf, sumTo } from "./pointwise.js";
import { getRngState, setRngState } from "./random.js";
import "./methods.js";

setEngineOps({
  add,
  addInto: (a, b) => void a.add_(b),
  onesLike,
  zerosLike,
  clone,
  stack,
  zeros: (shape, dt) => zeros(shape, { dtype: dtypes[dt]! }),
  cast: convertDtype,
  sumTo,
  fromData: (data, shape, dt) => fromBuffer("gradcheck", data, shape, dt, 0),
  rngState: getRngState,
  setRngState: (state) => setRngState(state as ReturnType<typeof getRngState>),
  rngUsed: (since) => getRngState().launches !== (since as ReturnType<typeof getRngState>).launches,
  hasNan: (t) => t.isnan().any().item() === true,
});
setGradOf((output, inputs, g) => grad(output, inputs, { gradOutputs: g, createGraph: true, allowUnused: true }));

export * from "./unary.js";
export { add, sub, mul, div, floorDivide, remainder, fmod, pow, atan2, hypot, maximum, minimum, fmax, fmin, copysign, logaddexp, xlogy, eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor, bitwiseAnd, bitwiseOr, bitwiseXor, type AlphaOptions, type DivOptions } from "./binary.js"; // prettier-ignore
export { where, clamp, lerp, addcmul, addcdiv, maskedFill, type ClampOptions } from "./ternary.js";
export * from "./creation.js";
export { clone, type ToOptions } from "./convert.js";
export { sum, mean, prod, any, all, countNonzero, logsumexp, type Dims, type ReduceOptions, type TypedReduceOptions } from "./reduce.js";
export { amax, amin, max, min, argmax, argmin, type ValuesIndices } from "./extremes.js";
export { variance as var, std, varMean, type VarOptions } from "./moments.js";
export { norm, type NormOptions } from "./norms.js";
export { cumsum, cumprod } from "./scans.js";
export { equal, isclose, allclose, type CloseOptions } from "./closeness.js";
export { reshape, flatten, ravel, unflatten, squeeze, unsqueeze, detach } from "./views.js";
export { permute, transpose, swapaxes, swapdims, t, movedim, broadcastTo } from "./arrange.js";
export { narrow, select, unbind, split, chunk } from "./pieces.js";
export { diagonal, asStrided } from "./strided.js";
export { cat, concat, stack, flip, tril, triu } from "./joining.js";
export { slice, Slice, type Index } from "./indexing.js";
export { gather, scatter, scatterAdd, indexSelect, indexAdd, nonzero, maskedSelect } from "./gathering.js";
export { matmul, mm, bmm, mv, dot, outer, addmm, einsum, type AddmmOptions } from "./matmul.js";
export { softmax, logSoftmax } from "./softmax.js";
export { sort, argsort, topk, type SortOptions, type TopkOptions } from "./order.js";
export { Generator, defaultGenerator, manualSeed, initialSeed, getRngState, setRngState, rand, randn, randLike, randnLike, randint, randperm, bernoulli, multinomial, type RandomOptions } from "./random.js"; // prettier-ignore
