/** Proposals of the kernel for a cell of a notebook: with types and documentation, and with the imports that accepted names take. */
import type { CodeMirrorEditor } from "@jupyterlab/codemirror";
import type { ICompletionContext, ICompletionItem, ICompletionProvider, ICompletionProviderManager } from "@jupyterlab/completer";
import type { Widget } from "@lumino/widgets";
import type { Proposal } from "../../src/wire/index.js";
import type { NotebookLink } from "./notebook.js";

/** An item with its proposal's place in the kernel's reply. */
interface Item extends ICompletionItem {
  readonly place: number;
}

export class Completion implements ICompletionProvider<Item> {
  readonly identifier = "cellgrad:completion";
  /** Before what JupyterLab asks of any kernel (550) and finds in the cell (500), which know less. */
  readonly rank = 1000;
  readonly renderer = null;
  /** What was offered last, and in which editor. */
  private offered: { readonly proposals: readonly Proposal[]; readonly editor: CodeMirrorEditor } | null = null;

  constructor(
    private readonly linkOf: (widget: Widget) => NotebookLink | undefined,
    manager: ICompletionProviderManager,
  ) {
    manager.selected.connect((_, { insertText }) => this.accepted(insertText));
  }

  isApplicable({ widget }: ICompletionContext): Promise<boolean> {
    return Promise.resolve(this.linkOf(widget)?.isOpen === true);
  }

  async fetch({ text, offset }: { readonly text: string; readonly offset: number }, { widget, editor }: ICompletionContext) {
    this.offered = null;
    const id = editor && "id" in editor.model ? String(editor.model.id) : "";
    const reply = await this.linkOf(widget)!.ask({ kind: "complete", id, code: text, cursor: offset });
    if (reply.kind !== "completions") return { start: offset, end: offset, items: [] };
    this.offered = { proposals: reply.items, editor: editor as CodeMirrorEditor };
    return { start: reply.start, end: reply.end, items: reply.items.map(itemOf) };
  }

  async resolve(item: Item, { widget }: ICompletionContext): Promise<Item> {
    const reply = await this.linkOf(widget)!.ask({ kind: "resolve", item: item.place });
    return reply.kind === "resolved" && reply.item ? { ...item, ...itemOf(reply.item, item.place) } : item;
  }

  /** The name is written: adds its import. */
  private accepted(text: string): void {
    const { proposals, editor } = this.offered ?? {};
    const edits = proposals?.find((each) => each.text === text)?.edits;
    this.offered = null;
    if (!edits || !editor || editor.isDisposed) return;
    // The places are in front of the name: writing it has not moved them.
    const code = editor.editor.state.doc.toString();
    const changes = edits.map(({ start, end, text: insert }) => ({ from: unitsOf(code, start), to: unitsOf(code, end), insert }));
    editor.editor.dispatch({ changes });
  }
}

function itemOf({ label, text, kind, signature, documentation, deprecated, source }: Proposal, place: number): Item {
  const from = source === undefined ? undefined : `from "${source}"`;
  const about = [signature, documentation, from].filter((each) => each !== undefined).join("\n\n");
  return {
    place,
    label,
    insertText: text,
    type: kind,
    ...(about !== "" && { documentation: about }),
    ...(deprecated && { deprecated }),
  };
}

/** UTF-16 units of the first `count` code points. */
function unitsOf(text: string, count: number): number {
  let units = 0;
  for (let i = 0; i < count && units < text.length; i++) units += text.codePointAt(units)! > 0xffff ? 2 : 1;
  return units;
}
