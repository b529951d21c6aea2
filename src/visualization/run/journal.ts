/** Every point of a run, in memory: append-only typed arrays, cheap enough for the inner loop, readable between any two steps. */

/** The points of one curve in the order they were logged. Only the first `length` entries count. */
export interface Points {
  readonly name: string;
  readonly steps: Float64Array;
  readonly values: Float64Array;
  /** Number of the log() call that made the point, from 1. */
  readonly calls: Uint32Array;
  readonly length: number;
  /** Index of the smallest and of the largest value so far; -1 before the first number. */
  readonly minAt: number;
  readonly maxAt: number;
}

class Column implements Points {
  steps = new Float64Array(64);
  values = new Float64Array(64);
  calls = new Uint32Array(64);
  length = 0;
  minAt = -1;
  maxAt = -1;

  constructor(readonly name: string) {}

  push(step: number, value: number, call: number): void {
    const at = this.length;
    if (at === this.values.length) this.grow();
    this.steps[at] = step;
    this.values[at] = value;
    this.calls[at] = call;
    if (this.minAt < 0 ? value === value : value < this.values[this.minAt]!) this.minAt = at;
    if (this.maxAt < 0 ? value === value : value > this.values[this.maxAt]!) this.maxAt = at;
    // Last: a view that reads between two lines sees whole points only.
    this.length = at + 1;
  }

  private grow(): void {
    const capacity = this.length * 2;
    const longer = <A extends Float64Array | Uint32Array>(old: A, fresh: A): A => (fresh.set(old), fresh);
    this.steps = longer(this.steps, new Float64Array(capacity));
    this.values = longer(this.values, new Float64Array(capacity));
    this.calls = longer(this.calls, new Uint32Array(capacity));
  }
}

export class Journal {
  private readonly columns = new Map<string, Column>();
  /** Number of finished log() calls. */
  calls = 0;

  push(name: string, step: number, value: number): void {
    let column = this.columns.get(name);
    if (column === undefined) this.columns.set(name, (column = new Column(name)));
    column.push(step, value, this.calls + 1);
  }

  /** Ends the current log() call. */
  commit(): void {
    this.calls++;
  }

  get series(): readonly Points[] {
    return [...this.columns.values()];
  }

  get empty(): boolean {
    return this.columns.size === 0;
  }
}

/** Index of the first point logged after call number `since`. */
export function firstAfter({ calls, length }: Points, since: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (calls[middle]! <= since) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Indices that draw the same curve in `columns` columns of [from, to]: of each column its minimum, its maximum, and the first
 * non-finite value. A random choice would lose the peaks.
 */
export function decimate(points: Points, from: number, to: number, columns: number): number[] {
  const { steps, values, length } = points;
  const scale = columns / (to - from || 1);
  const kept: number[] = [];
  let column = -1;
  let [low, high, bad] = [-1, -1, -1];
  const flush = (): void => {
    kept.push(...[...new Set([low, high, bad])].filter((i) => i >= 0).sort((a, b) => a - b));
    [low, high, bad] = [-1, -1, -1];
  };
  for (let i = 0; i < length; i++) {
    const step = steps[i]!;
    if (step < from || step > to) continue;
    const at = Math.min(columns - 1, Math.floor((step - from) * scale));
    if (at !== column) flush();
    column = at;
    const value = values[i]!;
    if (!Number.isFinite(value)) bad = bad < 0 ? i : bad;
    else {
      if (low < 0 || value < values[low]!) low = i;
      if (high < 0 || value > values[high]!) high = i;
    }
  }
  flush();
  return kept;
}

/**
 * At most `most` indices whose line looks most like the whole curve: of each stretch the point that spans the largest triangle with its
 * neighbours (Steinarsson 2013), and always the smallest and the largest value. Used where points cost bytes; non-finite values are left out.
 */
export function thin({ steps, values, length, minAt, maxAt }: Points, most: number): number[] {
  const finite = Array.from({ length }, (_, i) => i).filter((i) => Number.isFinite(values[i]!));
  if (finite.length <= most) return finite;
  const buckets = Math.max(1, most - 4);
  const at = (bucket: number): number => 1 + Math.floor((bucket * (finite.length - 2)) / buckets);
  const kept = new Set([finite[0]!, finite.at(-1)!, minAt, maxAt].filter((i) => Number.isFinite(values[i])));
  let previous = finite[0]!;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const next = finite.slice(at(bucket + 1), Math.max(at(bucket + 1) + 1, at(bucket + 2)));
    const x = mean(next, steps);
    const y = mean(next, values);
    let best = -1;
    let largest = -1;
    for (let k = at(bucket); k < at(bucket + 1); k++) {
      const i = finite[k]!;
      const area = Math.abs(
        (steps[previous]! - x) * (values[i]! - values[previous]!) - (steps[previous]! - steps[i]!) * (y - values[previous]!),
      );
      if (area > largest) [largest, best] = [area, i];
    }
    if (best >= 0) kept.add((previous = best));
  }
  return [...kept].sort((a, b) => a - b);
}

function mean(indices: readonly number[], values: Float64Array): number {
  return indices.reduce((sum, i) => sum + values[i]!, 0) / indices.length;
}
