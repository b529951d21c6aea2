/** The points of one curve: appended without limit, thinned for the screen without losing an extreme. */

/** Points to draw, in order of steps. */
export interface Points {
  readonly steps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export class Journal implements Points {
  steps = new Float64Array(256);
  values = new Float32Array(256);
  length = 0;
  private ordered = true;

  append(steps: ArrayLike<number>, values: ArrayLike<number>): void {
    this.reserve(this.length + steps.length);
    for (let i = 0; i < steps.length; i++) {
      if (this.length > 0 && steps[i]! < this.steps[this.length - 1]!) this.ordered = false;
      this.steps[this.length] = steps[i]!;
      this.values[this.length++] = values[i]!;
    }
  }

  /** Points in [from, to], thinned to the minimum and maximum of each of `columns` groups. */
  thin(from: number, to: number, columns: number, values: ArrayLike<number> = this.values): Points {
    const points = this.sorted(values);
    const first = lowerBound(points.steps, this.length, from);
    const last = lowerBound(points.steps, this.length, to + Number.EPSILON * Math.abs(to));
    // One point beyond each end, so that the line leaves the frame instead of stopping short of it.
    return thin(points, Math.max(0, first - 1), Math.min(this.length, last + 1), columns);
  }

  /** Debiased exponential average of the values (as in Adam); gaps of NaN neither spread nor count. */
  smooth(weight: number): Float32Array {
    const result = new Float32Array(this.length);
    let average = 0;
    let bias = 1;
    for (let i = 0; i < this.length; i++) {
      const value = this.values[i]!;
      if (!Number.isFinite(value)) {
        result[i] = NaN;
        continue;
      }
      average = weight * average + (1 - weight) * value;
      bias *= weight;
      result[i] = average / (1 - bias);
    }
    return result;
  }

  private reserve(count: number): void {
    if (count <= this.steps.length) return;
    const capacity = Math.max(count, this.steps.length * 2);
    const [steps, values] = [new Float64Array(capacity), new Float32Array(capacity)];
    steps.set(this.steps.subarray(0, this.length));
    values.set(this.values.subarray(0, this.length));
    this.steps = steps;
    this.values = values;
  }

  /** A loop that starts over logs smaller steps again: those points take their place in the order. */
  private sorted(values: ArrayLike<number>): Points {
    if (this.ordered) return { steps: this.steps, values };
    const order = Array.from({ length: this.length }, (_, i) => i).sort((a, b) => this.steps[a]! - this.steps[b]!);
    return { steps: order.map((i) => this.steps[i]!), values: order.map((i) => values[i]!) };
  }
}

/** Puts curves on one ascending list of steps; null is no point. */
export function align(curves: readonly Points[]): [steps: number[], ...values: (number | null)[][]] {
  const steps = [...new Set(curves.flatMap((curve) => Array.from(curve.steps)))].sort((a, b) => a - b);
  const columns = curves.map((curve) => {
    const column: (number | null)[] = Array.from({ length: steps.length }, () => null);
    let at = 0;
    for (let i = 0; i < curve.steps.length; i++) {
      while (steps[at]! < curve.steps[i]!) at++;
      const value = curve.values[i]!;
      if (Number.isFinite(value)) column[at] = value;
    }
    return column;
  });
  return [steps, ...columns];
}

function thin({ steps, values }: Points, first: number, last: number, columns: number): Points {
  const count = last - first;
  const thinned = { steps: [] as number[], values: [] as number[] };
  const take = (i: number): void => {
    thinned.steps.push(steps[i]!);
    thinned.values.push(values[i]!);
  };
  if (count <= columns * 2) {
    for (let i = first; i < last; i++) take(i);
    return thinned;
  }
  for (let column = 0; column < columns; column++) {
    const [begin, end] = [first + Math.floor((column * count) / columns), first + Math.floor(((column + 1) * count) / columns)];
    let [low, high] = [begin, begin];
    for (let i = begin; i < end; i++) {
      if (!(values[i]! >= values[low]!)) low = i;
      if (!(values[i]! <= values[high]!)) high = i;
    }
    take(Math.min(low, high));
    if (low !== high) take(Math.max(low, high));
  }
  return thinned;
}

function lowerBound(steps: ArrayLike<number>, length: number, value: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
