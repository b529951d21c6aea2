/** `cg.vision`: images, as torchvision names them. */
export * as datasets from "./datasets/index.js";
