/** Devices by name and code: `"cpu"`, `"opencl:0"`, `"cuda:1"`; the default device; what fell back to the CPU. */
import { resolve } from "node:path";
import { native } from "../runtime/addon.js";
import type { NativeDevice } from "../runtime/native.js";
import { Scoped } from "../runtime/scoped.js";
import { displaySymbol, type MimeBundle } from "../wire/host.js";
import { DeviceError, ValueError, describe, nearest } from "./errors.js";

export type Device = "cpu" | `cuda:${number}` | `opencl:${number}` | (string & {});

// A code is the position in this list. It holds the CPU alone until somebody asks for more: starting a driver takes long.
let table: readonly NativeDevice[] = native.devices();
let searched = false;

function search(): void {
  if (searched) return;
  searched = true;
  native.findDevices();
  table = native.devices();
}

export const deviceName = (code: number): Device => table[code]!.name;

/** The code of a device name; a DeviceError with the reason when it is absent. */
export function deviceCode(op: string, name: unknown): number {
  if (name === "cpu") return 0;
  if (typeof name !== "string") throw new DeviceError({ op, argument: "device", expected: `a name such as "cpu"`, got: describe(name) });
  search();
  const wanted = /^[a-z]+$/.test(name) ? `${name}:0` : name;
  const code = table.findIndex((device) => device.available && device.name === wanted);
  if (code >= 0) return code;
  const absent = table.find((device) => !device.available && wanted.split(":")[0] === device.name);
  const near = nearest(name, ["cpu", "cuda", "opencl"]);
  throw new DeviceError({
    op,
    argument: "device",
    expected: `one of ${table.flatMap((device) => (device.available ? [device.name] : [])).join(", ")}`,
    got: describe(name),
    hint: absent?.reason ?? (near && near !== name ? `did you mean "${near}"?` : undefined),
  });
}

/** @internal The devices that were looked for: asking starts no driver. */
export const knownDevices = (): readonly NativeDevice[] => table;

let display: (() => MimeBundle) | null = null;

/** @internal What a cell shows of {@link devices}. */
export function setDevicesDisplay(show: () => MimeBundle): void {
  display = show;
}

/**
 * What is there and, for what is not, why. A cell shows it as a picture: the memory of each device and who holds it.
 * @example devices().map((device) => device.name) // ["cpu", ...]
 */
export function devices(): readonly NativeDevice[] {
  search();
  return Object.defineProperty([...table], displaySymbol, { value: display });
}

/**
 * Adds the device of a shared library that was built against native/device/driver.h.
 * @param path of the library @returns the device's name
 * @throws DeviceError when it is no such library, or of another version
 */
export function loadDevice(path: string): Device {
  if (typeof path !== "string")
    throw new ValueError({ op: "loadDevice", argument: "path", expected: "the path of a shared library", got: describe(path) });
  search();
  const wrong = native.addDevice(resolve(path));
  if (wrong !== "")
    throw new DeviceError({ op: "loadDevice", argument: "path", expected: "a library with a device", got: `${describe(path)}: ${wrong}` });
  table = native.devices();
  return table.at(-1)!.name;
}

// -- the default device

let globalDefault = 0;
const scoped = new Scoped<number>();

/** @internal Where functions that make tensors put them when nobody says. */
export const defaultDeviceCode = (): number => scoped.get(globalDefault);

/** Where new tensors are made when no device is given. */
export const getDefaultDevice = (): Device => deviceName(defaultDeviceCode());

/** Changes the device of new tensors; null: the CPU (torch.set_default_device). Inside {@link withDevice} its device still counts. */
export function setDefaultDevice(device: Device | null): void {
  globalDefault = device === null ? 0 : deviceCode("setDefaultDevice", device);
}

/**
 * Runs `body` with new tensors on a device; an async body keeps it across its awaits (torch's `with torch.device(...)`).
 * @example const weights = withDevice("cpu", () => randn(3, 4))
 */
export function withDevice<T>(device: Device, body: () => T): T {
  const code = deviceCode("withDevice", device);
  if (typeof body !== "function") throw new ValueError({ op: "withDevice", argument: "body", expected: "a function", got: describe(body) });
  return scoped.run(code, body);
}

// -- kernels that a device lacks

let seen = 0;
const told = new Set<string>();

/** @internal Says once a kernel and device that it ran on the CPU instead. */
export function noticeFallbacks(code: number): void {
  const total = native.fallbackTotal();
  if (total === seen) return;
  seen = total;
  for (const kernel of Object.keys(native.fallbacks(code))) {
    const key = `${deviceName(code)} ${kernel}`;
    if (told.has(key)) continue;
    told.add(key);
    console.warn(`cellgrad: ${deviceName(code)} has no kernel for ${kernel}: the CPU computes it, with a copy there and back.`);
  }
}

/** How often each kernel of a device ran on the CPU because the device has none. */
export const fallbacks = (device: Device): Readonly<Record<string, number>> => native.fallbacks(deviceCode("fallbacks", device));

/** Whether the CPU computes what a device has no kernel for (default), or that is a NotImplementedError. */
export function setFallback(allowed: boolean): void {
  if (typeof allowed !== "boolean")
    throw new ValueError({ op: "setFallback", argument: "allowed", expected: "true or false", got: describe(allowed) });
  native.allowFallbacks(allowed ? 1 : 0);
}
