/** The hidden modules of a session: one a cell, importing exactly the names it takes from others, exporting its own. */
import { draftPath, type DraftPurpose } from "./checker.js";
import { analyseScopes } from "./scope.js";
import { aliasPrefix, globalAlias, type Slot, type Slots } from "./slots.js";
import { parseCell, type Program } from "./syntax.js";
import { declaredNames, freeNames, type FreeName } from "./transform.js";
import type { Cell, DeclaredName, SyntaxFailure, TransformSettings } from "./types.js";

/** What a cell's code says by itself. */
export interface Reading {
  readonly names: readonly DeclaredName[];
  readonly free: ReadonlyMap<string, FreeName>;
  readonly body: string;
  /** How far the cell's text is from the start of the document. */
  readonly shift: number;
  readonly exports: string;
}

/** A cell as a module of the checker. */
export interface CellModule extends Reading {
  readonly slot: Slot;
  readonly cell: Cell;
  /** The modules its free names come from. */
  imports: Map<string, CellModule>;
}

/** A document that holds code of a cell `shift` units after its start. */
export interface Document {
  readonly path: string;
  readonly text: string;
  readonly shift: number;
}

/** Modules by the names they own. */
export type Owners = ReadonlyMap<string, CellModule>;

/** The namespace of the types of names that a cell takes from others and may assign to. */
const typesOfNames = `${aliasPrefix}types`;

/** Who owns which name. */
export class Modules {
  /** The module of the last run that declared a name. */
  readonly owners = new Map<string, CellModule>();
  private readonly latest = new Map<string, CellModule>();
  private live = new Set<CellModule>();

  constructor(
    private readonly folder: string,
    private readonly slots: Slots,
    public settings: TransformSettings,
  ) {}

  private parse(code: string) {
    return parseCell(code, { jsx: this.settings.jsx !== null });
  }

  /** What code says by itself, or why it cannot be read. */
  read(code: string): Reading | SyntaxFailure {
    const parsed = this.parse(code);
    if (!parsed.ok) return parsed;
    const scopes = analyseScopes(parsed.program);
    const names = declaredNames(scopes);
    const exports = exportsOf(names, parsed.program);
    return { names, free: freeNames(scopes), body: parsed.text, shift: parsed.wrapped ? 1 : 0, exports };
  }

  /** The module of a cell, taking its free names from their owners now; null when the cell does not parse. */
  create(cell: Cell): CellModule | null {
    const reading = this.read(cell.code);
    if ("ok" in reading) return null;
    return { ...reading, slot: this.slots.take(), cell, imports: this.ownersOf(reading.free.keys()) };
  }

  /** The last run of a cell. */
  latestOf(id: string): CellModule | null {
    return this.latest.get(id) ?? null;
  }

  /** Gives up a module that was not committed. */
  drop({ slot }: CellModule): void {
    this.slots.give(slot);
  }

  /** The document for code being typed, which sees every name of `owners`: those of the session, if nothing else is said. */
  draft(purpose: DraftPurpose, code: string, owners: Owners = this.owners): Document {
    const path = this.draftPath(purpose);
    const parsed = this.parse(code);
    if (parsed.ok) {
      const own = new Set(declaredNames(analyseScopes(parsed.program)).map((each) => each.name));
      const others = [...owners].filter(([each]) => !own.has(each));
      return { path, text: `${parsed.text}\n;${importsOf(new Map(others))}export {};`, shift: parsed.wrapped ? 1 : 0 };
    }
    // Code that does not parse might swallow what follows it: here the imports come first.
    const own = new Set([...code.matchAll(declarations)].map((match) => match[1]!));
    const prologue = `${importsOf(new Map([...owners].filter(([each]) => !own.has(each))))}export {};\n`;
    return { path, text: prologue + code, shift: prologue.length };
  }

  /** Makes a module the owner of its names; tells which other modules must be written again and which may be stale. */
  commit(module: CellModule): { readonly changed: readonly CellModule[]; readonly affected: readonly CellModule[] } {
    const { id } = module.cell;
    const before = new Map(module.names.map(({ name }) => [name, this.owners.get(name)]));
    for (const { name } of module.names) this.owners.set(name, module);
    if (id !== null) this.latest.set(id, module);
    this.live.add(module);
    const changed: CellModule[] = [];
    const affected: CellModule[] = [];
    for (const other of this.live) {
      if (other === module) continue;
      // A name that is nobody's yet may be one of the host's: earlier cells keep that meaning.
      const touched = [...other.free].filter(([name]) => before.get(name) ?? (before.has(name) && !(name in globalThis)));
      if (touched.length === 0) continue;
      // That a later cell takes a name for something else is how notebooks are written; that a cell's own rerun breaks others is not.
      const isBroken = touched.some(([name]) => !other.imports.has(name) || (id !== null && before.get(name)?.cell.id === id));
      if (isBroken && (other.cell.id === null || this.latest.get(other.cell.id) === other)) affected.push(other);
      // Values were computed with the old meaning of a name; a function runs with the new one.
      const deferred = touched.filter(([, { deferred }]) => deferred);
      for (const [name] of deferred) other.imports.set(name, module);
      if (deferred.length > 0) changed.push(other);
    }
    this.collect();
    return { changed, affected };
  }

  /** What the module would be if its cell ran again now. */
  again(module: CellModule): Document {
    const imports = this.ownersOf(module.free.keys(), module);
    return { path: this.draftPath("edit"), text: `${module.body}\n;${importsOf(imports)}export{};`, shift: module.shift };
  }

  cellAt(path: string): Cell | null {
    for (const module of this.live) if (module.slot.path === path) return module.cell;
    return null;
  }

  /** Forgets everything. */
  clear(): void {
    for (const module of this.live) this.drop(module);
    this.owners.clear();
    this.latest.clear();
    this.live.clear();
  }

  private draftPath(purpose: DraftPurpose): string {
    return draftPath(this.folder, purpose, this.settings);
  }

  private ownersOf(names: Iterable<string>, except?: CellModule): Map<string, CellModule> {
    const found = new Map<string, CellModule>();
    for (const name of names) {
      const owner = this.owners.get(name);
      if (owner && owner !== except) found.set(name, owner);
    }
    return found;
  }

  /** Drops modules that own no name, are imported by none that does, and are not the last run of their cell. */
  private collect(): void {
    const reached = new Set<CellModule>([...this.owners.values(), ...this.latest.values()]);
    for (const module of reached) for (const imported of module.imports.values()) reached.add(imported);
    for (const module of this.live) if (!reached.has(module)) this.drop(module);
    this.live = reached;
  }
}

/** A module's document. The imports stand after the code, so that its places and its leading comments keep their meaning. */
export function documentOf({ slot, body, shift, imports, exports }: CellModule): Document {
  return { path: slot.path, text: `${body}\n;${importsOf(imports)}${exports}${globalAlias(slot)}`, shift };
}

/** How a module declares a name; null when it does not. */
export function kindIn(module: CellModule | undefined, name: string): DeclaredName["kind"] | null {
  return module?.names.find((each) => each.name === name)?.kind ?? null;
}

/** Declarations in code that does not parse, well enough to keep imports from hiding them. */
const declarations = /\b(?:const|let|var|function\*?|class|enum|namespace|interface|type)\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu;

function importsOf(imports: Owners): string {
  let text = "";
  let types = "";
  for (const [name, module] of imports) {
    const owner = `${aliasPrefix}${module.slot.number}.${name}`;
    const kind = kindIn(module, name);
    if (kind !== "let" && kind !== "var") text += `import ${name}=${owner};`;
    else {
      // Only a declaration can be assigned to; an import cannot. Its type stands where the cell's own statements, which use the name, do not narrow it.
      types += `type ${name}=typeof ${owner};`;
      text += `declare let ${name}:${typesOfNames}.${name};`;
    }
  }
  return types === "" ? text : `${text}declare namespace ${typesOfNames}{${types}}`;
}

function typePrefix({ kind, binding }: DeclaredName): "type " | "" {
  return kind === "interface" || kind === "type" || (kind === "import" && binding === null) ? "type " : "";
}

/** Exports the names of a cell, except those it exports itself. */
function exportsOf(names: readonly DeclaredName[], program: Program): string {
  const already = new Set<string>();
  for (const statement of program.body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.source) continue;
    for (const { exported } of statement.specifiers) if ("name" in exported) already.add(exported.name);
    const { declaration } = statement;
    if (declaration?.type === "VariableDeclaration") {
      const { top } = analyseScopes({ ...program, body: [declaration] });
      for (const name of top.variables.keys()) already.add(name);
    } else if (declaration && "id" in declaration && declaration.id && "name" in declaration.id) already.add(declaration.id.name);
  }
  const exported = names.filter(({ name }) => !already.has(name));
  return `export{${exported.map((each) => typePrefix(each) + each.name).join()}};`;
}
