/** How layers read their constructor arguments: Python's rules, from one signature text. */
import type { DType } from "../tensor/dtype.js";
import { ValueError } from "../tensor/errors.js";
import { bind, parseSignature, type Param } from "../ops/schema.js";

export { repr, reprFloat } from "../tensor/repr.js";

const signatures = new Map<string, Param[]>();

/** The values of a constructor's parameters, in the order of the signature. */
export function readArguments<T extends unknown[]>(name: string, signature: string, args: readonly unknown[]): T {
  let params = signatures.get(signature);
  if (params === undefined) signatures.set(signature, (params = parseSignature(signature)));
  return bind(name, params, args) as T;
}

/** Where the parameters of a layer are made: the last parameters of its constructor. */
export const factory = "device: string? = null, dtype: string? = null";
export type Factory = [device: string | null, dtype: DType | null];
export const place = (device: string | null, dtype: DType | null): { device: string | null; dtype: DType | null } => ({ device, dtype });

export function requirePositive(op: string, values: Readonly<Record<string, number>>, least = 1): void {
  for (const [argument, value] of Object.entries(values)) {
    if (value < least) throw new ValueError({ op, argument, expected: `at least ${least}`, got: String(value) });
  }
}
