/** A table of vectors as a layer. */
import { withRecording } from "../autograd/mode.js";
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { empty } from "../ops/creation.js";
import { embedding, type EmbeddingLookup } from "../ops/embedding.js";
import { bind, parseSignature } from "../ops/schema.js";
import { normal_ } from "./init.js";
import { factory, place, readArguments, repr, reprFloat, type Factory } from "./layer.js";
import type { FactoryOptions } from "./layers.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

export interface EmbeddingOptions extends FactoryOptions, EmbeddingLookup {}

const lookup =
  "paddingIdx: int? = null, maxNorm: float? = null, normType: float = 2.0, scaleGradByFreq: bool = false, sparse: bool = false";
type Lookup = [padding: number | null, maxNorm: number | null, normType: number, byFrequency: boolean, sparse: boolean];
const pretrained = parseSignature(`embeddings: tensor, freeze: bool = true, ${lookup}`);

/** A table of vectors looked up by index. int64 [*] -> [*, embeddingDim]. The row `paddingIdx` starts as zeros and gets no gradient. */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, ...rest: (number | boolean | null | EmbeddingOptions | undefined)[]) {
    super();
    const signature = `numEmbeddings: int, embeddingDim: int, ${lookup}, *, ${factory}`;
    const values = readArguments<[number, number, ...Lookup, ...Factory]>("Embedding", signature, [numEmbeddings, embeddingDim, ...rest]);
    const [n, width, padding, maxNorm, normType, byFrequency, sparse, device, dtype] = values;
    if (padding !== null && (padding < -n || padding >= n))
      throw new ValueError({ op: "Embedding", argument: "paddingIdx", expected: `within ${n} rows`, got: String(padding) });
    if (sparse) throw new ValueError({ op: "Embedding", argument: "sparse", expected: "false", got: "true", hint: "gradients are dense" });
    [this.numEmbeddings, this.embeddingDim] = [n, width];
    this.paddingIdx = padding !== null && padding < 0 ? padding + n : padding;
    [this.maxNorm, this.normType, this.scaleGradByFreq] = [maxNorm, normType, byFrequency];
    this.weight = new Parameter(empty(n, width, place(device, dtype)));
    normal_(this.weight);
    if (this.paddingIdx !== null) withRecording(false, () => this.weight.select(0, this.paddingIdx!).zero_());
  }

  /** A layer over given vectors [V, D] (torch.nn.Embedding.from_pretrained). @param freeze they do not learn; default true */
  static fromPretrained(embeddings: Tensor, ...rest: (number | boolean | null | (EmbeddingLookup & { freeze?: boolean }))[]): Embedding {
    const [given, freeze, paddingIdx, maxNorm, normType, scaleGradByFreq, sparse] = bind("fromPretrained", pretrained, [embeddings, ...rest]) as [Tensor, boolean, ...Lookup]; // prettier-ignore
    if (given.shape.length !== 2)
      throw new ShapeError({ op: "fromPretrained", argument: "embeddings", expected: "2-d", got: formatShape(given.shape) });
    const options = { paddingIdx, maxNorm, normType, scaleGradByFreq, sparse };
    const layer = new Embedding(given.shape[0]!, given.shape[1]!, options);
    layer.weight = new Parameter(given, !freeze);
    return layer;
  }

  forward(input: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return embedding(input, this.weight, { paddingIdx, maxNorm, normType, scaleGradByFreq });
  }

  override extraRepr(): string {
    const parts = [`${this.numEmbeddings}, ${this.embeddingDim}`];
    if (this.paddingIdx !== null) parts.push(`padding_idx=${this.paddingIdx}`);
    if (this.maxNorm !== null) parts.push(`max_norm=${reprFloat(this.maxNorm)}`);
    if (this.normType !== 2) parts.push(`norm_type=${reprFloat(this.normType)}`);
    if (this.scaleGradByFreq) parts.push(`scale_grad_by_freq=${repr(true)}`);
    return parts.join(", ");
  }
}
