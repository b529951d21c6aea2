/** Scaled dot-product attention: one fused kernel that never stores the scores, whose other forms and higher derivatives are plain ops. */
import { Code, isComplex, isIntegral } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { ones, zeros } from "./creation.js";
import { op, record, recorded, requireSameDevice } from "./define.js";
import { fusedGrad } from "./pointwise.js";
import { dropout } from "./random.js";

const code = launch.codesOf("structured");
const name = "scaledDotProductAttention";

/** Options of {@link scaledDotProductAttention}. */
export interface AttentionOptions {
  /** Added to the scores, or bool: true where a query may see a key. [..,L,S], broadcast. Default null. */
  attnMask?: Tensor | null;
  /** Probability of dropping a weight. Default 0. */
  dropoutP?: number;
  /** Query i sees keys 0..i. Default false. */
  isCausal?: boolean;
  /** Multiplies the scores. Default 1 / sqrt(E). */
  scale?: number | null;
  /** Each head of key and value serves several heads (dim -3) of query. Default false. */
  enableGqa?: boolean;
}

/** What the fused kernel and its definition in plain ops both need. Mask is added; batch dims are equal. */
interface Attention {
  readonly mask: Tensor | null;
  readonly causal: boolean;
  readonly scale: number;
  readonly dropoutP: number;
}

type ScaledDotProductAttention = (
  query: Tensor,
  key: Tensor,
  value: Tensor,
  attnMask?: Tensor | null | AttentionOptions,
  dropoutP?: number | AttentionOptions,
  isCausal?: boolean | AttentionOptions,
  options?: AttentionOptions,
) => Tensor;

/**
 * softmax(query key^T * scale + mask) value. A query that may see no key gives zeros.
 * @param query [..,L,E] @param key [..,S,E] @param value [..,S,D] @returns [..,L,D]
 * @throws ShapeError when sizes differ, ValueError for both a mask and isCausal, DTypeError for a mask neither bool nor of query's dtype
 * @example F.scaledDotProductAttention(q, k, v, { isCausal: true })
 */
export const scaledDotProductAttention: ScaledDotProductAttention = op(
  name,
  "query: tensor, key: tensor, value: tensor, attnMask: tensor? = null, dropoutP: float = 0, isCausal: bool = false, *, scale: float? = null, enableGqa: bool = false",
  (q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, dropoutP: number, causal: boolean, scale: number | null, enableGqa: boolean) => {
    check(q, k, v, mask, dropoutP, causal);
    const grouped = enableGqa ? [repeatHeads("key", q, k), repeatHeads("value", q, v)] : [k, v];
    const [keys, values] = grouped as [Tensor, Tensor];
    const lead = [q, keys, values].map((t): Shape => t.shape.slice(0, -2)).reduce((a, b) => broadcastShapes(name, a, b));
    const batch = mask === null || mask.shape.length <= 2 ? lead : broadcastShapes(name, lead, mask.shape.slice(0, -2));
    const wide = (t: Tensor): Tensor => t.expand([...batch, ...t.shape.slice(-2)]);
    const scores = [...batch, q.shape.at(-2)!, k.shape.at(-2)!];
    const given: Attention = {
      mask: mask === null ? null : added(mask, q, scores),
      causal,
      scale: scale ?? 1 / Math.sqrt(q.shape.at(-1)!),
      dropoutP,
    };
    const fused = dropoutP === 0 && mask?.requiresGrad !== true;
    return (fused ? attend : define)(wide(q), wide(keys), wide(values), given);
  },
  { method: false },
);

function check(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, dropoutP: number, causal: boolean): void {
  for (const [argument, t] of [
    ["query", q],
    ["key", k],
    ["value", v],
  ] as const) {
    t.live(name);
    requireSameDevice(name, q, t);
    if (t.shape.length < 2) throw new ShapeError({ op: name, argument, expected: "at least 2 dims", got: formatShape(t.shape) });
    if (isIntegral(t.dt) || isComplex(t.dt)) throw new DTypeError({ op: name, argument, expected: "a floating dtype", got: t.dtype });
    if (t.dt !== q.dt) throw new DTypeError({ op: name, argument, expected: `query's dtype ${q.dtype}`, got: t.dtype });
  }
  if (q.shape.at(-1) !== k.shape.at(-1))
    throw new ShapeError({ op: name, expected: "query[-1] to equal key[-1]", got: `${formatShape(q.shape)} and ${formatShape(k.shape)}` });
  if (k.shape.at(-2) !== v.shape.at(-2))
    throw new ShapeError({ op: name, expected: "key[-2] to equal value[-2]", got: `${formatShape(k.shape)} and ${formatShape(v.shape)}` });
  if (!(dropoutP >= 0 && dropoutP <= 1))
    throw new ValueError({ op: name, argument: "dropoutP", expected: "in [0, 1]", got: String(dropoutP) });
  if (mask === null) return;
  requireSameDevice(name, q, mask);
  mask.live(name);
  if (causal) throw new ValueError({ op: name, argument: "attnMask", expected: "null with isCausal", got: "a mask" });
  if (mask.dt !== Code.bool && mask.dt !== q.dt)
    throw new DTypeError({ op: name, argument: "attnMask", expected: `bool or ${q.dtype}`, got: mask.dtype });
}

/** [..,heads of keys,S,E] -> [..,heads of query,S,E], each head repeated in place. */
function repeatHeads(argument: string, q: Tensor, t: Tensor): Tensor {
  const [wanted, has] = [q.shape.at(-3), t.shape.at(-3)];
  if (wanted === undefined || has === undefined || wanted % has !== 0)
    throw new ShapeError({ op: name, argument, expected: `heads (dim -3) that divide ${wanted ?? "those of query"}`, got: formatShape(t.shape) }); // prettier-ignore
  return wanted === has ? t : t.repeatInterleave(wanted / has, -3);
}

/** A mask to add to scores of shape [..,L,S]. */
function added(mask: Tensor, q: Tensor, scores: Shape): Tensor {
  const lead = scores.length - mask.shape.length;
  if (lead < 0 || mask.shape.some((size, i) => size !== 1 && size !== scores[lead + i]))
    throw new ShapeError({ op: name, argument: "attnMask", expected: `broadcastable to ${formatShape(scores)}`, got: formatShape(mask.shape) }); // prettier-ignore
  if (mask.dt !== Code.bool) return mask.expand(scores);
  return zeros(mask.shape, { dtype: q.dtype, device: q.device }).maskedFill(mask.logicalNot(), -Infinity).expand(scores);
}

/** The definition in plain ops. */
function define(q: Tensor, k: Tensor, v: Tensor, { mask, causal, scale, dropoutP }: Attention): Tensor {
  let scores = q.mul(scale).matmul(k.transpose(-2, -1)); // [..,L,E] @ [..,E,S] -> [..,L,S]
  if (mask !== null) scores = scores.add(mask);
  if (causal) {
    const seen = ones(scores.shape.slice(-2), { dtype: "bool", device: q.device }).tril();
    scores = scores.maskedFill(seen.logicalNot(), -Infinity);
  }
  // A query that sees no key would be NaN.
  const blind = mask === null ? null : scores.detach().eq(-Infinity).all(-1, true);
  const weights = scores.softmax(-1);
  const sighted = blind === null ? weights : weights.maskedFill(blind, 0);
  return dropout(sighted, dropoutP).matmul(v);
}

function attend(q: Tensor, k: Tensor, v: Tensor, given: Attention): Tensor {
  const { mask, causal, scale } = given;
  const attributes = [scale, causal ? 1 : 0, mask === null ? 0 : 1];
  const masks = mask === null ? [] : [mask];
  const rows = q.shape.slice(0, -1);
  const outputs = [
    { shape: [...rows, v.shape.at(-1)!], dt: q.dt },
    { shape: rows, dt: q.dt === Code.float64 ? Code.float64 : Code.float32 },
  ];
  const [y, lse] = launch.runMany(name, code("attention"), [q, k, v, ...masks], outputs, attributes) as [Tensor, Tensor];
  if (!recorded(q, k, v)) return y;
  return record(name, y, [q, k, v], [q, k, v, y, lse, ...masks], ([g], node) => {
    const saved = [0, 1, 2, 3, 4, ...masks.map(() => 5)].map((i) => node.tensor(i));
    const [queries, keys, values] = saved as [Tensor, Tensor, Tensor];
    const fast = (): Tensor[] => {
      const outs = [queries, keys, values].map(({ shape, dt }) => ({ shape, dt }));
      return launch.runMany(name, code("attentionBackward"), [g!, ...saved], outs, attributes);
    };
    return fusedGrad(fast, g!, [queries, keys, values], (...inputs) =>
      define(inputs[0]!, inputs[1]!, inputs[2]!, { ...given, mask: saved[5] ?? null }),
    );
  });
}
