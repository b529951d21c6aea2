/** Where code can be stopped at: the lines and columns of a source, and of the script that V8 has of it. */
import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import type { TransformSettings } from "../language/types.js";
import type { Devtools } from "./devtools.js";
import type { Location } from "./values.js";
import type { Place } from "./sources.js";

/** A place in a script, from 0, and in its source. */
export interface Stop {
  readonly line: number;
  readonly column: number;
  readonly place: Place;
}

/** Code is compiled, not run, inside this, which adds columns to its first line. */
const wrapper = { head: "(async()=>{", tail: "\n})" };

/** The first stop at or after a line, or after a column of it. */
export function nearest(stops: readonly Stop[], asked: { readonly line: number; readonly column: number | null }): Stop | null {
  const isAfter = ({ place }: Stop) =>
    place.line > asked.line || (place.line === asked.line && (asked.column === null || place.column >= asked.column));
  return stops.find(isAfter) ?? null;
}

/** Where V8 can stop in a cell, in the order of its text. Nothing when it does not parse. */
export async function stopsOfCell(devtools: Devtools, code: string): Promise<readonly Stop[]> {
  const script = await devtools.call("draft", code);
  if (script === null) return [];
  const { scriptId } = await devtools.post<{ readonly scriptId?: string }>("Runtime.compileScript", {
    expression: wrapper.head + script + wrapper.tail,
    sourceURL: "node:cellgrad-draft",
    persistScript: true,
  });
  if (scriptId === undefined) return [];
  const start = { scriptId, lineNumber: 0, columnNumber: wrapper.head.length };
  const { locations } = await devtools.post<{ readonly locations: readonly Location[] }>("Debugger.getPossibleBreakpoints", { start });
  const lastLine = script.split("\n").length - 1;
  const inside = locations.flatMap(({ lineNumber: line, columnNumber = 0 }) =>
    line > lastLine ? [] : [{ line, column: line === 0 ? columnNumber - wrapper.head.length : columnNumber }],
  );
  const places = await devtools.call(
    "places",
    inside.map(({ line, column }) => [0, line + 1, column + 1] as const),
  );
  return sorted(inside.map((at, i) => ({ ...at, place: { line: places[i]![0], column: places[i]![1] } })));
}

/** Where the code of a module is: V8 stops there or at what follows. Nothing when the file cannot be read or does not parse. */
export async function stopsOfFile(path: string, settings: TransformSettings): Promise<readonly Stop[]> {
  const { isStripped, stripModule } = await import("../runtime/strip-module.js");
  let stripped: { readonly code: string; readonly map: object | null };
  try {
    const text = readFileSync(path, "utf8");
    stripped = isStripped(path) ? stripModule(path, text, settings) : { code: text, map: null };
  } catch {
    return [];
  }
  const source = stripped.map && new SourceMap(stripped.map as SourceMapPayload);
  const words = stripped.code
    .split("\n")
    .flatMap((content, line) => [...content.matchAll(/[\w$]+/g)].map(({ index }) => ({ line, column: index })));
  const stops = words.flatMap(({ line, column }): Stop[] => {
    if (!source) return [{ line, column, place: { line: line + 1, column: column + 1 } }];
    const entry = source.findEntry(line, column);
    return "originalLine" in entry ? [{ line, column, place: { line: entry.originalLine + 1, column: entry.originalColumn + 1 } }] : [];
  });
  return sorted(stops);
}

function sorted(stops: readonly Stop[]): readonly Stop[] {
  return stops.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
}
