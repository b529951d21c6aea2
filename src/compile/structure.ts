/** Arguments and results as trees: where their tensors are, and what must be equal for two calls to count as the same. */
import { sameShape, type Shape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";

/** What a call was given: tensors by what a plan depends on, anything else by value or identity. */
export type Pattern =
  | { readonly kind: "tensor"; readonly shape: Shape; readonly dt: number; readonly dev: number; readonly requiresGrad: boolean; readonly leaf: boolean }
  | { readonly kind: "list"; readonly items: readonly Pattern[] }
  | { readonly kind: "record"; readonly keys: readonly string[]; readonly items: readonly Pattern[] }
  | { readonly kind: "value"; readonly value: unknown }; // prettier-ignore

/** The pattern of a value; its tensors are appended to `tensors`, each as often as it occurs. */
export function patternOf(value: unknown, tensors: Tensor[]): Pattern {
  if (value instanceof Tensor) {
    tensors.push(value);
    const { shape, dt, dev, requiresGrad, isLeaf } = value;
    return { kind: "tensor", shape, dt, dev, requiresGrad, leaf: isLeaf };
  }
  if (Array.isArray(value)) return { kind: "list", items: value.map((item) => patternOf(item, tensors)) };
  if (isRecord(value)) {
    const keys = Object.keys(value);
    return { kind: "record", keys, items: keys.map((key) => patternOf(value[key], tensors)) };
  }
  return { kind: "value", value };
}

/** True when `value` has the pattern; its tensors are appended to `tensors` in the pattern's order. */
export function matches(pattern: Pattern, value: unknown, tensors: Tensor[]): boolean {
  switch (pattern.kind) {
    case "tensor":
      if (!(value instanceof Tensor) || value.dt !== pattern.dt || value.dev !== pattern.dev) return false;
      tensors.push(value);
      return (
        (value.shape === pattern.shape || sameShape(value.shape, pattern.shape)) &&
        (value.ag === null ? !pattern.requiresGrad : value.requiresGrad === pattern.requiresGrad && value.isLeaf === pattern.leaf)
      );
    case "list":
      return (
        Array.isArray(value) && value.length === pattern.items.length && pattern.items.every((item, i) => matches(item, value[i], tensors))
      );
    case "record": {
      if (!isRecord(value)) return false;
      const keys = Object.keys(value);
      return (
        keys.length === pattern.keys.length &&
        pattern.keys.every((key, i) => keys[i] === key && matches(pattern.items[i]!, value[key], tensors))
      );
    }
    case "value":
      return Object.is(value, pattern.value);
  }
}

/** A result whose tensors are replaced by what makes them again. */
export type Template =
  | { readonly kind: "made"; readonly index: number }
  | { readonly kind: "argument"; readonly index: number }
  | { readonly kind: "list"; readonly items: readonly Template[] }
  | { readonly kind: "record"; readonly keys: readonly string[]; readonly items: readonly Template[] }
  | { readonly kind: "value"; readonly value: unknown };

/** The template of a result; `place` tells for each tensor what it is. */
export function templateOf(value: unknown, place: (t: Tensor) => Template): Template {
  if (value instanceof Tensor) return place(value);
  if (Array.isArray(value)) return { kind: "list", items: value.map((item) => templateOf(item, place)) };
  if (isRecord(value)) {
    const keys = Object.keys(value);
    return { kind: "record", keys, items: keys.map((key) => templateOf(value[key], place)) };
  }
  return { kind: "value", value };
}

export function fill(template: Template, made: readonly Tensor[], given: readonly Tensor[]): unknown {
  switch (template.kind) {
    case "made":
      return made[template.index];
    case "argument":
      return given[template.index];
    case "list":
      return template.items.map((item) => fill(item, made, given));
    case "record":
      return Object.fromEntries(template.keys.map((key, i) => [key, fill(template.items[i]!, made, given)]));
    case "value":
      return template.value;
  }
}

/** The tensors of a result that has the form of `template`, by the index of what makes them again. */
export function madeOf(template: Template, value: unknown, found: Tensor[] = []): Tensor[] {
  if (template.kind === "made") found[template.index] = value as Tensor;
  if (template.kind === "list") template.items.forEach((item, i) => madeOf(item, (value as readonly unknown[])[i], found));
  if (template.kind === "record") template.items.forEach((item, i) => madeOf(item, (value as Record<string, unknown>)[template.keys[i]!], found)); // prettier-ignore
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
