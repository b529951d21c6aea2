/** `cg.func`: transforms of functions, and modules as functions (torch.func). */
export {
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  vjp,
  type JacobianTransformOptions,
  type TransformOptions,
} from "./autograd/transforms.js";
export { vmap, type Dims, type VmapOptions } from "./autograd/vmap.js";
export { functionalCall, stackModuleState, type FunctionalCallOptions, type State } from "./nn/functional-call.js";
