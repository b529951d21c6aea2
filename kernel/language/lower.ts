/** Lowers the syntax that V8 does not run by itself: `using` in functions on older Node, JSX, decorators. */
import { createRequire } from "node:module";
import MagicString from "magic-string";
import { parseSync } from "oxc-parser";
import type { Helpers, TransformOptions } from "oxc-transform";
import type { Features } from "./scope.js";
import type { TransformSettings } from "./types.js";

/** A lowered script and its source map as JSON objects, innermost first. */
export interface Lowered {
  readonly code: string;
  readonly maps: readonly object[];
}

/** `HelperMode.External`, a const enum of which nothing exists at run time: helpers are called on the global `babelHelpers`. */
const externalHelpers = { mode: "External" } as unknown as Helpers;
const require = createRequire(import.meta.url);
const knowsUsing = canParse("{ using x = null; }");
const target = `node${process.versions.node.split(".")[0]}`;

/** Whether a cell needs {@link lower}. */
export function needsLowering(features: Features): boolean {
  return features.decorators || features.jsx || (features.usingInside && !knowsUsing);
}

/** Lowers a script whose top level declares nothing. Throws an Error with oxc's or esbuild's message. */
export function lower(script: string, features: Features, settings: TransformSettings): Lowered {
  const standardDecorators = features.decorators && !settings.experimentalDecorators;
  const lowered = standardDecorators ? lowerByEsbuild(script, settings, settings.jsx ? "jsx" : "js") : lowerByOxc(script, settings);
  const block = asBlock(lowered.code);
  return { code: block.toString(), maps: [lowered.map, JSON.parse(block.generateMap({ hires: true }).toString()) as object] };
}

// Both compilers are loaded when a cell needs them, which most sessions never do.
function lowerByOxc(script: string, settings: TransformSettings) {
  const { transformSync } = require("oxc-transform") as typeof import("oxc-transform");
  const result = transformSync("cell.jsx", script, {
    lang: "jsx",
    sourceType: "module",
    sourcemap: true,
    ...oxcLowering(settings),
  });
  if (result.errors[0]) throw new Error(result.errors[0].message);
  return { code: result.code, map: result.map as object };
}

/** How oxc lowers what this Node does not run, as the project says; its helpers are called on `babelHelpers`. */
export function oxcLowering({ jsx, experimentalDecorators }: TransformSettings): TransformOptions {
  return { target, helpers: externalHelpers, decorator: { legacy: experimentalDecorators }, ...(jsx && { jsx: jsxOptions(jsx) }) };
}

function jsxOptions({ runtime, importSource, pragma, pragmaFrag }: NonNullable<TransformSettings["jsx"]>) {
  return runtime === "automatic" ? { runtime, importSource } : { runtime, pragma, pragmaFrag };
}

/** oxc does not lower standard decorators yet; esbuild does, in a process of its own that ends with the call. */
export function lowerByEsbuild(script: string, settings: TransformSettings, loader: "js" | "jsx" | "ts" | "tsx") {
  const esbuild = require("esbuild") as typeof import("esbuild");
  const { runtime, importSource, pragma, pragmaFrag } = settings.jsx ?? {};
  const result = esbuild.transformSync(script, {
    loader,
    tsconfigRaw: {}, // nothing of a tsconfig.json that happens to be near
    target,
    sourcemap: "external",
    keepNames: true,
    logLevel: "silent",
    ...(runtime === "automatic" && { jsx: "automatic", jsxImportSource: importSource }),
    ...(runtime === "classic" && { jsxFactory: pragma, jsxFragment: pragmaFrag }),
  });
  return { code: result.code, map: JSON.parse(result.map) as object };
}

/** Keeps the helpers that a lowering adds out of the session: `var` becomes a block's `let`, an added import a hook call. */
function asBlock(code: string): MagicString {
  const { program } = parseSync("cell.js", code, { sourceType: "module" });
  const output = new MagicString(code);
  const start = program.body.find((each) => !(each.type === "ExpressionStatement" && each.directive))?.start ?? code.length;
  for (const statement of program.body) {
    if (statement.type === "VariableDeclaration") output.update(statement.start, statement.declarations[0]!.start, "let ");
    if (statement.type !== "ImportDeclaration") continue;
    const names = statement.specifiers.map((each) => {
      if (each.type !== "ImportSpecifier") return `default:${each.local.name}`;
      return `${"name" in each.imported ? each.imported.name : each.imported.raw}:${each.local.name}`;
    });
    output.update(statement.start, statement.end, `const {${names.join()}}=await __cellgrad.import(${statement.source.raw});`);
  }
  // Not by oxc's `define`: that also drops a last expression without side effects, which is the cell's result.
  const helpers = code.includes("babelHelpers.") ? "const babelHelpers=__cellgrad.helpers;" : "";
  return output.appendLeft(start, `{${helpers}`).append("\n}");
}

function canParse(code: string): boolean {
  try {
    new Function(code);
    return true;
  } catch {
    return false;
  }
}
