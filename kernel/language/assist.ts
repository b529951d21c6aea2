/** Completions, hover texts and signatures as front ends take them. */
import {
  completionKind,
  declaredKind,
  markupText,
  offsetIn,
  plainText,
  withoutCells,
  type LspCompletionItem,
  type LspMarkup,
  type LspRange,
} from "./answers.js";
import type { Document } from "./modules.js";
import { cursorOfOffset } from "./positions.js";
import { cellPrefix } from "./project.js";
import { aliasPrefix } from "./slots.js";
import type { CompletionItem, Completions, DeclaredName, Hover, SignatureHelp } from "./types.js";

/** A question about code: its hidden document and the cursor as an offset in the code. */
interface Question {
  readonly document: Document;
  readonly code: string;
  readonly offset: number;
}

const identifierEnd = /[\p{ID_Start}$_][\p{ID_Continue}$]*$|$/u;
const memberChain = /(?:^|[^\p{ID_Continue}$.)\]"'`])([\p{ID_Start}$_][\p{ID_Continue}$]*(?:\??\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*)$/u;

const declarationKinds = ["const", "let", "function", "class", "interface", "type", "enum", "namespace"] as const;

/** The answer to `textDocument/completion`; `remember` keeps what `resolve` needs. */
export function completionsOf(
  found: readonly LspCompletionItem[],
  question: Question & {
    readonly kindOf: (name: string) => DeclaredName["kind"] | null;
    readonly remember: WeakMap<CompletionItem, LspCompletionItem>;
  },
): Completions {
  const { document, code, offset, kindOf, remember } = question;
  const startOf = ({ textEdit }: LspCompletionItem) => {
    const range = textEdit?.range ?? textEdit?.replace;
    return range ? offsetIn(document, range.start) : null;
  };
  const identifier = identifierEnd.exec(code.slice(0, offset))!.index;
  // Inside strings every item says what it replaces; elsewhere those that do would also replace the dot (`?.x`, `[Symbol.iterator]`).
  const start = found.every((item) => startOf(item) !== null) ? ((found[0] && startOf(found[0])) ?? identifier) : identifier;
  const typed = code.slice(start, offset).toLowerCase();
  const receiver = receiverOf(code.slice(0, start));
  const isMember = /\.\s*$/.test(code.slice(0, start));
  const items = new Map<string, CompletionItem>();
  for (const item of [...found].sort(bySortText)) {
    const text = item.textEdit?.newText ?? item.insertText ?? item.label;
    if ((startOf(item) ?? start) !== start) continue;
    if (!text.toLowerCase().startsWith(typed) || text.includes(cellPrefix) || text.startsWith(aliasPrefix) || items.has(text)) continue;
    const declared = isMember ? null : kindOf(text);
    const kind = declared && declared !== "import" ? declaredKind(declared) : completionKind(item.kind);
    const completion: CompletionItem = { text, label: item.label, kind, ...(item.tags?.includes(1) && { deprecated: true }) };
    items.set(text, completion);
    remember.set(completion, item);
  }
  return { items: [...items.values()], start: cursorOfOffset(code, start), end: cursorOfOffset(code, offset), receiver };
}

/** An item with what `completionItem/resolve` adds. */
export function resolved(item: CompletionItem, { detail, documentation }: LspCompletionItem): CompletionItem {
  const text = plainText(markupText(documentation));
  const signature = detail && withoutCells(detail);
  // What a module passes on from another one is called a variable until T has looked it up.
  const isPassedOn = item.source !== undefined || item.kind === "variable";
  const declared = isPassedOn && signature ? declarationKinds.find((each) => signature.startsWith(`${each} `)) : undefined;
  return {
    ...item,
    ...(signature && { signature }),
    ...(text && { documentation: text }),
    ...(declared && { kind: declaredKind(declared) }),
  };
}

/** The answer to `textDocument/hover`. */
export function hoverOf(answer: unknown, { document, code, offset }: Question): Hover | null {
  const { contents, range } = answer as { contents: LspMarkup; range?: LspRange };
  const markdown = withoutCells(markupText(contents));
  if (!markdown) return null;
  const start = range ? offsetIn(document, range.start) : offset;
  const end = range ? offsetIn(document, range.end) : offset;
  return {
    markdown,
    plain: plainText(markdown),
    start: cursorOfOffset(code, start),
    end: cursorOfOffset(code, end),
    expression: expressionAt(code, offset).text,
  };
}

/** The answer to `textDocument/signatureHelp`. */
export function signatureHelpOf(answer: unknown): SignatureHelp | null {
  const help = answer as {
    signatures?: readonly { label: string; documentation?: LspMarkup; parameters?: readonly { label: string | [number, number] }[] }[];
    activeSignature?: number;
    activeParameter?: number;
  } | null;
  if (!help?.signatures?.length) return null;
  const signatures = help.signatures.map(({ label, documentation, parameters = [] }) => ({
    label: withoutCells(label),
    ...(documentation && { documentation: markupText(documentation) }),
    parameters: parameters.map((each) => (typeof each.label === "string" ? each.label : label.slice(...each.label))),
  }));
  return { signatures, activeSignature: help.activeSignature ?? 0, activeParameter: help.activeParameter ?? 0 };
}

/** The identifier or member chain up to the end of the identifier at an offset; text is null when evaluating it could have side effects. */
export function expressionAt(code: string, offset: number): { readonly text: string | null; readonly end: number } {
  const end = offset + /^[\p{ID_Continue}$]*/u.exec(code.slice(offset))![0].length;
  return { text: memberChain.exec(code.slice(0, end))?.[1] ?? null, end };
}

function receiverOf(before: string): string | null {
  const dot = /\??\.\s*$/.exec(before);
  return dot ? (memberChain.exec(before.slice(0, dot.index))?.[1] ?? null) : null;
}

function bySortText(a: LspCompletionItem, b: LspCompletionItem): number {
  const [first, second] = [a.sortText ?? a.label, b.sortText ?? b.label];
  if (first !== second) return first < second ? -1 : 1;
  return a.label < b.label ? -1 : a.label > b.label ? 1 : 0;
}
