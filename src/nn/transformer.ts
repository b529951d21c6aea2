/** Transformer encoders: a layer of attention and a feed-forward network, and a stack of them. */
import type { DType } from "../tensor/dtype.js";
import { ValueError, describe } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import * as F from "./functional.js";
import { MultiheadAttention } from "./attention.js";
import { ModuleList } from "./containers.js";
import { readArguments } from "./layer.js";
import { Dropout, LayerNorm, Linear, type FactoryOptions } from "./layers.js";
import { Module } from "./module.js";

/** "relu", "gelu" or a function of a tensor. */
export type TransformerActivation = "relu" | "gelu" | ((input: Tensor) => Tensor);

export interface TransformerEncoderLayerOptions extends FactoryOptions {
  /** Width of the hidden layer. Default 2048. */
  dimFeedforward?: number;
  /** Default 0.1. */
  dropout?: number;
  activation?: TransformerActivation;
  layerNormEps?: number;
  /** [B,L,E] instead of [L,B,E]. Default false. */
  batchFirst?: boolean;
  /** Normalizes before each part instead of after it. Default false. */
  normFirst?: boolean;
  bias?: boolean;
}

export interface TransformerEncoderLayerForwardOptions {
  /** Which positions a position may not see; see MultiheadAttention's attnMask. */
  srcMask?: Tensor | null;
  /** bool [B,L], true: padding. */
  srcKeyPaddingMask?: Tensor | null;
  /** Says that srcMask is the causal one. Default false. */
  isCausal?: boolean;
}

const signature =
  "dModel: int, nhead: int, dimFeedforward: int = 2048, dropout: float = 0.1, activation: any = relu, layerNormEps: float = 1e-05, batchFirst: bool = false, normFirst: bool = false, bias: bool = true, device: string? = null, dtype: string? = null";
type Values = [number, number, number, number, unknown, number, boolean, boolean, boolean, string | null, DType | null];

function activationOf(given: unknown): (input: Tensor) => Tensor {
  if (given === "relu") return (x) => x.relu();
  if (given === "gelu") return (x) => F.gelu(x);
  if (typeof given === "function") return given as (input: Tensor) => Tensor;
  throw new ValueError({
    op: "TransformerEncoderLayer",
    argument: "activation",
    expected: `"relu", "gelu" or a function`,
    got: describe(given),
  });
}

/**
 * Self-attention and a feed-forward network, each with a residual connection and a normalization.
 * @example
 * const layer = new nn.TransformerEncoderLayer(256, 4, { batchFirst: true, normFirst: true })
 * layer.forward(x) // [B,L,256] -> [B,L,256]
 */
export class TransformerEncoderLayer extends Module {
  readonly normFirst: boolean;
  self_attn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  /** @internal The constructor's arguments, for another layer of the same kind. */ declare readonly recipe: Values;
  declare private readonly activate: (input: Tensor) => Tensor;

  constructor(dModel: number, nhead: number, ...rest: (number | boolean | TransformerActivation | TransformerEncoderLayerOptions)[]) {
    super();
    const recipe = readArguments<Values>("TransformerEncoderLayer", signature, [dModel, nhead, ...rest]);
    const [width, heads, hidden, dropoutP, activation, eps, batchFirst, normFirst, bias, device, dtype] = recipe;
    const place = { device, dtype };
    Object.defineProperty(this, "recipe", { value: recipe });
    Object.defineProperty(this, "activate", { value: activationOf(activation) });
    this.normFirst = normFirst;
    this.self_attn = new MultiheadAttention(width, heads, { dropout: dropoutP, bias, batchFirst, ...place });
    this.linear1 = new Linear(width, hidden, { bias, ...place });
    this.dropout = new Dropout(dropoutP);
    this.linear2 = new Linear(hidden, width, { bias, ...place });
    this.norm1 = new LayerNorm(width, { eps, bias, ...place });
    this.norm2 = new LayerNorm(width, { eps, bias, ...place });
    this.dropout1 = new Dropout(dropoutP);
    this.dropout2 = new Dropout(dropoutP);
  }

  /** @param src [L,B,E], with batchFirst [B,L,E], without a batch [L,E] */
  forward(src: Tensor, ...rest: (Tensor | boolean | null | TransformerEncoderLayerForwardOptions)[]): Tensor {
    const [x, mask, padding, isCausal] = readArguments<[Tensor, Tensor | null, Tensor | null, boolean]>(
      "TransformerEncoderLayer.forward",
      "src: tensor, srcMask: tensor? = null, srcKeyPaddingMask: tensor? = null, isCausal: bool = false",
      [src, ...rest],
    );
    const attend = (t: Tensor): Tensor => {
      const options = { attnMask: mask, keyPaddingMask: padding, isCausal, needWeights: false };
      return this.dropout1.forward(this.self_attn.forward(t, t, t, options)[0]);
    };
    const feed = (t: Tensor): Tensor =>
      this.dropout2.forward(this.linear2.forward(this.dropout.forward(this.activate(this.linear1.forward(t)))));
    if (this.normFirst) {
      const attended = x.add(attend(this.norm1.forward(x)));
      return attended.add(feed(this.norm2.forward(attended)));
    }
    const attended = this.norm1.forward(x.add(attend(x)));
    return this.norm2.forward(attended.add(feed(attended)));
  }
}

export interface TransformerEncoderForwardOptions {
  mask?: Tensor | null;
  srcKeyPaddingMask?: Tensor | null;
  /** Says that mask is the causal one. Default null: false. */
  isCausal?: boolean | null;
}

/**
 * A stack of copies of a layer, and perhaps a normalization.
 * @example new nn.TransformerEncoder(new nn.TransformerEncoderLayer(64, 4), 6)
 */
export class TransformerEncoder extends Module {
  readonly numLayers: number;
  layers: ModuleList;
  norm: Module | null;

  constructor(encoderLayer: TransformerEncoderLayer, numLayers: number, norm: Module | null | { norm?: Module | null } = null) {
    super();
    if (!(encoderLayer instanceof TransformerEncoderLayer))
      throw new ValueError({ op: "TransformerEncoder", argument: "encoderLayer", expected: "a TransformerEncoderLayer", got: describe(encoderLayer) }); // prettier-ignore
    if (!Number.isInteger(numLayers) || numLayers < 0)
      throw new ValueError({ op: "TransformerEncoder", argument: "numLayers", expected: "an integer of at least 0", got: describe(numLayers) }); // prettier-ignore
    this.numLayers = numLayers;
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => copyOf(encoderLayer)));
    this.norm = norm instanceof Module ? norm : (norm?.norm ?? null);
  }

  /** @param src as for the layer */
  forward(src: Tensor, ...rest: (Tensor | boolean | null | TransformerEncoderForwardOptions)[]): Tensor {
    const [x, mask, padding, isCausal] = readArguments<[Tensor, Tensor | null, Tensor | null, boolean | null]>(
      "TransformerEncoder.forward",
      "src: tensor, mask: tensor? = null, srcKeyPaddingMask: tensor? = null, isCausal: bool? = null",
      [src, ...rest],
    );
    let output = x;
    for (const layer of this.layers)
      output = layer.forward(output, { srcMask: mask, srcKeyPaddingMask: padding, isCausal: isCausal ?? false }) as Tensor;
    return this.norm === null ? output : (this.norm.forward(output) as Tensor);
  }
}

/** Another layer of the same kind, with the same values. */
function copyOf(layer: TransformerEncoderLayer): TransformerEncoderLayer {
  const [width, heads, ...rest] = layer.recipe;
  const copy = new TransformerEncoderLayer(width, heads, ...(rest as unknown as never[]));
  copy.loadStateDict(layer.stateDict());
  return copy.train(layer.training);
}
