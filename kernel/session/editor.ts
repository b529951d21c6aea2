/** Notebooks that front ends have open, each on a comm of its own: texts of cells come in, what is wrong with them goes out. */
import { isEditorMessage, type EditorReply, type NotebookMessage } from "../../src/wire/editor.js";
import type { Diagnostic, Language, Notebook } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";

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
}

export class Editor {
  readonly #language: Language;
  readonly #wire: EditorWire;
  /** By comm, the one that spoke last at the end. */
  readonly #open = new Map<string, OpenNotebook>();

  constructor(language: Language, wire: EditorWire) {
    this.#language = language;
    this.#wire = wire;
  }

  open(comm: string): void {
    this.close(comm);
    const [silent] = this.#open.keys();
    if (this.#open.size >= mostNotebooks) this.#wire.close(silent!);
    const notebook = this.#language.openNotebook((id, diagnostics) => this.#tell(comm, id, diagnostics));
    this.#open.set(comm, { notebook, texts: new Map(), said: new Map(), sequence: 0 });
  }

  message(comm: string, data: JsonObject): void {
    const open = this.#open.get(comm);
    if (!open || !isEditorMessage(data)) return;
    this.#open.delete(comm);
    this.#open.set(comm, open);
    update(open, data);
  }

  close(comm: string): void {
    this.#open.get(comm)?.notebook.close();
    this.#open.delete(comm);
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
