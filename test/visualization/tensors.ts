/** Tensors for these tests, straight from typed arrays, and seeded numbers to fill them. */
import { io, native } from "../../src/runtime/addon.js";
import { codeOf, type DType, type TypedArray } from "../../src/tensor/dtype.js";
import { made } from "../../src/tensor/launch.js";
import type { Tensor } from "../../src/tensor/tensor.js";

export function tensorOf(shape: readonly number[], data: TypedArray, dtype: DType = "float32"): Tensor {
  return made("test", shape, codeOf[dtype], 0, [], (owner) => {
    io.set(shape);
    return native.fromBuffer(codeOf[dtype], shape.length, data, owner);
  });
}

export function floats(shape: readonly number[], value: (i: number) => number): Tensor {
  return tensorOf(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
  );
}

/** Numerical Recipes' generator: the same numbers everywhere. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
}

export function normal(seed: number): () => number {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
}
