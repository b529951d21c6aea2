/**
 * cellgrad: PyTorch's words in TypeScript, on native tensors.
 *
 * Everything of `torch.*` is an export; `nn`, `optim`, `autograd`, `utils`, `vision` are namespaces as torch has them.
 */
export { Tensor, type Complex, type GradFn, type Nested, type Scalar } from "./tensor/tensor.js";
export { dtypes, type DType, type TypedArray } from "./tensor/dtype.js";
export {
  devices,
  fallbacks,
  getDefaultDevice,
  loadDevice,
  setDefaultDevice,
  setFallback,
  withDevice,
  type Device,
} from "./tensor/device.js";
export { setPrintoptions, type PrintOptions } from "./tensor/print.js";
export * from "./tensor/dtype-constants.js";
export {
  AutogradError, CellgradError, DTypeError, DeviceError, DeviceLostError, DisposedError, IndexError, InterruptedError, NotImplementedError, OutOfMemoryError,
  SerializationError, ShapeError, ValueError, type ErrorFields,
} from "./tensor/errors.js"; // prettier-ignore
export {
  emptyCache, getDefaultDtype, getNumThreads, memoryStats, memorySummary, resetPeakMemoryStats, setDefaultDtype, setMemoryCap, setNumThreads,
  synchronize, type MemoryStats,
} from "./tensor/system.js"; // prettier-ignore
export * from "./ops/index.js";
export { enableGrad, inferenceMode, isGradEnabled, isInferenceModeEnabled, noGrad, setGradEnabled } from "./autograd/mode.js";
export { scope } from "./autograd/scope.js";
export * as autograd from "./autograd/index.js";
export * as func from "./autograd/func.js";
export * as nn from "./nn/index.js";
export * as optim from "./optim/index.js";
export * as utils from "./utils.js";
export * as vision from "./vision/index.js";
export { load, save } from "./serialization/safetensors.js";
export { gradFlow, track } from "./visualization/index.js";
