/** Elements around a tensor: constants, reflections, the nearest or those of the other side. */
import { withRecording } from "../autograd/mode.js";
import { Code } from "../tensor/dtype.js";
import { DTypeError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { fromBuffer } from "./creation.js";
import { op, record, recorded, shownAs } from "./define.js";
import { fillWith } from "./pointwise.js";

export type PadMode = "constant" | "reflect" | "replicate" | "circular";
export interface PadOptions {
  mode?: PadMode;
  /** What "constant" pads with. Default 0. */
  value?: number | null;
}

/**
 * The tensor with `pad` elements before and after its last dims, the last one first: [left, right, top, bottom, ...].
 * A negative count cuts. @param mode default "constant" @param value default 0
 * @throws ShapeError where a dim cannot be padded so
 * @example pad(ones(1, 2), [1, 0]) // [[0., 1., 1.]]
 */
export const pad: (input: Tensor, pad: readonly number[], mode?: PadMode | PadOptions, value?: number | null | PadOptions) => Tensor = op(
  "pad",
  "input: tensor, pad: ints, mode: constant|reflect|replicate|circular = constant, value: float? = null",
  (input: Tensor, counts: number[], mode: PadMode, value: number | null) => {
    input.live("pad");
    if (counts.length % 2 !== 0 || counts.length > 2 * input.shape.length)
      throw new ValueError({ op: "pad", argument: "pad", expected: `an even number of counts, at most ${2 * input.shape.length}`, got: describe(counts) }); // prettier-ignore
    if (mode === "constant") return constantPad(input, counts, value ?? 0);
    if (value !== null && value !== 0)
      throw new ValueError({ op: "pad", argument: "value", expected: `null for mode "${mode}"`, got: String(value) });
    return mirroredPad(input, counts, mode);
  },
  { method: false },
);

/** Counts before and after dim d of a tensor of this rank. */
const countsAt = (counts: readonly number[], rank: number, d: number): readonly [number, number] => {
  const i = 2 * (rank - 1 - d);
  return [counts[i] ?? 0, counts[i + 1] ?? 0];
};

function constantPad(input: Tensor, counts: readonly number[], value: number): Tensor {
  const rank = input.shape.length;
  const shape = input.shape.map((size, d) => size + countsAt(counts, rank, d)[0] + countsAt(counts, rank, d)[1]);
  if (shape.some((size) => size < 0))
    throw new ShapeError({ op: "pad", argument: "pad", expected: `counts that leave sizes of ${formatShape(input.shape)}`, got: formatShape(counts) }); // prettier-ignore
  const out = launch.empty("pad", shape, input.dt, input.dev);
  fillWith("pad", out, value);
  withRecording(false, () => {
    let [from, to] = [input.detach(), out];
    shape.forEach((size, d) => {
      const [before] = countsAt(counts, rank, d);
      const [start, end] = [Math.max(0, before), Math.min(size, before + input.shape[d]!)];
      to = to.narrow(d, Math.min(start, size), Math.max(0, end - start));
      from = from.narrow(d, Math.min(Math.max(0, -before), input.shape[d]!), Math.max(0, end - start));
    });
    to.copy_(from);
  });
  // What was padded is cut, what was cut is padded with zeros.
  return recorded(input) ? record("constantPadNd", out, [input], [], ([g]) => [constantPad(g!, counts.map((n) => -n), 0)]) : out; // prettier-ignore
}

const modeNames = { reflect: "reflectionPad", replicate: "replicationPad", circular: "circularPad" } as const;

/** Each dim picks its elements by place; torch pads 1 to 3 dims of one sample [C, *] or of a batch [N, C, *] so. */
function mirroredPad(input: Tensor, counts: readonly number[], mode: keyof typeof modeNames): Tensor {
  const rank = input.shape.length;
  const padded = counts.length / 2;
  if (padded < 1 || padded > 3 || (rank !== padded + 1 && rank !== padded + 2))
    throw new ShapeError({ op: "pad", argument: "pad", expected: `counts for the last dims of [C, *] or [N, C, *]`, got: `${counts.length} for ${formatShape(input.shape)}` }); // prettier-ignore
  if (input.dt === Code.bool && mode !== "circular")
    throw new DTypeError({ op: "pad", argument: "input", expected: `a dtype other than bool for mode "${mode}"`, got: "bool" });
  let out = input;
  for (let d = rank - 1; d >= rank - padded; d--) {
    const [before, after] = countsAt(counts, rank, d);
    if (before === 0 && after === 0) continue;
    const places = BigInt64Array.from(placesOf(input, d, before, after, mode), BigInt);
    out = out.indexSelect(d, fromBuffer("pad", places, [places.length], Code.int64, input.dev));
  }
  return out === input ? input.clone() : shownAs(`${modeNames[mode]}${padded}D`, out);
}

function placesOf(input: Tensor, d: number, before: number, after: number, mode: keyof typeof modeNames): number[] {
  const size = input.shape[d]!;
  const most = mode === "reflect" ? size - 1 : mode === "circular" ? size : Infinity;
  if (size === 0 || before > most || after > most || size + before + after < (mode === "circular" ? 0 : 1))
    throw new ShapeError({
      op: "pad",
      argument: "pad",
      expected: `at most ${most} elements on each side of dim ${d} for mode "${mode}"`,
      got: `${before} and ${after}`,
    });
  // What is cut does not come round again.
  const kept = size + Math.min(0, before) + Math.min(0, after);
  return Array.from({ length: size + before + after }, (_, i) => {
    const at = i - before;
    if (mode === "replicate") return Math.min(Math.max(at, 0), size - 1);
    if (mode === "circular") return Math.max(0, -before) + ((i - Math.max(0, before) + kept) % kept);
    return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
  });
}
