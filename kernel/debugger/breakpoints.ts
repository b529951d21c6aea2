/** Breakpoints: asked for in the lines of a source, set in every script that is or will be made of it. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { Language } from "../language/service.js";
import type { JsonObject } from "../protocol/message.js";
import type { DebuggedCell } from "../runtime/debugging.js";
import type { Devtools } from "./devtools.js";
import type { Location } from "./values.js";
import { escapePattern, pathOfCell, type Place, type Sources } from "./sources.js";
import { nearest, stopsOfCell, stopsOfFile, type Stop } from "./stops.js";

interface Breakpoint {
  readonly id: number;
  readonly asked: { readonly line: number; readonly column: number | null };
  /** V8 stops only where this is true; it may also log and be false. */
  readonly condition: string;
  place: Place | null;
  /** What V8 calls it, once a script. */
  readonly set: string[];
}

export class Breakpoints {
  readonly #devtools: Devtools;
  readonly #language: Language;
  readonly #sources: Sources;
  readonly #byPath = new Map<string, Breakpoint[]>();
  #lastId = 0;

  constructor(devtools: Devtools, language: Language, sources: Sources) {
    this.#devtools = devtools;
    this.#language = language;
    this.#sources = sources;
  }

  /** Replaces the breakpoints of a source; returns them as DAP describes them. */
  async set(path: string, asked: readonly JsonObject[]): Promise<JsonObject[]> {
    await this.#remove(path);
    const text = this.#sources.cellText(path);
    const stops = text === null ? await this.#stopsOfFile(path) : await stopsOfCell(this.#devtools, text);
    const breakpoints: Breakpoint[] = [];
    for (const each of asked) breakpoints.push(await this.#make(each));
    if (breakpoints.length > 0) this.#byPath.set(path, breakpoints);
    for (const breakpoint of breakpoints) breakpoint.place = nearest(stops, breakpoint.asked)?.place ?? null;
    if (text === null) await this.#setInFile(path, stops);
    else for (const key of this.#sources.keysOf(path)) await this.#setInCell(key, breakpoints, stops, "made");
    return breakpoints.map((breakpoint) => describe(path, breakpoint, stops.length > 0));
  }

  #stopsOfFile(path: string): Promise<readonly Stop[]> {
    return stopsOfFile(path, this.#language.transformSettings);
  }

  /** Sets a cell's breakpoints before it runs. */
  async arm({ key, code }: DebuggedCell): Promise<void> {
    const breakpoints = this.#byPath.get(pathOfCell(code));
    if (breakpoints) await this.#setInCell(key, breakpoints, await stopsOfCell(this.#devtools, code), "to come");
  }

  /** Sets them all again, in a runtime that knows none; cells are armed as they run. */
  async restore(): Promise<void> {
    for (const [path, breakpoints] of this.#byPath) {
      for (const { set } of breakpoints) set.splice(0);
      if (this.#sources.cellText(path) === null) await this.#setInFile(path, await this.#stopsOfFile(path));
      for (const key of this.#sources.keysOf(path)) {
        await this.#setInCell(key, breakpoints, await stopsOfCell(this.#devtools, this.#sources.cellText(path)!), "made");
      }
    }
  }

  clear(): void {
    this.#byPath.clear();
  }

  /** The breakpoints as debugInfo lists them. */
  list(): JsonObject[] {
    return [...this.#byPath].map(([source, breakpoints]) => ({
      source,
      breakpoints: breakpoints.map(({ place, asked }) => ({ line: (place ?? asked).line })),
    }));
  }

  /** The numbers of breakpoints that V8 has stopped at. */
  idsOf(set: readonly string[]): number[] {
    return [...this.#byPath.values()].flat().flatMap(({ id, set: own }) => (own.some((each) => set.includes(each)) ? [id] : []));
  }

  async #remove(path: string): Promise<void> {
    const set = this.#byPath.get(path)?.flatMap((breakpoint) => breakpoint.set) ?? [];
    this.#byPath.delete(path);
    for (const breakpointId of set) await this.#devtools.post("Debugger.removeBreakpoint", { breakpointId });
  }

  async #make({ line, column, condition, logMessage }: JsonObject): Promise<Breakpoint> {
    const asked = { line: Number(line), column: typeof column === "number" ? column : null };
    const conditions = [
      typeof condition === "string" && condition !== "" ? await this.#expression(condition) : "",
      typeof logMessage === "string" && logMessage !== "" ? await this.#expression(logging(logMessage)) : "",
    ].filter((each) => each !== "");
    return { id: ++this.#lastId, asked, condition: conditions.join(" && "), place: null, set: [] };
  }

  /** TypeScript as an expression of V8's. */
  async #expression(code: string): Promise<string> {
    const read = await this.#devtools.call("expression", `(${code})`, []);
    if ("error" in read) throw new Error(`condition: ${read.error}`);
    return `(${read.js.replace(/^"use strict";/, "").replace(/;\s*$/, "")})`;
  }

  /** `made`: a script that V8 has; where it has dropped code that will not run again, it would choose another line. */
  async #setInCell(key: number, breakpoints: readonly Breakpoint[], stops: readonly Stop[], script: "made" | "to come"): Promise<void> {
    for (const breakpoint of breakpoints) {
      const stop = nearest(stops, breakpoint.asked);
      if (!stop) continue;
      const answer = await this.#place(breakpoint, { url: `cell://${key}` }, stop);
      const elsewhere = answer?.locations.some(({ lineNumber }) => lineNumber !== stop.line) ?? false;
      if (script === "to come" || !elsewhere) continue;
      await this.#devtools.post("Debugger.removeBreakpoint", { breakpointId: breakpoint.set.pop()! });
    }
  }

  /** In every version of the file that is or will be loaded. */
  async #setInFile(path: string, stops: readonly Stop[]): Promise<void> {
    if (!isAbsolute(path)) return;
    const urlRegex = `^${escapePattern(pathToFileURL(path).href)}(\\?version=\\d+)?$`;
    for (const breakpoint of this.#byPath.get(path) ?? []) {
      const stop = nearest(stops, breakpoint.asked);
      if (stop) await this.#place(breakpoint, { urlRegex }, stop);
    }
  }

  async #place(
    { condition, set }: Breakpoint,
    script: JsonObject,
    { line, column }: Stop,
  ): Promise<{ readonly locations: readonly Location[] } | null> {
    const parameters = { ...script, lineNumber: line, columnNumber: column, ...(condition === "" ? {} : { condition }) };
    try {
      type Answer = { readonly breakpointId: string; readonly locations: readonly Location[] };
      const answer = await this.#devtools.post<Answer>("Debugger.setBreakpointByUrl", parameters);
      set.push(answer.breakpointId);
      return answer;
    } catch (error) {
      if (/already exists/.test((error as Error).message)) return null; // two lines without code between them and the next
      throw error;
    }
  }
}

function describe(path: string, { id, place, asked }: Breakpoint, canStop: boolean): JsonObject {
  const source = { path };
  if (place) return { id, verified: true, source, line: place.line, column: place.column };
  return { id, verified: false, source, line: asked.line, message: canStop ? "no code from here on" : "no code is known for this source" };
}

/** `loss is {loss}` as a call of console.log that is no reason to stop. */
function logging(message: string): string {
  const values = [...message.matchAll(/\{([^{}]*)\}/g)].map(([, expression]) => `(${expression})`);
  const text = message.replaceAll("%", "%%").replace(/\{[^{}]*\}/g, "%o");
  return `console.log(${[JSON.stringify(text), ...values].join()}), false`;
}
