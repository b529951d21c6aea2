/** Proposes what modules export and the code has not imported yet; accepting it adds the import, or takes the way of a namespace import. */
import { completionKind, type LspCompletionItem } from "./answers.js";
import type { Document, Owners } from "./modules.js";
import { cursorOfOffset } from "./positions.js";
import { cellPrefix } from "./project.js";
import type { CompletionItem, TextEdit } from "./types.js";

/** Fewer typed characters fit too many names. */
const fewestTyped = 2;
const library = "cellgrad";

/** Asks T what can be completed in a document at an offset. */
export type AskCompletions = (document: Document, offset: number) => Promise<readonly LspCompletionItem[]>;

/** Code whose cursor stands behind `typed`, the start of a name. */
interface Place {
  readonly code: string;
  /** The offset of `typed`. */
  readonly start: number;
  readonly typed: string;
  readonly owners: Owners;
  /** What needs no import. */
  readonly isKnown: (name: string) => boolean;
  /** Keeps what `completionItem/resolve` needs. */
  readonly remember: (item: CompletionItem, proposal: LspCompletionItem) => void;
}

export class AutoImports {
  /** The exports of each module that was asked for. */
  private readonly exports = new Map<string, Promise<readonly LspCompletionItem[]>>();
  private readonly numbers = new Map<string, number>();

  constructor(
    private readonly folder: string,
    private readonly ask: AskCompletions,
  ) {}

  /** Modules may export something else now. */
  forget(): void {
    this.exports.clear();
  }

  async propose({ code, start, typed, owners, isKnown, remember }: Place): Promise<CompletionItem[]> {
    if (typed.length < fewestTyped) return [];
    const texts = new Set([code, ...[...owners.values()].map(({ cell }) => cell.code)]);
    const imported = [...texts].flatMap((text) => [...text.matchAll(anyImport)].map((match) => match[1]!));
    const found: CompletionItem[] = [];
    const isFree = (name: string) => !isKnown(name) && !found.some(({ label }) => label === name);
    for (const source of new Set([library, ...imported])) {
      const namespace = namespaceOf(source, code, owners);
      for (const proposal of await this.exportsOf(source)) {
        const { label, kind } = proposal;
        if (!label.toLowerCase().startsWith(typed.toLowerCase()) || label === "default" || !isFree(label)) continue;
        const way = namespace ? { text: `${namespace}.${label}` } : { text: label, edits: [importOf(label, source, code, start)] };
        const item: CompletionItem = { ...way, label, kind: completionKind(kind), source };
        remember(item, proposal);
        found.push(item);
      }
    }
    return found;
  }

  private exportsOf(source: string): Promise<readonly LspCompletionItem[]> {
    let exports = this.exports.get(source);
    if (exports) return exports;
    if (!this.numbers.has(source)) this.numbers.set(source, this.numbers.size + 1);
    const path = `${this.folder}/${cellPrefix}exports-${this.numbers.get(source)}.ts`;
    const text = `import {  } from ${JSON.stringify(source)};`;
    exports = this.ask({ path, text, shift: 0 }, text.indexOf("}") - 1).catch(() => {
      this.exports.delete(source);
      return [];
    });
    this.exports.set(source, exports);
    return exports;
  }
}

const anyImport = /\bimport\b[^"'`;]*?\bfrom\s*["']([^"'\n]+)["']/g;
const namespaceImport = /\bimport\s*\*\s*as\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)\s+from\s*["']([^"'\n]+)["']/gu;

/** The name by which the code has all of a module. */
function namespaceOf(source: string, code: string, owners: Owners): string | null {
  for (const [, name, from] of code.matchAll(namespaceImport)) if (from === source) return name!;
  for (const [owned, { cell }] of owners) {
    for (const [, name, from] of cell.code.matchAll(namespaceImport)) if (name === owned && from === source) return name;
  }
  return null;
}

/** The change that imports a name: into an import of the module before the cursor, or as a line of its own at the top. */
function importOf(name: string, source: string, code: string, cursor: number): TextEdit {
  const quoted = source.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const same = new RegExp(`\\bimport\\s*\\{([^}]*)\\}\\s*from\\s*["']${quoted}["']`).exec(code);
  if (same && same.index + same[0].length <= cursor) {
    const names = same[1]!.trimEnd();
    const at = same.index + same[0].indexOf("{") + 1 + names.length;
    const text = names.trim() === "" ? ` ${name}` : names.endsWith(",") ? ` ${name}` : `, ${name}`;
    return insertion(code, at, text);
  }
  const comments = /^(?:[ \t]*(?:\/\/.*)?\n)*/.exec(code)![0]; // `// @ts-nocheck` must stay first
  const end = /;[ \t]*(?:\n|$)/.test(code) ? ";" : "";
  return insertion(code, Math.min(comments.length, cursor), `import { ${name} } from ${JSON.stringify(source)}${end}\n`);
}

function insertion(code: string, offset: number, text: string): TextEdit {
  const at = cursorOfOffset(code, offset);
  return { start: at, end: at, text };
}
