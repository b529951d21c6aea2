/** The inputs and results of all sessions, in a file of one JSON text a line; in memory only where no file can be written. */
import { randomUUID } from "node:crypto";
import { appendFileSync, closeSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { JsonObject } from "../protocol/message.js";

/**
 * A line of the file: `[session, count, code]` is what was run, `[session, count, null, text]` its result, and
 * `[session, 0, null, id]` the claim of the kernel `id` to a session number: the first one in the file has it.
 */
type Line = readonly [session: number, count: number, input: string | null, rest?: string];

interface Entry {
  readonly session: number;
  readonly line: number;
  readonly input: string;
  output: string | null;
}

/** Entries kept in memory, the newest. */
const capacity = 10000;
/** Longer inputs and results are not kept: they hold data. */
const maxLength = 100_000;
/** So much of the file's end is read, in bytes. */
const maxRead = 16 << 20;

export class History {
  readonly #path: string;
  readonly #id = randomUUID();
  #entries: Entry[] | null = null;
  #session = 1;

  constructor(path: string = defaultPath()) {
    this.#path = path;
  }

  /** Remembers what is run as `line` of this session. */
  add(line: number, input: string): void {
    if (input.length > maxLength) return;
    const entries = this.#load();
    entries.push({ session: this.#session, line, input, output: null });
    if (entries.length > capacity) entries.splice(0, entries.length - capacity);
    this.#append([this.#session, line, input]);
  }

  /** Remembers the result of `line`. */
  addOutput(line: number, output: string): void {
    const entry = this.#load().findLast((entry) => entry.session === this.#session && entry.line === line);
    if (!entry || output.length > maxLength) return;
    entry.output = output;
    this.#append([this.#session, line, null, output]);
  }

  /** Answers a history_request: `tail`, `range` or `search`. */
  query(request: JsonObject): readonly unknown[] {
    const found = select(this.#load(), this.#session, request);
    return found.map(({ session, line, input, output }) => [session, line, request.output === true ? [input, output] : input]);
  }

  #load(): Entry[] {
    if (this.#entries) return this.#entries;
    const lines = readLines(this.#path);
    this.#entries = toEntries(lines).slice(-capacity);
    this.#session = lines.reduce((last, [session]) => Math.max(last, session), 0) + 1;
    while (this.#append([this.#session, 0, null, this.#id]) && !this.#owns(this.#session)) this.#session++;
    return this.#entries;
  }

  /** Whether this kernel was the first to claim a number: several may start at once. */
  #owns(number: number): boolean {
    const claim = readLines(this.#path).find(([session, count]) => session === number && count === 0);
    return claim === undefined || claim[3] === this.#id;
  }

  #append(line: Line): boolean {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, JSON.stringify(line) + "\n", { mode: 0o600 });
      return true;
    } catch {
      return false; // a read-only home: the session's own history still works
    }
  }
}

function select(entries: readonly Entry[], current: number, request: JsonObject): readonly Entry[] {
  const n = typeof request.n === "number" ? Math.max(0, request.n) : undefined;
  switch (request.hist_access_type) {
    case "range": {
      const asked = typeof request.session === "number" ? request.session : 0;
      const session = asked > 0 ? asked : current + asked;
      const start = typeof request.start === "number" ? request.start : 0;
      const stop = typeof request.stop === "number" ? request.stop : Infinity;
      return entries.filter((entry) => entry.session === session && entry.line >= start && entry.line < stop);
    }
    case "search": {
      const pattern = globPattern(typeof request.pattern === "string" ? request.pattern : "*");
      const matches = entries.filter(({ input }) => pattern.test(input));
      const last = request.unique === true ? [...new Map(matches.map((entry) => [entry.input, entry])).values()] : matches;
      return n === undefined ? last : last.slice(Math.max(0, last.length - n));
    }
    default:
      return entries.slice(Math.max(0, entries.length - (n ?? entries.length)));
  }
}

/** `*` and `?` as in a shell. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, "[^]*")
    .replace(/\?/g, "[^]");
  return new RegExp(`^${source}$`);
}

function toEntries(lines: readonly Line[]): Entry[] {
  const entries = new Map<string, Entry>();
  for (const [session, line, input, output] of lines) {
    const key = `${session}:${line}`;
    if (input !== null) entries.set(key, { session, line, input, output: null });
    else if (entries.has(key)) entries.get(key)!.output = output ?? null;
  }
  return [...entries.values()];
}

function readLines(path: string): Line[] {
  return readEnd(path)
    .split("\n")
    .flatMap((text) => {
      try {
        const line: unknown = JSON.parse(text);
        return isLine(line) ? [line] : [];
      } catch {
        return []; // cut: at the start of what was read, or by a full disk
      }
    });
}

function readEnd(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(Math.min(size, maxRead));
      return bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, size - bytes.length));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}

function isLine(value: unknown): value is Line {
  if (!Array.isArray(value)) return false;
  const [session, count, input, rest] = value as unknown[];
  return isCount(session) && isCount(count) && (typeof input === "string" || (input === null && typeof rest === "string"));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function defaultPath(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "cellgrad", "history.jsonl");
}
