/** New tensors with the dtype and device of another, in shapes of their own: newZeros, newOnes, newEmpty, newFull, newTensor. */
import { dtypes } from "../tensor/dtype.js";
import { deviceName } from "../tensor/device.js";
import type { Scalar, Tensor } from "../tensor/tensor.js";
import { empty, full, ones, tensor, zeros, type TensorData, type TensorOptions } from "./creation.js";
import { op } from "./define.js";

const making = "*, dtype: dtype? = null, device: device? = null, requiresGrad: bool = false";

/** What was asked for, else what the tensor is. */
const optionsOf = (input: Tensor, dt: number | null, dev: number | null, requiresGrad: boolean): TensorOptions => ({
  dtype: dtypes[dt ?? input.dt]!,
  device: deviceName(dev ?? input.dev),
  requiresGrad,
});

type Sized = (input: Tensor, ...size: (number | readonly number[] | (TensorOptions & { size?: readonly number[] }))[]) => Tensor;
const sized = (name: string, make: (size: readonly number[], options: TensorOptions) => Tensor): Sized =>
  op(
    name,
    `input: tensor, *size: ints, ${making}`,
    (input: Tensor, size: number[], dt: number | null, dev: number | null, requiresGrad: boolean) =>
      make(size, optionsOf(input, dt, dev, requiresGrad)),
    { differentiable: false },
  );

/** Zeros of a given shape, with the tensor's dtype and device. @example x.newZeros(2, 3) */
export const newZeros: Sized = sized("newZeros", zeros);
/** Ones of a given shape, with the tensor's dtype and device. */
export const newOnes: Sized = sized("newOnes", ones);
/** Uninitialised elements of a given shape, with the tensor's dtype and device. */
export const newEmpty: Sized = sized("newEmpty", empty);

/** One value in a given shape, with the tensor's dtype and device. @example x.newFull([2, 3], 7) */
export const newFull: (input: Tensor, size: number | readonly number[], fillValue: Scalar, options?: TensorOptions) => Tensor = op(
  "newFull",
  `input: tensor, size: ints, fillValue: scalar, ${making}`,
  (input: Tensor, size: number[], value: Scalar, dt: number | null, dev: number | null, requiresGrad: boolean) =>
    full(size, value, optionsOf(input, dt, dev, requiresGrad)),
  { differentiable: false },
);

/** A tensor from JavaScript values, as `tensor()` makes it, but with this tensor's dtype and device. @example x.newTensor([1, 2]) */
export const newTensor: (input: Tensor, data: TensorData, options?: TensorOptions) => Tensor = op(
  "newTensor",
  `input: tensor, data: any, ${making}`,
  (input: Tensor, data: TensorData, dt: number | null, dev: number | null, requiresGrad: boolean) =>
    tensor(data, optionsOf(input, dt, dev, requiresGrad)),
  { differentiable: false },
);
