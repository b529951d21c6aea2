/** Values as Python writes them, for printed forms that are PyTorch's. */
import { Tensor } from "./tensor.js";

/** Python's way to write a float in a repr: whole ones show that they are floats. */
export const reprFloat = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : repr(value));

/** Python's way to write a value in a repr. */
export function repr(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `(${value.map(repr).join(", ")})`;
  if (value instanceof Tensor) return String(value);
  if (typeof value === "number" && !Number.isInteger(value) && Math.abs(value) < 1e-4)
    return value.toExponential().replace(/e-(\d)$/, "e-0$1");
  return String(value);
}
