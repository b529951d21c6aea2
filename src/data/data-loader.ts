/** Batches of a dataset, in order or shuffled. */
import { ValueError, describe } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";
import { arange, tensor } from "../ops/creation.js";
import { stack } from "../ops/joining.js";
import { pinningDevice } from "../ops/pinning.js";
import { randperm, type Generator } from "../ops/random.js";
import { bind, parseSignature } from "../ops/schema.js";

/** What is batched: a {@link Dataset}, an array, or anything else of samples by index. */
export interface Samples<Sample> {
  readonly length: number;
  at(index: number): Sample | undefined;
  batch?(indices: Tensor): unknown;
}

/** What {@link defaultCollate} makes of samples: tensors of tensors and of numbers, in the arrays and objects in which they come. */
export type Batched<Sample> = Sample extends Tensor | number | bigint | boolean | ArrayBufferView
  ? Tensor
  : Sample extends string
    ? string[]
    : Sample extends object
      ? { -readonly [Key in keyof Sample]: Batched<Sample[Key]> }
      : unknown;

export interface DataLoaderOptions<Sample = unknown, Batch = unknown> {
  /** Samples in a batch. Default 1. */
  batchSize?: number;
  /** A new random order each epoch. Default false. */
  shuffle?: boolean;
  /** Leaves out a last batch that is too small. Default false. */
  dropLast?: boolean;
  /** Makes a batch of samples. Default {@link defaultCollate}. */
  collateFn?: ((samples: Sample[]) => Batch) | null;
  /** Puts tensors of a batch into pinned memory, from which `to(device, { nonBlocking: true })` copies while the host goes on. Default false. */
  pinMemory?: boolean;
  /** Draws the order. Default: the generator that manualSeed() seeds. */
  generator?: Generator | null;
}

const params = parseSignature(
  "dataset: any, batchSize: int = 1, shuffle: bool = false, *, dropLast: bool = false, collateFn: function? = null, pinMemory: bool = false, generator: generator? = null",
);

/**
 * Iterates over a dataset, or an array of samples, in batches; each iteration is an epoch. Datasets of tensors are gathered natively.
 * @example for (const [images, labels] of new DataLoader(dataset, { batchSize: 64, shuffle: true })) ...
 */
export class DataLoader<Sample = Tensor[], Batch = Batched<Sample>> {
  readonly dataset: Samples<Sample>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  private readonly collateFn: ((samples: Sample[]) => Batch) | null;
  readonly pinMemory: boolean;
  private readonly generator: Generator | null;

  constructor(
    dataset: Samples<Sample>,
    batchSize?: number | DataLoaderOptions<Sample, Batch>,
    shuffle?: boolean | DataLoaderOptions<Sample, Batch>,
    options?: DataLoaderOptions<Sample, Batch>,
  ) {
    type Values = [Samples<Sample>, number, boolean, boolean, ((samples: Sample[]) => Batch) | null, boolean, Generator | null];
    [this.dataset, this.batchSize, this.shuffle, this.dropLast, this.collateFn, this.pinMemory, this.generator] = bind(
      "DataLoader",
      params,
      [dataset, batchSize, shuffle, options],
    ) as Values;
    if (typeof this.dataset?.length !== "number" || typeof this.dataset.at !== "function") {
      throw new ValueError({
        op: "DataLoader",
        argument: "dataset",
        expected: "a Dataset, or an array of samples",
        got: describe(dataset),
      });
    }
    if (this.batchSize < 1)
      throw new ValueError({ op: "DataLoader", argument: "batchSize", expected: "at least 1", got: String(this.batchSize) });
  }

  /** The number of batches in an epoch. */
  get length(): number {
    const n = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(n) : Math.ceil(n);
  }

  *[Symbol.iterator](): IterableIterator<Batch> {
    const n = this.dataset.length;
    const order = this.shuffle ? randperm(n, { generator: this.generator }) : arange(n);
    for (let start = 0, i = 0; i < this.length; i++, start += this.batchSize) {
      const batch = this.batchOf(order.narrow(0, start, Math.min(this.batchSize, n - start)));
      yield (this.pinMemory ? pinned(batch) : batch) as Batch;
    }
  }

  /** `DataLoader(938 batches of 64, shuffled, of TensorDataset(…))`. */
  toString(): string {
    const words = [`${this.length} ${this.length === 1 ? "batch" : "batches"} of ${this.batchSize}`];
    if (this.shuffle) words.push("shuffled");
    if (this.dropLast) words.push("a smaller last one left out");
    if (this.pinMemory) words.push("pinned");
    const { dataset } = this;
    const name = Array.isArray(dataset) || dataset.toString === Object.prototype.toString ? `${dataset.length} samples` : String(dataset);
    return `DataLoader(${words.join(", ")}, of ${name})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  private batchOf(indices: Tensor): unknown {
    const whole = this.collateFn === null ? (this.dataset.batch?.(indices) ?? null) : null;
    if (whole !== null) return whole;
    const samples = (indices.tolist() as number[]).map((index) => this.dataset.at(index) as Sample);
    return (this.collateFn ?? defaultCollate)(samples);
  }
}

let told = false;

/** A batch with its tensors in pinned memory; as it is where no device pins memory, which is said once, as torch does. */
function pinned(batch: unknown): unknown {
  if (pinningDevice() === null) {
    if (!told) console.warn("cellgrad: DataLoader: pinMemory is set, but there is no device that would copy from pinned memory.");
    told = true;
    return batch;
  }
  if (batch instanceof Tensor) return batch.dev === 0 ? batch.pinMemory() : batch;
  if (Array.isArray(batch)) return batch.map(pinned);
  if (typeof batch !== "object" || batch === null || Object.getPrototypeOf(batch) !== Object.prototype) return batch;
  return Object.fromEntries(Object.entries(batch).map(([key, value]) => [key, pinned(value)]));
}

/**
 * Stacks tensors and typed arrays, makes tensors of numbers, goes into arrays and objects, and leaves strings as they are
 * (torch's default_collate).
 * @throws ValueError for arrays of different lengths, and for what cannot be batched
 */
export function defaultCollate(samples: readonly unknown[]): unknown {
  const [first] = samples;
  if (first instanceof Tensor) return stack(samples as Tensor[]);
  if (ArrayBuffer.isView(first)) return stack(samples.map((sample) => tensor(sample as Float32Array)));
  if (typeof first === "number") {
    const whole = samples.every(Number.isInteger);
    return tensor(samples as number[], { dtype: whole ? "int64" : "float32" });
  }
  if (typeof first === "bigint" || typeof first === "boolean") return tensor(samples as bigint[]);
  if (Array.isArray(first)) {
    if (samples.some((sample) => (sample as unknown[]).length !== first.length))
      throw new ValueError({
        op: "defaultCollate",
        argument: "samples",
        expected: "arrays of one length",
        got: "arrays of several lengths",
      });
    return first.map((_, i) => defaultCollate(samples.map((sample) => (sample as unknown[])[i])));
  }
  if (typeof first === "object" && first !== null) {
    return Object.fromEntries(
      Object.keys(first).map((key) => [key, defaultCollate(samples.map((sample) => (sample as Record<string, unknown>)[key]))]),
    );
  }
  if (typeof first === "string") return samples;
  throw new ValueError({
    op: "defaultCollate",
    argument: "samples",
    expected: "tensors, typed arrays, numbers, strings, arrays or objects",
    got: describe(first),
    hint: "pass collateFn",
  });
}
