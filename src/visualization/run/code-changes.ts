/** Says how two versions of a cell differ in numbers: `lr 1e-3 -> 3e-3`. */

interface Token {
  readonly text: string;
  readonly number: boolean;
}

// Strings, comments, numbers, names, and any other character.
const pattern = /"[^"\n]*"|'[^'\n]*'|`[^`]*`|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|[A-Za-z_$][\w$]*|\S/g;

/** One text a number that changed; "code changed" when more than numbers did; nothing when the versions compute the same. */
export function codeChanges(before: string, after: string): string[] {
  const [a, b] = [tokens(before), tokens(after)];
  const sameSkeleton = a.length === b.length && a.every((token, i) => (token.number ? b[i]!.number : token.text === b[i]!.text));
  if (!sameSkeleton) return ["code changed"];
  return a.flatMap((token, i) => (token.text === b[i]!.text ? [] : [`${nameBefore(b, i)}${token.text} -> ${b[i]!.text}`]));
}

function tokens(code: string): Token[] {
  return [...code.matchAll(pattern)]
    .map(([text]) => ({ text, number: /^\d/.test(text) }))
    .filter(({ text }) => !text.startsWith("//") && !text.startsWith("/*"));
}

/** The nearest name before a number: the key, the variable, or the function it is an argument of. */
function nameBefore(list: readonly Token[], at: number): string {
  for (let i = at - 1; i >= Math.max(0, at - 8); i--) if (/^[A-Za-z_$]/.test(list[i]!.text)) return `${list[i]!.text} `;
  return "";
}
