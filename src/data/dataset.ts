/** Datasets: samples by index. */
import { IndexError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { randperm, type Generator } from "../ops/random.js";

/** Samples by index; `at` may do any work. */
export abstract class Dataset<T = unknown> {
  abstract readonly length: number;
  /** The sample at an index in [0, length). */
  abstract at(index: number): T;

  /** Samples as one batch, where the dataset can do it better than one by one. null: it cannot. */
  batch(_indices: Tensor): unknown {
    return null;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  /** One line: its class and how many samples it has. */
  toString(): string {
    return `${this.constructor.name}(${this.length} samples)`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

export function wrapIndex(op: string, index: number, length: number): number {
  if (!Number.isInteger(index) || index < -length || index >= length) {
    throw new IndexError({ op, argument: "index", expected: `in the range [${-length}, ${length - 1}]`, got: describe(index) });
  }
  return index < 0 ? index + length : index;
}

/** Rows of tensors that share their first size. A batch is one native gather a tensor. @example new TensorDataset(images, labels) */
export class TensorDataset extends Dataset<Tensor[]> {
  readonly tensors: readonly Tensor[];

  constructor(...tensors: Tensor[]) {
    super();
    if (tensors.length === 0)
      throw new ValueError({ op: "TensorDataset", argument: "tensors", expected: "at least one Tensor", got: "none" });
    tensors.forEach((t, i) => {
      if (!(t instanceof Tensor))
        throw new ValueError({ op: "TensorDataset", argument: `tensors[${i}]`, expected: "a Tensor", got: describe(t) });
      if (t.shape.length === 0 || t.shape[0] !== tensors[0]!.shape[0]) {
        throw new ShapeError({
          op: "TensorDataset",
          expected: "tensors with one first size",
          got: tensors.map((x) => formatShape(x.shape)).join(", "),
        });
      }
    });
    this.tensors = tensors;
  }

  get length(): number {
    return this.tensors[0]!.shape[0]!;
  }

  at(index: number): Tensor[] {
    const i = wrapIndex("TensorDataset.at", index, this.length);
    return this.tensors.map((t) => t.select(0, i));
  }

  override batch(indices: Tensor): Tensor[] {
    return this.tensors.map((t) => t.indexSelect(0, indices));
  }

  /** `TensorDataset(60000 samples: float32 [1, 28, 28], int64 [])`. */
  override toString(): string {
    const samples = this.tensors.map(({ dtype, shape }) => `${dtype} ${formatShape(shape.slice(1))}`);
    return `TensorDataset(${this.length} samples: ${samples.join(", ")})`;
  }
}

/** Some samples of another dataset. */
export class Subset<T> extends Dataset<T> {
  constructor(
    readonly dataset: Dataset<T>,
    readonly indices: readonly number[],
  ) {
    super();
  }
  get length(): number {
    return this.indices.length;
  }
  at(index: number): T {
    return this.dataset.at(this.indices[wrapIndex("Subset.at", index, this.length)]!);
  }

  override toString(): string {
    return `Subset(${this.length} samples of ${this.dataset.toString()})`;
  }
}

/** Splits a dataset at random. @param lengths sizes that add up to its length, or fractions that add up to 1 */
export function randomSplit<T>(
  dataset: Dataset<T>,
  lengths: readonly number[],
  options: { generator?: Generator | null } = {},
): Subset<T>[] {
  const total = lengths.reduce((a, b) => a + b, 0);
  let sizes = lengths;
  if (Math.abs(total - 1) < 1e-9 && lengths.every((n) => n <= 1)) {
    const floors = lengths.map((share) => Math.floor(share * dataset.length));
    let left = dataset.length - floors.reduce((a, b) => a + b, 0);
    sizes = floors.map((n) => n + (left-- > 0 ? 1 : 0));
  } else if (total !== dataset.length) {
    throw new ValueError({
      op: "randomSplit",
      argument: "lengths",
      expected: `sizes that add up to ${dataset.length}`,
      got: String(total),
    });
  }
  const order = randperm(dataset.length, options).tolist() as number[];
  let start = 0;
  return sizes.map((size) => new Subset(dataset, order.slice(start, (start += size))));
}
