/** Draws the lines around a place in a cell, with a caret under it. */

/** Lines `line - 2` to `line + 1` of the code, the last if there is something on it; `line` and `column` from 1; empty when the place is outside of it. */
export function codeFrame(code: string, line: number, column: number): string[] {
  const lines = code.split("\n");
  if (line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - 2);
  const last = lines[line]?.trim() ? line + 1 : line; // an empty line at the end says nothing
  const width = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1]!.trimEnd();
    frame.push(`${number === line ? ">" : " "} ${String(number).padStart(width)} | ${text}`.trimEnd());
    if (number === line) frame.push(`  ${" ".repeat(width)} | ${caretIndent(text, column)}^`);
  }
  return frame;
}

/** White space as wide as the text before the column: tabs stay tabs. */
function caretIndent(text: string, column: number): string {
  return text.slice(0, column - 1).replace(/[^\t]/g, " ");
}
