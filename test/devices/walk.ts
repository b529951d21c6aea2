/** The table of samples on a device: what differs from the CPU, in words. Also bundled for the check on a card (test/gpu). */
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { makeInputs, samples, type OpName } from "../ops/samples.js";

// Uninitialised memory has no value to compare; the results of cpu and, as torch.from_numpy's, of fromTypedArray are on the CPU.
const incomparable = new Set<string>(["empty", "emptyLike", "cpu", "fromTypedArray"]);
const listOf = (result: unknown): Tensor[] => (Array.isArray(result) ? result : [result]).filter((t) => t instanceof cg.Tensor);

/** The ops of the table whose results can be compared between devices. */
export const names = (Object.keys(samples) as OpName[]).filter((name) => !incomparable.has(name));

/** The kernels that the table leaves to the CPU: native/kernels/programs/README.md says why. */
export const leftToCpu: readonly string[] = ["randperm"];

interface Run {
  readonly outs: Tensor[];
  readonly grads: (Tensor | null)[];
}

/** The results of a sample on a device, and the gradients of the sum of their squares. */
export function run(name: OpName, device: string): Run {
  const inputs = makeInputs(name, "float32").map((t) => t.to(device));
  const differentiable = samples[name].noGrad === undefined;
  if (differentiable) inputs.forEach((t, i) => t.isFloatingPoint() && !samples[name].inputs[i]!.fixed && t.requiresGrad_());
  cg.manualSeed(3);
  const outs = cg.withDevice(device, () => listOf(samples[name].call(...inputs)));
  const learning = outs.filter((t) => t.requiresGrad);
  if (differentiable && learning.length > 0)
    learning
      .map((t) => t.mul(t).sum())
      .reduce((a, b) => a.add(b))
      .backward();
  return { outs, grads: inputs.map((t) => t.grad) };
}

/** An element in words that tell apart what JSON does not: infinities, integers of 64 bits. */
const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

/** What differs between two tensors; empty when nothing does. */
function difference(what: string, got: Tensor | null, wanted: Tensor | null, device: string): string[] {
  if (got === null || wanted === null) return got === wanted ? [] : [`${what}: only one device has it`];
  const kind = (t: Tensor): string => `${t.dtype} [${t.shape.join(", ")}]`;
  if (got.device !== device) return [`${what}: on ${got.device}, not on ${device}`];
  if (kind(got) !== kind(wanted)) return [`${what}: ${kind(got)}, on the CPU ${kind(wanted)}`];
  const expected = wanted.elements();
  const at = got.elements().findIndex((value, i) => {
    const other = expected[i];
    // Relative to large values: some gradients are.
    if (typeof value === "number" && typeof other === "number" && Number.isFinite(other))
      return !(Math.abs(value - other) < 5e-5 * Math.max(1, Math.abs(other)));
    return text(value) !== text(other);
  });
  return at < 0 ? [] : [`${what}: element ${at} is ${text(got.elements()[at])}, on the CPU ${text(expected[at])}`];
}

/** Runs a sample on the CPU and on the device; what differs, empty when nothing does. */
export function differences(name: OpName, device: string): string[] {
  const [wanted, got] = [run(name, "cpu"), run(name, device)];
  if (got.outs.length !== wanted.outs.length) return [`${got.outs.length} results, on the CPU ${wanted.outs.length}`];
  return [
    ...got.outs.flatMap((t, i) => difference(`result ${i}`, t.detach(), wanted.outs[i]!.detach(), device)),
    ...got.grads.flatMap((t, i) => difference(`gradient ${i}`, t, wanted.grads[i]!, device)),
  ];
}
