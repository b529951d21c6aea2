/** The contract of the TypeScript language with the rest of the kernel: transformed cells, the hooks they call, and what the language service answers. */

import type { CellDiagnostic } from "../../src/wire/index.js";

/** A place in a cell as people count: line and column from 1, columns in UTF-16 units (as V8 and the language server count). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

// ---- Transform: R turns a cell into a script ------------------------------------------------------------------------------------------

/** How a name was declared at the top level of a cell. `interface` and `type` exist for the checker only. */
export type DeclarationKind =
  "const" | "let" | "var" | "using" | "function" | "class" | "enum" | "namespace" | "import" | "interface" | "type";

/** A top-level name of a cell. */
export interface DeclaredName {
  readonly name: string;
  readonly kind: DeclarationKind;
  /** The identifier V8 knows it by: the name itself, or, where that would shadow a global of the host, the name and an invisible joiner. Null for types. */
  readonly binding: string | null;
}

/** What the transform needs to know from the nearest tsconfig.json (see `Language.transformSettings`). */
export interface TransformSettings {
  /** Null: JSX is a syntax error. */
  readonly jsx: {
    readonly runtime: "classic" | "automatic";
    readonly importSource?: string;
    readonly pragma?: string;
    readonly pragmaFrag?: string;
  } | null;
  readonly experimentalDecorators: boolean;
  /** What stands for what in imports: patterns with at most one star, and absolute paths. */
  readonly paths: { readonly [pattern: string]: readonly string[] };
}

/** A cell that can be run. */
export interface TransformedCell {
  readonly ok: true;
  /** Declares the names V8 does not have yet. Evaluate it (replMode, no await) before `js` whenever it is not empty; it cannot fail. */
  readonly prelude: string;
  /** The script for `Runtime.evaluate({ replMode: true, awaitPromise: true })`, without a sourceURL. */
  readonly js: string;
  readonly names: readonly DeclaredName[];
  /** Names the cell reads or writes and neither declares nor finds in an inner scope, types included. */
  readonly freeNames: readonly string[];
  /** Whether the cell ends in an expression statement, whose value is the cell's result. Otherwise ignore the value of `js`. */
  readonly hasResult: boolean;
  /** Turns a place in `js` into the place in the cell. */
  map(place: Position): Position;
}

/** A cell that does not parse. */
export interface SyntaxFailure extends Position {
  readonly ok: false;
  readonly name: "SyntaxError";
  readonly message: string;
}

/**
 * Transforms one session's cells in order; made by `createTransformer(settings)` in R **after** `globalThis.__cellgrad` is set, because the names
 * on globalThis at that moment are the ones that user declarations must not overwrite.
 */
export interface CellTransformer {
  /** May change between two cells, because tsconfig.json did. */
  settings: TransformSettings;
  /** `locals` are names of an inner scope that the code is read in, which hide the session's. */
  transform(code: string, locals?: ReadonlySet<string>): TransformedCell | SyntaxFailure;
  /** Remembers that V8 has the cell's names now: call it when `prelude` was evaluated, never for a cell that does not run. */
  commit(cell: TransformedCell): void;
}

/** `globalThis.__cellgrad`: what transformed cells call. The runtime supplies `import` and `meta`, `kernel/language/hooks.ts` the rest. */
export interface CellHooks extends LanguageHooks {
  /**
   * Serves `import()` (without `names`) and import declarations (with the names the cell uses as values, "default" included; an absent one must
   * throw SyntaxError "The requested module 'x' does not provide an export named 'y'"). Resolves from the notebook's folder.
   */
  import(specifier: string, options?: ImportCallOptions, names?: readonly string[]): Promise<Record<string, unknown>>;
  /** `import.meta` of a cell: url, dirname, filename, resolve. */
  readonly meta: ImportMeta;
}

/** The part of {@link CellHooks} that `languageHooks` of `kernel/language/hooks.ts` provides ready-made. */
export interface LanguageHooks {
  /** Opens the list of a cell's top-level `using` resources. */
  resources(): CellResources;
  /** Helpers that lowered syntax calls (`using` in functions, decorators). */
  readonly helpers: { readonly [name: string]: unknown };
}

/** The resources a cell's top-level `using` declarations hold until it ends. */
export interface CellResources {
  use<T>(value: T): T;
  useAsync<T>(value: T): T;
  /** Records that the cell threw. */
  fail(error: unknown): void;
  /** Disposes in reverse order; rethrows the recorded error, suppressed errors attached. */
  dispose(): void;
  disposeAsync(): Promise<void>;
}

/** The answer to an is_complete_request. */
export type Completeness =
  { readonly status: "complete" } | { readonly status: "incomplete"; readonly indent: string } | { readonly status: "invalid" };

// ---- Language: K asks T ---------------------------------------------------------------------------------------------------------------

/** A cell as the checker knows it. A cell that runs again is the same `id` with a higher `count`. */
export interface Cell {
  /** The notebook's cell id; null when the front end sends none: then the cell never runs again. */
  readonly id: string | null;
  readonly count: number;
  readonly code: string;
}

/** What is wrong in a cell; `code` is the number of "TS2551". */
export type Diagnostic = CellDiagnostic;

/** What a cell's code is worth to the checker. `late`: the deadline passed (`later` resolves when T answers); `unavailable`: T is down. */
export type CheckResult =
  | { readonly status: "checked"; readonly diagnostics: readonly Diagnostic[] }
  | { readonly status: "late"; readonly later: Promise<readonly Diagnostic[] | null> }
  | { readonly status: "unavailable"; readonly reason: string };

/** A cell whose types no longer hold because names it uses were redefined. */
export interface StaleCell {
  readonly cell: Cell;
  readonly diagnostics: readonly Diagnostic[];
}

/** What to do with a type error. From `"cellgrad": { "typeErrors": "warn" }` in the nearest tsconfig.json; `error` by default. */
export type TypeErrorLevel = "error" | "warn" | "off";

/** The kinds JupyterLab draws icons for. */
export type CompletionKind =
  "function" | "method" | "class" | "interface" | "enum" | "module" | "property" | "variable" | "constant" | "keyword" | "type" | "text";

/** One proposal of a completion. */
export interface CompletionItem {
  /** What is inserted between `start` and `end`. */
  readonly text: string;
  readonly label: string;
  readonly kind: CompletionKind;
  /** Its type, e.g. `(method) Tensor.sum(dim?: number): Tensor`; filled by `resolve`, and for the first items when time allows. */
  readonly signature?: string;
  readonly documentation?: string;
  readonly deprecated?: boolean;
  /** The module that exports it, where the code has not imported it. `edits` adds the import, unless `text` takes the way of a namespace. */
  readonly source?: string;
  readonly edits?: readonly TextEdit[];
}

/** A replacement in a cell; `start` and `end` in code points. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Completions at a cursor; `start` and `end` in code points, as Jupyter counts. */
export interface Completions {
  readonly items: readonly CompletionItem[];
  readonly start: number;
  readonly end: number;
  /** The expression before the dot (`model.layers` of `model.layers.w`), for a lookup of live names; null when it might have side effects or there is none. */
  readonly receiver: string | null;
}

/** What is under the cursor. `start` and `end` in code points. */
export interface Hover {
  readonly markdown: string;
  readonly plain: string;
  readonly start: number;
  readonly end: number;
  /** The identifier or member chain under the cursor, for a look at its live value; null when it might have side effects. */
  readonly expression: string | null;
}

/** The call that the cursor is in. */
export interface SignatureHelp {
  readonly signatures: readonly { readonly label: string; readonly documentation?: string; readonly parameters: readonly string[] }[];
  readonly activeSignature: number;
  readonly activeParameter: number;
}

/** A place in another cell or, with `path`, in a file. */
export interface Definition extends Position {
  readonly cell: Pick<Cell, "id" | "code"> | null;
  readonly path: string | null;
}

/** What the language service is told at the start. */
export interface LanguageOptions {
  /** The notebook's folder: imports and tsconfig.json are looked up from here. */
  readonly folder: string;
  /** Absolute path of the package's index.d.ts: the types of "cellgrad". */
  readonly library: string;
  /** How long a cell waits for the checker, in ms; 2000 by default. */
  readonly checkDeadline?: number;
  /** How long completion, hover and signature help wait, in ms; 800 by default (JupyterLab gives up after 1000). */
  readonly askDeadline?: number;
}

/** A code cell as it stands in a notebook, run or not. */
export interface WrittenCell {
  readonly id: string;
  readonly code: string;
}
