/** Elements of a plain array, computed by brute force: the reference for the native kernels, and a source for pictures. */
import type { Elements, Pooled, RawStatistics, Region } from "../../src/visualization/tensor/elements.js";

export function arrayElements(shape: readonly number[], data: ArrayLike<number>, dtype = "float32"): Elements {
  const values = Array.from(data);
  const finite = values.filter(Number.isFinite);
  return {
    shape,
    dtype,
    numel: values.length,
    statistics: (): RawStatistics => {
      const mean = finite.reduce((a, b) => a + b, 0) / finite.length;
      return {
        min: finite.reduce((a, b) => Math.min(a, b), Infinity),
        max: finite.reduce((a, b) => Math.max(a, b), -Infinity),
        mean,
        m2: finite.reduce((a, b) => a + (b - mean) ** 2, 0),
        nan: values.filter(Number.isNaN).length,
        positiveInfinity: values.filter((v) => v === Infinity).length,
        negativeInfinity: values.filter((v) => v === -Infinity).length,
        zeros: values.filter((v) => v === 0).length,
        firstNaN: values.findIndex(Number.isNaN),
      };
    },
    histogram: (lo, hi, bins) => {
      const counts = new Array<number>(bins).fill(0);
      for (const v of finite) if (v >= lo && v <= hi) counts[Math.min(bins - 1, Math.floor(((v - lo) / (hi - lo)) * bins))]!++;
      return counts;
    },
    pool: (region, height, width, pooling, center) => pool(shape, values, region, height, width, pooling, center),
    read: (region) => regionValues(shape, values, region),
  };
}

function regionValues(shape: readonly number[], values: readonly number[], { row, column, index, start, size }: Region): number[] {
  const strides = shape.map((_, dim) => shape.slice(dim + 1).reduce((a, b) => a * b, 1));
  const base = index.reduce((sum, at, dim) => sum + (dim === row || dim === column ? 0 : at * strides[dim]!), 0);
  return Array.from({ length: size[0] * size[1] }, (_, i) => {
    const [r, c] = [start[0] + Math.floor(i / size[1]), start[1] + (i % size[1])];
    return values[base + (row === null ? 0 : r * strides[row]!) + c * strides[column]!]!;
  });
}

function pool(
  shape: readonly number[],
  all: readonly number[],
  region: Region,
  height: number,
  width: number,
  pooling: string,
  center: number,
): Pooled {
  const [rows, columns] = region.size;
  const values = regionValues(shape, all, region);
  const pooled = { height, width, values: new Float32Array(height * width), flags: new Uint8Array(height * width) };
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      const box: number[] = [];
      for (let i = Math.floor((r * rows) / height); i < Math.floor(((r + 1) * rows) / height); i++) {
        for (let j = Math.floor((c * columns) / width); j < Math.floor(((c + 1) * columns) / width); j++)
          box.push(values[i * columns + j]!);
      }
      const finite = box.filter(Number.isFinite);
      pooled.flags[r * width + c] = (box.some(Number.isNaN) ? 1 : 0) | (box.includes(Infinity) ? 2 : 0) | (box.includes(-Infinity) ? 4 : 0);
      pooled.values[r * width + c] = reduce(finite, pooling, center);
    }
  }
  return pooled;
}

function reduce(finite: readonly number[], pooling: string, center: number): number {
  if (finite.length === 0) return NaN;
  if (pooling === "min") return Math.min(...finite);
  if (pooling === "max") return Math.max(...finite);
  if (pooling === "mean") return finite.reduce((a, b) => a + b, 0) / finite.length;
  return finite.reduce((best, v) => (Math.abs(v - center) > Math.abs(best - center) ? v : best));
}
