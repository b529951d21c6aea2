/** Distances as modules. */
import type { Tensor } from "../tensor/tensor.js";
import * as F from "./functional.js";
import { readArguments } from "./layer.js";
import { Module } from "./module.js";

/** The cosine of the angle between vectors along `dim`. @param dim default 1 @param eps default 1e-8 */
export class CosineSimilarity extends Module {
  readonly dim: number;
  readonly eps: number;
  constructor(dim?: number | { dim?: number; eps?: number }, eps?: number | { eps?: number }) {
    super();
    [this.dim, this.eps] = readArguments<[number, number]>("CosineSimilarity", "dim: int = 1, eps: float = 1e-08", [dim, eps]);
  }
  forward(x1: Tensor, x2: Tensor): Tensor {
    return F.cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

interface DistanceOptions {
  p?: number;
  eps?: number;
  keepdim?: boolean;
}
/** The p-norm of x1 - x2 + eps along the last dim. @param p default 2 @param eps default 1e-6 @param keepdim default false */
export class PairwiseDistance extends Module {
  readonly norm: number;
  readonly eps: number;
  readonly keepdim: boolean;
  constructor(p?: number | DistanceOptions, eps?: number | DistanceOptions, keepdim?: boolean | DistanceOptions) {
    super();
    const signature = "p: float = 2.0, eps: float = 1e-06, keepdim: bool = false";
    [this.norm, this.eps, this.keepdim] = readArguments<[number, number, boolean]>("PairwiseDistance", signature, [p, eps, keepdim]);
  }
  forward(x1: Tensor, x2: Tensor): Tensor {
    return F.pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim);
  }
}
