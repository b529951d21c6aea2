/** Finds what a notebook calls a storage: walks from its top-level names through what they hold, without running a person's code. */
import { types } from "node:util";
import { hostSymbol, type Host } from "../wire/host.js";
import type { HolderKind } from "../wire/devices.js";
import type { Handle } from "../runtime/native.js";
import { Tensor } from "./tensor.js";

/** A class whose instances hold tensors of one kind has this on its prototype. */
export const holderKind = Symbol("holderKind");

export interface Claim {
  readonly name: string;
  readonly kind: HolderKind;
  /** Of a gradient: the tensor whose gradient it is. */
  readonly leaf: Tensor | null;
}

interface Visit extends Claim {
  readonly value: object;
}

/** Objects that one walk looks at: about 5 ms. */
const mostObjects = 20_000;
/** Elements of a list or map that are looked at. */
const mostElements = 2000;

/**
 * Who holds the storages of `handles`, which gives the storage of a handle: the shortest names first, those of optimizers and of graphs
 * only where nothing else holds it. Reads data properties, lists, maps and sets; getters, proxies and closures stay closed.
 */
export function claims(handles: ReadonlyMap<Handle, number>): Map<number, Claim> {
  const found = new Map<number, Claim>();
  const storages = new Set(handles.values()).size;
  const seen = new Set<object>();
  const queues: readonly Visit[][] = [[], [], []]; // what variables hold; what optimizers hold; what graphs keep
  const host = (globalThis as { [hostSymbol]?: Host })[hostSymbol];
  for (const [name, value] of host?.variables() ?? []) visit(value, name, "variable", 0);

  let left = mostObjects;
  for (const [level, queue] of queues.entries())
    for (let i = 0; i < queue.length && left > 0 && found.size < storages; i++, left--) open(queue[i]!, level);
  return found;

  function visit(value: unknown, name: string, kind: HolderKind, level: number, leaf: Tensor | null = null): void {
    if (typeof value !== "object" || value === null || types.isProxy(value)) return;
    const own = (value as { [holderKind]?: HolderKind })[holderKind];
    queues[own === undefined ? level : 1]!.push({ value, name, kind: own ?? kind, leaf });
  }

  function open({ value, name, kind, leaf }: Visit, level: number): void {
    if (seen.has(value)) return;
    seen.add(value);
    if (value instanceof Tensor) return openTensor(value, { name, kind, leaf }, level);
    if (types.isModuleNamespaceObject(value) || types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return;
    if (types.isMap(value)) {
      let count = 0;
      for (const [key, item] of Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>) {
        if (++count > mostElements) return;
        visit(item, below(`[${keyText(key)}]`), kind, level);
      }
    } else if (types.isSet(value)) {
      let count = 0;
      for (const item of Set.prototype.values.call(value) as Iterable<unknown>)
        if (count++ < mostElements) visit(item, below(`[${count - 1}]`), kind, level);
    }
    const isList = Array.isArray(value);
    let count = 0;
    for (const key of Object.getOwnPropertyNames(value)) {
      if (++count > mostElements) return;
      const property = Object.getOwnPropertyDescriptor(value, key)!;
      if (typeof property.value === "object") visit(property.value, below(isList ? `[${key}]` : `.${key}`), kind, level);
    }

    // What a graph keeps goes by the name of the graph.
    function below(step: string): string {
      return level === 2 ? name : name + step;
    }
  }

  function openTensor(t: Tensor, claim: Claim, level: number): void {
    const { name, kind } = claim;
    const storage = handles.get(t.handle);
    const learns = t.ag !== null && t.ag.requiresGrad && t.ag.gradFn === null && (kind === "variable" || kind === "optimizer");
    if (storage !== undefined && !found.has(storage)) found.set(storage, learns ? { ...claim, kind: "parameter" } : claim);
    if (t.ag === null) return;
    visit(t.ag.grad, level === 2 ? name : `${name}.grad`, "gradient", level, t);
    visit(t.ag.view?.base, level === 2 ? name : `the base of ${name}`, kind, level);
    visit(t.ag.gradFn, level === 2 ? name : `the graph of ${name}`, "saved", 2);
  }

  /** A key that is a tensor goes by its own name. */
  function keyText(key: unknown): string {
    const storage = key instanceof Tensor ? handles.get(key.handle) : undefined;
    if (storage !== undefined) return found.get(storage)?.name ?? "a tensor";
    return typeof key === "string" ? JSON.stringify(key) : typeof key === "object" || typeof key === "function" ? "…" : String(key);
  }
}
