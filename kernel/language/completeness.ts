/** Tells a console whether a person has finished typing a cell. */
import { firstSyntaxError } from "./syntax.js";
import type { Completeness } from "./types.js";

const indentation = "  ";

/** Code whose first error is that it ends too early is incomplete; any other error makes it invalid. */
export function isComplete(code: string): Completeness {
  const error = firstSyntaxError(code, { jsx: false });
  if (!error) return { status: "complete" };
  const { start, end } = error.labels[0] ?? { start: 0, end: 0 };
  // A template that ends right after a `${...}`: the parser marks the brace as it marks one too many.
  const awaitsTemplate = error.message === "Unterminated string" && code.slice(start, end) === "}";
  // At `(x) =>` the parser goes back and complains about the arrow: whether a body would do is asked by giving one.
  const awaitsBody = /=>\s*$/.test(code) && isComplete(`${code} 0`).status !== "invalid";
  if (!awaitsBody && !awaitsTemplate && !endsTooEarly(code, start, end)) return { status: "invalid" };
  const last = code.trimEnd().split("\n").at(-1)!;
  const opens = /[([{`,]$|=>$/.test(last.trimEnd()) ? indentation : "";
  return { status: "incomplete", indent: /^\s*/.exec(last)![0] + opens };
}

function endsTooEarly(code: string, start: number, end: number): boolean {
  if (start >= code.trimEnd().length) return true;
  if (end < code.trimEnd().length) return false;
  // Templates and block comments may go on; strings and regular expressions end with their line.
  const label = code.slice(start, end);
  return /^(`|\}|\/\*|\?\.$)/.test(label) && label !== "}";
}
