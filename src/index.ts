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
  getDefaultDtype, getFloat32MatmulPrecision, getNumThreads, setDefaultDtype, setFloat32MatmulPrecision, setNumThreads, synchronize,
  type Float32MatmulPrecision,
} from "./tensor/system.js"; // prettier-ignore
export {
  emptyCache, memorySnapshot, memoryStats, memorySummary, recordMemoryHistory, resetPeakMemoryStats, setMemoryCap, setPerProcessMemoryFraction,
  type Holder, type MemoryBlock, type MemorySegment, type MemoryStats,
} from "./tensor/memory.js"; // prettier-ignore
export { Event, type EventOptions } from "./tensor/event.js";
export { Stream, currentStream, defaultStream, withStream } from "./tensor/stream.js";
export { MemPool, memPools, useMemPool, type PoolStats } from "./tensor/pool.js";
export { profile, Profile, type KernelAverage, type ProfileEvent, type ProfileOptions } from "./tensor/profile.js";
export * from "./ops/index.js";
export { conv1d, conv2d, convTranspose2d, cosineSimilarity, dropout, groupNorm, layerNorm, maxPool2d, rmsNorm } from "./nn/functional.js";
export { enableGrad, inferenceMode, isGradEnabled, isInferenceModeEnabled, noGrad, setGradEnabled } from "./autograd/mode.js";
export { scope } from "./autograd/scope.js";
export { vmap } from "./autograd/vmap.js";
export { compile, type Compiled } from "./compile/index.js";
export * as autograd from "./autograd/index.js";
export * as func from "./func.js";
export * as nn from "./nn/index.js";
export * as optim from "./optim/index.js";
export * as utils from "./utils.js";
export * as vision from "./vision/index.js";
export { load, save, type LoadOptions, type SaveOptions } from "./serialization/files.js";
export { SafeOpen, safeOpen } from "./serialization/safe-open.js";
export { gradFlow, track } from "./visualization/index.js";
