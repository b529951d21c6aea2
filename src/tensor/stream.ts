/** Streams: lines of work of a device. The work of one is done in order, that of two at once or in any order. */
import { native } from "../runtime/addon.js";
import { choose, chosen } from "../runtime/chosen.js";
import { deviceCode, deviceName, getDefaultDevice, type Device } from "./device.js";
import { ValueError, describe } from "./errors.js";
import { DeviceEvent, Event, waited } from "./event.js";

/**
 * A line of work of a device (torch.cuda.Stream). What one stream computes another may use only after {@link Stream.waitStream} or
 * {@link Stream.waitEvent}; memory needs no care: a tensor that is dropped is not overwritten before the streams that used it are done.
 * A device has 32 beside its first: after them the same come again. On the CPU, and on devices with one line, all streams are that line.
 * @example const side = new Stream("cpu"); withStream(side, () => randn(3).exp()); side.synchronize()
 */
export class Stream {
  /** @internal */
  readonly dev: number;
  /** @internal */
  readonly number: number;

  /** @param device default: the default device @param number one that is open already @throws DeviceError when it is absent */
  constructor(device: Device = getDefaultDevice(), number: number | null = null) {
    this.dev = deviceCode("Stream", device);
    this.number = number ?? (this.dev === 0 ? 0 : waited("Stream", native.openStream(this.dev), this.dev));
  }

  get device(): Device {
    return deviceName(this.dev);
  }

  /** True when all work is done. */
  query(): boolean {
    return this.dev === 0 || new DeviceEvent(this.dev, this.number).query();
  }

  /** Waits for all work of the stream; blocks, but an interrupt gets through. */
  synchronize(): void {
    this.recordEvent().synchronize();
  }

  /** Has later work of this stream wait for an event; the host goes on. */
  waitEvent(event: Event): void {
    if (!(event instanceof Event)) throw new ValueError({ op: "waitEvent", argument: "event", expected: "an Event", got: describe(event) });
    event.wait(this);
  }

  /** Has later work of this stream wait for what was asked of another so far. */
  waitStream(stream: Stream): void {
    requireStream("waitStream", stream);
    this.waitEvent(stream.recordEvent());
  }

  /** Sets a mark behind the work that was asked of the stream so far. @returns the event */
  recordEvent(event: Event = new Event({ device: this.device })): Event {
    return event.record(this);
  }
}

export function requireStream(op: string, stream: unknown): asserts stream is Stream {
  if (!(stream instanceof Stream)) throw new ValueError({ op, argument: "stream", expected: "a Stream", got: describe(stream) });
}

/** The stream that work of a device goes to now (torch.cuda.current_stream). @param device default: the default device */
export const currentStream = (device: Device = getDefaultDevice()): Stream =>
  new Stream(device, chosen("stream", deviceCode("currentStream", device)));

/** The first stream of a device, which is always there (torch.cuda.default_stream). @param device default: the default device */
export const defaultStream = (device: Device = getDefaultDevice()): Stream => new Stream(device, 0);

/**
 * Runs `body` with the work of the stream's device going to the stream; an async body keeps it across its awaits (torch.cuda.stream).
 * Differs: where tensors are made stays as it is; see withDevice.
 * @example withStream(new Stream("cpu"), () => ones(2).add(1))
 */
export function withStream<T>(stream: Stream, body: () => T): T {
  requireStream("withStream", stream);
  if (typeof body !== "function") throw new ValueError({ op: "withStream", argument: "body", expected: "a function", got: describe(body) });
  return stream.dev === 0 ? body() : choose("stream", stream.dev, stream.number, body);
}
