/** How layers read their constructor arguments: Python's rules, from one signature text. */
import type { DType } from "../tensor/dtype.js";
import { Tensor } from "../tensor/tensor.js";
import { bind, parseSignature, type Param } from "../ops/schema.js";

const signatures = new Map<string, Param[]>();

/** The values of a constructor's parameters, in the order of the signature. */
export function readArguments<T extends unknown[]>(name: string, signature: string, args: readonly unknown[]): T {
  let params = signatures.get(signature);
  if (params === undefined) signatures.set(signature, (params = parseSignature(signature)));
  return bind(name, params, args) as T;
}

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

/** Where the parameters of a layer are made: the last parameters of its constructor. */
export const factory = "device: string? = null, dtype: string? = null";
export type Factory = [device: string | null, dtype: DType | null];
export const place = (device: string | null, dtype: DType | null): { device: string | null; dtype: DType | null } => ({ device, dtype });
