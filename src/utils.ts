/** `cg.utils`: what torch.utils holds. */
export * as data from "./data/index.js";
export { checkpoint, type CheckpointOptions } from "./autograd/checkpoint.js";
