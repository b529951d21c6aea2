/** A local module in TypeScript or with JSX as JavaScript: what Node loads, and what the debugger reads places from. */
import { parseSync } from "oxc-parser";
import { transformSync, type OxcError } from "oxc-transform";
import { codeFrame } from "../errors/code-frame.js";
import { lowerByEsbuild, oxcLowering } from "../language/lower.js";
import { placeAt } from "../language/positions.js";
import { children, type Node } from "../language/syntax.js";
import type { TransformSettings } from "../language/types.js";

export interface StrippedModule {
  readonly code: string;
  readonly map: object;
}

/** Throws a SyntaxError with the place when the module does not parse. */
export function stripModule(path: string, text: string, settings: TransformSettings): StrippedModule {
  const { code, map, errors } = transformSync(path, text, { sourcemap: true, ...oxcLowering(settings) });
  const failure = errors.find((error) => error.severity === "Error");
  if (failure) throw syntaxError(path, text, failure);
  if (!settings.experimentalDecorators && hasDecorators(path, text)) return lowerByEsbuild(text, settings, loaderOf(path));
  return { code: code.includes("babelHelpers.") ? `const babelHelpers=__cellgrad.helpers;${code}` : code, map: map as object };
}

/** Whether a file is one for {@link stripModule}. */
export function isStripped(path: string): boolean {
  return /\.(?:[mc]?ts|[jt]sx)$/.test(path);
}

function loaderOf(path: string): "ts" | "tsx" | "jsx" {
  return path.endsWith(".jsx") ? "jsx" : path.endsWith("x") ? "tsx" : "ts";
}

function hasDecorators(path: string, text: string): boolean {
  if (!text.includes("@")) return false;
  const isDecorated = (node: Node): boolean => node.type === "Decorator" || [...children(node)].some(isDecorated);
  return isDecorated(parseSync(path, text).program);
}

/** The thread that loads modules passes on the message alone: it holds the place and the line. */
function syntaxError(path: string, text: string, { message, helpMessage, labels }: OxcError): SyntaxError {
  const { line, column } = placeAt(text, labels[0]?.start ?? 0);
  const frame = codeFrame(text, line, column).map((each) => `\n  ${each}`);
  return new SyntaxError(`${helpMessage ? `${message} (${helpMessage})` : message}\n  ${path}:${line}:${column}${frame.join("")}`);
}
