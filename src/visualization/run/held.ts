/** What a tensor holds that makes a result infinite or NaN: how many, and where the first are. */
import { isFloating } from "../../tensor/dtype.js";
import type { Tensor } from "../../tensor/tensor.js";
import { formatShape } from "../../tensor/errors.js";
import { count, short } from "../picture/numbers.js";

export type Kind = "zeros" | "negatives" | "NaN" | "infinities" | "range";

/** Indices that are told. */
const most = 3;

const masks: Readonly<Record<Exclude<Kind, "range">, (t: Tensor) => Tensor>> = {
  zeros: (t) => t.eq(0),
  negatives: (t) => t.lt(0),
  NaN: (t) => t.ne(t),
  infinities: (t) => t.abs().eq(Infinity),
};

const singular = { zeros: "zero", negatives: "negative", NaN: "NaN", infinities: "infinity" } as const;

/** True when something in it is NaN or infinite. */
export const isBad = (t: Tensor): boolean => isFloating(t.dt) && t.numel() > 0 && !Number.isFinite(Number(t.detach().mul(0).sum().item()));

/** `3 zeros (first at [0, 2], [5, 1], [7, 7]) in float32 [64, 10]`; null when it holds none of these kinds. */
export function words(of: Tensor, kinds: readonly Kind[]): string | null {
  const t = of.detach();
  const facts = kinds.flatMap((kind) => (kind === "range" ? rangeOf(t) : (factOf(t, kind) ?? [])));
  return facts.length === 0 ? null : `${facts.join(", ")} in ${t.dtype} ${formatShape(t.shape)}`;
}

const rangeOf = (t: Tensor): string => `values from ${short(Number(t.min().item()))} to ${short(Number(t.max().item()))}`;

function factOf(t: Tensor, kind: Exclude<Kind, "range">): string | null {
  const mask = masks[kind](t);
  const found = Number(mask.sum().item());
  if (found === 0) return null;
  const flat = mask.to("uint8").flatten();
  const first: string[] = [];
  for (let from = 0; first.length < Math.min(most, found);) {
    const at =
      from +
      Number(
        flat
          .narrow(0, from, flat.numel() - from)
          .argmax()
          .item(),
      );
    first.push(`[${indexOf(at, t.shape).join(", ")}]`);
    from = at + 1;
  }
  const where = t.shape.length === 0 ? "" : ` (${found > first.length ? "first " : ""}at ${first.join(", ")})`;
  return `${count(found)} ${found === 1 ? singular[kind] : kind}${where}`;
}

/** The index of an element by its number in row-major order. */
function indexOf(at: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const size of [...shape].reverse()) {
    index.unshift(at % size);
    at = Math.floor(at / size);
  }
  return index;
}
