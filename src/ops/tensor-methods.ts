/** The ops that are methods of Tensor: each function below without its first parameter. */
export * from "./unary.js";
export {
  add, sub, mul, div, floorDivide, remainder, fmod, pow, atan2, hypot, maximum, minimum, fmax, fmin, copysign, logaddexp, xlogy,
  eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor, bitwiseAnd, bitwiseOr, bitwiseXor,
  tanhBackward, sigmoidBackward, reluBackward, siluBackward, leakyReluBackward,
} from "./binary.js"; // prettier-ignore
export { clamp, lerp, addcmul, addcdiv, maskedFill } from "./ternary.js";
export { clone, contiguous, to, float, double, half, bfloat16, long, int, bool, byte, typeAs } from "./convert.js";
export {
  reshape, view, viewAs, reshapeAs, flatten, ravel, unflatten, squeeze, unsqueeze, permute, transpose, swapaxes, swapdims, t, movedim,
  expand, expandAs, broadcastTo, narrow, select, unbind, split, chunk, diagonal, unfold, asStrided, detach,
} from "./views.js"; // prettier-ignore
export { flip, tril, triu, repeat } from "./joining.js";
export { at, setAt } from "./indexing.js";
export { gather, scatter, scatterAdd, indexSelect, indexAdd, nonzero, maskedSelect } from "./gathering.js";
export {
  sum, mean, prod, amax, amin, argmax, argmin, any, all, countNonzero, logsumexp, variance as var, std, norm, cumsum, cumprod,
  equal, isclose, allclose,
} from "./reduce.js"; // prettier-ignore
export { matmul, mm, bmm, mv, dot, outer, addmm } from "./matmul.js";
export { softmax, logSoftmax, gelu } from "./softmax.js";
export { sort, argsort, topk } from "./order.js";
export { bernoulli, multinomial } from "./random.js";
