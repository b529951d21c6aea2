/** What pictures know of a tensor: native kernels against brute force. */
import { describe, expect, test } from "vitest";
import type { Elements, Region } from "../../src/visualization/tensor/elements.js";
import { elementsOf } from "../../src/visualization/tensor/tensor-elements.js";
import { arrayElements } from "./array-elements.js";
import { floats, normal, tensorOf, uniform } from "./tensors.js";

const next = normal(7);
const special = (i: number): number =>
  i % 97 === 5 ? NaN : i % 131 === 7 ? Infinity : i % 113 === 9 ? -Infinity : i % 7 === 0 ? 0 : Math.fround(next());
const data = Float32Array.from({ length: 6 * 40 * 50 }, (_, i) => special(i));
const shape = [6, 40, 50];
const denormal = Float32Array.from([1e-45, -1e-45, 0, 2e-38]);

const pairs: [string, Elements, Elements][] = [
  ["float32 with NaN and infinities", elementsOf(tensorOf(shape, data)), arrayElements(shape, data)],
  ["float64", elementsOf(tensorOf([40], Float64Array.from(data.slice(0, 40)), "float64")), arrayElements([40], data.slice(0, 40))],
  ["only NaN", elementsOf(floats([5], () => NaN)), arrayElements([5], [NaN, NaN, NaN, NaN, NaN])],
  ["denormals", elementsOf(tensorOf([4], denormal)), arrayElements([4], denormal)],
  ["bool", elementsOf(tensorOf([4], Uint8Array.from([0, 1, 1, 0]), "bool")), arrayElements([4], [0, 1, 1, 0])],
  ["int64", elementsOf(tensorOf([3], BigInt64Array.from([-5n, 0n, 9n]), "int64")), arrayElements([3], [-5, 0, 9])],
  ["uint8", elementsOf(tensorOf([3], Uint8Array.from([0, 128, 255]), "uint8")), arrayElements([3], [0, 128, 255])],
];

describe.each(pairs)("%s", (_, native, brute) => {
  test("statistics agree", () => {
    const [a, b] = [native.statistics()!, brute.statistics()!];
    for (const key of ["nan", "positiveInfinity", "negativeInfinity", "zeros", "firstNaN"] as const) expect(a[key], key).toBe(b[key]);
    const finite = brute.numel - b.nan - b.positiveInfinity - b.negativeInfinity;
    if (finite === 0) return;
    expect([a.min, a.max]).toEqual([b.min, b.max]);
    // Runs of a thousand float32 are summed in float32, which leaves some 1e-7 of the largest; squares of denormals are zero.
    const size = Math.max(Math.abs(b.min), Math.abs(b.max));
    expect(Math.abs(a.mean - b.mean)).toBeLessThanOrEqual(1e-6 * size);
    expect(Math.abs(a.m2 - b.m2)).toBeLessThanOrEqual(1e-6 * (b.m2 + 1e-60));
  });

  test("histograms agree", () => {
    expect([...native.histogram(-2, 2, 16)]).toEqual([...brute.histogram(-2, 2, 16)]);
  });
});

const regions: [string, Region][] = [
  ["the last two dims", { row: 1, column: 2, index: [3, 0, 0], start: [0, 0], size: [40, 50] }],
  ["transposed", { row: 2, column: 1, index: [3, 0, 0], start: [0, 0], size: [50, 40] }],
  ["the first and the last dim", { row: 0, column: 2, index: [0, 17, 0], start: [0, 0], size: [6, 50] }],
  ["a window", { row: 1, column: 2, index: [5, 0, 0], start: [11, 23], size: [20, 21] }],
  ["one row", { row: null, column: 1, index: [2, 0, 9], start: [0, 4], size: [1, 30] }],
];

describe.each(regions)("a region over %s", (_, region) => {
  const [native, brute] = [pairs[0]![1], pairs[0]![2]];
  test("is read exactly", () => {
    expect(native.read(region)).toEqual(brute.read(region));
  });
  test.each(["extreme", "mean", "min", "max"] as const)("is pooled by %s as brute force does", (pooling) => {
    for (const divisor of [1, 2, 3, 7]) {
      const [height, width] = [Math.ceil(region.size[0] / divisor), Math.ceil(region.size[1] / divisor)];
      const [a, b] = [native.pool(region, height, width, pooling, 0.1), brute.pool(region, height, width, pooling, 0.1)];
      expect([...a.flags]).toEqual([...b.flags]);
      a.values.forEach((value, i) => {
        const expected = b.values[i]!;
        if (Number.isFinite(expected)) expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-5);
      });
    }
  });
});

test("a planted NaN is seen at every size", () => {
  const random = uniform(3);
  for (let trial = 0; trial < 40; trial++) {
    const [rows, columns] = [1 + Math.floor(random() * 300), 1 + Math.floor(random() * 300)];
    const at = Math.floor(random() * rows * columns);
    const elements = elementsOf(floats([rows, columns], (i) => (i === at ? NaN : 1)));
    const [height, width] = [1 + Math.floor(random() * Math.min(rows, 128)), 1 + Math.floor(random() * Math.min(columns, 128))];
    const pooled = elements.pool({ row: 0, column: 1, index: [0, 0], start: [0, 0], size: [rows, columns] }, height, width, "mean", 0);
    expect(pooled.flags.reduce((a, b) => a + b, 0)).toBe(1);
  }
});
