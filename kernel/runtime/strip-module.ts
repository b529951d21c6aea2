/** A local TypeScript module as JavaScript: what Node loads, and what the debugger reads places from. */
import { transformSync } from "oxc-transform";

export interface StrippedModule {
  readonly code: string;
  readonly map: object;
}

/** Throws a SyntaxError with the place when the module does not parse. */
export function stripModule(path: string, text: string): StrippedModule {
  const { code, map, errors } = transformSync(path, text, { sourcemap: true });
  const failure = errors.find((error) => error.severity === "Error");
  if (failure) throw new SyntaxError(`${path}: ${failure.message}\n${failure.codeframe ?? ""}`);
  return { code, map: map as object };
}
