/** The TypeScript language over the cells of a session: checks, completes and explains them by asking T about hidden modules. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Advice } from "./advice.js";
import { AutoImports } from "./auto-imports.js";
import { completionsOf, expressionAt, hoverOf, resolved, signatureHelpOf } from "./assist.js";
import {
  diagnosticsOf, markupText, offsetIn, positionIn, type LspCompletionItem, type LspMarkup, type LspPosition, type LspRange,
} from "./answers.js"; // prettier-ignore
import { extensionOf, startChecker, type Checker } from "./checker.js";
import { documentOf, kindIn, Modules, type CellModule, type Document, type Owners } from "./modules.js";
import { NotebookDrafts } from "./notebook.js";
import { offsetOfCursor, placeAt } from "./positions.js";
import { originIn } from "./method-docs.js";
import { cellPrefix, methodsFile, openProject, type Project } from "./project.js";
import { ServerUnavailable, uriOf, type LanguageServer } from "./server.js";
import type { Slots } from "./slots.js";
import type { Language, Notebook, Scope } from "./service.js";
import type {
  Cell,
  CheckResult,
  CompletionItem,
  Completions,
  Definition,
  Diagnostic,
  Hover,
  LanguageOptions,
  SignatureHelp,
  StaleCell,
} from "./types.js";
import { FileWatch } from "./watch.js";

/** A cell waits this long for T, in ms: a busy machine must not let type errors through. Only the first one does, when T hangs. */
const defaultCheckDeadline = 2000;
/** How long it waits when the last question is still open. */
const hungDeadline = 500;
const defaultAskDeadline = 800;
/** How many completions get their types at once. */
const resolvedAtOnce = 24;
/** The parts of the time for an answer that the types of completions and the exports of modules may take beyond it. */
const extras = { types: 0.2, exports: 0.4 };
/** How many documents are open ahead of the cells that will be written into them. */
const spareSlots = 48;
/** How long after a cell the document that it took is replaced, which takes T 12 ms, and after how long a pause one more is opened, in ms. */
const soon = 15;
const pause = 300;

/** Notebooks that were written for tslab, which is not strict. */
const importsTslab = /(?:\bfrom|\bimport|\brequire\()\s*["']tslab["']/;

const late = Symbol("late");

/** Starts the language for a notebook's folder, with a checker that was started ahead or one of its own. Returns at once; T gets ready meanwhile. */
export function startLanguage(options: LanguageOptions, checker: Checker = startChecker(options)): Language {
  return new CellLanguage(options, checker);
}

class CellLanguage implements Language {
  readonly ready: Promise<void>;
  readonly folder: string;
  private project: Project;
  private readonly server: LanguageServer;
  private readonly slots: Slots;
  private readonly modules: Modules;
  private readonly autoImports: AutoImports;
  private readonly advice: Advice;
  private readonly watch: FileWatch;
  private isHung = false;
  /** What holds where tsconfig.json does not say. */
  private strict = true;
  private candidate: CellModule | null = null;
  private resting: NodeJS.Timeout | null = null;
  private affected = new Set<CellModule>();
  /** Names that nobody owns because the cell that declares them has errors, with that cell's count. */
  private readonly refused = new Map<string, number>();
  private readonly notebooks = new Set<NotebookDrafts>();
  private readonly held = new Set<Promise<void>>();
  private readonly proposals = new WeakMap<CompletionItem, LspCompletionItem>();

  constructor(
    private readonly options: LanguageOptions,
    { project, server, slots }: Checker,
  ) {
    const { folder } = options;
    this.folder = folder;
    this.project = project;
    this.server = server;
    this.slots = slots;
    this.modules = new Modules(folder, this.slots, this.project.settings);
    this.autoImports = new AutoImports(folder, (document, offset) => this.proposalsIn(document, offset));
    this.advice = new Advice({
      membersOf: (path) => this.membersOfLibrary(path),
      hover: (document, offset) => this.hoverIn(document, offset),
    });
    this.watch = new FileWatch((path, changes) => {
      if (this.project.sources.has(path)) return this.readProject();
      this.server.notify("workspace/didChangeWatchedFiles", { changes });
      this.autoImports.forget();
      for (const each of this.notebooks) each.refresh("all");
    });
    this.watch.add(join(folder, "node_modules"));
    this.watchProject();
    this.ready = this.warmUp();
  }

  get typeErrors() {
    return this.project.typeErrors;
  }

  get transformSettings() {
    return this.project.settings;
  }

  async check(cell: Cell): Promise<CheckResult> {
    this.rest(soon);
    if (importsTslab.test(cell.code)) this.becomeStrict(false);
    if (this.candidate) this.modules.drop(this.candidate);
    const module = (this.candidate = this.modules.create(cell));
    if (!module) return { status: "checked", diagnostics: [] }; // the transform reports what does not parse
    this.watchImports(cell.code);
    const answer = this.diagnostics(documentOf(module), cell.code, module.free);
    void answer.then((diagnostics) => this.remember(module, diagnostics)).catch(() => null);
    this.hold(answer);
    const patience = this.options.checkDeadline ?? defaultCheckDeadline;
    try {
      const diagnostics = await within(answer, this.isHung ? Math.min(hungDeadline, patience) : patience);
      this.isHung = diagnostics === late;
      if (diagnostics !== late) return { status: "checked", diagnostics };
      return { status: "late", later: answer.finally(() => (this.isHung = false)).catch(() => null) };
    } catch (error) {
      return { status: "unavailable", reason: (error as Error).message };
    }
  }

  commit(cell: Cell): void {
    const checked = this.candidate;
    const isChecked = checked !== null && checked.cell.id === cell.id && checked.cell.count === cell.count;
    const module = isChecked ? checked : this.modules.create(cell);
    if (isChecked) this.candidate = null;
    if (!module) return;
    for (const { name } of module.names) this.refused.delete(name);
    const { changed, affected } = this.modules.commit(module);
    for (const each of isChecked ? changed : [module, ...changed]) this.refresh(documentOf(each));
    for (const each of affected) this.affected.add(each);
    for (const each of this.affected) if (each.cell.id === cell.id && cell.id !== null) this.affected.delete(each);
    for (const each of this.notebooks) each.refresh([module, ...changed]);
  }

  async stale(): Promise<readonly StaleCell[]> {
    const affected = [...this.affected];
    this.affected.clear();
    const stale: StaleCell[] = [];
    for (const module of affected) {
      const document = this.modules.again(module);
      const diagnostics = await this.ask(() => this.diagnostics(document, module.cell.code, module.free));
      const errors = diagnostics?.filter(({ category }) => category === "error") ?? [];
      if (errors.length > 0) stale.push({ cell: module.cell, diagnostics: errors });
    }
    return stale;
  }

  async complete(code: string, cursor: number, scope: Scope = this.modules.owners): Promise<Completions | null> {
    const { document, offset } = this.drafted(code, cursor, scope);
    const found = await this.ask(() => this.proposalsIn(document, offset));
    if (found === null) return null;
    const kindOf = (name: string) => kindIn(scope.get(name), name);
    const completions = completionsOf(found, { document, code, offset, kindOf, remember: this.proposals });
    const missing = found.some(({ label }) => label === "globalThis") ? await this.unimported(code, offset, scope, found) : [];
    const items = [...completions.items, ...missing];
    const first = items.slice(0, resolvedAtOnce);
    const withTypes = await within(Promise.all(first.map((item) => this.resolve(item))), this.askDeadline * extras.types);
    return { ...completions, items: withTypes === late ? items : [...withTypes, ...items.slice(first.length)] };
  }

  async resolve(item: CompletionItem): Promise<CompletionItem> {
    const proposal = this.proposals.get(item);
    if (!proposal) return item;
    const answer = await this.ask(() => this.server.request("completionItem/resolve", proposal));
    if (answer === null) return item;
    const withType = resolved(item, answer as LspCompletionItem);
    this.proposals.set(withType, proposal);
    return withType;
  }

  async hover(code: string, cursor: number, scope?: Scope): Promise<Hover | null> {
    const { document, offset, params } = this.drafted(code, cursor, scope);
    const answer = await this.ask(() => this.server.request("textDocument/hover", params));
    return answer === null ? null : hoverOf(answer, { document, code, offset });
  }

  async signature(code: string, cursor: number, scope?: Scope): Promise<SignatureHelp | null> {
    const { params } = this.drafted(code, cursor, scope);
    return signatureHelpOf(await this.ask(() => this.server.request("textDocument/signatureHelp", params)));
  }

  async definition(code: string, cursor: number, scope?: Scope): Promise<Definition | null> {
    const { document, offset, params } = this.drafted(code, cursor, scope);
    let found = await this.definitionAt(params);
    if (found?.path === document.path && !isInCode(document, code, found.start)) {
      // The name was taken from another cell by a declaration of ours: its type query leads there.
      const name = /[\p{ID_Continue}$]*$/u.exec(code.slice(0, expressionAt(code, offset).end))![0];
      const query = document.text.indexOf(`type ${name}=typeof `);
      if (query < 0) return null;
      const at = document.text.indexOf(`.${name};`, query) + 1;
      found = await this.definitionAt({ ...params, position: positionIn({ ...document, shift: 0 }, at) });
    }
    if (found?.path === join(this.folder, methodsFile)) {
      const line = this.project.documents.get(found.path)!.split("\n")[found.start.line]!;
      const position = { line: found.start.line, character: originIn(line) };
      found = await this.definitionAt({ textDocument: { uri: uriOf(found.path) }, position });
    }
    if (!found) return null;
    if (found.path === document.path) return { cell: null, path: null, ...placeAt(code, offsetIn(document, found.start)) };
    const { path } = found;
    const drafted = [...this.notebooks].map((each) => each.cellAt(path)).find((each) => each !== null);
    const owner = drafted ?? this.modules.cellAt(path);
    return { cell: owner, path: owner ? null : found.path, line: found.start.line + 1, column: found.start.character + 1 };
  }

  openNotebook(tell: (id: string, diagnostics: readonly Diagnostic[]) => void): Notebook {
    const { modules, slots } = this;
    const typeErrors = () => this.typeErrors;
    const drafts = new NotebookDrafts(
      {
        modules,
        slots,
        get typeErrors() {
          return typeErrors();
        },
        write: (document) => this.write(document),
        diagnostics: (...question) => this.diagnostics(...question),
        quiet: () => this.quiet(),
      },
      tell,
    );
    this.notebooks.add(drafts);
    return {
      update: (cells) => drafts.update(cells),
      scopeOf: (id) => drafts.visibleIn(id),
      close: () => {
        this.notebooks.delete(drafts);
        drafts.close();
      },
    };
  }

  get pid(): number | null {
    return this.server.pid;
  }

  reset(): void {
    this.modules.clear();
    this.refused.clear();
    this.affected.clear();
    this.becomeStrict(true);
    for (const each of this.notebooks) each.refresh("all");
  }

  async dispose(): Promise<void> {
    if (this.resting) clearTimeout(this.resting);
    this.resting = null;
    this.watch.close();
    await this.server.dispose();
  }

  private async warmUp(): Promise<void> {
    this.write(this.modules.draft("edit", ""));
    await this.diagnostics(this.modules.draft("draft", ""), "").catch(() => null);
    this.rest(pause);
  }

  /** Opens documents for the cells to come while nobody waits for T: one soon, others after pauses. */
  private rest(delay: number): void {
    if (this.resting) clearTimeout(this.resting);
    if (this.slots.spare >= spareSlots) return;
    this.resting = setTimeout(() => {
      const { path } = this.slots.add();
      void this.settle(path).then(() => this.rest(pause));
    }, delay);
    this.resting.unref();
  }

  /** Lets T take in one changed document by itself: it can do so in a fraction of the time that several cost it. */
  private async settle(path: string): Promise<void> {
    await this.server.request("textDocument/diagnostic", { textDocument: { uri: uriOf(path) } }).catch(() => null);
  }

  private becomeStrict(strict: boolean): void {
    if (this.strict === strict) return;
    this.strict = strict;
    this.readProject();
  }

  private readProject(): void {
    this.project = openProject(this.options.folder, this.options.library, { strict: this.strict });
    this.modules.settings = this.project.settings;
    this.slots.use(extensionOf(this.project.settings));
    for (const [path, text] of this.project.documents) this.server.open(path, text);
    this.watchProject();
    for (const each of this.notebooks) each.rebuild();
  }

  private watchProject(): void {
    for (const path of this.project.sources) this.watch.add(dirname(path));
  }

  private refresh(document: Document): void {
    this.write(document);
    void this.settle(document.path);
  }

  private write({ path, text }: Document): void {
    if (!this.server.holds(path, text)) this.server.open(path, text);
  }

  private async diagnostics(document: Document, code: string, free?: CellModule["free"], owners: Owners = this.modules.owners) {
    this.write(document);
    const report = await this.server.request("textDocument/diagnostic", { textDocument: { uri: uriOf(document.path) } });
    const found = diagnosticsOf(report, document, code, {
      kindOf: (name) => kindIn(owners.get(name), name),
      isForLater: (name) => free?.get(name)?.later === true,
      refusedIn: (name) => this.refused.get(name) ?? null,
      choosesLibrary: this.project.choosesLibrary,
    });
    return found.length > 0 ? this.advice.on(found, document, code) : found;
  }

  /** Keeps in mind what a cell would have declared, had it no errors. */
  private remember({ cell, names }: CellModule, diagnostics: readonly Diagnostic[]): void {
    if (!diagnostics.some(({ category }) => category === "error")) return;
    for (const { name } of names) this.refused.set(name, cell.count);
  }

  /** Keeps the notebooks' questions back until this one is answered and a pause has passed: cells often run one after another. */
  private hold(answer: Promise<unknown>): void {
    const isQuiet = async () => {
      await answer.catch(() => null);
      await new Promise((resolve) => setTimeout(resolve, pause).unref());
    };
    const held = isQuiet().then(() => void this.held.delete(held));
    this.held.add(held);
  }

  private async quiet(): Promise<void> {
    while (this.held.size > 0) await Promise.all(this.held);
  }

  /** Opens code being typed and says where its cursor is. */
  private drafted(code: string, cursor: number, scope: Scope = this.modules.owners) {
    const document = this.modules.draft("draft", code, scope);
    this.write(document);
    const offset = offsetOfCursor(code, cursor);
    return { document, offset, params: { textDocument: { uri: uriOf(document.path) }, position: positionIn(document, offset) } };
  }

  private membersOfLibrary(path: string): Promise<readonly LspCompletionItem[]> {
    const text = `import * as cg from "cellgrad";cg.${path && `${path}.`}`;
    return this.proposalsIn({ path: join(this.folder, `${cellPrefix}members.ts`), text, shift: 0 }, text.length);
  }

  private async hoverIn(document: Document, offset: number): Promise<string> {
    const params = { textDocument: { uri: uriOf(document.path) }, position: positionIn(document, offset) };
    const answer = (await this.server.request("textDocument/hover", params)) as { readonly contents?: LspMarkup } | null;
    return markupText(answer?.contents);
  }

  /** What T proposes at an offset of a document. */
  private async proposalsIn(document: Document, offset: number): Promise<readonly LspCompletionItem[]> {
    this.write(document);
    const position = positionIn(document, offset);
    const params = { textDocument: { uri: uriOf(document.path) }, position, context: { triggerKind: 1 } };
    const answer = (await this.server.request("textDocument/completion", params)) as
      readonly LspCompletionItem[] | { readonly items?: readonly LspCompletionItem[] } | null;
    const items = answer === null ? [] : "items" in answer ? (answer.items ?? []) : (answer as readonly LspCompletionItem[]);
    return items.filter(({ data }) => !data?.autoImport); // they lead into the library's own files, and know nothing of other cells
  }

  /** What could be imported at a place where every name of the session can stand. */
  private async unimported(code: string, offset: number, owners: Scope, found: readonly LspCompletionItem[]) {
    const typed = /[\p{ID_Start}$_]?[\p{ID_Continue}$]*$/u.exec(code.slice(0, offset))![0];
    const known = new Set(found.map(({ label }) => label));
    const isKnown = (name: string) => known.has(name);
    const remember = (item: CompletionItem, proposal: LspCompletionItem) => void this.proposals.set(item, proposal);
    const proposing = this.autoImports.propose({ code, start: offset - typed.length, typed, owners, isKnown, remember });
    const proposed = await within(proposing, this.askDeadline * extras.exports); // what comes later is there the next time
    return proposed === late ? [] : proposed;
  }

  private async definitionAt(params: object): Promise<{ readonly path: string; readonly start: LspPosition } | null> {
    const answer = await this.ask(() => this.server.request("textDocument/definition", params));
    const first = [(answer as Location | readonly Location[] | null) ?? []].flat()[0] as Location | undefined;
    return first?.uri.startsWith("file:") ? { path: fileURLToPath(first.uri), start: first.range.start } : null;
  }

  private get askDeadline(): number {
    return this.options.askDeadline ?? defaultAskDeadline;
  }

  /** An answer within the deadline, or null. */
  private async ask<T>(question: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await within(question(), this.askDeadline);
      return answer === late ? null : answer;
    } catch (error) {
      if (error instanceof ServerUnavailable || error instanceof Error) return null;
      throw error;
    }
  }

  /** Files that a cell imports by relative paths may be edited. */
  private watchImports(code: string): void {
    for (const [, path] of code.matchAll(/["'](\.\.?\/[^"'\n]*)["']/g)) this.watch.add(dirname(resolve(this.options.folder, path!)));
  }
}

interface Location {
  readonly uri: string;
  readonly range: LspRange;
}

function isInCode(document: Document, code: string, position: LspPosition): boolean {
  const offset = offsetIn(document, position);
  return offset >= 0 && offset <= code.length;
}

/** The answer, or {@link late}. */
async function within<T>(answer: Promise<T>, deadline: number): Promise<T | typeof late> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof late>((resolve) => (timer = setTimeout(resolve, deadline, late)));
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
