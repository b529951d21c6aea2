/** Turns a cell into a script for V8's REPL mode in which the names of the session stay, can be declared again, and never overwrite the host's globals. */
import { SourceMap, type SourceMapPayload } from "node:module";
import MagicString from "magic-string";
import { lower, needsLowering } from "./lower.js";
import { Rewriter, type BindingOf } from "./rewrite.js";
import { analyseScopes, type CellScopes, type Features } from "./scope.js";
import { parseCell, type Node, type ParsedCell } from "./syntax.js";
import type { CellTransformer, DeclaredName, Position, SyntaxFailure, TransformedCell, TransformSettings } from "./types.js";

/** Invisible, and allowed inside identifiers: `process` declared in a cell becomes another name that still reads `process`. */
export const joiner = "\u200c";

export const defaultSettings: TransformSettings = { jsx: null, experimentalDecorators: false, paths: {} };

/** Makes the transformer of a session. */
export function createTransformer(settings: TransformSettings = defaultSettings): CellTransformer {
  const hostNames = new Set(Object.getOwnPropertyNames(globalThis));
  const known = new Set<string>();
  const bindingOf: BindingOf = (name) => (hostNames.has(name) ? name + joiner : name);
  return {
    settings,
    transform(code, locals) {
      const parsed = parseCell(code, { jsx: this.settings.jsx !== null });
      const bindingHere: BindingOf = locals ? (name) => (locals.has(name) ? name : bindingOf(name)) : bindingOf;
      return parsed.ok ? transformParsed(parsed, this.settings, known, bindingHere) : parsed;
    },
    commit(cell) {
      for (const { binding } of cell.names) if (binding) known.add(binding);
    },
  };
}

export interface FreeName {
  readonly deferred: boolean;
  readonly later: boolean;
}

/** The names a cell declares at its top level. */
export function declaredNames({ top }: CellScopes, bindingOf: BindingOf = (name) => name): DeclaredName[] {
  return [...top.variables.values()].map(({ name, kind, ambient }) => ({
    name,
    kind: kind === "parameter" ? "let" : kind,
    binding: ambient ? null : bindingOf(name),
  }));
}

/**
 * The names a cell uses and does not declare. `deferred`: only inside functions, which run with whatever the name means then.
 * `later`: only inside functions that nothing calls on the spot, so that a later cell may declare it.
 */
export function freeNames({ occurrences }: CellScopes): Map<string, FreeName> {
  const free = new Map<string, FreeName>();
  for (const { name, scope, deferred, later, inType } of occurrences) {
    if (scope.resolve(name)) continue;
    const known = free.get(name);
    free.set(name, {
      deferred: (deferred || inType) && (known?.deferred ?? true),
      later: later && !inType && (known?.later ?? true),
    });
  }
  return free;
}

function transformParsed(
  parsed: ParsedCell,
  settings: TransformSettings,
  known: ReadonlySet<string>,
  bindingOf: BindingOf,
): TransformedCell | SyntaxFailure {
  const { program, text } = parsed;
  const scopes = analyseScopes(program);
  const names = declaredNames(scopes, bindingOf);
  const output = new MagicString(text);
  const rewriter = new Rewriter(text, output, scopes, bindingOf);
  for (const statement of program.body) rewriter.topLevel(statement);
  rewriter.finish();
  writeNames(scopes, output, known, bindingOf);
  writeImports(scopes.features, text, output);
  const start = program.hashbang ? Math.min(program.hashbang.end + 1, text.length) : 0;
  if (program.hashbang) output.update(0, 2, "//");
  for (const statement of rewriter.hoisted) output.move(statement.start, statement.end, start);
  if (rewriter.usesResources !== "no") holdResources(output, rewriter.usesResources);
  output.prepend('"use strict";');
  const fresh = new Set(names.flatMap(({ binding }) => (binding && !known.has(binding) ? [binding] : [])));
  const maps = [() => JSON.parse(output.generateMap({ hires: true }).toString()) as object];
  let js = output.toString();
  if (needsLowering(scopes.features)) {
    try {
      const lowered = lower(js, scopes.features, settings);
      js = lowered.code;
      maps.push(...lowered.maps.map((map) => () => map));
    } catch (error) {
      return { ok: false, name: "SyntaxError", message: (error as Error).message, line: 1, column: 1 };
    }
  }
  return {
    ok: true,
    prelude: fresh.size > 0 ? `let ${[...fresh].join()};` : "",
    js,
    names,
    freeNames: [...freeNames(scopes).keys()],
    hasResult: hasResult(program.body),
    map: mapper(maps, parsed.wrapped ? 1 : 0),
  };
}

/** What Node's types say that every file has. As globals they would mislead ES modules, which look for them. */
const ofCommonJs: ReadonlyMap<string, string> = new Map([
  ["__dirname", "__cellgrad.meta.dirname"],
  ["__filename", "__cellgrad.meta.filename"],
]);

/** Writes what each name is called in the script. */
function writeNames({ top, occurrences }: CellScopes, output: MagicString, known: ReadonlySet<string>, bindingOf: BindingOf): void {
  for (const { name, start, scope, shorthand, inType } of occurrences) {
    if (inType) continue;
    const variable = scope.resolve(name);
    const ofSession = variable ? top.variables.get(name) === variable && !variable.ambient : known.has(bindingOf(name));
    const written = variable?.target ?? (ofSession ? bindingOf(name) : variable ? name : (ofCommonJs.get(name) ?? name));
    if (written !== name) output.update(start, start + name.length, shorthand ? `${name}:${written}` : written);
  }
}

function writeImports({ dynamicImports, importMetas }: Features, text: string, output: MagicString): void {
  for (const { start } of dynamicImports) output.update(start, text.indexOf("(", start), "__cellgrad.import");
  for (const { start, end } of importMetas) output.update(start, end, "__cellgrad.meta");
}

/** Disposes the resources of top-level `using` declarations when the cell ends, however it ends. */
function holdResources(output: MagicString, kind: "sync" | "async"): void {
  output.prepend("{const __resources=__cellgrad.resources();try{");
  const dispose = kind === "async" ? "await __resources.disposeAsync()" : "__resources.dispose()";
  output.append(`\n}catch(error){__resources.fail(error)}finally{${dispose}}}`);
}

function hasResult(body: readonly Node[]): boolean {
  const silent = new Set(["EmptyStatement", "TSInterfaceDeclaration", "TSTypeAliasDeclaration"]);
  const last = body.findLast((statement) => !silent.has(statement.type));
  if (last?.type !== "ExportDefaultDeclaration") return last?.type === "ExpressionStatement";
  const named = "id" in last.declaration && last.declaration.id;
  return !named;
}

/** Follows source maps from the last to the first; they are read on first use, because most cells never fail. */
function mapper(maps: readonly (() => object)[], columnsAdded: number): (place: Position) => Position {
  let opened: SourceMap[] | null = null;
  return (place) => {
    opened ??= maps.map((map) => new SourceMap(map() as SourceMapPayload));
    let line = place.line - 1;
    let column = place.column - 1;
    for (const map of opened.toReversed()) {
      const entry = map.findEntry(line, column);
      if (!("originalLine" in entry)) return { line: 1, column: 1 };
      line = entry.originalLine;
      column = entry.originalColumn;
    }
    return { line: line + 1, column: Math.max(1, column + 1 - (line === 0 ? columnsAdded : 0)) };
  };
}
