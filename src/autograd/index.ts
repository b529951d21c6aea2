/** `cg.autograd`: gradients on request, modes, custom functions, derivatives of functions, checks. */
export { backward, grad, type BackwardManyOptions, type BackwardOptions, type GradOptions } from "./backward.js";
export { detectAnomaly, enableGrad, inferenceMode, isGradEnabled, noGrad, setDetectAnomaly, setGradEnabled } from "./mode.js";
export { Function, FunctionContext } from "./function.js";
export { gradcheck, gradgradcheck, type GradcheckOptions } from "./gradcheck.js";
export * as graph from "./graph.js";
export * as functional from "./functional.js";
