/** `cg.utils`: what torch.utils holds. */
export * as data from "./data/index.js";
