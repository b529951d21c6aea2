/** The ops that are methods of Tensor: each function below without its first parameter. */
export * from "./unary.js";
export * from "./aliases.js";
export * from "./new.js";
export { nanToNum, logit } from "./finite.js";
export { mvlgamma } from "./polygamma.js";
export { i0, igamma, igammac } from "./bessel.js";
export { narrowCopy, nonzeroStatic } from "./storage.js";
export { nextafter, ldexp, frexp, heaviside, floatPower, signbit } from "./representation.js";
export {
  add, sub, mul, div, floorDivide, remainder, fmod, pow, atan2, hypot, maximum, minimum, fmax, fmin, copysign, logaddexp, logaddexp2,
  xlogy,
  eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor, bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseLeftShift,
  bitwiseRightShift, gcd, lcm,
  tanhBackward, sigmoidBackward, reluBackward, siluBackward, leakyReluBackward,
} from "./binary.js"; // prettier-ignore
export { clamp, clampMin, clampMax, lerp, addcmul, addcdiv, maskedFill } from "./ternary.js";
export { isConj, isNeg, isNonzero, isSameSize, isSigned, ndimension, nelement, resolveNeg } from "./facts.js";
export { clone, contiguous, to, float, double, half, bfloat16, long, int, short, char, bool, byte, cpu, typeAs } from "./convert.js";
export { reshape, view, viewAs, reshapeAs, flatten, ravel, unflatten, squeeze, unsqueeze, detach } from "./views.js";
export { permute, transpose, swapaxes, swapdims, t, adjoint, movedim, expand, expandAs, broadcastTo, sumToSize } from "./arrange.js";
export { narrow, select, unbind, split, splitWithSizes, chunk } from "./pieces.js";
export { diagonal, unfold, asStrided } from "./strided.js";
export { flip, tril, triu, repeat } from "./joining.js";
export { tensorSplit, hsplit, vsplit, dsplit } from "./stacking.js";
export { repeatInterleave, tile, fliplr, flipud, roll, rot90 } from "./repeating.js";
export { diagEmbed, diag, diagflat, trace, diagonalScatter, selectScatter, sliceScatter } from "./diagonals.js";
export { at, setAt } from "./indexing.js";
export { gather, scatter, scatterAdd, indexSelect, indexAdd, maskedSelect } from "./gathering.js";
export { indexCopy, indexFill, indexPut, indexReduce, scatterReduce, take, takeAlongDim, put, maskedScatter } from "./putting.js";
export { isin, argwhere, unique, uniqueConsecutive } from "./searching.js";
export { sum, mean, nansum, nanmean, prod, any, all, countNonzero, logsumexp } from "./reduce.js";
export { amax, amin, aminmax, argmax, argmin } from "./extremes.js";
export { variance as var, std } from "./moments.js";
export { norm, dist, renorm } from "./norms.js";
export { cumsum, cumprod, cummax, cummin, logcumsumexp } from "./scans.js";
export { kthvalue, mode, quantile, nanquantile } from "./quantiles.js";
export { bincount, histc, histogram } from "./counting.js";
export { diff } from "./differences.js";
export { cov, corrcoef } from "./correlation.js";
export { equal, isclose, allclose } from "./closeness.js";
export { viewAsReal, conj, conjPhysical, resolveConj, angle, isreal, cfloat, cdouble } from "./complex.js";
export { matmul, mm, bmm, mv, dot, outer, addmm } from "./matmul.js";
export { vdot, inner, addmv, addr, addbmm, baddbmm, kron, cross } from "./products.js";
export { softmax, logSoftmax, gelu } from "./softmax.js";
export { hardshrink, prelu } from "./activations.js";
export { sort, msort, argsort, topk } from "./order.js";
export { bernoulli, multinomial } from "./random.js";
