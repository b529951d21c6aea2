/** `import` in cells: resolved from the notebook's folder as Node resolves, with local TypeScript, fresh after an edit. */
import { createRequire, findSourceMap, isBuiltin, register } from "node:module";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { fileURLToPath, pathToFileURL } from "node:url";
import { defaultSettings } from "../language/transform.js";
import type { CellHooks, TransformSettings } from "../language/types.js";

/** What the hooks of `module-hooks.ts` are told. */
export interface HookSettings {
  /** The module whose imports are those of cells. */
  readonly importer: string;
  /** The URL that cells import from: a file in the notebook's folder. */
  readonly base: string;
  /** The kernel's own copy of the library. */
  readonly library: string;
  /** The kernel's own module in place of tslab's. */
  readonly tslab: string;
  /** What the nearest tsconfig.json says when the hooks are put in place, and where it comes when it has changed. */
  readonly project: TransformSettings;
  readonly changes: MessagePort;
}

/** What R takes from here. */
export interface Imports extends Pick<CellHooks, "import" | "meta"> {
  /** Loads the library ahead. */
  preload(): Promise<void>;
  /** Has modules that are imported from now on loaded as the project says. */
  follow(project: TransformSettings): void;
}

const tslab = new URL("./tslab.js", import.meta.url).href;
const library = new URL("../../src/index.js", import.meta.url).href;

/** Makes the import function and `import.meta` of cells in a folder; also gives them `require`. */
export function createImports(folder: string): Imports {
  const base = pathToFileURL(`${folder}/cell.ts`).href;
  let project = defaultSettings;
  let changes: MessagePort | null = null;

  /** On first use: it starts a thread, which plain cells need not wait for. */
  function registerHooks(): void {
    if (changes) return;
    process.setSourceMapsEnabled(true);
    const { port1, port2 } = new MessageChannel();
    changes = port1;
    const data: HookSettings = { importer: import.meta.url, base, library, tslab, project, changes: port2 };
    register("./module-hooks.js", { parentURL: import.meta.url, data, transferList: [port2] });
  }

  function follow(next: TransformSettings): void {
    if (JSON.stringify(next) === JSON.stringify(project)) return;
    project = next;
    changes?.postMessage(project);
  }

  async function load(specifier: string, options?: ImportCallOptions, names: readonly string[] = []): Promise<Record<string, unknown>> {
    if (!specifier.startsWith("node:")) registerHooks();
    const module = (await import(specifier, options)) as Record<string, unknown>;
    const missing = names.filter((name) => name !== "*" && !(name in module));
    return missing.length === 0 ? module : withNamesOfDefault(specifier, module, missing);
  }

  const require = requireFrom(base);
  Object.defineProperty(globalThis, "require", { configurable: true, writable: true, value: require });
  const meta = {
    url: base,
    dirname: folder,
    filename: `${folder}/cell.ts`,
    resolve: (specifier: string) =>
      isBuiltin(specifier) ? `node:${specifier.replace(/^node:/, "")}` : pathToFileURL(require.resolve(specifier)).href,
  };
  return { import: load, meta: meta as ImportMeta, preload: async () => void (await load("cellgrad")), follow };
}

/** Node's `require` from a folder, which has the kernel's own modules as imports have them. */
function requireFrom(base: string): NodeJS.Require {
  const require = createRequire(base);
  const own = new Map([
    ["tslab", fileURLToPath(tslab)],
    ["cellgrad", fileURLToPath(library)],
  ]);
  const named = (specifier: string): unknown => require(own.get(specifier) ?? specifier);
  return Object.assign(named, require);
}

/** Where a line of a stripped module is in its source; null when the module has no map. */
export function sourcePlace(url: string, line: number, column: number): { readonly line: number; readonly column: number } | null {
  const entry = findSourceMap(url)?.findEntry(line - 1, column - 1);
  return entry && "originalLine" in entry ? { line: entry.originalLine + 1, column: entry.originalColumn + 1 } : null;
}

/** CommonJS modules whose names Node's scanner does not see still have them on their default export. */
function withNamesOfDefault(specifier: string, module: Record<string, unknown>, missing: readonly string[]): Record<string, unknown> {
  const exports = module.default;
  const found: Record<string, unknown> = { ...module };
  for (const name of missing) {
    if ((typeof exports !== "object" && typeof exports !== "function") || exports === null || !(name in exports)) {
      throw new SyntaxError(`The requested module '${specifier}' does not provide an export named '${name}'`);
    }
    found[name] = (exports as Record<string, unknown>)[name];
  }
  return found;
}
