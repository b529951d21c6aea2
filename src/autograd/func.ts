/** `cg.func`: transforms of functions (torch.func). */
export {
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  vjp,
  type JacobianTransformOptions,
  type TransformOptions,
} from "./transforms.js";
export { vmap, type Dims, type VmapOptions } from "./vmap.js";
