/** TypeScript's own declarations for the Node that cells run on: what it lacks is a type error, not a surprise at run time. */

/** In all Nodes that we support. */
const base = "es2023";

/** Every later part of TypeScript's library, with whether this Node has what it declares. K and R run on the same one. */
export const laterLibraries: { readonly [library: string]: boolean } = {
  "es2024.arraybuffer": "transfer" in ArrayBuffer.prototype,
  "es2024.collection": "groupBy" in Map,
  "es2024.object": "groupBy" in Object,
  "es2024.promise": "withResolvers" in Promise,
  "es2024.regexp": "unicodeSets" in RegExp.prototype,
  "es2024.sharedmemory": "waitAsync" in Atomics && "growable" in SharedArrayBuffer.prototype,
  "es2024.string": "isWellFormed" in String.prototype,
  "es2025.collection": "union" in Set.prototype,
  "es2025.float16": "Float16Array" in globalThis,
  "es2025.intl": "DurationFormat" in Intl,
  "es2025.iterator": "Iterator" in globalThis,
  "es2025.promise": "try" in Promise,
  "es2025.regexp": "escape" in RegExp,
  "esnext.array": "fromAsync" in Array,
  "esnext.collection": "getOrInsert" in Map.prototype,
  "esnext.date": "toTemporalInstant" in Date.prototype,
  "esnext.decorators": "metadata" in Symbol,
  "esnext.disposable": "DisposableStack" in globalThis, // `using` needs no more than Node's own types declare
  "esnext.error": "isError" in Error,
  "esnext.intl": "Temporal" in globalThis,
  "esnext.sharedmemory": "pause" in Atomics,
  "esnext.temporal": "Temporal" in globalThis,
  "esnext.typedarrays": "fromBase64" in Uint8Array,
};

/** The option `lib` of a project that sets none. */
export const libraries: readonly string[] = [base, ...Object.keys(laterLibraries).filter((library) => laterLibraries[library])];
