/** The sources people know, cells and files, and the scripts that V8 has made of them. */
import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "../protocol/message.js";
import type { DebuggedCell } from "../runtime/debugging.js";
import type { Devtools } from "./devtools.js";
import type { CallFrame } from "./values.js";
import { murmur2 } from "./murmur2.js";

/** A place in a source as people count: from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A source as the front end names it. */
export interface Source {
  readonly name: string;
  readonly path: string;
}

/**
 * How front ends compute a cell's path: `prefix + murmur2(code, seed) + suffix`. No such file exists.
 * JupyterLab shows `Cell [3]` for a path with "ipykernel_" in it, and the path for others.
 */
export const hashing = { seed: 0xc70f6907, prefix: join(tmpdir(), `cellgrad-ipykernel_${process.pid}`) + sep, suffix: ".ts" } as const;

const kernelFolder = new URL("..", import.meta.url).href;
const libraryFolder = new URL("../../src/", import.meta.url).href;
const cellUrl = /^cell:\/\/(\d+)$/;

export function pathOfCell(code: string): string {
  return hashing.prefix + murmur2(code, hashing.seed) + hashing.suffix;
}

export class Sources {
  /** Whether libraries are left out of stacks and steps. */
  justMyCode = true;
  readonly #devtools: Devtools;
  readonly #texts = new Map<string, string>();
  readonly #cells = new Map<number, DebuggedCell>();
  /** Source maps of modules by their URL, unread. */
  readonly #maps = new Map<string, string>();

  constructor(devtools: Devtools) {
    this.#devtools = devtools;
  }

  /** Remembers the text of a cell; returns its path. */
  dump(code: string): string {
    const path = pathOfCell(code);
    this.#texts.set(path, code);
    return path;
  }

  /** Remembers a cell that runs. */
  add(cell: DebuggedCell): void {
    this.#cells.set(cell.key, cell);
    this.dump(cell.code);
  }

  /** The scripts that were made of a cell's text. */
  keysOf(path: string): number[] {
    return [...this.#cells.values()].filter(({ code }) => pathOfCell(code) === path).map(({ key }) => key);
  }

  /** Takes note of a script of V8. */
  parsed({ url, sourceMapURL }: JsonObject): void {
    if (typeof url === "string" && url.startsWith("file:") && !this.isHidden(url)) this.#maps.set(url, String(sourceMapURL ?? ""));
  }

  /** R has ended: its scripts are gone, cells may be asked about still. */
  forgetScripts(): void {
    this.#cells.clear();
    this.#maps.clear();
  }

  /** The text of a source; null for what is neither a cell nor a module that was loaded. */
  read(path: string): string | null {
    const text = this.#texts.get(path);
    if (text !== undefined) return text;
    return this.modules().some((module) => module.path === path) ? readFileSync(path, "utf8") : null;
  }

  /** The text of a cell. */
  cellText(path: string): string | null {
    return this.#texts.get(path) ?? null;
  }

  /** The files that cells have loaded, without packages. */
  modules(): Source[] {
    const paths = new Set([...this.#maps.keys()].map(pathOfUrl));
    return [...paths].map((path) => ({ name: basename(path), path }));
  }

  /** Whether a script is nobody's business: the kernel, Node, the library, packages. */
  isHidden(url: string): boolean {
    if (cellUrl.test(url)) return false;
    if (!url.startsWith("file:") || url.startsWith(kernelFolder)) return true;
    return this.justMyCode && (url.startsWith(libraryFolder) || url.includes("/node_modules/"));
  }

  /** Patterns of the scripts that steps pass over. */
  hiddenPatterns(): string[] {
    const libraries = this.justMyCode ? [`^${escapePattern(libraryFolder)}`, "/node_modules/"] : [];
    return ["^node:", `^${escapePattern(kernelFolder)}`, ...libraries];
  }

  /** What each frame is called, and where it stands in its source. */
  async locate(frames: readonly CallFrame[]): Promise<readonly (Place & { readonly name: string; readonly source: Source })[]> {
    const keys = frames.map(({ url }) => Number(cellUrl.exec(url)?.[1] ?? 0));
    const asked = frames.map(({ location }, i) => [keys[i]!, location.lineNumber + 1, (location.columnNumber ?? 0) + 1] as const);
    const places = await this.#devtools.call("places", asked);
    return frames.map((frame, i) => {
      const [line, column] = places[i]!;
      const cell = this.#cells.get(keys[i]!);
      if (!cell) return this.#inFile(frame);
      const source = { name: `Cell [${cell.count}]`, path: pathOfCell(cell.code) };
      return { name: frame.functionName.replaceAll("\u200c", "") || source.name, source, line, column };
    });
  }

  #inFile({ url, functionName, location }: CallFrame): Place & { readonly name: string; readonly source: Source } {
    const path = url.startsWith("file:") ? pathOfUrl(url) : url;
    const source = { name: basename(path), path };
    const [line, column] = [location.lineNumber, location.columnNumber ?? 0];
    const entry = readMap(this.#maps.get(url))?.findEntry(line, column);
    const name = functionName || source.name;
    if (!entry || !("originalLine" in entry)) return { name, source, line: line + 1, column: column + 1 };
    return { name, source, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  }
}

/** The file of a module's URL, which may carry a version. */
function pathOfUrl(url: string): string {
  return fileURLToPath(url.split("?")[0]!);
}

/** A source map that a script carries in itself; others are not read. */
function readMap(url: string | undefined): SourceMap | null {
  const data = /^data:application\/json;base64,(.*)$/.exec(url ?? "")?.[1];
  return data === undefined ? null : new SourceMap(JSON.parse(Buffer.from(data, "base64").toString()) as SourceMapPayload);
}

export function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
