/** All ops of `torch.*`; importing this file also gives Tensor its methods and autograd its few ops. */
import { grad } from "../autograd/backward.js";
import { setEngineOps } from "../autograd/engine.js";
import { dtypes } from "../tensor/dtype.js";
import { add } from "./binary.js";
import { fromBuffer, onesLike, zeros, zerosLike } from "./creation.js";
import { clone, convertDtype } from "./convert.js";
import { cat, stack } from "./joining.js";
import { applyRule } from "./batching.js";
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
  fromData: (data, shape, dt, dev) => fromBuffer("gradcheck", data, shape, dt, dev),
  rngState: getRngState,
  setRngState: (state) => setRngState(state as ReturnType<typeof getRngState>),
  rngUsed: (since) => getRngState().launches !== (since as ReturnType<typeof getRngState>).launches,
  cat: (tensors, dim) => cat(tensors, dim),
  applyRule,
  hasNan: (t) => t.isnan().any().item<boolean>(),
});
setGradOf((output, inputs, g) => grad(output, inputs, { gradOutputs: g, createGraph: true, allowUnused: true }));

export * from "./unary.js";
export * from "./aliases.js";
export { mvlgamma, polygamma } from "./polygamma.js";
export { i0, igamma, igammac } from "./bessel.js";
export { narrowCopy, nonzeroStatic, resizeAs_ } from "./storage.js";
export { celu, selu, hardshrink, prelu, rrelu } from "./activations.js";
export { nanToNum, logit, type NanToNumOptions } from "./finite.js";
export { nextafter, ldexp, frexp, heaviside, floatPower, signbit } from "./representation.js";
export { add, sub, rsub, mul, div, floorDivide, remainder, fmod, pow, atan2, hypot, maximum, minimum, fmax, fmin, copysign, logaddexp, logaddexp2, xlogy, eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor, bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseLeftShift, bitwiseRightShift, gcd, lcm, type AlphaOptions, type DivOptions } from "./binary.js"; // prettier-ignore
export { where, clamp, clampMin, clampMax, lerp, addcmul, addcdiv, maskedFill, type ClampOptions } from "./ternary.js";
export { customOp } from "./custom.js";
export { kernelOp, type KernelDefinition } from "./kernel-op.js";
export * from "./creation.js";
export { broadcastShapes, isConj, isNeg, isNonzero, isSameSize, isSigned, numel, resolveNeg } from "./facts.js";
export {
  channelsLast,
  channelsLast3d,
  clone,
  contiguousFormat,
  fill,
  preserveFormat,
  type MemoryFormat,
  type ToOptions,
} from "./convert.js";
export {
  sum,
  mean,
  nansum,
  nanmean,
  prod,
  any,
  all,
  countNonzero,
  logsumexp,
  type Dims,
  type ReduceOptions,
  type TypedReduceOptions,
} from "./reduce.js";
export { amax, amin, aminmax, max, min, argmax, argmin, type ValuesIndices } from "./extremes.js";
export { variance as var, std, varMean, stdMean, type VarOptions } from "./moments.js";
export { norm, dist, renorm, cdist, type NormOptions } from "./norms.js";
export { cumsum, cumprod, cummax, cummin, logcumsumexp } from "./scans.js";
export { kthvalue, median, nanmedian, mode, quantile, nanquantile, type QuantileOptions } from "./quantiles.js";
export { bincount, histc, histogram, type HistcOptions, type HistogramOptions } from "./counting.js";
export { diff, trapezoid, trapz, cumulativeTrapezoid, type DiffOptions, type TrapezoidOptions } from "./differences.js";
export { cov, corrcoef, type CovOptions } from "./correlation.js";
export { equal, isclose, allclose, type CloseOptions } from "./closeness.js";
export { reshape, flatten, ravel, unflatten, squeeze, unsqueeze, detach } from "./views.js";
export { permute, transpose, swapaxes, swapdims, t, adjoint, movedim, broadcastTo } from "./arrange.js";
export { narrow, select, unbind, split, splitWithSizes, chunk } from "./pieces.js";
export { diagonal, asStrided } from "./strided.js";
export { cat, concat, concatenate, stack, flip, tril, triu } from "./joining.js";
export * from "./stacking.js";
export * from "./repeating.js";
export * from "./diagonals.js";
export * from "./grids.js";
export { slice, Slice, type Index } from "./indexing.js";
export { gather, scatter, scatterAdd, indexSelect, indexAdd, nonzero, maskedSelect } from "./gathering.js";
export { indexCopy, indexFill, indexPut, indexReduce, scatterReduce, take, takeAlongDim, put, maskedScatter } from "./putting.js";
export {
  searchsorted,
  bucketize,
  isin,
  argwhere,
  unique,
  uniqueConsecutive,
  unravelIndex,
  type SearchOptions,
  type SearchsortedOptions,
  type UniqueOptions,
} from "./searching.js";
export { viewAsReal, viewAsComplex, real, imag, conj, conjPhysical, resolveConj, angle, complex, polar, isreal } from "./complex.js";
export {
  canCast,
  finfo,
  iinfo,
  isComplex,
  isFloatingPoint,
  isTensor,
  promoteTypes,
  resultType,
  type FloatInfo,
  type IntInfo,
} from "./dtypes.js";
export { matmul, mm, bmm, mv, dot, outer, addmm, type AddmmOptions } from "./matmul.js";
export { einsum } from "./einsum.js";
export * from "./products.js";
export { softmax, logSoftmax } from "./softmax.js";
export { sort, msort, argsort, topk, type SortOptions, type TopkOptions } from "./order.js";
export { Generator, defaultGenerator, manualSeed, initialSeed, getRngState, setRngState, rand, randn, randLike, randnLike, randint, randintLike, randperm, bernoulli, multinomial, type RandomOptions } from "./random.js"; // prettier-ignore
export { normal, poisson } from "./draws.js";
export * from "./in-place-functions.js";
export { celu_, dropout_, rrelu_, selu_, threshold_ } from "./changing.js";
export * from "./windows.js";
export { fromShared, type SharedTensor } from "./sharing.js";
