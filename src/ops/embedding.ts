/** Rows of a table by index, and what torch.nn.functional.embedding may do to them on the way. */
import { withRecording } from "../autograd/mode.js";
import { Code } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { bincount } from "./counting.js";
import { op, record, recorded } from "./define.js";
import { unique } from "./searching.js";

const code = launch.codesOf("structured");

export interface EmbeddingLookup {
  /** This row gets no gradient. */
  paddingIdx?: number | null;
  /** Rows that are looked up are first scaled down, in place, to a norm of at most this. */
  maxNorm?: number | null;
  /** The p of that norm. Default 2. */
  normType?: number;
  /** Divides the gradient of a row by how often its index occurs. Default false. */
  scaleGradByFreq?: boolean;
  /** Only false: gradients are dense. */
  sparse?: boolean;
}

/** The rows of `weight` [V, D] at an index tensor [*]: shape [*, D]. */
export const embedding: (
  input: Tensor,
  weight: Tensor,
  paddingIdx?: number | null | EmbeddingLookup,
  maxNorm?: number | null | EmbeddingLookup,
  normType?: number | EmbeddingLookup,
  scaleGradByFreq?: boolean | EmbeddingLookup,
  sparse?: boolean | EmbeddingLookup,
) => Tensor = op(
  "embedding",
  "input: tensor, weight: tensor, paddingIdx: int? = null, maxNorm: float? = null, normType: float = 2.0, scaleGradByFreq: bool = false, sparse: bool = false",
  (
    input: Tensor,
    weight: Tensor,
    paddingIdx: number | null,
    maxNorm: number | null,
    normType: number,
    scaleGradByFreq: boolean,
    sparse: boolean,
  ) => {
    if (weight.shape.length !== 2)
      throw new ShapeError({ op: "embedding", argument: "weight", expected: "2-d", got: formatShape(weight.shape) });
    if (input.dt !== Code.int64 && input.dt !== Code.int32)
      throw new DTypeError({ op: "embedding", argument: "input", expected: "int64 or int32 indices", got: input.dtype });
    if (sparse) throw new ValueError({ op: "embedding", argument: "sparse", expected: "false", got: "true", hint: "gradients are dense" });
    input.live("embedding");
    const index = input.dt === Code.int64 ? input : input.to("int64");
    const [rows, width] = weight.shape as [number, number];
    if (paddingIdx !== null && (paddingIdx < -rows || paddingIdx >= rows))
      throw new ValueError({ op: "embedding", argument: "paddingIdx", expected: `within ${rows} rows`, got: String(paddingIdx) });
    const padding = paddingIdx === null ? -1 : paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
    if (maxNorm !== null) limitRows(weight, index, maxNorm, normType);
    const out = launch.run("embedding", code("embedding"), [weight, index], [...input.shape, width], weight.dt, []);
    if (!recorded(weight)) return out;
    return record("embedding", out, [weight], [index], ([g], node) => {
      const at = node.tensor(0);
      return [embeddingGrad(scaleGradByFreq ? g!.div(occurrences(at).unsqueeze(-1)) : g!, at, rows, padding)];
    });
  },
  { method: false },
);

/** How often each index of an index tensor occurs in it. */
function occurrences(index: Tensor): Tensor {
  const flat = index.reshape(-1);
  return bincount(flat).indexSelect(0, flat).reshape(index.shape);
}

function limitRows(weight: Tensor, index: Tensor, maxNorm: number, normType: number): void {
  withRecording(false, () => {
    const used = unique(index.reshape(-1)) as Tensor;
    weight.detach().indexCopy_(0, used, weight.detach().indexSelect(0, used).renorm(normType, 0, maxNorm));
  });
}

function embeddingGrad(g: Tensor, index: Tensor, rows: number, padding: number): Tensor {
  const out = launch.run("embedding", code("embeddingBackward"), [g, index], [rows, g.shape.at(-1)!], g.dt, [padding]);
  if (!recorded(g)) return out;
  return record("embeddingBackward", out, [g], [index], ([h], node) => {
    const picked = embedding(node.tensor(0), h!);
    return [padding < 0 ? picked : picked.mul(node.tensor(0).ne(padding).unsqueeze(-1))];
  });
}
