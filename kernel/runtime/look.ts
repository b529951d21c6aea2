/** Looks at values for completion and inspection: no getter, no trap of a proxy, nothing of the program runs. */
import { types } from "node:util";
import { viewsSymbol, type Views } from "../../src/wire/host.js";
import type { LiveName } from "./messages.js";

// The program may replace the global ones.
const { getOwnPropertyDescriptor, getOwnPropertyDescriptors, getPrototypeOf, entries } = Object;
const { isProxy } = types;
const { toString: textOfFunction } = Function.prototype;

/** More members are not listed. */
const mostMembers = 1000;

/** Getters of the library that only tell what a value is. */
const harmless = new Set(["dtype", "shape", "device", "requiresGrad"]);

/** Called by the agent as `globalThis["cellgrad.kernel"].look`. */
export interface Look {
  /** The value at the end of a path of members. @throws Error when a getter or a proxy stands in the way */
  follow(value: object, ...path: readonly string[]): unknown;
  /** What the library says of a value in a line; null where it says nothing. */
  describe(value: object): string | null;
  /** The members of an object up to Object.prototype. */
  members(value: object): readonly LiveName[];
}

export const look: Look = {
  follow: (value, ...path) => path.reduce<unknown>(member, value),
  describe,
  members(value) {
    const found = new Map<string, LiveName>();
    for (let object: object | null = value; object && object !== Object.prototype && !isProxy(object); object = parentOf(object)) {
      for (const [name, descriptor] of entries(getOwnPropertyDescriptors(object))) {
        if (found.size < mostMembers && !found.has(name) && !/^\d+$/.test(name)) found.set(name, liveName(name, descriptor.value));
      }
    }
    return [...found.values()];
  },
};

function describe(value: unknown): string | null {
  if (typeof value !== "object" || value === null || isProxy(value)) return null;
  return (globalThis as { [viewsSymbol]?: Views })[viewsSymbol]?.describe?.(value)?.text ?? null;
}

function liveName(name: string, value: unknown): LiveName {
  const detail = describe(value);
  return { name, kind: kindOf(value), ...(detail !== null && { detail }) };
}

function kindOf(value: unknown): LiveName["kind"] {
  if (typeof value !== "function") return "property";
  return textOfFunction.call(value).startsWith("class") ? "class" : "method";
}

function member(value: unknown, name: string): unknown {
  for (let object = Object(value) as object | null; object; object = parentOf(object)) {
    if (isProxy(object)) break;
    const descriptor = getOwnPropertyDescriptor(object, name);
    if (!descriptor) continue;
    if (!descriptor.get || (harmless.has(name) && describe(value) !== null))
      return descriptor.get ? descriptor.get.call(value) : descriptor.value;
    break;
  }
  throw new Error(`${name} cannot be read without running something`);
}

function parentOf(object: object): object | null {
  return getPrototypeOf(object) as object | null;
}
