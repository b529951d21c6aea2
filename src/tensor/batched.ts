/** Tensors inside vmap: shaped like one example, over the tensor that holds all examples. */
import { afterInterrupt } from "../runtime/addon.js";
import { AutogradError, ValueError, type CellgradError } from "./errors.js";
import { Tensor } from "./tensor.js";

/** One vmap under way. */
export interface Frame {
  /** 1 for the outermost. */
  readonly depth: number;
  /** How many examples there are. */
  readonly size: number;
  readonly randomness: "error" | "different" | "same";
}

/** A call of an op, which an op batches. */
export type Call = (...args: unknown[]) => unknown;
/** Runs an op while a vmap is under way. */
export type Dispatch = (name: string, call: Call, args: unknown[]) => unknown;

const frames: Frame[] = [];
let dispatch: Dispatch;

/** What ops go through while a vmap is under way, or null. */
export let batching: Dispatch | null = null;

/** Given by src/ops/batching.ts. */
export function setDispatch(given: Dispatch): void {
  dispatch = given;
}

afterInterrupt(() => {
  frames.length = 0;
  batching = null;
});

/** The vmaps under way, the outermost first. */
export const framesNow = (): readonly Frame[] => frames;

/** Runs `body` inside one more vmap. */
export function within<T>(size: number, randomness: Frame["randomness"], body: (frame: Frame) => T): T {
  const frame: Frame = { depth: frames.length + 1, size, randomness };
  return withFrames([...frames, frame], () => body(frame));
}

/** Runs `body` as if only the vmaps around `frame` were under way. */
export const below = <T>(frame: Frame, body: () => T): T => withFrames(frames.slice(0, frames.indexOf(frame)), body);

/** Runs `body` as if `frame` were not under way. */
export const without = <T>(frame: Frame, body: () => T): T => withFrames(frames.filter((other) => other !== frame), body); // prettier-ignore

function withFrames<T>(wanted: readonly Frame[], body: () => T): T {
  const before = frames.splice(0, frames.length, ...wanted);
  batching = frames.length === 0 ? null : dispatch;
  try {
    return body();
  } finally {
    frames.splice(0, frames.length, ...before);
    batching = frames.length === 0 ? null : dispatch;
  }
}

// Errors of ops that cannot work on batched tensors as they are written.
const reads = new WeakSet<object>();
/** Marks an error that goes away when the op around it is run once for each example. */
export function asRead<E extends Error>(error: E): E {
  reads.add(error);
  return error;
}
/** True for errors that {@link asRead} marked. */
export const isRead = (error: unknown): boolean => typeof error === "object" && error !== null && reads.has(error);

/** A tensor in a vmap. It has no memory: `value` has, with the examples along its first dim. */
export class Batched extends Tensor {
  readonly value: Tensor;
  readonly frame: Frame;

  constructor(value: Tensor, frame: Frame) {
    super(value.shape.slice(1), value.dt, value.dev);
    this.value = value;
    this.frame = frame;
  }

  override get requiresGrad(): boolean {
    return this.value.requiresGrad;
  }

  override set requiresGrad(_value: boolean) {
    throw refused("requiresGrad_", "a function to differentiate inside it", "use func.grad and the other transforms, or set it outside");
  }

  override get isLeaf(): boolean {
    return this.value.isLeaf;
  }

  override get disposed(): boolean {
    return this.value.disposed;
  }

  override isContiguous(options?: { memoryFormat?: string }): boolean {
    return this.value.isContiguous(options);
  }

  override retainGrad(): void {
    throw refused("retainGrad", "func.grad for gradients inside it", "or call it on the tensors outside");
  }

  override registerHook(): never {
    throw refused("registerHook", "hooks on tensors outside of it", "a hook would see all examples at once");
  }

  override toString(): string {
    return `BatchedTensor(lvl=${this.frame.depth}, bdim=0, value=${String(this.value)})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** @internal */
  override live(op: string): never {
    throw this.gone(op);
  }

  /** @internal */
  override gone(op: string): CellgradError {
    return asRead(
      frames.includes(this.frame)
        ? new ValueError({
            op,
            expected: "ops on whole tensors inside vmap",
            got: "a read of the values of one example",
            hint: "all examples run at once: choose with where(), and read values outside",
          })
        : new ValueError({ op, expected: "a tensor of this place", got: "one that left its vmap", hint: "return it from the function" }),
    );
  }
}

const refused = (op: string, expected: string, hint: string): AutogradError =>
  new AutogradError({ op, expected, got: "a batched tensor inside vmap", hint });

/** The tensor of all examples where `t` is batched by `frame`. */
export const valueIn = (frame: Frame, t: unknown): Tensor | null => (t instanceof Batched && t.frame === frame ? t.value : null);

/**
 * `t` with the examples of `frame` along its first dim, stretched where they share it, whatever frames are around it or inside.
 * {@link lowered} is the way back.
 */
export function hoisted(frame: Frame, t: Tensor): Tensor {
  if (t instanceof Batched && t.frame === frame) return t.value;
  if (t instanceof Batched && t.frame.depth > frame.depth) return new Batched(hoisted(frame, t.value).movedim(0, 1), t.frame);
  return t.unsqueeze(0).expand([frame.size, ...t.shape]);
}

export function lowered(frame: Frame, t: Tensor): Tensor {
  if (t instanceof Batched && t.frame.depth > frame.depth) return new Batched(lowered(frame, t.value.movedim(1, 0)), t.frame);
  return new Batched(t, frame);
}

/** The innermost frame that batches a tensor in `value`: a tensor, or arrays and plain objects of them. */
export function frameOf(value: unknown): Frame | null {
  let found: Frame | null = null;
  eachTensor(value, (t) => {
    if (t instanceof Batched && (found === null || t.frame.depth > found.depth)) found = t.frame;
  });
  return found;
}

function eachTensor(value: unknown, see: (t: Tensor) => void): void {
  if (value instanceof Tensor) see(value);
  else if (Array.isArray(value)) for (const item of value) eachTensor(item, see);
  else if (isPlain(value)) for (const key of Object.keys(value)) eachTensor(value[key], see);
}

/** `value` with other tensors; iterable records stay iterable. */
export function mapTensors(value: unknown, change: (t: Tensor) => unknown): unknown {
  if (value instanceof Tensor) return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, change));
  if (!isPlain(value)) return value;
  const made = Object.fromEntries(Object.keys(value).map((key) => [key, mapTensors(value[key], change)]));
  if (!(Symbol.iterator in value)) return made;
  return Object.defineProperty(made, Symbol.iterator, { value: () => Object.values(made).values() });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
