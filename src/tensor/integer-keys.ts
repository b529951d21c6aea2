/** Objects that stand for Python's dicts with integer keys, which JavaScript turns into text: checkpoints keep the difference. */
const objects = new WeakSet<object>();

/** Marks an object; returns it. */
export function withIntegerKeys<T extends object>(dict: T): T {
  objects.add(dict);
  return dict;
}

export const hasIntegerKeys = (dict: object): boolean => objects.has(dict);
