/** The inputs of all sessions, in a file of one JSON text a line; in memory only where no file can be written. */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { JsonObject } from "../protocol/message.js";

/** Session number, execution count, code. */
type Entry = readonly [session: number, line: number, input: string];

/** Entries kept in memory, the newest. */
const capacity = 10000;
/** Longer inputs are not kept: they hold data, not code. */
const maxLength = 100_000;

export class History {
  readonly #path: string;
  #entries: Entry[] | null = null;
  #session = 1;

  constructor(path: string = defaultPath()) {
    this.#path = path;
  }

  add(line: number, input: string): void {
    if (input.length > maxLength) return;
    const entries = this.#load();
    const entry: Entry = [this.#session, line, input];
    entries.push(entry);
    if (entries.length > capacity) entries.splice(0, entries.length - capacity);
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, JSON.stringify(entry) + "\n", { mode: 0o600 });
    } catch {
      // A read-only home: the session's own history still works.
    }
  }

  /** Answers a history_request: `tail`, `range` or `search`; an output is never kept, so it is null where it is asked for. */
  query(request: JsonObject): readonly unknown[] {
    const found = select(this.#load(), this.#session, request);
    return request.output === true ? found.map(([session, line, input]) => [session, line, [input, null]]) : found;
  }

  #load(): Entry[] {
    if (this.#entries) return this.#entries;
    this.#entries = readEntries(this.#path).slice(-capacity);
    this.#session = (this.#entries.at(-1)?.[0] ?? 0) + 1;
    return this.#entries;
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
      return entries.filter(([of, line]) => of === session && line >= start && line < stop);
    }
    case "search": {
      const pattern = globPattern(typeof request.pattern === "string" ? request.pattern : "*");
      const matches = entries.filter(([, , input]) => pattern.test(input));
      const last = request.unique === true ? [...new Map(matches.map((entry) => [entry[2], entry])).values()] : matches;
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

function readEntries(path: string): Entry[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line);
      return isEntry(entry) ? [entry] : [];
    } catch {
      return []; // the end of a line that a full disk cut
    }
  });
}

function isEntry(value: unknown): value is Entry {
  return Array.isArray(value) && typeof value[0] === "number" && typeof value[1] === "number" && typeof value[2] === "string";
}

function defaultPath(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "cellgrad", "history.jsonl");
}
