/** Notebook files (nbformat 4): reading, the outputs that messages make, and saving so that a crash leaves the old file or the new one. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, basename } from "node:path";
import type { JsonObject, Message } from "../protocol/message.js";

type Text = string | readonly string[];

export interface Cell {
  readonly cell_type: string;
  readonly id?: string;
  metadata: { readonly tags?: readonly string[] };
  source: Text;
  outputs?: JsonObject[];
  execution_count?: number | null;
}

export interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: { readonly kernelspec?: { readonly language?: string; readonly name?: string } };
  cells: Cell[];
}

export function readNotebook(path: string): Notebook {
  const notebook = JSON.parse(readFileSync(path, "utf8")) as Partial<Notebook> | null;
  if (notebook?.nbformat !== 4 || !Array.isArray(notebook.cells)) throw new Error(`${path} is not a notebook of nbformat 4`);
  const language = notebook.metadata?.kernelspec?.language;
  if (language !== undefined && language !== "typescript") throw new Error(`${path} is a notebook of ${language}, not of TypeScript`);
  return notebook as Notebook;
}

/** Writes under a temporary name beside `path`, waits for the disk, and renames. */
export function saveNotebook(path: string, notebook: Notebook): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, JSON.stringify(sorted(notebook), null, 1) + "\n");
    for (const step of [() => sync(temporary), () => renameSync(temporary, path), () => sync(dirname(path))]) step();
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function sync(path: string): void {
  const file = openSync(path, "r");
  fsyncSync(file);
  closeSync(file);
}

/** As Jupyter writes: keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

export function textOf(text: Text): string {
  return typeof text === "string" ? text : text.join("");
}

/** Text as a notebook stores it: lines with their ends. */
export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Puts what a front end would show into the cells' outputs. */
export class Recorder {
  /** Displays that a later message may replace, by their id. */
  readonly #displays = new Map<string, JsonObject[]>();
  #clearLater = false;

  record(cell: Cell, { header, content }: Message): void {
    const outputs = (cell.outputs ??= []);
    switch (header.msg_type) {
      case "stream":
        return this.#add(cell, { output_type: "stream", name: content.name, text: linesOf(String(content.text)) });
      case "display_data":
      case "execute_result":
        return this.#display(cell, header.msg_type, content);
      case "update_display_data": {
        const id = displayId(content);
        for (const output of this.#displays.get(id ?? "") ?? []) Object.assign(output, bundleOf(content));
        return;
      }
      case "error": {
        const { ename, evalue, traceback } = content;
        return this.#add(cell, { output_type: "error", ename, evalue, traceback });
      }
      case "clear_output":
        if (content.wait === true) this.#clearLater = true;
        else outputs.length = 0;
        return;
    }
  }

  #display(cell: Cell, type: string, content: JsonObject): void {
    const count = type === "execute_result" ? { execution_count: content.execution_count } : {};
    const output = { output_type: type, ...bundleOf(content), ...count };
    const id = displayId(content);
    if (id !== null) this.#displays.set(id, [...(this.#displays.get(id) ?? []), output]);
    this.#add(cell, output);
  }

  #add(cell: Cell, output: JsonObject): void {
    const outputs = cell.outputs!;
    if (this.#clearLater) outputs.length = 0;
    this.#clearLater = false;
    const last = outputs.at(-1) as { output_type?: unknown; name?: unknown; text?: string[] } | undefined;
    if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name) {
      last.text = linesOf(last.text!.join("") + (output.text as string[]).join(""));
    } else outputs.push(output);
  }
}

function displayId({ transient }: JsonObject): string | null {
  const id = (transient as { display_id?: unknown } | undefined)?.display_id;
  return typeof id === "string" ? id : null;
}

/** Text is stored in lines, pictures in base64 and JSON as they are. */
function bundleOf({ data, metadata }: JsonObject): JsonObject {
  const isText = (mime: string) => mime.startsWith("text/") || mime === "image/svg+xml" || mime === "application/javascript";
  const entries = Object.entries(data as JsonObject).map(([mime, value]): [string, unknown] => [
    mime,
    typeof value === "string" && isText(mime) ? linesOf(value) : value,
  ]);
  return { data: Object.fromEntries(entries), metadata: metadata ?? {} };
}
