/** A local TypeScript module as JavaScript: what Node loads, and what the debugger reads places from. */
import { transformSync, type OxcError } from "oxc-transform";
import { codeFrame } from "../errors/code-frame.js";
import { placeAt } from "../language/positions.js";

export interface StrippedModule {
  readonly code: string;
  readonly map: object;
}

/** Throws a SyntaxError with the place when the module does not parse. */
export function stripModule(path: string, text: string): StrippedModule {
  const { code, map, errors } = transformSync(path, text, { sourcemap: true });
  const failure = errors.find((error) => error.severity === "Error");
  if (failure) throw syntaxError(path, text, failure);
  return { code, map: map as object };
}

/** The thread that loads modules passes on the message alone: it holds the place and the line. */
function syntaxError(path: string, text: string, { message, helpMessage, labels }: OxcError): SyntaxError {
  const { line, column } = placeAt(text, labels[0]?.start ?? 0);
  const frame = codeFrame(text, line, column).map((each) => `\n  ${each}`);
  return new SyntaxError(`${helpMessage ? `${message} (${helpMessage})` : message}\n  ${path}:${line}:${column}${frame.join("")}`);
}
