/** Arguments of the functions here, as everywhere: positional first, the rest as one trailing object. Ops have ops/schema.ts. */
import { ValueError, describe, nearest } from "../tensor/errors.js";
import { Tensor } from "../tensor/tensor.js";

/** The values of `names` from positional arguments and a last plain object of options. */
export function readArguments<T>(op: string, names: readonly (keyof T & string)[], args: readonly unknown[]): Partial<T> {
  const positional = [...args];
  while (positional.length > 0 && positional.at(-1) === undefined) positional.pop();
  const options = isPlain(positional.at(-1)) ? (positional.pop() as Record<string, unknown>) : {};
  if (positional.length > names.length) {
    throw new ValueError({ op, expected: `at most ${names.length} positional arguments`, got: String(positional.length) });
  }
  const values: Record<string, unknown> = {};
  positional.forEach((value, i) => (values[names[i]!] = value));
  for (const [key, value] of Object.entries(options)) {
    if (!names.includes(key as keyof T & string)) {
      const near = nearest(key, names);
      throw new ValueError({
        op,
        expected: `options among ${names.join(", ")}`,
        got: `"${key}"`,
        hint: near === undefined ? undefined : `did you mean "${near}"?`,
      });
    }
    if (values[key] !== undefined) {
      throw new ValueError({ op, argument: key, expected: "given once", got: "it both by position and by name" });
    }
    values[key] = value;
  }
  return values as Partial<T>;
}

function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** One tensor or several, as a list of at least one. */
export function tensorsOf(op: string, argument: string, value: unknown): readonly Tensor[] {
  const list = value instanceof Tensor ? [value] : value;
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => item instanceof Tensor)) {
    throw new ValueError({ op, argument, expected: "a Tensor or a list of Tensors", got: describe(value) });
  }
  return list as readonly Tensor[];
}

/** A function given by a person. */
export function requireFunction(op: string, argument: string, value: unknown): void {
  if (typeof value !== "function") throw new ValueError({ op, argument, expected: "a function", got: describe(value) });
}
