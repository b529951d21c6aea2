/** Devices by name and code: `"cpu"`, `"opencl:0"`, `"cuda:1"`. */
import { native } from "../runtime/addon.js";
import type { NativeDevice } from "../runtime/native.js";
import { DeviceError, describe, nearest } from "./errors.js";

export type Device = "cpu" | `cuda:${number}` | `opencl:${number}` | (string & {});

const table: readonly NativeDevice[] = native.devices();
// A code is the position among the available devices; the CPU is always 0.
const available = table.filter((device) => device.available);

export const deviceName = (code: number): Device => available[code]!.name;

/** The code of a device name; a DeviceError with the reason when it is absent. */
export function deviceCode(op: string, name: unknown): number {
  if (name === "cpu") return 0;
  if (typeof name !== "string") throw new DeviceError({ op, argument: "device", expected: `a name such as "cpu"`, got: describe(name) });
  const wanted = /^(cuda|opencl)$/.test(name) ? `${name}:0` : name;
  const code = available.findIndex((device) => device.name === wanted);
  if (code >= 0) return code;
  const absent = table.find((device) => !device.available && wanted.split(":")[0] === device.name.split(":")[0]);
  const near = nearest(name, ["cpu", "cuda", "opencl"]);
  throw new DeviceError({
    op,
    argument: "device",
    expected: `one of ${available.map((device) => device.name).join(", ")}`,
    got: describe(name),
    hint: absent?.reason ?? (near && near !== name ? `did you mean "${near}"?` : undefined),
  });
}

/** What is there and, for what is not, why. */
export function devices(): readonly NativeDevice[] {
  return native.devices();
}
