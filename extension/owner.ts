/** Finds the notebook or console that an output stands in, its kernel, and how to save it. */
import type { ISessionContext } from "@jupyterlab/apputils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { Widget } from "@lumino/widgets";

export interface Owner {
  readonly session: ISessionContext;
  /** Saves the document if it has unsaved changes; a console has nothing to save. */
  save(): void;
}

/** Walks up from an attached output. Null where no kernel owns it (a file preview, a cloned output). */
export function findOwner(output: Widget): Owner | null {
  for (let widget: Widget | null = output; widget; widget = widget.parent) {
    const { sessionContext: session, context } = widget as Partial<{ sessionContext: ISessionContext; context: DocumentRegistry.Context }>;
    if (session) return { session, save: () => save(context) };
  }
  return null;
}

function save(context: DocumentRegistry.Context | undefined): void {
  if (!context || context.isDisposed || !context.model.dirty || context.contentsModel?.writable === false) return;
  // The context shows its own dialog when saving fails.
  context.save().catch(() => undefined);
}
