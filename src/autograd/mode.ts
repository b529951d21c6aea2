/** What autograd does with ops: record them or not, watch them or not, keep their tensors or hand them to hooks. */
import { afterInterrupt } from "../runtime/addon.js";
import { Scoped } from "../runtime/scoped.js";
import { ValueError, describe } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";

/** What is done with tensors that ops save for the backward pass. */
export interface SavedTensorHooks {
  /** Gets the tensor when it is saved; what it returns is kept instead. */
  readonly pack: (tensor: Tensor) => unknown;
  /** Gets what `pack` returned when the backward pass needs the tensor. */
  readonly unpack: (packed: unknown) => Tensor;
}

interface Mode {
  recording: boolean;
  inference: boolean;
  /** Anomaly mode: nodes remember the call that made them. */
  anomaly: boolean;
  checkNan: boolean;
  /** The innermost hooks, or null. */
  hooks: SavedTensorHooks | null;
}

/** The mode outside all callbacks. Plain fields, so that asking costs nothing. */
const ground: Mode = { recording: true, inference: false, anomaly: false, checkNan: true, hooks: null };

const modes = new Scoped<Mode>();
/** What people have set for the ground mode; the library itself changes it while it runs. */
let recordingChosen = true;
afterInterrupt(() => (ground.recording = recordingChosen));

const current = (): Mode => modes.get(ground);

/** True when ops are recorded for backward. */
export const isGradEnabled = (): boolean => current().recording;

/** True inside {@link inferenceMode}. */
export const isInferenceModeEnabled = (): boolean => current().inference;

/** True while {@link setDetectAnomaly} or {@link detectAnomaly} asks for it. */
export const isAnomalyEnabled = (): boolean => current().anomaly;

/** @internal Whether a backward pass looks for NaN. */
export const isAnomalyCheckNanEnabled = (): boolean => current().anomaly && current().checkNan;

/** @internal The hooks that saved tensors go through. */
export const savedTensorHooks = (): SavedTensorHooks | null => current().hooks;

/** Runs library code synchronously with ops recorded or not. */
export function withRecording<T>(enabled: boolean, body: () => T): T {
  const mode = current();
  const before = mode.recording;
  if (before === enabled) return body();
  mode.recording = enabled;
  try {
    return body();
  } finally {
    mode.recording = before;
  }
}

function scoped<T>(op: string, change: Partial<Mode>, body: () => T): T {
  if (typeof body !== "function") {
    throw new ValueError({ op, argument: "body", expected: "a function to run in the mode", got: describe(body) });
  }
  return modes.run({ ...current(), ...change }, body);
}

/**
 * Runs `body` without recording: its results do not require grad. An async body keeps the mode across its awaits.
 * @example const accuracy = noGrad(() => model.forward(x).argmax(1).eq(y).to("float32").mean().item())
 */
export const noGrad = <T>(body: () => T): T => scoped("noGrad", { recording: false }, body);

/** Runs `body` with recording, also inside {@link noGrad}. */
export const enableGrad = <T>(body: () => T): T => scoped("enableGrad", { recording: true }, body);

/**
 * As {@link noGrad}. `inferenceMode(false, body)` runs `body` in the ordinary mode.
 * Differs: results are ordinary tensors, which may be used in recorded ops later.
 */
export function inferenceMode<T>(body: () => T): T;
export function inferenceMode<T>(mode: boolean, body: () => T): T;
export function inferenceMode<T>(first: boolean | (() => T), second?: () => T): T {
  const [mode, body] = typeof first === "boolean" ? [first, second!] : [true, first];
  return scoped("inferenceMode", { recording: !mode, inference: mode }, body);
}

/**
 * Sets the mode for what follows, or runs `body` in it (torch.set_grad_enabled as a function and as a context).
 * @example const out = setGradEnabled(training, () => model.forward(x))
 */
export function setGradEnabled(mode: boolean): void;
export function setGradEnabled<T>(mode: boolean, body: () => T): T;
export function setGradEnabled<T>(mode: boolean, body?: () => T): T | void {
  requireBoolean("setGradEnabled", "mode", mode);
  if (body !== undefined) return scoped("setGradEnabled", { recording: mode }, body);
  current().recording = mode;
  if (current() === ground) recordingChosen = mode;
}

/**
 * Turns anomaly mode on or off for what follows: every op remembers where it was called, so that an error of its gradient says where,
 * and a gradient that is NaN is an error. Slow: for looking for a fault.
 * @param checkNan default true
 */
export function setDetectAnomaly(mode: boolean, checkNan?: boolean | { checkNan?: boolean }): void;
export function setDetectAnomaly<T>(mode: boolean, checkNan: boolean | { checkNan?: boolean }, body: () => T): T;
export function setDetectAnomaly<T>(mode: boolean, checkNan: boolean | { checkNan?: boolean } = true, body?: () => T): T | void {
  requireBoolean("setDetectAnomaly", "mode", mode);
  const check = typeof checkNan === "boolean" ? checkNan : (checkNan.checkNan ?? true);
  if (body !== undefined) return scoped("setDetectAnomaly", { anomaly: mode, checkNan: check }, body);
  Object.assign(current(), { anomaly: mode, checkNan: check });
}

/**
 * Runs `body` in anomaly mode (torch.autograd.detect_anomaly): see {@link setDetectAnomaly}. An async body keeps it across its awaits.
 * @example autograd.detectAnomaly(() => model.forward(x).log().sum().backward())
 */
export const detectAnomaly = <T>(body: () => T, options: { checkNan?: boolean } = {}): T =>
  scoped("detectAnomaly", { anomaly: true, checkNan: options.checkNan ?? true }, body);

/**
 * Runs `body` with hooks on the tensors that its ops save for the backward pass (torch.autograd.graph.saved_tensors_hooks): `pack` may
 * return anything, a file name for instance, from which `unpack` makes the tensor again.
 * @example savedTensorsHooks((t) => t.to("bfloat16"), (t) => t.to("float32"), () => model.forward(x))
 */
export function savedTensorsHooks<P, T>(pack: (tensor: Tensor) => P, unpack: (packed: P) => Tensor, body: () => T): T {
  for (const [argument, hook] of Object.entries({ pack, unpack })) {
    if (typeof hook !== "function") {
      throw new ValueError({ op: "savedTensorsHooks", argument, expected: "a function", got: describe(hook) });
    }
  }
  return scoped("savedTensorsHooks", { hooks: { pack, unpack: unpack as (packed: unknown) => Tensor } }, body);
}

/** @internal Runs code with or without hooks, whatever the mode around it. */
export const withHooks = <T>(hooks: SavedTensorHooks | null, body: () => T): T => scoped("savedTensorsHooks", { hooks }, body);

function requireBoolean(op: string, argument: string, value: unknown): void {
  if (typeof value !== "boolean") throw new ValueError({ op, argument, expected: "true or false", got: describe(value) });
}
