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
