/** Tensors and streams: pinned memory, from which a device copies on its own, and memory that streams still use. */
import { native } from "../runtime/addon.js";
import { Status } from "../runtime/native.js";
import { deviceCode, devices, type Device } from "../tensor/device.js";
import { DeviceError } from "../tensor/errors.js";
import { done, made } from "../tensor/launch.js";
import { requireStream, type Stream } from "../tensor/stream.js";
import type { Tensor } from "../tensor/tensor.js";

/** The device that pins memory when nobody says: the first CUDA card, else the first other; null where there is none. */
export function pinningDevice(): number | null {
  const found = devices().filter(({ name, available }) => available && name !== "cpu");
  const first = found.find(({ name }) => name.startsWith("cuda")) ?? found[0];
  return first === undefined ? null : deviceCode("pinMemory", first.name);
}

/**
 * The tensor in pinned memory, contiguous: from there `to(device, { nonBlocking: true })` copies while the host goes on. Itself when it is
 * there already. Unrecorded (torch.Tensor.pin_memory).
 * @param device that will copy; default: the first that is not the CPU @throws DeviceError without one, and for a tensor that is not on the CPU
 */
export function pinMemory(t: Tensor, device: Device | null = null): Tensor {
  const op = "pinMemory";
  const handle = t.live(op);
  if (t.dev !== 0) throw new DeviceError({ op, expected: "a tensor on the CPU", got: t.device });
  const dev = device === null ? pinningDevice() : deviceCode(op, device);
  if (dev === null || dev === 0) throw absent(op, "the CPU alone");
  if (isPinned(t)) return t;
  const out = made(op, t.shape, t.dt, 0, [t], (owner) => {
    const answer = native.pin(handle, dev, owner);
    if (answer === Status.noDevice) throw absent(op, "one that does not");
    return answer;
  });
  return out;
}

const absent = (op: string, got: string): DeviceError => new DeviceError({ op, argument: "device", expected: "one that pins memory", got });

/** True for a tensor in pinned memory. */
export const isPinned = (t: Tensor): boolean => native.isPinned(t.live("isPinned")) === 1;

/** Has the tensor's memory kept until the stream has done what it was asked so far; launches note this by themselves (torch.Tensor.record_stream). */
export function recordStream(t: Tensor, stream: Stream): void {
  requireStream("recordStream", stream);
  if (stream.dev !== t.dev)
    throw new DeviceError({ op: "recordStream", expected: "a stream of the tensor's device", got: `one of ${stream.device}` });
  done("recordStream", native.recordStream(t.live("recordStream"), stream.number), t);
}
