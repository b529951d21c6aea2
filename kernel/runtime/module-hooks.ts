/** Node's module hooks for imports from cells: local TypeScript without a build, and a fresh copy of what was edited since the last import. */
import { readFileSync, statSync } from "node:fs";
import { isBuiltin, type InitializeHook, type LoadHook, type ResolveHook } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { receiveMessageOnPort } from "node:worker_threads";
import type { TransformSettings } from "../language/types.js";
import type { HookSettings } from "./imports.js";
import { mappedTo } from "./path-mapping.js";
import { isStripped, stripModule } from "./strip-module.js";

/** A local file that was imported. Its URL carries the version from the first edit on. */
interface LocalModule {
  modified: number;
  version: number;
  /** Paths of the local modules that import it. */
  readonly importers: Set<string>;
}

let settings: HookSettings;
let project: TransformSettings;
const modules = new Map<string, LocalModule>();

/** What may be left out of, or stands for another ending in, a relative specifier. */
const endings = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json", "/index.ts", "/index.tsx", "/index.js"];

export const initialize: InitializeHook<HookSettings> = (data) => {
  settings = data;
  project = data.project;
};

export const resolve: ResolveHook = async (specifier, context, next) => {
  if (specifier === "cellgrad") return { url: settings.library, format: "module", shortCircuit: true };
  const fromCell = context.parentURL === settings.importer;
  if (fromCell && specifier === "tslab") return { url: settings.tslab, format: "module", shortCircuit: true };
  if (fromCell) refresh();
  const parentURL = fromCell ? settings.base : context.parentURL;
  const attempt = (candidate: string) => next(candidate, { ...context, parentURL: parentURL! });
  const mapped = isLocal(parentURL ?? "") && !isBuiltin(specifier) ? mappedTo(specifier, project.paths) : [];
  const resolved = await firstOf([...mapped.map((path) => pathToFileURL(path).href), specifier], (each) => resolveLoosely(each, attempt));
  if (!isLocal(resolved.url)) return resolved;
  const importAttributes = resolved.url.endsWith(".json") ? { type: "json" } : (resolved.importAttributes ?? context.importAttributes);
  return { ...resolved, importAttributes, url: versioned(resolved.url, fromCell ? undefined : parentURL) };
};

export const load: LoadHook = async (url, context, next) => {
  const path = url.startsWith("file:") ? fileURLToPath(url.split("?")[0]!) : "";
  if (!isStripped(path)) return next(url, context);
  const { code, map } = stripModule(path, readFileSync(path, "utf8"), project);
  const inlineMap = Buffer.from(JSON.stringify(map)).toString("base64");
  const source = `${code}\n//# sourceMappingURL=data:application/json;base64,${inlineMap}`;
  return { format: path.endsWith(".cts") ? "commonjs" : "module", source, shortCircuit: true };
};

/** What the first of these leads to that leads somewhere; fails as the last does. */
async function firstOf<Result>(specifiers: readonly string[], attempt: (specifier: string) => Promise<Result>): Promise<Result> {
  for (const each of specifiers.slice(0, -1)) {
    try {
      return await attempt(each);
    } catch {
      continue;
    }
  }
  return attempt(specifiers.at(-1)!);
}

/** As Node resolves; failing that, a relative specifier with an ending added, or `.js` read as `.ts`. */
async function resolveLoosely<Result>(specifier: string, attempt: (specifier: string) => Result | Promise<Result>): Promise<Result> {
  try {
    return await attempt(specifier);
  } catch (error) {
    if (!/^\.{0,2}\/|^file:/.test(specifier)) throw error;
    const candidates = [specifier.replace(/\.(m?)js$/, ".$1ts"), ...endings.map((ending) => specifier + ending)];
    for (const candidate of candidates) {
      try {
        return await attempt(candidate);
      } catch {
        continue;
      }
    }
    throw error;
  }
}

/** Whether a URL is a file that the person may edit. */
function isLocal(url: string): boolean {
  return url.startsWith("file:") && !url.includes("/node_modules/") && !url.startsWith(new URL("..", settings.library).href);
}

/** The URL under which the current text of a file is loaded; records that `importer` depends on it. */
function versioned(url: string, importer: string | undefined): string {
  const path = fileURLToPath(url.split("?")[0]!);
  let module = modules.get(path);
  if (!module) modules.set(path, (module = { modified: modifiedTime(path), version: 0, importers: new Set() }));
  if (importer?.startsWith("file:")) module.importers.add(fileURLToPath(importer.split("?")[0]!));
  return module.version === 0 ? url : `${url.split("?")[0]}?version=${module.version}`;
}

/** Takes what tsconfig.json says now; gives every file that changed, and every file that imports it, another version. */
function refresh(): void {
  for (let message = receiveMessageOnPort(settings.changes); message; message = receiveMessageOnPort(settings.changes))
    project = (message as { readonly message: TransformSettings }).message;
  const stale = new Set<string>();
  for (const [path, module] of modules) {
    const modified = modifiedTime(path);
    if (modified === module.modified) continue;
    module.modified = modified;
    addWithImporters(path, stale);
  }
  for (const path of stale) modules.get(path)!.version++;
}

function addWithImporters(path: string, stale: Set<string>): void {
  const module = modules.get(path);
  if (!module || stale.has(path)) return;
  stale.add(path);
  for (const importer of module.importers) addWithImporters(importer, stale);
}

/** 0 when the file is gone: importing it then fails with Node's own error. */
function modifiedTime(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
