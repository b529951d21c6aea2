/** The cells of a notebook as somebody writes them: says what is wrong with each as if all ran in their order. */
import { documentOf, type CellModule, type Document, type Modules, type Owners, type Reading } from "./modules.js";
import { ServerUnavailable } from "./server.js";
import type { Slots } from "./slots.js";
import type { Diagnostic, TypeErrorLevel, WrittenCell } from "./types.js";

/** After how long T is asked again when it was down, in ms. */
const retryDelay = 1000;
/** How many of the documents opened ahead are left to cells that run. */
const keptSlots = 24;

/** What the language lends to a notebook. */
export interface NotebookHost {
  readonly modules: Modules;
  readonly slots: Slots;
  readonly typeErrors: TypeErrorLevel;
  write(document: Document): void;
  /** Asks T about code that takes its names from `owners`. */
  diagnostics(document: Document, code: string, free: Reading["free"], owners: Owners): Promise<readonly Diagnostic[]>;
  /** Resolves when no cell that is to run waits for T. */
  quiet(): Promise<void>;
}

/** A cell that is being written. */
class Draft {
  /** What the code last said when it could be read: while a bracket is open, cells below keep what they have. */
  reading: Reading | null = null;
  /** The code of {@link reading}. */
  read: string | null = null;
  /** What is wrong with code that cannot be read. */
  failure: Diagnostic | null = null;
  /** What other cells see of it: its last run when that says the same, a module of its own otherwise. */
  meaning: CellModule | null = null;
  isUnchecked = true;
  /** When the code changed last, in updates of the notebook. */
  changed = 0;
  private own: CellModule | null = null;
  /** What T should have of the module, and what it has. */
  private wanted = "";
  private written = "";

  constructor(
    readonly id: string,
    private readonly host: NotebookHost,
    public code = "",
  ) {
    this.change(code);
  }

  change(code: string): void {
    this.code = code;
    this.isUnchecked = true;
    const reading = this.host.modules.read(code);
    this.failure = null;
    if ("ok" in reading) {
      const { line, column, message } = reading;
      this.failure = { code: 0, message, line, column, endLine: line, endColumn: column + 1, category: "error" };
    } else [this.reading, this.read] = [reading, code];
  }

  /** The last run of the cell, if its code still stands. */
  get run(): CellModule | null {
    const run = this.host.modules.latestOf(this.id);
    return run?.cell.code === this.read ? run : null;
  }

  /** The cell as a module that takes its free names from `imports`; its document is written by {@link write}. */
  drafted(imports: Map<string, CellModule>): CellModule {
    const slot = this.own?.slot ?? this.host.slots.lend(keptSlots);
    const cell = { id: this.id, count: 0, code: this.read! };
    this.own = Object.assign(this.own ?? { slot }, { ...this.reading!, slot, cell, imports });
    return this.own;
  }

  /** Takes the module's text as it is now; returns whether it changed. */
  settle(): boolean {
    if (!this.own || this.meaning !== this.own) return false;
    const { text } = documentOf(this.own);
    if (text === this.wanted) return false;
    this.wanted = text;
    return true;
  }

  /** Brings T's document up to date. */
  write(): void {
    if (!this.own || this.wanted === this.written) return;
    this.written = this.wanted;
    this.host.write(documentOf(this.own));
  }

  /** Gives its document back when nobody needs it. */
  release(): void {
    if (!this.own || this.meaning === this.own) return;
    this.host.slots.give(this.own.slot);
    this.own = null;
    this.wanted = this.written = "";
  }
}

/** One open notebook of one front end. */
export class NotebookDrafts {
  private drafts: Draft[] = [];
  private updates = 0;
  private isStale = false;
  private isWorking = false;
  private isClosed = false;
  private retry: NodeJS.Timeout | null = null;

  constructor(
    private readonly host: NotebookHost,
    private readonly tell: (id: string, diagnostics: readonly Diagnostic[]) => void,
  ) {}

  /** Takes the code cells as they stand now, in order. */
  update(cells: readonly WrittenCell[]): void {
    const known = new Map(this.drafts.map((draft) => [draft.id, draft]));
    this.updates++;
    this.drafts = cells.map(({ id, code }) => {
      const draft = known.get(id) ?? new Draft(id, this.host, code);
      known.delete(id);
      if (draft.code !== code) {
        draft.change(code);
        draft.changed = this.updates;
      }
      return draft;
    });
    this.isStale = true;
    for (const gone of known.values()) this.drop(gone);
    void this.work();
  }

  /** The session changed: `modules` have another text, or everything may have another meaning. */
  refresh(modules: readonly CellModule[] | "all"): void {
    this.isStale = true;
    for (const draft of this.drafts) {
      if (modules === "all" || (draft.meaning && modules.includes(draft.meaning))) draft.isUnchecked = true;
    }
    void this.work();
  }

  /** The documents of another project serve no more. */
  rebuild(): void {
    for (const draft of this.drafts) this.drop(draft);
    this.drafts = this.drafts.map(({ id, code }) => new Draft(id, this.host, code));
    this.refresh("all");
  }

  /** The names that code in a cell sees: those of the cells above, and whatever the session has. */
  visibleIn(id: string): Owners {
    if (this.isStale) this.settle();
    const names = new Map(this.host.modules.owners);
    for (const draft of this.drafts) {
      if (draft.id === id) break;
      for (const { name } of draft.reading?.names ?? []) if (draft.meaning) names.set(name, draft.meaning);
    }
    return names;
  }

  /** The cell whose text stands in a document of T. */
  cellAt(path: string): WrittenCell | null {
    return this.drafts.find(({ meaning }) => meaning?.slot.path === path) ?? null;
  }

  close(): void {
    this.isClosed = true;
    if (this.retry) clearTimeout(this.retry);
    for (const draft of this.drafts) this.drop(draft);
    this.drafts = [];
  }

  private drop(draft: Draft): void {
    draft.meaning = null;
    draft.release();
  }

  /** Checks what is unchecked, one cell at a time, while no cell waits to run. */
  private async work(): Promise<void> {
    if (this.isWorking) return;
    this.isWorking = true;
    try {
      for (;;) {
        await this.host.quiet();
        if (this.isClosed) return;
        if (this.isStale) this.settle();
        const unchecked = this.drafts.filter(({ isUnchecked }) => isUnchecked);
        if (unchecked.length === 0) return;
        await this.check(unchecked.reduce((first, each) => (each.changed > first.changed ? each : first)));
      }
    } catch (error) {
      if (!(error instanceof ServerUnavailable)) throw error;
      this.retry ??= setTimeout(() => {
        this.retry = null;
        void this.work();
      }, retryDelay).unref();
    } finally {
      this.isWorking = false;
    }
  }

  private async check(draft: Draft): Promise<void> {
    draft.isUnchecked = false;
    try {
      const found = await (draft.failure ? this.syntaxErrors(draft, draft.failure) : this.typeErrors(draft));
      const isCurrent = !draft.isUnchecked && this.drafts.includes(draft);
      if (isCurrent) this.tell(draft.id, found);
    } catch (error) {
      if (!(error instanceof ServerUnavailable)) return; // T refuses this document: what was said stays
      draft.isUnchecked = true;
      throw error;
    }
  }

  /** T's words for what the parser found, because they come with numbers and ranges. */
  private async syntaxErrors({ code }: Draft, failure: Diagnostic): Promise<readonly Diagnostic[]> {
    const found = await this.host.diagnostics(this.host.modules.draft("edit", code, new Map()), code, new Map(), new Map());
    const errors = found.filter((each) => isSyntax(each));
    return errors.length > 0 ? errors : [failure];
  }

  private async typeErrors({ code, meaning }: Draft): Promise<readonly Diagnostic[]> {
    const { typeErrors } = this.host;
    if (typeErrors === "off" || !meaning) return [];
    this.write(meaning);
    const found = await this.host.diagnostics(documentOf(meaning), code, meaning.free, meaning.imports);
    return typeErrors === "warn" ? found.map((each) => ({ ...each, category: "warning" })) : found;
  }

  /** Brings T's documents of a module and of all that it needs up to date. Not more: a document that is new to T costs it 20 ms. */
  private write(module: CellModule): void {
    const needed = new Set([module]);
    for (const each of needed) for (const imported of each.imports.values()) needed.add(imported);
    for (const draft of this.drafts) if (draft.meaning && needed.has(draft.meaning)) draft.write();
  }

  /** Finds what every cell means now, and which must be checked for it. */
  private settle(): void {
    this.isStale = false;
    const before = new Map(this.drafts.map((draft) => [draft, draft.meaning]));
    const changed = new Set<CellModule>();
    for (const draft of this.drafts) draft.meaning = draft.reading && (draft.run ?? draft.drafted(new Map()));
    // A run stands for its cell as long as it took its names from what stands now; one that does not may decide others.
    for (let isSettled = false; !isSettled;) {
      isSettled = true;
      for (const [draft, imports] of this.imports()) {
        const { run, meaning } = draft;
        if (meaning !== run) draft.drafted(imports);
        else if (!isSame(imports, run!.imports)) {
          draft.meaning = draft.drafted(imports);
          isSettled = false;
        }
      }
    }
    for (const draft of this.drafts) {
      if ((draft.settle() || before.get(draft) !== draft.meaning) && draft.meaning) changed.add(draft.meaning);
    }
    for (const draft of this.drafts) draft.release();
    for (let size = -1; size !== changed.size;) {
      size = changed.size;
      for (const { meaning } of this.drafts) {
        if (meaning && [...meaning.imports.values()].some((each) => changed.has(each))) changed.add(meaning);
      }
    }
    for (const draft of this.drafts) if (draft.meaning && changed.has(draft.meaning)) draft.isUnchecked = true;
  }

  /** Where each cell that can be read takes its free names from: the nearest cell above, what has run, or, where it is named in time, a cell below. */
  private *imports(): Generator<[Draft, Map<string, CellModule>]> {
    const above = new Map<string, Draft>();
    for (const [index, draft] of this.drafts.entries()) {
      if (!draft.reading) continue;
      const imports = new Map<string, CellModule>();
      for (const [name, { later }] of draft.reading.free) {
        const writer = above.get(name) ?? (later ? this.declarer(name, index + 1) : undefined);
        const owner = writer?.meaning ?? this.host.modules.owners.get(name);
        if (owner) imports.set(name, owner);
      }
      yield [draft, imports];
      for (const { name } of draft.reading.names) above.set(name, draft);
    }
  }

  private declarer(name: string, from: number): Draft | undefined {
    return this.drafts.slice(from).find(({ reading }) => reading?.names.some((each) => each.name === name));
  }
}

function isSame(imports: Owners, others: Owners): boolean {
  return imports.size === others.size && [...imports].every(([name, module]) => others.get(name) === module);
}

/** TypeScript's numbers from 1000 to 1999 are those of code that cannot be read. */
function isSyntax({ code }: Diagnostic): boolean {
  return code >= 1000 && code < 2000;
}
