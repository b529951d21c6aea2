/** Finds the notebook or console that an output stands in, its kernel, and how to save it. */
import type { ISessionContext } from "@jupyterlab/apputils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { Notebook } from "@jupyterlab/notebook";
import type { Widget } from "@lumino/widgets";

export interface Owner {
  readonly session: ISessionContext;
  /** Saves the document if it has unsaved changes; a console has nothing to save. */
  save(): void;
  /** Scrolls to a cell and makes it the active one: by its id, else by the number it has now. */
  reveal(cell: number, cellId: string | null): void;
}

/** A document or console: what has a kernel, and its file. */
export type Document = Widget &
  Partial<{ readonly sessionContext: ISessionContext; readonly context: DocumentRegistry.Context; readonly content: Partial<Notebook> }>;

/** Walks up from an attached output; `open` are the documents. Null where no kernel owns it (a file preview, a cloned output). */
export function findOwner(output: Widget, open: () => Iterable<Document>): Owner | null {
  for (let widget: Document | null = output; widget; widget = widget.parent) {
    const { id } = widget;
    if (widget.sessionContext) return ownerOf(widget);
    if (id.startsWith(debuggerPanel)) return [...open()].filter((each) => isShownBy(id, each)).map(ownerOf)[0] ?? null;
  }
  return null;
}

/** JupyterLab's debugger draws a variable in a panel of its own, whose id ends with the path of the variable's notebook. */
const debuggerPanel = "jp-debugger-variable-mime-";

function isShownBy(panel: string, { sessionContext }: Document): boolean {
  const path = sessionContext?.session?.path;
  return path !== undefined && panel.endsWith(`-${path.replace("/", "-")}`);
}

export function ownerOf({ sessionContext, context, content }: Document): Owner {
  return { session: sessionContext!, save: () => save(context), reveal: (cell, cellId) => reveal(content, cell, cellId) };
}

function reveal(content: Partial<Notebook> | undefined, count: number, id: string | null): void {
  const cells = content?.widgets ?? [];
  const byId = cells.findIndex(({ model }) => model.id === id);
  const index = byId >= 0 ? byId : cells.findIndex(({ model }) => (model as { executionCount?: number | null }).executionCount === count);
  if (index < 0) return;
  content!.activeCellIndex = index;
  void content!.scrollToItem?.(index, "smart");
}

function save(context: DocumentRegistry.Context | undefined): void {
  if (!context || context.isDisposed || !context.model.dirty || context.contentsModel?.writable === false) return;
  // The context shows its own dialog when saving fails.
  context.save().catch(() => undefined);
}
