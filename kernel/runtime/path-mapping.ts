/** `paths` of tsconfig.json at run time, read as TypeScript reads them. */
import type { TransformSettings } from "../language/types.js";

/** The files that a specifier may stand for, as far as `paths` says: of the exact pattern, or else of that with the longest text before its star. */
export function mappedTo(specifier: string, paths: TransformSettings["paths"]): readonly string[] {
  if (Object.hasOwn(paths, specifier)) return paths[specifier]!;
  let [longest, found]: [number, readonly string[]] = [-1, []];
  for (const [pattern, targets] of Object.entries(paths)) {
    const star = pattern.indexOf("*");
    const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
    if (star <= longest || specifier.length < pattern.length - 1 || !specifier.startsWith(head) || !specifier.endsWith(tail)) continue;
    const middle = specifier.slice(star, specifier.length - tail.length);
    [longest, found] = [star, targets.map((target) => target.replace("*", () => middle))];
  }
  return found;
}
