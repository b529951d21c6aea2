/** The ops that are methods of Tensor: each function below without its first parameter. */
export * from "./unary.js";
export {
  add, sub, mul, div, floorDivide, remainder, fmod, pow, atan2, hypot, maximum, minimum, fmax, fmin, copysign, logaddexp, xlogy,
  eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor, bitwiseAnd, bitwiseOr, bitwiseXor,
  tanhBackward, sigmoidBackward, reluBackward, siluBackward, leakyReluBackward,
} from "./binary.js"; // prettier-ignore
export { clamp, lerp, addcmul, addcdiv, maskedFill } from "./ternary.js";
export { clone, contiguous, to, float, double, half, bfloat16, long, int, bool, byte, cpu, typeAs } from "./convert.js";
export { reshape, view, viewAs, reshapeAs, flatten, ravel, unflatten, squeeze, unsqueeze, detach } from "./views.js";
export { permute, transpose, swapaxes, swapdims, t, movedim, expand, expandAs, broadcastTo } from "./arrange.js";
export { narrow, select, unbind, split, chunk } from "./pieces.js";
export { diagonal, unfold, asStrided } from "./strided.js";
export { flip, tril, triu, repeat } from "./joining.js";
export { at, setAt } from "./indexing.js";
export { gather, scatter, scatterAdd, indexSelect, indexAdd, nonzero, maskedSelect } from "./gathering.js";
export { sum, mean, prod, any, all, countNonzero, logsumexp } from "./reduce.js";
export { amax, amin, argmax, argmin } from "./extremes.js";
export { variance as var, std } from "./moments.js";
export { norm } from "./norms.js";
export { cumsum, cumprod } from "./scans.js";
export { equal, isclose, allclose } from "./closeness.js";
export { matmul, mm, bmm, mv, dot, outer, addmm } from "./matmul.js";
export { softmax, logSoftmax, gelu } from "./softmax.js";
export { sort, argsort, topk } from "./order.js";
export { bernoulli, multinomial } from "./random.js";
