/** Type errors of a cell as Jupyter's error and as text. */
import { codeFrame } from "../errors/code-frame.js";
import { header } from "../errors/traceback.js";
import type { Diagnostic, StaleCell } from "../language/types.js";
import type { CellError } from "../runtime/messages.js";

const unknownNames = new Set([2304, 2552]);
/** More are counted, not shown. */
const shown = 10;

interface CheckedCell {
  readonly count: number;
  readonly code: string;
}

/** The error of a cell that was not run; null when nothing is wrong. */
export function typeError(cell: CheckedCell, diagnostics: readonly Diagnostic[]): CellError | null {
  const errors = firstOfEach(diagnostics.filter(({ category }) => category === "error"));
  const [first] = errors;
  if (!first) return null;
  return { ename: `TS${first.code}`, evalue: first.message, traceback: describe(cell, errors) };
}

/** The same as text, for cells that run nevertheless. */
export function typeWarning(cell: CheckedCell, diagnostics: readonly Diagnostic[]): string {
  return diagnostics.length === 0 ? "" : describe(cell, diagnostics).join("\n") + "\n";
}

/** What is worth a line although the cell runs: a package without types, a name that a later cell must declare. */
export function typeNotices({ count }: CheckedCell, diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics
    .filter(({ category }) => category === "warning")
    .map(({ code, message, line, column }) => `Cell [${count}]:${line}:${column} TS${code}: ${message.split("\n")[0]}\n`);
}

/** Tells that a cell ran although nothing is known of its types. */
export function uncheckedNotice(count: number): string {
  return `Cell [${count}] was not checked: the TypeScript server did not answer and is started again\n`;
}

/** Tells which cells a redefinition broke. */
export function staleNotice(stale: readonly StaleCell[]): string {
  return stale
    .map(({ cell, diagnostics: [first] }) => {
      const { code, message, line, column } = first!;
      return `Cell [${cell.count}] no longer fits: ${line}:${column} TS${code}: ${message.split("\n")[0]}\n`;
    })
    .join("");
}

/** The first place of each missing name: the others say nothing new. */
function firstOfEach(errors: readonly Diagnostic[]): readonly Diagnostic[] {
  const missing = new Set<string>();
  return errors.filter(({ code, message }) => {
    if (!unknownNames.has(code)) return true;
    const name = /'([^']+)'/.exec(message)?.[1] ?? message;
    const isNew = !missing.has(name);
    missing.add(name);
    return isNew;
  });
}

function describe({ count, code }: CheckedCell, diagnostics: readonly Diagnostic[]): string[] {
  const lines = diagnostics
    .slice(0, shown)
    .flatMap(({ code: number, message, line, column }) => [
      header(`TS${number}`, message),
      `  Cell [${count}]:${line}:${column}`,
      ...codeFrame(code, line, column).map((text) => `  ${text}`),
    ]);
  const more = diagnostics.length - shown;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}
