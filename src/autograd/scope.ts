/** Explicit lifetimes for those who want them. */
import { collectMade } from "../tensor/launch.js";
import { Tensor } from "../tensor/tensor.js";

/**
 * Runs `body` and frees, at once, every tensor it made that is neither in its result nor saved for a backward pass.
 * Nobody needs it: dropped tensors are freed by themselves.
 * @returns the result of `body`, with its tensors (also inside arrays and plain objects)
 * @example const norm = scope(() => x.square().sum().sqrt())
 */
export function scope<T>(body: () => T): T {
  const { result, made } = collectMade(body);
  const kept = new Set<Tensor>();
  keep(result, kept, new Set());
  for (const t of made) if (!kept.has(t) && t.tag?.saved !== true && t.ag?.gradFn == null) t.dispose();
  return result;
}

function keep(value: unknown, kept: Set<Tensor>, seen: Set<unknown>): void {
  if (value instanceof Tensor) {
    kept.add(value);
    if (value.ag?.grad) kept.add(value.ag.grad);
    if (value.ag?.view) kept.add(value.ag.view.base);
  } else if (typeof value === "object" && value !== null && !seen.has(value)) {
    seen.add(value);
    for (const item of Object.values(value)) keep(item, kept, seen);
  }
}
