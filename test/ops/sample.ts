/** What a row of the table is, and the shorthands that rows are written with. */
import type * as methods from "../../src/ops/tensor-methods.js";
import type { Tensor } from "../../src/index.js";

/** One input: its shape and where its values lie. */
export interface Input {
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  /** Default: floating, the dtype under test. */
  readonly dtype?: "int64" | "bool";
  /** The op gives it no gradient. */
  readonly fixed?: boolean;
}

export interface Sample {
  readonly call: (...inputs: Tensor[]) => unknown;
  readonly inputs: readonly Input[];
  /** For pointwise ops: the value of one element, in float64. */
  readonly reference?: (...x: number[]) => number | boolean;
  /** Why the gradient is not compared with differences. */
  readonly noGrad?: string;
  /** Why the second derivative is not. */
  readonly noSecond?: string;
  /** A method that changes its tensor has an in-place form of its own name. */
  readonly inPlace?: (input: Tensor, ...rest: Tensor[]) => Tensor;
}

export const real = (shape: readonly number[] = [3, 4], low = -2, high = 2): Input => ({ shape, low, high });
export const positive = (shape: readonly number[] = [3, 4]): Input => real(shape, 0.3, 3);
export const unit = (shape: readonly number[] = [3, 4]): Input => real(shape, -0.9, 0.9);
export const probability = (shape: readonly number[] = [3, 4]): Input => real(shape, 0.1, 0.9);
export const index = (shape: readonly number[], high: number): Input => ({ shape, low: 0, high, dtype: "int64" });
export const mask = (shape: readonly number[] = [3, 4]): Input => ({ shape, low: 0, high: 2, dtype: "bool" });
export const integers = (shape: readonly number[] = [3, 4], low = 1, high = 9): Input => ({ shape, low, high, dtype: "int64" });

export const steps = "constant between steps, where differences see nothing";
export const underived = "torch gives it no derivative";
export const bools = "its result is bool";
export const whole = "its result is integral";
export const noInputs = "it makes tensors, it does not take any";
export const random = "it draws at random";
export const ordered = "it answers with indices";
export const answers = "it answers in JavaScript";

/** A pointwise function of one tensor. */
export const one = (
  name: keyof typeof methods,
  reference: (x: number) => number | boolean,
  input: Input = real(),
  more: Partial<Sample> = {},
): Sample => ({
  call: (x) => (x as unknown as Record<string, () => unknown>)[name]!(),
  inputs: [input],
  reference,
  ...more,
});
/** A pointwise function of two tensors, broadcasting. */
export const two = (
  name: keyof typeof methods,
  reference: (a: number, b: number) => number | boolean,
  a: Input = real([3, 4]),
  b: Input = real([4]),
  more: Partial<Sample> = {},
): Sample => ({
  call: (x, y) => (x as unknown as Record<string, (y: Tensor) => unknown>)[name]!(y!),
  inputs: [a, b],
  reference,
  ...more,
});
export const fixed = (input: Input): Input => ({ ...input, fixed: true });
export const plain = (call: Sample["call"], ...inputs: Input[]): Sample => ({ call, inputs });
export const made = (call: () => unknown): Sample => ({ call, inputs: [], noGrad: noInputs });
