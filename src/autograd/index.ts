/** `cg.autograd`: gradients on request, modes, custom functions, checks. */
export { backward, grad, type BackwardOptions, type GradOptions } from "./engine.js";
export { enableGrad, inferenceMode, isGradEnabled, noGrad, setGradEnabled } from "./mode.js";
export { Function, FunctionContext } from "./function.js";
export { gradcheck, gradgradcheck, type GradcheckOptions } from "./gradcheck.js";
