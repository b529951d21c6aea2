/** Variables as a person browses them: scopes, objects, pages of large collections. Getters are not called. */
import type { Description } from "../../src/wire/host.js";
import type { JsonObject } from "../protocol/message.js";
import { objectGroup, type Devtools } from "./devtools.js";
import type { CallFrame, Evaluated, Properties, Property, RemoteObject } from "./values.js";
import { lengthOf, propertyText, typeOf } from "./value-text.js";

/** More children than this are shown in pages of as many. */
const pageSize = 100;

/** What a variablesReference stands for. */
type Branch =
  | { readonly kind: "object"; readonly object: RemoteObject }
  /** A value of the library, which knows what is worth a look in it. */
  | { readonly kind: "parts"; readonly object: RemoteObject }
  | { readonly kind: "elements"; readonly object: RemoteObject; readonly start: number; readonly end: number }
  | { readonly kind: "list"; readonly items: readonly Property[] }
  /** Scopes from the inside out. */
  | { readonly kind: "scope"; readonly objects: readonly RemoteObject[]; readonly frame: CallFrame }
  | { readonly kind: "globals" };

interface Page {
  readonly name: string;
  readonly branch: Branch;
}

/** Names that transformed cells use for themselves. */
const internalName = /^__(cellgrad|resources)/;
const joiner = "\u200c";

export class Variables {
  /** Whether the front end shows types beside values; JupyterLab shows them instead of values. */
  showsTypes = true;
  readonly #devtools: Devtools;
  readonly #branches = new Map<number, Branch>();
  #last = 0;

  constructor(devtools: Devtools) {
    this.#devtools = devtools;
  }

  /** Lets go of every value that was looked at. */
  async release(): Promise<void> {
    if (this.#branches.size === 0) return;
    this.#branches.clear();
    await this.#devtools.post("Runtime.releaseObjectGroup", { objectGroup });
  }

  /** Forgets what belonged to a runtime that has ended. */
  forget(): void {
    this.#branches.clear();
  }

  /** The scopes of a frame, without Node's and the kernel's own. */
  scopes(frame: CallFrame): JsonObject[] {
    const objects = (...types: string[]) => frame.scopeChain.flatMap(({ type, object }) => (types.includes(type) ? [object] : []));
    const named = [
      { name: "Locals", objects: objects("local", "block", "catch", "eval", "with") },
      { name: "Closure", objects: objects("closure") },
      { name: "Module", objects: objects("module") },
    ];
    const scopes = named.flatMap(({ name, objects }) =>
      objects.length === 0 ? [] : [this.#scope(name, { kind: "scope", objects, frame }, name === "Locals" ? "locals" : null)],
    );
    return [...scopes, this.#scope("Globals", { kind: "globals" }, "globals")];
  }

  /** The names of a frame's own scopes, which hide those of the session. */
  async localNames(frame: CallFrame): Promise<string[]> {
    const own = frame.scopeChain.filter(({ type }) => type !== "script" && type !== "global");
    const lists = await Promise.all(own.map(({ object }) => this.#properties(object)));
    return lists.flatMap(({ result }) => result.map(({ name }) => name));
  }

  /** The variables of the session. */
  async globals(): Promise<JsonObject[]> {
    return this.#present(await this.#globalProperties());
  }

  /** The children of a variable or scope; `start` and `count` choose among the elements of a collection. */
  async children(reference: number, { filter, start, count }: JsonObject): Promise<JsonObject[]> {
    const branch = this.#branches.get(reference);
    if (!branch) throw new Error("this value is no longer held: the program went on");
    const from = typeof start === "number" ? start : 0;
    if (branch.kind === "object" && filter === "indexed") {
      const end = typeof count === "number" && count > 0 ? from + count : Infinity;
      return this.#present(await this.#elements(branch.object, from, Math.min(end, lengthOf(branch.object) ?? 0)));
    }
    const { pages, items } = await this.#open(branch, filter !== "named");
    const shown = await this.#present(typeof count === "number" && count > 0 ? items.slice(from, from + count) : items);
    const ranges = pages.map(({ name, branch }) => ({ name, value: "", variablesReference: this.#reference(branch) }));
    return [...ranges, ...shown];
  }

  /** One value as a variable. */
  async present(name: string, value: RemoteObject): Promise<JsonObject> {
    return (await this.#present([{ name, value }]))[0]!;
  }

  /** The object that a reference stands for, to set a property of; null for a scope. */
  objectOf(reference: number): RemoteObject | null {
    const branch = this.#branches.get(reference);
    return branch && "object" in branch && branch.kind !== "parts" ? branch.object : null;
  }

  /** The frame whose scope a reference stands for. */
  frameOf(reference: number): CallFrame | null {
    const branch = this.#branches.get(reference);
    return branch?.kind === "scope" ? branch.frame : null;
  }

  #scope(name: string, branch: Branch, hint: string | null): JsonObject {
    const reference = { name, variablesReference: this.#reference(branch), expensive: false };
    return hint === null ? reference : { ...reference, presentationHint: hint };
  }

  #reference(branch: Branch): number {
    this.#branches.set(++this.#last, branch);
    return this.#last;
  }

  async #open(branch: Branch, withElements: boolean): Promise<{ readonly pages: readonly Page[]; readonly items: readonly Property[] }> {
    switch (branch.kind) {
      case "globals":
        return paged(await this.#globalProperties());
      case "scope":
        return paged(await this.#scopeProperties(branch.objects, branch.frame));
      case "list":
        return paged(branch.items);
      case "elements":
        return this.#range(branch.object, branch.start, branch.end);
      case "parts": {
        const { result } = await this.#devtools.callOn("parts", [branch.object], { objectGroup });
        return { pages: [], items: (await this.#properties(result)).result.filter(isShown) };
      }
      case "object": {
        const length = lengthOf(branch.object);
        if (length === null || length <= pageSize) return paged(await this.#members(branch.object, false));
        const named = await this.#members(branch.object, true);
        if (!withElements) return { pages: [], items: named };
        return { pages: (await this.#range(branch.object, 0, length)).pages, items: named };
      }
    }
  }

  /** Elements, or, when they are many, pages of them. */
  async #range(
    object: RemoteObject,
    start: number,
    end: number,
  ): Promise<{ readonly pages: readonly Page[]; readonly items: readonly Property[] }> {
    if (end - start <= pageSize) return { pages: [], items: await this.#elements(object, start, end) };
    const size = pageSizeFor(end - start);
    const pages = ranges(start, end, size).map(([from, to]): Page => ({
      name: `[${from} … ${to - 1}]`,
      branch: { kind: "elements", object, start: from, end: to },
    }));
    return { pages, items: [] };
  }

  async #elements({ objectId }: RemoteObject, start: number, end: number): Promise<readonly Property[]> {
    const { result } = await this.#devtools.post<Evaluated>("Runtime.callFunctionOn", {
      objectId,
      functionDeclaration: elementsBetween.toString(),
      arguments: [{ value: start }, { value: end }],
      objectGroup,
      silent: true,
    });
    return (await this.#properties(result)).result;
  }

  /** Own properties, private ones, and what an object holds without a name: entries, a promise's state. */
  async #members(object: RemoteObject, nonIndexedPropertiesOnly: boolean): Promise<readonly Property[]> {
    const { result, internalProperties = [], privateProperties = [] } = await this.#properties(object, nonIndexedPropertiesOnly);
    const inside = internalProperties.filter(({ name }) => /^\[\[(Entries|Promise|Target|Bound|PrimitiveValue)/.test(name));
    const entries = inside.find(({ name }) => name === "[[Entries]]")?.value;
    const own = [...result, ...privateProperties].filter(isShown);
    if (!entries) return [...own, ...inside];
    const { result: items } = await this.#properties(entries);
    return [...(await Promise.all(items.filter(({ name }) => /^\d+$/.test(name)).map((item) => this.#entry(item)))), ...own];
  }

  /** An entry of a Map under its key, of a Set under its number. */
  async #entry(item: Property): Promise<Property> {
    const { result } = await this.#properties(item.value!);
    const [key, value] = ["key", "value"].map((name) => result.find((each) => each.name === name));
    return { name: key ? propertyText(key) : item.name, ...(value?.value && { value: value.value }) };
  }

  async #properties({ objectId }: RemoteObject, nonIndexedPropertiesOnly = false): Promise<Properties> {
    if (objectId === undefined) return { result: [] };
    const parameters = { objectId, ownProperties: true, generatePreview: true, nonIndexedPropertiesOnly };
    return this.#devtools.post<Properties>("Runtime.getProperties", parameters);
  }

  async #scopeProperties(objects: readonly RemoteObject[], frame: CallFrame): Promise<readonly Property[]> {
    const found = new Map<string, Property>();
    for (const object of objects) {
      for (const property of (await this.#properties(object)).result) {
        if (!found.has(property.name) && isShown(property)) found.set(property.name, property);
      }
    }
    const isLocal = frame.scopeChain.some(({ type, object }) => type === "local" && objects.includes(object));
    const hasThis = isLocal && frame.this.type === "object" && frame.this.className !== "global";
    return [...(hasThis ? [{ name: "this", value: frame.this }] : []), ...found.values()];
  }

  /** Data first, then functions and classes; imported modules are left out. */
  async #globalProperties(): Promise<readonly Property[]> {
    const { names } = await this.#devtools.post<{ readonly names: readonly string[] }>("Runtime.globalLexicalScopeNames");
    const shown = names.filter((name) => !internalName.test(name));
    const { result } = await this.#devtools.post<Evaluated>("Runtime.evaluate", {
      expression: `[${shown.join()}]`,
      objectGroup,
      silent: true,
    });
    const values = (await this.#properties(result)).result.filter(({ name }) => /^\d+$/.test(name));
    const named = values.flatMap(({ name, value }) =>
      value && value.className !== "Module" ? [{ name: shown[Number(name)]!.replace(joiner, ""), value }] : [],
    );
    const isCode = ({ value }: Property) => value?.type === "function";
    return [...named.filter((each) => !isCode(each)), ...named.filter(isCode)];
  }

  async #present(items: readonly Property[]): Promise<JsonObject[]> {
    const objects = items.flatMap(({ value }) => (mayBeOfLibrary(value) ? [value!] : []));
    const told = new Map<RemoteObject, Omit<Description, "parts">>();
    if (objects.length > 0) {
      const { result } = await this.#devtools.callOn("describe", objects, { returnByValue: true });
      (result.value as (Omit<Description, "parts"> | null)[] | undefined)?.forEach((each, i) => each && told.set(objects[i]!, each));
    }
    return items.map((item) => this.#variable(item, item.value ? (told.get(item.value) ?? null) : null));
  }

  #variable(property: Property, told: Omit<Description, "parts"> | null): JsonObject {
    const { value } = property;
    const isBranch = value?.objectId !== undefined && value.subtype !== "null";
    const branch: Branch | null = !isBranch ? null : told ? { kind: "parts", object: value } : { kind: "object", object: value };
    const length = value && !told ? lengthOf(value) : null;
    const name = property.name.replace(joiner, "");
    return {
      name,
      value: told ? `${told.type} ${told.text}` : propertyText(property),
      ...(this.showsTypes && value ? { type: told?.type ?? typeOf(value) } : {}),
      ...(/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? { evaluateName: name } : {}),
      variablesReference: branch ? this.#reference(branch) : 0,
      ...(length !== null && length > pageSize ? { indexedVariables: length } : {}),
    };
  }
}

/** Runs in the main thread: the elements of an array from `start` up to `end`, getters as they are. */
function elementsBetween(this: object, start: number, end: number): object {
  const page = Object.create(null) as object;
  for (let i = start; i < end; i++) {
    const descriptor = Object.getOwnPropertyDescriptor(this, i);
    if (descriptor) Object.defineProperty(page, i, { ...descriptor, configurable: true });
  }
  return page;
}

function paged(items: readonly Property[]): { readonly pages: readonly Page[]; readonly items: readonly Property[] } {
  if (items.length <= pageSize) return { pages: [], items };
  const pages = ranges(0, items.length, pageSizeFor(items.length)).map(([from, to]): Page => ({
    name: `${items[from]!.name} … ${items[to - 1]!.name}`,
    branch: { kind: "list", items: items.slice(from, to) },
  }));
  return { pages, items: [] };
}

/** 100 for up to 10 000, 10 000 for up to a million, and so on. */
function pageSizeFor(length: number): number {
  let size = pageSize;
  while (length > size * pageSize) size *= pageSize;
  return size;
}

function ranges(start: number, end: number, size: number): [number, number][] {
  return Array.from({ length: Math.ceil((end - start) / size) }, (_, i) => [start + i * size, Math.min(end, start + (i + 1) * size)]);
}

function isShown({ name, value, get }: Property): boolean {
  return (value !== undefined || (get !== undefined && get.type !== "undefined")) && !internalName.test(name) && name !== "__proto__";
}

function mayBeOfLibrary(value: RemoteObject | undefined): boolean {
  return value?.type === "object" && value.objectId !== undefined && value.subtype === undefined;
}
