/** A tensor as a debugger shows it: a line, and what is worth a look inside. */
import { Tensor, type Nested } from "../../tensor/tensor.js";
import type { Description } from "../../wire/host.js";
import { short } from "../picture/numbers.js";

/** Tensors of no more elements are written out in the line; of others, as many of the first row. */
const shown = 6;

/** Elements up to which a debugger lists them all; beyond, the picture tells more. */
const maxListed = 10_000;

/** Null for what is no tensor. Reads at most six elements until `parts` is called. */
export function describeValue(value: unknown): Description | null {
  if (!(value instanceof Tensor)) return null;
  return { type: value.constructor.name, text: lineOf(value), parts: () => partsOf(value) };
}

function lineOf(tensor: Tensor): string {
  const head = `${tensor.dtype} [${tensor.shape.join(", ")}]${tensor.dev === 0 ? "" : ` ${tensor.device}`}`;
  if (tensor.disposed) return `${head} (freed)`;
  const origin = tensor.gradFn !== null ? `, gradFn ${tensor.gradFn.name}` : tensor.requiresGrad ? ", requiresGrad" : "";
  return `${head} ${elementsText(tensor)}${origin}`;
}

/** `[[1, 2], [3, 4]]`, or the first elements of the first row: `[0.1, 0.2, …]`. */
function elementsText(tensor: Tensor): string {
  if (tensor.numel() <= shown) return textOf(tensor.tolist());
  const last = tensor.shape.length - 1;
  const count = Math.min(shown, tensor.shape[last]!);
  using row = tensor.strided([count], [tensor.stride(last)]);
  return `[${row.elements().map(textOf).join(", ")}, …]`;
}

function textOf(value: Nested): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (typeof value === "number") return short(value);
  if (typeof value !== "object") return String(value);
  return `${short(value.re)}${value.im < 0 ? "-" : "+"}${short(Math.abs(value.im))}i`;
}

function partsOf(tensor: Tensor): { readonly [name: string]: unknown } {
  const { dtype, shape, device, requiresGrad, disposed } = tensor;
  if (disposed) return { dtype, shape, device, disposed };
  const gradFn = tensor.gradFn?.name ?? null;
  const values = tensor.numel() <= maxListed ? { values: tensor.tolist() } : {};
  return { dtype, shape, device, requiresGrad, grad: tensor.ag?.grad ?? null, gradFn, nbytes: tensor.nbytes, ...values };
}
