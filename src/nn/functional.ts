/** `cg.nn.functional`: layers without state. */
export {
  relu,
  silu,
  mish,
  hardswish,
  hardsigmoid,
  leakyRelu,
  elu,
  softplus,
  hardtanh,
  threshold,
  logsigmoid,
  sigmoid,
  tanh,
} from "../ops/unary.js";
export {
  celu, selu, relu6, softsign, tanhshrink, hardshrink, softshrink, softmin, glu, prelu, rrelu, pairwiseDistance,
} from "../ops/activations.js"; // prettier-ignore
export { pad, type PadMode, type PadOptions } from "../ops/padding.js";
export { softmax, logSoftmax, gelu, layerNorm, batchNorm } from "../ops/softmax.js";
export { conv2d, maxPool2d, avgPool2d, type ConvOptions, type MaxPoolOptions, type AvgPoolOptions, type Pair } from "../ops/convolution.js";
export { linear } from "../ops/matmul.js";
export { dropout, embedding } from "../ops/random.js";
export { scaledDotProductAttention, type AttentionOptions } from "../ops/attention.js";
export {
  crossEntropy, nllLoss, mseLoss, l1Loss, smoothL1Loss, huberLoss, binaryCrossEntropy, binaryCrossEntropyWithLogits, klDiv,
  type CrossEntropyOptions, type ClassLossOptions, type LossOptions, type WeightedOptions, type Reduction,
} from "../ops/loss.js"; // prettier-ignore
export { oneHot, normalize, cosineSimilarity } from "../ops/features.js";
