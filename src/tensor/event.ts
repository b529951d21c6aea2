/** Marks in the order of a device's work: whether it is done, and the time between two. */
import { setTimeout as pause } from "node:timers/promises";
import { io, native } from "../runtime/addon.js";
import { deviceCode, deviceName, getDefaultDevice, type Device } from "./device.js";
import { DeviceError, DeviceLostError, ValueError } from "./errors.js";

// Handles are freed with their marks.
const registry = new FinalizationRegistry<number>((id) => native.forgetEvent(id));

/** @internal One mark of a device with a queue. */
export class DeviceEvent {
  readonly id: number;

  constructor(readonly dev: number) {
    this.id = native.recordEvent(dev);
    if (this.id < 0) throw lost(dev);
    registry.register(this, this.id);
  }

  query(): boolean {
    const state = native.queryEvent(this.id);
    if (state < 0) throw lost(this.dev);
    return state === 1;
  }

  /** Waits without blocking JavaScript: a few turns of the event loop, then ever longer pauses up to 5 ms. */
  async over(): Promise<void> {
    for (let turn = 0; !this.query(); turn++) await (turn < 8 ? new Promise(setImmediate) : pause(Math.min(5, turn / 8)));
  }
}

const lost = (dev: number): DeviceLostError =>
  new DeviceLostError({ op: "Event", expected: "a working device", got: `${deviceName(dev)}, which was lost` });

export interface EventOptions {
  /** Default: the default device. */
  readonly device?: Device;
}

/**
 * A mark in the order of a device's work (torch.cuda.Event). On the CPU work is over when a call returns.
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

  /** Sets the mark behind all work that was asked for. */
  record(): this {
    if (this.dev !== 0) this.mark = new DeviceEvent(this.dev);
    this.time = performance.now();
    this.recorded = true;
    return this;
  }

  /** True when all work before the mark is done, or nothing was recorded. */
  query(): boolean {
    return this.mark === null || this.mark.query();
  }

  /** Waits for the work before the mark; blocks. */
  synchronize(): void {
    if (!this.query()) native.synchronize(this.dev);
  }

  /** Resolves when the work before the mark is done. */
  async over(): Promise<void> {
    if (this.mark !== null) await this.mark.over();
  }

  /** Milliseconds of the device from this mark to `end`; both must be recorded. Waits for them. */
  elapsedTime(end: Event): number {
    if (!(end instanceof Event) || !this.recorded || !end.recorded)
      throw new ValueError({ op: "elapsedTime", argument: "end", expected: "an event, both recorded", got: "one that is not" });
    if (this.dev !== end.dev)
      throw new DeviceError({
        op: "elapsedTime",
        expected: "events of one device",
        got: `${deviceName(this.dev)} and ${deviceName(end.dev)}`,
      });
    if (this.mark === null || end.mark === null) return end.time - this.time;
    this.synchronize();
    end.synchronize();
    if (native.elapsedEvents(this.mark.id, end.mark.id) < 0) throw lost(this.dev);
    return io[0]! / 1e6;
  }
}
