/** What the kernel asks of the language over the cells of a session. */
import type { Owners } from "./modules.js";
import type {
  Cell,
  CheckResult,
  StaleCell,
  CompletionItem,
  Completions,
  Hover,
  SignatureHelp,
  Definition,
  Diagnostic,
  TransformSettings,
  TypeErrorLevel,
  WrittenCell,
} from "./types.js";

/** The names that code sees: as modules of the checker, which only the language looks into. */
export type Scope = Owners;

/** A notebook that is being written. Its cells are checked as if they ran in their order, when no cell that is to run needs T. */
export interface Notebook {
  /** Takes the code cells as they stand now, in order. */
  update(cells: readonly WrittenCell[]): void;
  /** The names that code in a cell sees: those of the cells above, whether they ran or not, and whatever the session has. */
  scopeOf(id: string): Scope;
  close(): void;
}

/** The TypeScript language over the cells of one session; `startLanguage(options)` makes one. No method throws or outlasts its deadline. */
export interface Language {
  /** Resolves when the server answers; nothing has to wait for it. */
  readonly ready: Promise<void>;
  /** The notebook's. */
  readonly folder: string;
  readonly typeErrors: TypeErrorLevel;
  readonly transformSettings: TransformSettings;
  /** Type-checks a cell before it runs. Cells are checked one at a time, in the order asked. */
  check(cell: Cell): Promise<CheckResult>;
  /** Makes the cell the owner of the names it declares. Call it when the cell was started (also when it failed: names assigned before the throw stay). */
  commit(cell: Cell): void;
  /** Cells whose types broke by the last {@link commit}; empty when none or when T is down. */
  stale(): Promise<readonly StaleCell[]>;
  /** Completions; `cursor` in code points. Null: nothing known or T is late. Here and below the code sees the session's names if no `scope` is given. */
  complete(code: string, cursor: number, scope?: Scope): Promise<Completions | null>;
  /** Adds type and documentation to an item of the last {@link complete}. */
  resolve(item: CompletionItem): Promise<CompletionItem>;
  hover(code: string, cursor: number, scope?: Scope): Promise<Hover | null>;
  signature(code: string, cursor: number, scope?: Scope): Promise<SignatureHelp | null>;
  definition(code: string, cursor: number, scope?: Scope): Promise<Definition | null>;
  /** Follows a notebook that is being written. `tell` gets what is wrong with a cell whenever it may have changed. */
  openNotebook(tell: (id: string, diagnostics: readonly Diagnostic[]) => void): Notebook;
  /** The process of T; null while there is none. */
  readonly pid: number | null;
  /** Forgets every cell: the runtime was restarted. */
  reset(): void;
  dispose(): Promise<void>;
}
