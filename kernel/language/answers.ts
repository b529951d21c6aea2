/** Turns what the language server answers about a hidden document into what a person sees of the cell. */
import { isBuiltin } from "node:module";
import { cellPrefix } from "./project.js";
import type { Document } from "./modules.js";
import { offsetAt, placeAt } from "./positions.js";
import { aliasPrefix } from "./slots.js";
import type { CompletionKind, DeclaredName, Diagnostic } from "./types.js";

export interface LspPosition {
  readonly line: number;
  readonly character: number;
}

export interface LspRange {
  readonly start: LspPosition;
  readonly end: LspPosition;
}

interface LspDiagnostic {
  readonly range: LspRange;
  readonly severity?: number;
  readonly code?: number;
  readonly message: string;
}

export interface LspCompletionItem {
  readonly label: string;
  readonly kind?: number;
  readonly sortText?: string;
  readonly insertText?: string;
  readonly filterText?: string;
  readonly detail?: string;
  readonly documentation?: LspMarkup;
  readonly tags?: readonly number[];
  /** T's own, for `completionItem/resolve`. */
  readonly data?: { readonly autoImport?: object };
  readonly textEdit?: { readonly newText: string; readonly range?: LspRange; readonly replace?: LspRange };
  readonly additionalTextEdits?: readonly { readonly newText: string; readonly range: LspRange }[];
}

export type LspMarkup = string | { readonly value: string };

/** DiagnosticSeverity of the protocol; higher numbers are hints. */
const severities = { error: 1, warning: 2 };

/** Unused names: a later cell may use them. */
const unused = new Set([6133, 6138, 6192, 6196, 6198, 6199, 6205]);
/** A package without types is a shortcoming, not a mistake. */
const untypedModule = 7016;
/** What follows from a name or a property that has no type. */
const untyped = new Set([7005, 7006, 7031, 7034, 18046]);
const untyping = new Set([2304, 2552, 2339, 2551]);
const noModule = new Set([2307, 2882]);
const cannotFind = 2304;
const unknownNames = new Set([cannotFind, 2552]);
const assignsImport = 2632;
const assignsConstant = 2588;

/** Where an offset of the cell is in its document. */
export function positionIn({ text, shift }: Document, offset: number): LspPosition {
  const { line, column } = placeAt(text, offset + shift);
  return { line: line - 1, character: column - 1 };
}

/** The offset in the cell of a place in its document; negative or beyond the code when it is not in the cell. */
export function offsetIn({ text, shift }: Document, { line, character }: LspPosition): number {
  return offsetAt(text, { line: line + 1, column: character + 1 }) - shift;
}

/** What the session knows of a name that a cell uses. */
export interface NameFacts {
  kindOf(name: string): DeclaredName["kind"] | null;
  /** Whether it is used only where a later cell may still declare it. */
  isForLater(name: string): boolean;
  /** The count of a cell that declares it and was refused for its own errors. */
  refusedIn(name: string): number | null;
  /** Whether tsconfig.json says which parts of TypeScript's library cells see, and not the running Node. */
  readonly choosesLibrary: boolean;
}

/** The diagnostics that concern the cell's own code. */
export function diagnosticsOf(report: unknown, document: Document, code: string, names: NameFacts): Diagnostic[] {
  const items = (report as { items?: readonly LspDiagnostic[] } | null)?.items ?? [];
  let isRefused = false;
  const found = items.flatMap(({ range, severity = severities.error, code: number = 0, message }): Diagnostic[] => {
    const start = offsetIn(document, range.start);
    if (severity > severities.warning || unused.has(number) || start < 0 || start > code.length) return [];
    const end = Math.min(code.length, Math.max(start, offsetIn(document, range.end)));
    const from = placeAt(code, start);
    const to = placeAt(code, end);
    const place = { line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
    const name = code.slice(start, end);
    if (unknownNames.has(number)) {
      if (names.isForLater(name))
        return [{ code: number, message: `'${name}' is not defined yet: a later cell can do it.`, ...place, category: "warning" }];
      const refused = names.refusedIn(name);
      if (refused !== null) {
        isRefused = true;
        const because = `Cannot find name '${name}': cell [${refused}] declares it, and did not run for its own errors.`;
        return [{ code: cannotFind, message: because, ...place, category: "error" }];
      }
    }
    if (number === assignsImport && isConstant(names.kindOf(name))) {
      return [{ code: assignsConstant, message: `Cannot assign to '${name}' because it is a constant.`, ...place, category: "error" }];
    }
    const category = severity === severities.error && number !== untypedModule ? "error" : "warning";
    const text = names.choosesLibrary ? message : message.replace(changeLibrary, lackedByNode);
    return [{ code: number, message: withoutCells(text) + howToInstall(number, message), ...place, category }];
  });
  if (isRefused) return found.filter(({ code: number }) => !untyped.has(number));
  const causes = found.filter(({ code: number }) => untyping.has(number)).map((each) => offsetAt(code, each));
  return found.filter((each) => !untyped.has(each.code) || !causes.some((cause) => goesOn(code, cause, offsetAt(code, each))));
}

/** Whether a place is in the statement that an earlier place is in, or in a function inside it. */
function goesOn(code: string, from: number, to: number): boolean {
  const statement = /;|\n\s*[^\s.?)\]}]/y;
  let depth = 0;
  for (let i = from; i < to; i++) {
    if ("([{".includes(code[i]!)) depth++;
    if (")]}".includes(code[i]!)) depth--;
    statement.lastIndex = i;
    if (depth <= 0 && statement.test(code)) return false;
  }
  return from < to;
}

/** Names of packages, not paths, Node's own modules or aliases of a package. */
const missingPackage =
  /^Cannot find module(?: or type declarations for side-effect import of)? '((?:@[\w.-]+\/)?[a-z\d][\w.-]*)(?:\/[^']*)?'/;

function howToInstall(code: number, message: string): string {
  const name = noModule.has(code) ? missingPackage.exec(message)?.[1] : undefined;
  return name === undefined || isBuiltin(name) ? "" : ` To install it: await kernel.install("${name}")`;
}

const changeLibrary = /Do you need to change your target library\? Try changing the 'lib' compiler option to 'es\w+' or later\./;
const lackedByNode = `Node ${process.versions.node}, which runs the cells, does not have it.`;

function isConstant(kind: DeclaredName["kind"] | null): boolean {
  return kind === "const" || kind === "using";
}

/** `import("/folder/cellgrad-cell-3").Box` is `Box` to a person, and `typeof import("/library/nn/index")` is `typeof nn`. */
export function withoutCells(text: string): string {
  return text
    .replaceAll(importOfCell, "")
    .replaceAll(importOfLibrary, (_, folder: string | undefined, member: string | undefined) => (member ? "" : (folder ?? "cellgrad")))
    .replaceAll(moduleOfLibrary, "namespace $1")
    .replaceAll(aliasOfCell, "")
    .replaceAll("(alias) ", "");
}

const importOfCell = new RegExp(`(typeof )?import\\("[^"]*${cellPrefix}\\w+"\\)\\.?`, "g");
const importOfLibrary = /import\("[^"]*\/build\/js\/src\/(?:([\w/-]+)\/)?[\w-]+"\)(\.)?/g;
const moduleOfLibrary = /\bmodule "[^"]*\bbuild\/js\/src\/([\w-]+)[^"]*"/g;
const aliasOfCell = new RegExp(`${aliasPrefix}\\d+\\.`, "g");

const kinds: readonly CompletionKind[] = [
  "text", "text", "method", "function", "class", "property", "variable", "class", "interface", "module", "property", "variable", "variable",
  "enum", "keyword", "text", "text", "text", "text", "text", "constant", "constant", "class", "property", "keyword", "type",
]; // prettier-ignore

export function completionKind(kind: number | undefined): CompletionKind {
  return kinds[kind ?? 0] ?? "text";
}

export function declaredKind(kind: DeclaredName["kind"]): CompletionKind {
  const table: Record<DeclaredName["kind"], CompletionKind> = {
    const: "constant",
    let: "variable",
    var: "variable",
    using: "constant",
    function: "function",
    class: "class",
    enum: "enum",
    namespace: "module",
    import: "module",
    interface: "interface",
    type: "type",
  };
  return table[kind];
}

export function markupText(markup: LspMarkup | undefined): string {
  return (typeof markup === "string" ? markup : (markup?.value ?? "")).trim();
}

/** Markdown as a terminal shows it: fences, emphasis and links gone. */
export function plainText(markdown: string): string {
  return markdown
    .replace(/^```\w+\n/gm, "")
    .replace(/^```\n?/gm, "\n")
    .replace(/\*(@\w+)\*/g, "$1")
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/`([^`\n]+)`/g, "$1")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
