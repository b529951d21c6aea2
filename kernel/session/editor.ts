/** Notebooks that front ends have open, each on a comm of its own: texts of cells come in, what is wrong with them and could be written goes out. */
import { relative, sep } from "node:path";
import {
  isEditorMessage,
  type CompleteRequest,
  type DefineRequest,
  type EditorAnswer,
  type EditorReply,
  type EditorRequest,
  type NotebookMessage,
  type ResolveRequest,
} from "../../src/wire/editor.js";
import type { Language, Notebook, Scope } from "../language/service.js";
import type { Diagnostic } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";
import { propose, withLive, type Proposals } from "./assist.js";
import type { Runtime } from "./runtime.js";

/** Pages that were closed leave their comms open: of more than these, the one that was silent longest is closed. */
const mostNotebooks = 4;

/** Sends data on a comm, or closes it. */
export interface EditorWire {
  send(comm: string, data: JsonObject): void;
  close(comm: string): void;
}

interface OpenNotebook {
  readonly notebook: Notebook;
  readonly texts: Map<string, string>;
  /** The diagnostics that were sent last, as text. */
  readonly said: Map<string, string>;
  sequence: number;
  /** What was proposed last. */
  proposals: Proposals | null;
}

export class Editor {
  readonly #language: Language;
  readonly #runtime: Runtime;
  readonly #wire: EditorWire;
  /** By comm, the one that spoke last at the end. */
  readonly #open = new Map<string, OpenNotebook>();

  constructor(language: Language, runtime: Runtime, wire: EditorWire) {
    this.#language = language;
    this.#runtime = runtime;
    this.#wire = wire;
  }

  open(comm: string): void {
    this.close(comm);
    const [silent] = this.#open.keys();
    if (this.#open.size >= mostNotebooks) this.#wire.close(silent!);
    const notebook = this.#language.openNotebook((id, diagnostics) => this.#tell(comm, id, diagnostics));
    this.#open.set(comm, { notebook, texts: new Map(), said: new Map(), sequence: 0, proposals: null });
  }

  async message(comm: string, data: JsonObject): Promise<void> {
    const open = this.#open.get(comm);
    if (!open || !isEditorMessage(data)) return;
    this.#open.delete(comm);
    this.#open.set(comm, open);
    if (data.kind === "notebook") return update(open, data);
    this.#wire.send(comm, { ...(await this.#answer(open, data)) });
  }

  /** The names that code sees which is the text of a cell in an open notebook; undefined for any other code. */
  scopeOf(code: unknown): Scope | undefined {
    for (const { notebook, texts } of [...this.#open.values()].reverse()) {
      for (const [id, text] of texts) if (text === code) return notebook.scopeOf(id);
    }
    return undefined;
  }

  close(comm: string): void {
    this.#open.get(comm)?.notebook.close();
    this.#open.delete(comm);
  }

  #answer(open: OpenNotebook, question: EditorRequest): Promise<EditorAnswer> {
    switch (question.kind) {
      case "complete":
        return this.#complete(open, question);
      case "resolve":
        return this.#resolve(open, question);
      case "define":
        return this.#define(open, question);
    }
  }

  async #complete(open: OpenNotebook, { request, id, code, cursor }: CompleteRequest): Promise<EditorAnswer> {
    const found = await this.#language.complete(code, cursor, open.notebook.scopeOf(id));
    const proposals = (open.proposals = await propose(this.#runtime, code, cursor, found));
    const { items, live, start, end } = proposals;
    return { kind: "completions", request, start, end, items: items.map((item) => withLive(item, live)) };
  }

  async #resolve({ proposals }: OpenNotebook, { request, item: place }: ResolveRequest): Promise<EditorAnswer> {
    const item = proposals?.items[place];
    return { kind: "resolved", request, item: item ? withLive(await this.#language.resolve(item), proposals!.live) : null };
  }

  async #define({ notebook }: OpenNotebook, { request, id, code, cursor }: DefineRequest): Promise<EditorAnswer> {
    const found = await this.#language.definition(code, cursor, notebook.scopeOf(id));
    if (!found) return { kind: "defined", request, place: null };
    const { cell, path, line, column } = found;
    if (path === null) {
      const target = cell ? cell.id : id;
      return { kind: "defined", request, place: target === null ? null : { id: target, line, column } };
    }
    const fromHere = relative(this.#language.folder, path).split(sep).join("/");
    return { kind: "defined", request, place: { path: fromHere, line, column } };
  }

  #tell(comm: string, id: string, diagnostics: readonly Diagnostic[]): void {
    const { said, sequence } = this.#open.get(comm)!;
    const text = JSON.stringify(diagnostics);
    if (said.get(id) === text) return;
    said.set(id, text);
    const reply: EditorReply = { kind: "diagnostics", sequence, id, diagnostics };
    this.#wire.send(comm, { ...reply });
  }
}

function update(open: OpenNotebook, { sequence, order, texts }: NotebookMessage): void {
  open.sequence = sequence;
  for (const [id, text] of Object.entries(texts)) {
    open.texts.set(id, text);
    open.said.delete(id);
  }
  const present = new Set(order);
  for (const id of open.texts.keys()) if (!present.has(id)) open.texts.delete(id);
  for (const id of open.said.keys()) if (!present.has(id)) open.said.delete(id);
  open.notebook.update([...present].map((id) => ({ id, code: open.texts.get(id) ?? "" })));
}
