/** `cg.nn.functional`: layers without state. */
export { softplus, logsigmoid, sigmoid, tanh } from "../ops/unary.js";
export { softsign, tanhshrink, hardshrink, softshrink, softmin, glu, prelu, pairwiseDistance } from "../ops/activations.js";
export {
  relu, relu6, silu, mish, hardswish, hardsigmoid, selu, elu, celu, leakyRelu, hardtanh, threshold, rrelu, dropout,
  relu_, elu_, celu_, selu_, hardtanh_, leakyRelu_, threshold_, rrelu_,
} from "../ops/changing.js"; // prettier-ignore
export { pad, type PadMode, type PadOptions } from "../ops/padding.js";
export { softmax, logSoftmax, gelu, layerNorm, batchNorm } from "../ops/softmax.js";
export { conv2d, maxPool2d, avgPool2d, type ConvOptions, type MaxPoolOptions, type AvgPoolOptions, type Pair } from "../ops/convolution.js";
export { adaptiveAvgPool2d, conv1d, convTranspose2d, type AdaptiveSize, type ConvTransposeOptions } from "../ops/convolutions.js";
export { groupNorm, rmsNorm, type GroupNormOptions, type RmsNormOptions } from "../ops/normalizations.js";
export { linear } from "../ops/matmul.js";
export { embedding, type EmbeddingLookup } from "../ops/embedding.js";
export { scaledDotProductAttention, type AttentionOptions } from "../ops/attention.js";
export {
  crossEntropy, nllLoss, mseLoss, l1Loss, smoothL1Loss, huberLoss, binaryCrossEntropy, binaryCrossEntropyWithLogits, klDiv,
  type CrossEntropyOptions, type ClassLossOptions, type LossOptions, type WeightedOptions, type Reduction,
} from "../ops/loss.js"; // prettier-ignore
export { oneHot, normalize, cosineSimilarity } from "../ops/features.js";
