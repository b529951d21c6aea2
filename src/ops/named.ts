/** Several results as one object: torch's field names, iterable in torch's order. */

export type Named<T extends object> = Readonly<T> & Iterable<T[keyof T]>;

/** @example const { values, indices } = x.topk(3); const [v, i] = x.topk(3) */
export function named<T extends object>(fields: T): Named<T> {
  return Object.defineProperty(fields, Symbol.iterator, { value: () => Object.values(fields).values() }) as Named<T>;
}
