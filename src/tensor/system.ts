/** What the runtime does: default dtype, threads, waiting for a device. */
import { native } from "../runtime/addon.js";
import { deviceCode, type Device } from "./device.js";
import { ValueError, describe } from "./errors.js";
import { failure } from "./launch.js";
import { codeOf, setDefaultDtypeCode, getDefaultDtype, isFloating, type DType } from "./dtype.js";

export { getDefaultDtype };

/** Changes the dtype of new tensors made from numbers. @param dtype a floating dtype */
export function setDefaultDtype(dtype: DType): void {
  const code = codeOf[dtype];
  if (code === undefined || !isFloating(code))
    throw new ValueError({ op: "setDefaultDtype", argument: "dtype", expected: "a floating dtype", got: describe(dtype) });
  setDefaultDtypeCode(code);
}

/** Threads that native work uses. */
export const getNumThreads = (): number => native.threads();

/** Changes the number of threads; results do not depend on it. */
export function setNumThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > 256)
    throw new ValueError({ op: "setNumThreads", argument: "n", expected: "an integer in [1, 256]", got: describe(n) });
  native.setThreads(n);
}

/** Waits for all work of a device. @throws IndexError when a kernel since the last wait met a wrong index, DeviceLostError */
export function synchronize(device: Device = "cpu"): void {
  const code = deviceCode("synchronize", device);
  const status = native.synchronize(code, -1);
  if (status < 0) throw failure("synchronize", status, [], code);
}

// -- how exact products of float32 are

const precisions = ["highest", "high", "medium"] as const;
/** How a device with tensor cores multiplies matrices of float32. */
export type Float32MatmulPrecision = (typeof precisions)[number];
let precision: Float32MatmulPrecision = "highest";

/**
 * Lets matrix products of float32 be faster and less exact where the device can: "highest" (default) multiplies float32 as it is, "high" and
 * "medium" round the inputs to TF32, which keeps 10 bits of 23, and sum in float32. Only `cuda` devices with cuBLASLt have such products.
 *
 * Differs: "medium" is "high"; torch rounds to bfloat16 there on the CPU.
 * @example
 * setFloat32MatmulPrecision("high")
 */
export function setFloat32MatmulPrecision(wanted: Float32MatmulPrecision): void {
  if (!precisions.includes(wanted)) {
    const [op, argument, expected] = ["setFloat32MatmulPrecision", "precision", precisions.map((p) => `"${p}"`).join(" or ")];
    throw new ValueError({ op, argument, expected, got: describe(wanted) });
  }
  precision = wanted;
  native.allowTf32(wanted === "highest" ? 0 : 1);
}

/** What {@link setFloat32MatmulPrecision} has set. */
export const getFloat32MatmulPrecision = (): Float32MatmulPrecision => precision;
