/** What a module lists: an array that can also be walked with `next()`, as torch's generators are. */

export type Listed<T> = T[] & Pick<IterableIterator<T>, "next">;

/** The same array with a `next()` that hands out its values one by one: `model.parameters().next().value`. */
export function listed<T>(values: T[]): Listed<T> {
  let at = 0;
  const next = (): IteratorResult<T, undefined> =>
    at < values.length ? { done: false, value: values[at++]! } : { done: true, value: undefined };
  return Object.defineProperty(values, "next", { value: next }) as Listed<T>;
}
