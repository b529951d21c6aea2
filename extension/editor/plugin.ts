/** The JupyterLab plugin that helps to write cells. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { EditorExtensionRegistry, IEditorExtensionRegistry } from "@jupyterlab/codemirror";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { NotebookLink } from "./notebook.js";
import { Squiggles } from "./squiggles.js";

export const editorPlugin: JupyterFrontEndPlugin<void> = {
  id: "cellgrad:editor",
  description: "Underlines what is wrong in the cells of a notebook while they are written.",
  autoStart: true,
  requires: [IEditorExtensionRegistry, INotebookTracker],
  activate(_app: JupyterFrontEnd, extensions: IEditorExtensionRegistry, notebooks: INotebookTracker) {
    const squiggles = new Squiggles();
    extensions.addExtension({
      name: "cellgrad:squiggles",
      factory: ({ model }) => EditorExtensionRegistry.createImmutableExtension(squiggles.extension(model)),
    });
    notebooks.widgetAdded.connect((_, panel: NotebookPanel) => void new NotebookLink(panel, squiggles));
  },
};
