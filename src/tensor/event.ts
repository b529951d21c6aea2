/** Marks in the order of a device's work: whether it is done, and the time between two. */
import { setTimeout as pause } from "node:timers/promises";
import { io, native } from "../runtime/addon.js";
import { chosen } from "../runtime/chosen.js";
import { Status } from "../runtime/native.js";
import { deviceCode, deviceName, getDefaultDevice, type Device } from "./device.js";
import { DeviceError, DeviceLostError, InterruptedError, ValueError, describe } from "./errors.js";
import type { Stream } from "./stream.js";

// Handles are freed with their marks.
const registry = new FinalizationRegistry<number>((id) => native.forgetEvent(id));

/** @internal Throws when waiting for a device failed. */
export function waited(op: string, status: number, dev: number): number {
  if (status >= 0) return status;
  if (status === Status.cancelled) throw new InterruptedError({ op, expected: "to finish", got: "an interrupt" });
  throw new DeviceLostError({ op, expected: "a working device", got: `${deviceName(dev)}, which was lost` });
}

/** @internal One mark of a device with a queue, behind the work of a stream. */
export class DeviceEvent {
  readonly id: number;

  constructor(
    readonly dev: number,
    stream = chosen("stream", dev),
  ) {
    this.id = waited("Event", native.recordEvent(dev, stream), dev);
    registry.register(this, this.id);
  }

  query(): boolean {
    return waited("Event", native.queryEvent(this.id), this.dev) === 1;
  }

  /** Waits without blocking JavaScript: a few turns of the event loop, then ever longer pauses up to 5 ms. */
  async over(): Promise<void> {
    for (let turn = 0; !this.query(); turn++) await (turn < 8 ? new Promise(setImmediate) : pause(Math.min(5, turn / 8)));
  }
}

export interface EventOptions {
  /** Default: the default device. */
  readonly device?: Device;
}

/**
 * A mark in the order of a stream's work (torch.cuda.Event). On the CPU work is over when a call returns.
 * @example const [start, end] = [new Event(), new Event()]
 */
export class Event {
  private readonly dev: number;
  private mark: DeviceEvent | null = null;
  private time = 0;
  private recorded = false;

  constructor({ device = getDefaultDevice() }: EventOptions = {}) {
    this.dev = deviceCode("Event", device);
  }

  /** Sets the mark behind all work that was asked of a stream. @param stream default: the current one of the device */
  record(stream?: Stream): this {
    const number = this.numberOf("record", stream);
    if (this.dev !== 0) this.mark = new DeviceEvent(this.dev, number);
    this.time = performance.now();
    this.recorded = true;
    return this;
  }

  /** Has later work of a stream wait for the mark; the host goes on. @param stream default: the current one of the device */
  wait(stream?: Stream): void {
    const number = this.numberOf("wait", stream);
    if (this.mark !== null) waited("wait", native.streamWaitEvent(this.mark.id, number), this.dev);
  }

  /** True when all work before the mark is done, or nothing was recorded. */
  query(): boolean {
    return this.mark === null || this.mark.query();
  }

  /** Waits for the work before the mark; blocks, but an interrupt gets through. */
  synchronize(): void {
    if (this.mark !== null) waited("synchronize", native.waitEvent(this.mark.id), this.dev);
  }

  /** Resolves when the work before the mark is done. */
  async over(): Promise<void> {
    if (this.mark !== null) await this.mark.over();
  }

  /** Milliseconds of the device from this mark to `end`; both must be recorded. Waits for them. */
  elapsedTime(end: Event): number {
    if (!(end instanceof Event) || !this.recorded || !end.recorded)
      throw new ValueError({ op: "elapsedTime", argument: "end", expected: "an event, both recorded", got: "one that is not" });
    if (this.dev !== end.dev) throw otherDevice("elapsedTime", "events", this.dev, end.dev);
    if (this.mark === null || end.mark === null) return end.time - this.time;
    this.synchronize();
    end.synchronize();
    waited("elapsedTime", native.elapsedEvents(this.mark.id, end.mark.id), this.dev);
    return io[0]! / 1e6;
  }

  /** The stream of a call; one of another device is an error. */
  private numberOf(op: string, stream: Stream | undefined): number {
    if (stream === undefined) return chosen("stream", this.dev);
    if (typeof stream?.number !== "number") throw new ValueError({ op, argument: "stream", expected: "a Stream", got: describe(stream) });
    if (stream.dev !== this.dev) throw otherDevice(op, "an event and a stream", this.dev, stream.dev);
    return stream.number;
  }
}

const otherDevice = (op: string, what: string, one: number, other: number): DeviceError =>
  new DeviceError({ op, expected: `${what} of one device`, got: `${deviceName(one)} and ${deviceName(other)}` });
