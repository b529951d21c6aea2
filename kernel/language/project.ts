/** The TypeScript project of a notebook: the nearest tsconfig.json with what cells need on top, as documents in memory. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { libraries } from "./libraries.js";
import { methodDocs } from "./method-docs.js";
import type { Node } from "./syntax.js";
import type { TransformSettings, TypeErrorLevel } from "./types.js";

const require = createRequire(import.meta.url);

/** File names of the hidden modules start with this. */
export const cellPrefix = "cellgrad-cell-";
const globalsFile = "cellgrad-globals.d.ts";
const libraryFile = `${cellPrefix}library.ts`;
/** Declares the methods of Tensor with their documentation. */
export const methodsFile = `${cellPrefix}methods.ts`;

const cellFiles = [`${cellPrefix}*.ts`, `${cellPrefix}*.tsx`];

/** The configuration of cells that know nothing but each other. */
export const emptyProject = JSON.stringify({ compilerOptions: { noLib: true, noResolve: true, types: [] }, include: cellFiles });

export interface Project {
  readonly settings: TransformSettings;
  readonly typeErrors: TypeErrorLevel;
  /** Whether the configuration says which parts of TypeScript's library there are. */
  readonly choosesLibrary: boolean;
  /** The files that the configuration was read from, and the place where a nearer one would stand. */
  readonly sources: ReadonlySet<string>;
  /** Hidden documents by path: the configuration and the globals of cells. */
  readonly documents: ReadonlyMap<string, string>;
}

interface TsConfig {
  readonly extends?: string | readonly string[];
  readonly compilerOptions?: { readonly [option: string]: unknown };
  readonly cellgrad?: { readonly typeErrors?: unknown };
}

/** Reads the configuration that holds for a folder. `strict` is that of a configuration that does not say. */
export function openProject(folder: string, library: string, { strict }: { readonly strict: boolean } = { strict: true }): Project {
  const path = nearest(folder, "tsconfig.json");
  const own = path ? readConfig(path) : {};
  const sources = new Set([join(folder, "tsconfig.json")]);
  const options = path ? resolvedOptions(path, sources) : {};
  const jsx = jsxSettings(options);
  const paths = pathsOf(options);
  const level = own.cellgrad?.typeErrors;
  const config = {
    // The document hides a tsconfig.json of the folder itself, whose content it therefore repeats.
    ...(path && dirname(path) === folder ? own : path && { extends: path }),
    compilerOptions: {
      ...(path && dirname(path) === folder ? own.compilerOptions : {}),
      ...whereUnset(options, strict),
      ...(!strict && options.strict === undefined && { noImplicitAny: false }),
      ...forCells,
      paths: {
        ...paths,
        cellgrad: [library],
        tslab: [fileURLToPath(new URL("../runtime/tslab.d.ts", import.meta.url))],
      },
    },
    files: [globalsFile],
    include: cellFiles,
    exclude: [],
    references: [],
  };
  return {
    settings: { jsx, experimentalDecorators: options.experimentalDecorators === true, paths },
    typeErrors: level === "warn" || level === "off" ? level : "error",
    choosesLibrary: options.lib !== undefined,
    sources,
    documents: new Map([
      [join(folder, "tsconfig.json"), JSON.stringify(config)],
      [join(folder, globalsFile), globals(folder)],
      // Keeps the library's types at hand before the first cell imports them.
      [join(folder, libraryFile), 'import "cellgrad";export{};'],
      [join(folder, methodsFile), methodDocs(library)],
    ]),
  };
}

/** What holds for cells whatever a project says: they are modules in memory that V8 runs and nothing emits. */
const forCells = {
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  declarationMap: false,
  isolatedDeclarations: false,
  emitDeclarationOnly: false,
  rootDir: null,
  outDir: null,
  baseUrl: null,
  tsBuildInfoFile: null,
  module: "esnext",
  moduleResolution: "bundler",
  moduleDetection: "force",
  allowImportingTsExtensions: true,
  rewriteRelativeImportExtensions: false,
  verbatimModuleSyntax: false,
  isolatedModules: false,
  resolveJsonModule: true,
  esModuleInterop: true,
  skipLibCheck: true,
  noUnusedLocals: false,
  noUnusedParameters: false,
};

function whereUnset(options: Record<string, unknown>, strict: boolean): Record<string, unknown> {
  const defaults = { strict, target: "esnext", lib: libraries, types: [], allowJs: true, customConditions: ["node"] };
  return Object.fromEntries(Object.entries(defaults).filter(([option]) => options[option] === undefined));
}

/** The kernel's own functions, by the file of kernel/runtime that exports them. */
const kernelGlobals = {
  "display.js": ["clearOutput", "page"],
  "media.js": ["display"],
  "comms.js": ["Comm"],
  "input.js": ["prompt", "confirm", "alert"],
} as const;

/** What every cell sees: Node and the kernel's own functions. */
function globals(folder: string): string {
  const nodeTypes =
    nearest(folder, "node_modules/@types/node/index.d.ts") ?? join(dirname(require.resolve("@types/node/package.json")), "index.d.ts");
  const declarations = Object.entries(kernelGlobals).flatMap(([file, names]) => {
    const path = JSON.stringify(fileURLToPath(new URL(`../runtime/${file}`, import.meta.url)));
    const declare = (name: string) => `declare const ${name}: typeof import(${path}).${name};\n`;
    const declareClass = (name: string) => (/^[A-Z]/.test(name) ? `type ${name} = import(${path}).${name};\n` : "");
    return names.map((name) => declare(name) + declareClass(name));
  });
  const kernel = JSON.stringify(fileURLToPath(new URL("../runtime/kernel.js", import.meta.url)));
  declarations.push(`declare const kernel: import(${kernel}).Kernel;\n`);
  return `/// <reference path=${JSON.stringify(nodeTypes)} />\n${declarations.join("")}`;
}

function nearest(folder: string, name: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, name);
    if (existsSync(path)) return path;
    if (at === dirname(at)) return null;
  }
}

/** The compiler options of a configuration and of all it extends, which are added to `sources`. */
function resolvedOptions(path: string, sources: Set<string>, seen: ReadonlySet<string> = new Set()): Record<string, unknown> {
  if (seen.has(path)) return {};
  sources.add(path);
  const config = readConfig(path);
  const bases = [config.extends ?? []].flat();
  const inherited = bases.map((base) => resolvedOptions(extendedPath(base, path), sources, new Set([...seen, path])));
  const options: Record<string, unknown> = Object.assign({}, ...inherited, config.compilerOptions);
  const { paths, baseUrl } = config.compilerOptions ?? {};
  if (typeof baseUrl === "string") options.baseUrl = resolve(dirname(path), baseUrl);
  if (isPaths(paths)) options.paths = absolutePaths(paths, (options.baseUrl as string | undefined) ?? dirname(path));
  return options;
}

type Paths = TransformSettings["paths"];

function isPaths(value: unknown): value is Paths {
  const isTargets = (targets: unknown) => Array.isArray(targets) && targets.every((target) => typeof target === "string");
  return typeof value === "object" && value !== null && Object.values(value).every(isTargets);
}

/** Path mappings count from `baseUrl`, or else from the file they stand in. */
function absolutePaths(paths: Paths, folder: string): Paths {
  return Object.fromEntries(Object.entries(paths).map(([name, targets]) => [name, targets.map((target) => resolve(folder, target))]));
}

/** The path mappings of resolved options; a `baseUrl`, which TypeScript 7 no longer knows, is one more. */
function pathsOf({ paths, baseUrl }: Record<string, unknown>): Paths {
  return { ...(isPaths(paths) && paths), ...(typeof baseUrl === "string" && { "*": [join(baseUrl, "*")], ...(isPaths(paths) && paths) }) };
}

function extendedPath(base: string, from: string): string {
  if (base.startsWith(".") || isAbsolute(base)) {
    const path = resolve(dirname(from), base);
    return existsSync(path) ? path : `${path}.json`;
  }
  try {
    return createRequire(from).resolve(base.endsWith(".json") ? base : `${base}/tsconfig.json`);
  } catch {
    return base;
  }
}

/** A tsconfig.json, which may hold comments and trailing commas; an unreadable one counts as empty, and T reports it. */
function readConfig(path: string): TsConfig {
  try {
    const { program } = parseSync("tsconfig.js", `(${readFileSync(path, "utf8").replace(/^\ufeff/, "")}\n)`, { preserveParens: false });
    const [statement] = program.body;
    const value = statement?.type === "ExpressionStatement" ? literal(statement.expression) : null;
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function literal(node: Node): unknown {
  switch (node.type) {
    case "Literal":
      return node.value;
    case "ArrayExpression":
      return node.elements.map((each) => (each ? literal(each) : null));
    case "ObjectExpression":
      return Object.fromEntries(
        node.properties.flatMap((each) => {
          if (each.type !== "Property") return [];
          return [[each.key.type === "Literal" ? String(each.key.value) : "name" in each.key ? each.key.name : "", literal(each.value)]];
        }),
      );
    default:
      return undefined;
  }
}

function jsxSettings(options: Record<string, unknown>): TransformSettings["jsx"] {
  const jsx = typeof options.jsx === "string" ? options.jsx.toLowerCase() : null;
  const text = (option: string) => (typeof options[option] === "string" ? { [option]: options[option] } : {});
  if (jsx === "react-jsx" || jsx === "react-jsxdev") {
    const { jsxImportSource } = text("jsxImportSource") as { jsxImportSource?: string };
    return { runtime: "automatic", ...(jsxImportSource && { importSource: jsxImportSource }) };
  }
  if (jsx !== "react") return null;
  const { jsxFactory, jsxFragmentFactory } = { ...text("jsxFactory"), ...text("jsxFragmentFactory") } as Record<string, string | undefined>;
  return { runtime: "classic", ...(jsxFactory && { pragma: jsxFactory }), ...(jsxFragmentFactory && { pragmaFrag: jsxFragmentFactory }) };
}
