/** Reduces RGB pixels to a small palette by median cut (Heckbert 1982); exact when there are few colours. */

export interface Quantized {
  readonly indices: Uint8Array;
  readonly palette: Uint8Array;
}

interface Box {
  readonly colors: number[];
  readonly count: number;
  readonly channel: number;
  readonly spread: number;
}

/** What stands for a group of similar colours: their mean (photographs), or the most frequent one (drawings keep their inks). */
export type Representative = "mean" | "mode";

/** Maps `pixels` (`stride` bytes each, RGB first) to at most `limit` colours. Deterministic. */
export function quantize(pixels: Uint8Array, stride: 3 | 4, limit: number, representative: Representative): Quantized {
  // Photographs have thousands of colours: five bits a channel tell enough of them apart.
  const mask = representative === "mean" ? 0xf8f8f8 : 0xffffff;
  const slots = new Map<number, number>();
  const slotOf = new Uint32Array(pixels.length / stride);
  const tally: number[] = [];
  let last = -1;
  let slot = -1;
  for (let i = 0, at = 0; i < slotOf.length; i++, at += stride) {
    const color = ((pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!) & mask;
    // Runs of one colour are long: most pixels need no lookup.
    if (color !== last) {
      last = color;
      slot = slots.get(color) ?? -1;
      if (slot < 0) {
        slots.set(color, (slot = tally.length));
        tally.push(0);
      }
    }
    slotOf[i] = slot;
    tally[slot]!++;
  }
  const counts = new Map([...slots].map(([color, at]) => [color, tally[at]!]));
  const groups = counts.size <= limit ? [...counts.keys()].map((color) => [color]) : medianCut(counts, limit);
  const palette = new Uint8Array(groups.length * 3);
  const indexOf = new Uint8Array(tally.length);
  groups.forEach((colors, index) => {
    palette.set(representative === "mean" ? mean(colors, counts) : mode(colors, counts), index * 3);
    for (const color of colors) indexOf[slots.get(color)!] = index;
  });
  const indices = new Uint8Array(slotOf.length);
  for (let i = 0; i < indices.length; i++) indices[i] = indexOf[slotOf[i]!]!;
  return { indices, palette };
}

function medianCut(counts: ReadonlyMap<number, number>, limit: number): number[][] {
  const boxes = [box([...counts.keys()], counts)];
  while (boxes.length < limit) {
    let widest = 0;
    // The root of the count keeps a few accent colours apart from thousands of background pixels.
    const weight = ({ spread, count, colors }: Box): number => (colors.length > 1 ? spread * Math.sqrt(count) : 0);
    for (let i = 1; i < boxes.length; i++) if (weight(boxes[i]!) > weight(boxes[widest]!)) widest = i;
    const { colors, count, channel } = boxes[widest]!;
    if (colors.length < 2) break;
    colors.sort((a, b) => component(a, channel) - component(b, channel) || a - b);
    let seen = 0;
    let cut = 0;
    while (cut < colors.length - 1 && seen + counts.get(colors[cut]!)! <= count / 2) seen += counts.get(colors[cut++]!)!;
    cut = Math.max(1, cut);
    boxes.splice(widest, 1, box(colors.slice(0, cut), counts), box(colors.slice(cut), counts));
  }
  return boxes.map(({ colors }) => colors);
}

function box(colors: number[], counts: ReadonlyMap<number, number>): Box {
  const low = [255, 255, 255];
  const high = [0, 0, 0];
  let count = 0;
  for (const color of colors) {
    count += counts.get(color)!;
    for (let c = 0; c < 3; c++) {
      low[c] = Math.min(low[c]!, component(color, c));
      high[c] = Math.max(high[c]!, component(color, c));
    }
  }
  const spreads = high.map((value, c) => value - low[c]!);
  const spread = Math.max(...spreads);
  return { colors, count, channel: spreads.indexOf(spread), spread };
}

function mean(colors: readonly number[], counts: ReadonlyMap<number, number>): number[] {
  const sum = [0, 0, 0];
  let total = 0;
  for (const color of colors) {
    const count = counts.get(color)!;
    total += count;
    for (let c = 0; c < 3; c++) sum[c]! += count * component(color, c);
  }
  // 248 is the largest value of five bits: white stays white.
  return sum.map((value) => Math.min(255, Math.round(((value / total) * 255) / 248)));
}

function mode(colors: readonly number[], counts: ReadonlyMap<number, number>): number[] {
  const color = colors.reduce((best, one) => (counts.get(one)! > counts.get(best)! ? one : best));
  return [0, 1, 2].map((channel) => component(color, channel));
}

function component(color: number, channel: number): number {
  return (color >> (16 - 8 * channel)) & 255;
}
