/** The JupyterLab plugin that helps to write cells. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { EditorExtensionRegistry, IEditorExtensionRegistry } from "@jupyterlab/codemirror";
import { ICompletionProviderManager } from "@jupyterlab/completer";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import type { Widget } from "@lumino/widgets";
import { Completion } from "./completion.js";
import { NotebookLink } from "./notebook.js";
import { Squiggles } from "./squiggles.js";

export const editorPlugin: JupyterFrontEndPlugin<void> = {
  id: "cellgrad:editor",
  description: "Underlines what is wrong in the cells of a notebook while they are written, and proposes how they could go on.",
  autoStart: true,
  requires: [IEditorExtensionRegistry, INotebookTracker, ICompletionProviderManager],
  activate(
    _app: JupyterFrontEnd,
    extensions: IEditorExtensionRegistry,
    notebooks: INotebookTracker,
    completions: ICompletionProviderManager,
  ) {
    const links = new WeakMap<Widget, NotebookLink>();
    const squiggles = new Squiggles();
    extensions.addExtension({
      name: "cellgrad:squiggles",
      factory: ({ model }) => EditorExtensionRegistry.createImmutableExtension(squiggles.extension(model)),
    });
    notebooks.widgetAdded.connect((_, panel: NotebookPanel) => void links.set(panel, new NotebookLink(panel, squiggles)));
    completions.registerProvider(new Completion((widget) => links.get(widget), completions));
  },
};
