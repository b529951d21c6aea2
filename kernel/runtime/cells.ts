/** The cells that R has run: which one the current code belongs to, and where a script's positions are in its text. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import { isAbsolute } from "node:path";
import type { Worker } from "node:worker_threads";
import type { CellSpan } from "../../src/wire/devices.js";
import type { Position, TransformedCell } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";
import type { RuntimeCell } from "./messages.js";

/** A cell while it runs, and as the owner of whatever it left running. */
export interface ActiveCell extends RuntimeCell {
  /** Work to finish before the cell is reported as done. */
  readonly beforeIdle: (() => void | Promise<void>)[];
  /** What the front end shows in its pager. */
  readonly payload: JsonObject[];
  /** Processes that the cell has started. */
  readonly children: Set<ChildProcess>;
  /** Threads that it has started. */
  readonly workers: Set<Worker>;
  /** Set when the cell was interrupted: its timers no longer fire. */
  stopped: boolean;
}

/** The cell whose code runs, followed through awaits, timers and callbacks. */
export const activeCell = new AsyncLocalStorage<ActiveCell>();

interface Script {
  readonly cell: RuntimeCell;
  readonly map: TransformedCell["map"];
}

// Node's own, which user code may replace.
const { readFileSync } = fs;

/** Cells whose positions are exact: a map takes several KB. */
const mostMaps = 1000;

const scripts = new Map<number, Script>();
const codeByCount = new Map<number, string>();
const urlPattern = /cell:\/\/(\d+):(\d+):(\d+)/g;

/** Cells that are remembered. */
const mostSpans = 5000;

const spans = new Map<number, CellSpan>();

/** Notes that a cell has started. */
export function noteStart({ key, count, id }: RuntimeCell): void {
  if (spans.size >= mostSpans) spans.delete(spans.keys().next().value!);
  spans.set(key, { count, id, start: Date.now(), end: null });
}

/** Notes that a cell has ended. */
export function noteEnd(key: number): void {
  const span = spans.get(key);
  if (span) spans.set(key, { ...span, end: Date.now() });
}

/** When the last cells ran, oldest first. */
export const cellSpans = (): readonly CellSpan[] => [...spans.values()];

/** The URL by which V8 knows a cell's script. */
export function scriptUrl(key: number): string {
  return `cell://${key}`;
}

/** Remembers how positions in a cell's script map to its text. */
export function registerScript(cell: RuntimeCell, map: Script["map"]): void {
  scripts.set(cell.key, { cell, map });
  codeByCount.set(cell.count, cell.code);
  const old = scripts.get(cell.key - mostMaps);
  if (old) scripts.set(old.cell.key, { cell: old.cell, map: unchanged });
}

/** Near enough for a script whose map is given up: lines do not move, columns seldom. */
function unchanged(place: Position): Position {
  return place;
}

/** Every cell that has a script. */
export function cellsOf(): RuntimeCell[] {
  return [...scripts.values()].map(({ cell }) => cell);
}

/** Where a place of a cell's script is in its text. */
export function placeIn(key: number, place: Position): Position {
  return scripts.get(key)?.map(place) ?? place;
}

/** The text of the cell that people know as `Cell [count]`, or of a file of theirs. */
export function textOf(source: string): string | undefined {
  const count = /^Cell \[(\d+)\]$/.exec(source)?.[1];
  if (count !== undefined) return codeByCount.get(Number(count));
  if (!isAbsolute(source) || source.includes("/node_modules/")) return undefined;
  try {
    return readFileSync(source, "utf8");
  } catch {
    return undefined; // gone since, or no file at all
  }
}

/** Replaces every script position in a text by the cell's: `cell://7:2:3` becomes `Cell [5]:2:3`. */
export function namePlaces(text: string): string {
  return text.replace(urlPattern, (place, key: string, line: string, column: string) => {
    const script = scripts.get(Number(key));
    if (!script) return place;
    const position: Position = script.map({ line: Number(line), column: Number(column) });
    return `Cell [${script.cell.count}]:${position.line}:${position.column}`;
  });
}
