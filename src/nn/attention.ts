/** Attention as a layer. */
import type { DType } from "../tensor/dtype.js";
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { scaledDotProductAttention } from "../ops/attention.js";
import { empty, zeros } from "../ops/creation.js";
import { cat } from "../ops/joining.js";
import { linear } from "../ops/matmul.js";
import { dropout } from "../ops/random.js";
import { constant_, xavierNormal_, xavierUniform_ } from "./init.js";
import { readArguments } from "./layer.js";
import { Linear, type FactoryOptions } from "./layers.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

export interface MultiheadAttentionOptions extends FactoryOptions {
  /** Drops attention weights while training. Default 0. */
  dropout?: number;
  bias?: boolean;
  /** Adds a learned key and value to every sequence. Default false. */
  addBiasKv?: boolean;
  /** Adds a key and value of zeros to every sequence. Default false. */
  addZeroAttn?: boolean;
  /** Features of key and of value. Default embedDim. */
  kdim?: number | null;
  vdim?: number | null;
  /** [B,L,E] instead of [L,B,E]. Default false. */
  batchFirst?: boolean;
}

export interface MultiheadAttentionForwardOptions {
  /** bool [B,S] (true: ignore this key) or added to the scores. */
  keyPaddingMask?: Tensor | null;
  /** Returns the weights, which costs their memory. Default true. */
  needWeights?: boolean;
  /** bool (true: this query may not see this key) or added; [L,S] or [B * numHeads,L,S]. */
  attnMask?: Tensor | null;
  /** The mean of the weights over heads instead of each. Default true. */
  averageAttnWeights?: boolean;
  /** Says that attnMask is the causal one. Default false. */
  isCausal?: boolean;
}

// As torch names it in the tree of modules.
class NonDynamicallyQuantizableLinear extends Linear {}

const signature =
  "embedDim: int, numHeads: int, dropout: float = 0, bias: bool = true, addBiasKv: bool = false, addZeroAttn: bool = false, kdim: int? = null, vdim: int? = null, batchFirst: bool = false, device: string? = null, dtype: string? = null";
const forwardSignature =
  "query: tensor, key: tensor, value: tensor, keyPaddingMask: tensor? = null, needWeights: bool = true, attnMask: tensor? = null, averageAttnWeights: bool = true, isCausal: bool = false";

type Values = [
  number, number, number, boolean, boolean, boolean, number | null, number | null, boolean, string | null, DType | null,
]; // prettier-ignore

/**
 * Attention of several heads between projections of query, key and value.
 * @example
 * const attention = new nn.MultiheadAttention(256, 4, { batchFirst: true })
 * const [output] = attention.forward(x, x, x, { needWeights: false }) // x [B,L,256]
 */
export class MultiheadAttention extends Module {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly headDim: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  readonly addZeroAttn: boolean;
  q_proj_weight: Parameter | null = null;
  k_proj_weight: Parameter | null = null;
  v_proj_weight: Parameter | null = null;
  in_proj_weight: Parameter | null = null;
  in_proj_bias: Parameter | null;
  bias_k: Parameter | null = null;
  bias_v: Parameter | null = null;
  out_proj: Linear;

  constructor(embedDim: number, numHeads: number, ...rest: (number | boolean | null | MultiheadAttentionOptions)[]) {
    super();
    const [width, heads, dropoutP, bias, addBiasKv, addZeroAttn, kdim, vdim, batchFirst, device, dtype] = readArguments<Values>(
      "MultiheadAttention",
      signature,
      [embedDim, numHeads, ...rest],
    );
    if (width <= 0 || heads <= 0 || width % heads !== 0)
      throw new ValueError({ op: "MultiheadAttention", argument: "numHeads", expected: `a positive divisor of embedDim ${width}`, got: String(heads) }); // prettier-ignore
    const place = { device, dtype };
    const weight = (columns: number, rows = width): Parameter => new Parameter(empty(rows, columns, place));
    [this.embedDim, this.numHeads, this.headDim] = [width, heads, width / heads];
    [this.kdim, this.vdim, this.dropout] = [kdim ?? width, vdim ?? width, dropoutP];
    [this.batchFirst, this.addZeroAttn] = [batchFirst, addZeroAttn];
    if (this.kdim === width && this.vdim === width) this.in_proj_weight = weight(width, 3 * width);
    else [this.q_proj_weight, this.k_proj_weight, this.v_proj_weight] = [weight(width), weight(this.kdim), weight(this.vdim)];
    this.in_proj_bias = bias ? new Parameter(empty(3 * width, place)) : null;
    this.out_proj = new NonDynamicallyQuantizableLinear(width, width, { bias, ...place });
    if (addBiasKv) [this.bias_k, this.bias_v] = [new Parameter(empty(1, 1, width, place)), new Parameter(empty(1, 1, width, place))];
    this.resetParameters();
  }

  resetParameters(): void {
    for (const weight of [this.in_proj_weight, this.q_proj_weight, this.k_proj_weight, this.v_proj_weight])
      if (weight !== null) xavierUniform_(weight);
    for (const bias of [this.in_proj_bias, this.out_proj.bias]) if (bias !== null) constant_(bias, 0);
    for (const bias of [this.bias_k, this.bias_v]) if (bias !== null) xavierNormal_(bias);
  }

  /**
   * @param query [L,B,E], with batchFirst [B,L,E], without a batch [L,E]
   * @param key [S,B,kdim] or as query @param value [S,B,vdim] or as query
   * @returns the output, of query's shape, and the weights [B,L,S] (each head: [B,numHeads,L,S]), null unless needed
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    ...rest: (Tensor | boolean | null | MultiheadAttentionForwardOptions)[]
  ): [output: Tensor, weights: Tensor | null] {
    type Given = [Tensor, Tensor, Tensor, Tensor | null, boolean, Tensor | null, boolean, boolean];
    const [q, k, v, padding, needWeights, attnMask, average, isCausal] = readArguments<Given>("MultiheadAttention.forward", forwardSignature, [query, key, value, ...rest]); // prettier-ignore
    this.check(q, k, v);
    if (isCausal && attnMask === null)
      throw new ValueError({ op: "MultiheadAttention.forward", argument: "attnMask", expected: "the causal mask when isCausal says that it is one", got: "null" }); // prettier-ignore
    const batched = q.shape.length === 3;
    const batchDim = this.batchFirst || !batched ? 0 : 1;
    const lead = (t: Tensor): Tensor => (batched ? t : t.unsqueeze(0));
    // The same tensor stays the same, so that it is projected once.
    const wideQ = lead(q);
    const wideK = k === q ? wideQ : lead(k);
    const wideV = v === k ? wideK : lead(v);
    let [qs, ks, vs] = this.project(wideQ, wideK, wideV, batchDim); // [B,H,L,D], [B,H,S,D]
    const extra = (this.bias_k === null ? 0 : 1) + (this.addZeroAttn ? 1 : 0);
    [ks, vs] = [this.extend(ks, this.bias_k), this.extend(vs, this.bias_v)];
    const simple = isCausal && padding === null && !needWeights && extra === 0;
    const mask = simple ? null : this.mask(q, attnMask, padding, qs.shape[0]!, ks.shape[2]!, extra, batched);
    const p = this.training ? this.dropout : 0;

    let weights: Tensor | null = null;
    let heads: Tensor;
    if (needWeights) {
      const scores = qs.mul(1 / Math.sqrt(this.headDim)).matmul(ks.transpose(-2, -1)); // [B,H,L,S]
      weights = dropout((mask === null ? scores : scores.add(mask)).softmax(-1), p);
      heads = weights.matmul(vs);
    } else {
      heads = scaledDotProductAttention(qs, ks, vs, mask, p, simple);
    }
    // [B,H,L,D] -> [B,L,E] or [L,B,E]
    const joined = (batchDim === 0 ? heads.transpose(1, 2) : heads.permute(2, 0, 1, 3)).flatten(2);
    const output = this.out_proj.forward(joined);
    if (weights !== null && average) weights = weights.mean(1);
    return batched ? [output, weights] : [output.squeeze(0), weights === null ? null : weights.squeeze(0)];
  }

  private check(q: Tensor, k: Tensor, v: Tensor): void {
    for (const [argument, t, features] of [
      ["query", q, this.embedDim],
      ["key", k, this.kdim],
      ["value", v, this.vdim],
    ] as const) {
      const rank = t.shape.length;
      if ((rank !== 2 && rank !== 3) || rank !== q.shape.length || t.shape.at(-1) !== features)
        throw new ShapeError({
          op: "MultiheadAttention.forward",
          argument,
          expected: `${q.shape.length === 2 ? "2-d" : "3-d"} with ${features} features`,
          got: formatShape(t.shape),
        });
    }
  }

  /** Queries, keys and values of each head, as views [B,H,length,D]. */
  private project(q: Tensor, k: Tensor, v: Tensor, batchDim: number): [Tensor, Tensor, Tensor] {
    const { embedDim, numHeads, headDim } = this;
    const toHeads = (t: Tensor): Tensor => (batchDim === 0 ? t.transpose(1, 2) : t.permute(1, 2, 0, 3));
    const split = (t: Tensor, parts: number): Tensor[] => {
      const [first, second] = t.shape as [number, number];
      const apart = t.reshape(first, second, parts, numHeads, headDim);
      return parts === 1 ? [toHeads(apart.squeeze(2))] : apart.unbind(2).map(toHeads);
    };
    const weight = this.in_proj_weight;
    const bias = this.in_proj_bias;
    const rows = (t: Tensor | null, from: number, count: number): Tensor | null =>
      t === null ? null : t.narrow(0, from * embedDim, count * embedDim);
    if (weight !== null && q === k && k === v) return split(linear(q, weight, bias), 3) as [Tensor, Tensor, Tensor];
    if (weight !== null && k === v) {
      const [queries] = split(linear(q, rows(weight, 0, 1)!, rows(bias, 0, 1)), 1);
      const [keys, values] = split(linear(k, rows(weight, 1, 2)!, rows(bias, 1, 2)), 2);
      return [queries!, keys!, values!];
    }
    const own = [this.q_proj_weight, this.k_proj_weight, this.v_proj_weight];
    return [q, k, v].map((t, i) => split(linear(t, own[i] ?? rows(weight, i, 1)!, rows(bias, i, 1)), 1)[0]) as [Tensor, Tensor, Tensor];
  }

  /** Keys or values [B,H,S,D] with the learned one and the one of zeros, where the layer has them. */
  private extend(t: Tensor, bias: Parameter | null): Tensor {
    const one = [t.shape[0]!, this.numHeads, 1, this.headDim];
    const parts = [t];
    if (bias !== null) parts.push(bias.view(1, this.numHeads, 1, this.headDim).expand(one));
    if (this.addZeroAttn) parts.push(zeros(one, { dtype: t.dtype, device: t.device }));
    return parts.length === 1 ? t : cat(parts, 2);
  }

  /** Both masks as one to add to scores [B,H,L,S]. */
  private mask(
    query: Tensor,
    attnMask: Tensor | null,
    padding: Tensor | null,
    batch: number,
    keys: number,
    extra: number,
    batched: boolean,
  ): Tensor | null {
    const seen = keys - extra;
    const added = (argument: string, t: Tensor, shapes: readonly (readonly number[])[]): Tensor => {
      if (!shapes.some((shape) => shape.length === t.shape.length && shape.every((size, i) => size === t.shape[i])))
        throw new ShapeError({ op: "MultiheadAttention.forward", argument, expected: `of shape ${shapes.map(formatShape).join(" or ")}`, got: formatShape(t.shape) }); // prettier-ignore
      const float = t.dtype === "bool" ? zeros(t.shape, { dtype: query.dtype, device: query.device }).maskedFill(t, -Infinity) : t;
      if (extra === 0) return float;
      return cat([float, zeros([...t.shape.slice(0, -1), extra], { dtype: float.dtype, device: float.device })], -1);
    };
    const length = query.shape[batched && this.batchFirst ? 1 : 0]!;
    const own = attnMask && added("attnMask", attnMask, [[length, seen], [batch * this.numHeads, length, seen]]); // prettier-ignore
    const perHead = own !== null && own.shape.length === 3 ? own.view(batch, this.numHeads, length, keys) : own;
    const padded = padding && added("keyPaddingMask", padding, [batched ? [batch, seen] : [seen]]).view(batch, 1, 1, keys);
    return perHead === null || padded === null ? (perHead ?? padded) : perHead.add(padded);
  }
}
