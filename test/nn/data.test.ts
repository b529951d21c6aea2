/** Datasets and loaders: orders, batches of anything, splits, and what they refuse. */
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const { DataLoader, Dataset, Subset, TensorDataset, defaultCollate, randomSplit } = cg.utils.data;

/** Tensors as their dtype and elements, whatever holds them. */
function plain(batch: unknown): unknown {
  if (batch instanceof cg.Tensor) return [batch.dtype, batch.tolist()];
  if (Array.isArray(batch)) return batch.map(plain);
  if (typeof batch === "object" && batch !== null)
    return Object.fromEntries(Object.entries(batch).map(([key, value]) => [key, plain(value)]));
  return batch;
}

/** Numbers from 0, made when they are asked for. */
class Squares extends Dataset<{ n: number; square: Tensor }> {
  asked: number[] = [];
  constructor(readonly length: number) {
    super();
  }
  at(n: number): { n: number; square: Tensor } {
    this.asked.push(n);
    return { n, square: cg.tensor([n * n]) };
  }
}

describe("datasets", () => {
  const tensors = new TensorDataset(cg.arange(6).reshape(3, 2), cg.tensor([10, 20, 30]));

  it("iterate over their samples", () => {
    expect([...tensors].map(([x, y]) => [x!.tolist(), y!.item()])).toEqual([[[0, 1], 10], [[2, 3], 20], [[4, 5], 30]]); // prettier-ignore
    expect([...new Squares(3)].map(({ n }) => n)).toEqual([0, 1, 2]);
  });

  it("and loaders say what they are in a line", () => {
    const halves = new Subset(tensors, [0, 2]);
    expect(String(tensors)).toBe("TensorDataset(3 samples: int64 [2], float32 [])");
    expect(inspect({ data: new Squares(4) })).toBe("{ data: Squares(4 samples) }");
    expect(inspect(new DataLoader(halves, { batchSize: 2, shuffle: true }))).toBe(
      "DataLoader(1 batch of 2, shuffled, of Subset(2 samples of TensorDataset(3 samples: int64 [2], float32 [])))",
    );
  });

  it("count from the end, and no further", () => {
    expect(tensors.at(-1)[1]!.item()).toBe(30);
    for (const index of [3, -4, 0.5]) expect(() => tensors.at(index)).toThrow(cg.IndexError);
    expect(() => tensors.at(3)).toThrow(/TensorDataset\.at: expected index to be in the range \[-3, 2\], got 3/);
  });

  it("of some samples keep their own order", () => {
    const some = new Subset(tensors, [2, 0]);
    expect([some.length, ...some].map((one) => (Array.isArray(one) ? one[1]!.item() : one))).toEqual([2, 30, 10]);
    expect(some.at(-1)[1]!.item()).toBe(10);
    expect(() => some.at(2)).toThrow(/Subset\.at: expected index/);
  });

  it.each([
    ["nothing", () => new TensorDataset(), cg.ValueError, /at least one Tensor, got none/],
    ["what is no tensor", () => new TensorDataset(cg.ones(2), [1, 2] as never), cg.ValueError, /tensors\[1\] to be a Tensor/],
    ["other first sizes", () => new TensorDataset(cg.ones(2, 3), cg.ones(3)), cg.ShapeError, /one first size, got \[2, 3\], \[3\]/],
    ["a scalar", () => new TensorDataset(cg.tensor(1)), cg.ShapeError, /got \[\]/],
  ])("of tensors refuse %s", (_, make, type, message) => {
    expect(make).toThrow(type);
    expect(make).toThrow(message);
  });

  it("split by sizes and by shares, the rest going to the first parts, as the generator says", () => {
    const sizes = (lengths: number[]): number[] => randomSplit(new Squares(10), lengths).map((part) => part.length);
    expect([sizes([4, 6]), sizes([0.33, 0.33, 0.34]), sizes([0.25, 0.25, 0.5])]).toEqual([[4, 6], [4, 3, 3], [3, 2, 5]]); // prettier-ignore
    const order = (seed: number): unknown =>
      randomSplit(new Squares(10), [5, 5], { generator: new cg.Generator().manualSeed(seed) }).map((part) => part.indices);
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(() => sizes([4, 5])).toThrow(/randomSplit: expected lengths to be sizes that add up to 10, got 9/);
  });
});

describe("a loader", () => {
  it("asks sample by sample, in order, when the dataset makes no batches", () => {
    const squares = new Squares(5);
    const loader = new DataLoader(squares, 2);
    expect(loader.length).toBe(3);
    expect([...loader].map(plain)).toEqual([
      { n: ["int64", [0, 1]], square: ["float32", [[0], [1]]] },
      { n: ["int64", [2, 3]], square: ["float32", [[4], [9]]] },
      { n: ["int64", [4]], square: ["float32", [[16]]] },
    ]);
    expect(squares.asked).toEqual([0, 1, 2, 3, 4]);
  });

  it("asks for nothing before it is needed", () => {
    const squares = new Squares(100);
    for (const _ of new DataLoader(squares, 4)) break;
    expect(squares.asked).toEqual([0, 1, 2, 3]);
  });

  it("leaves a small last batch unasked for with dropLast", () => {
    const squares = new Squares(5);
    const loader = new DataLoader(squares, { batchSize: 2, dropLast: true });
    expect([loader.length, [...loader].length, squares.asked]).toEqual([2, 2, [0, 1, 2, 3]]);
  });

  it("draws one order an epoch from its generator", () => {
    const squares = new Squares(20);
    const loader = new DataLoader(squares, { batchSize: 20, shuffle: true, generator: new cg.Generator().manualSeed(7) });
    const epoch = (): number[] => {
      squares.asked = [];
      expect([...loader].length).toBe(1);
      return squares.asked;
    };
    const [first, second] = [epoch(), epoch()];
    expect(first.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(second.toSorted((a, b) => a - b)).toEqual(first.toSorted((a, b) => a - b));
    expect(second).not.toEqual(first);
  });

  it("gives all samples of a batch to collateFn, tensors too", () => {
    const seen: unknown[] = [];
    const dataset = new TensorDataset(cg.arange(4));
    const collateFn = (samples: unknown[]): number => seen.push(...samples.map(plain));
    expect([...new DataLoader(dataset, { batchSize: 3, collateFn })]).toEqual([3, 4]);
    expect(seen).toEqual([0, 1, 2, 3].map((n) => [["int64", n]]));
  });

  it("takes an array of samples, and types its batches by them", () => {
    const samples = [1, 2, 3].map((n) => ({ x: cg.ones(2), y: n, name: `sample ${n}` }));
    const [first] = new DataLoader(samples, { batchSize: 2 });
    const { x, y, name }: { x: cg.Tensor; y: cg.Tensor; name: string[] } = first!;
    expect([x.shape, y.tolist(), name]).toEqual([
      [2, 2],
      [1, 2],
      ["sample 1", "sample 2"],
    ]);
  });

  it("of an empty dataset gives nothing", () => {
    expect([...new DataLoader(new Squares(0), 2)]).toEqual([]);
  });

  it.each([
    ["no dataset", () => new DataLoader(new Map() as never), /DataLoader: expected dataset to be a Dataset, or an array of samples/],
    ["batches of nothing", () => new DataLoader(new Squares(2), 0), /DataLoader: expected batchSize to be at least 1, got 0/],
    ["options it does not have", () => new DataLoader(new Squares(2), { numWorkers: 2 } as never), /numWorkers/],
  ])("refuses %s", (_, make, message) => {
    expect(make).toThrow(cg.ValueError);
    expect(make).toThrow(message);
  });
});

describe("defaultCollate", () => {
  it.each<[string, unknown[], unknown]>([
    ["whole numbers", [1, 2], ["int64", [1, 2]]],
    ["numbers", [1, 2.5], ["float32", [1, 2.5]]],
    ["big integers", [1n, 2n], ["int64", [1, 2]]],
    ["booleans", [true, false], ["bool", [true, false]]],
    ["strings", ["a", "b"], ["a", "b"]],
    ["typed arrays", [new Float64Array([1, 2]), new Float64Array([3, 4])], ["float64", [[1, 2], [3, 4]]]],
    ["pairs", [[1, "a"], [2, "b"]], [["int64", [1, 2]], ["a", "b"]]],
    ["objects in objects", [{ x: { y: 1 } }, { x: { y: 2 } }], { x: { y: ["int64", [1, 2]] } }],
  ])("batches %s", (_, samples, expected) => {
    expect(plain(defaultCollate(samples))).toEqual(expected);
  }); // prettier-ignore

  it.each([
    ["arrays of different lengths", [[1, 2], [3]], cg.ValueError, /defaultCollate: expected samples to be arrays of one length/],
    ["tensors of different shapes", [cg.ones(2), cg.ones(3)], cg.ShapeError, /stack/],
    ["null", [null, null], cg.ValueError, /defaultCollate: expected samples to be tensors.*got null.*collateFn/s],
  ])("refuses %s", (_, samples, type, message) => {
    expect(() => defaultCollate(samples)).toThrow(type);
    expect(() => defaultCollate(samples)).toThrow(message);
  });
});
