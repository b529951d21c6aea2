/** The JupyterLab plugin that helps to write cells. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { EditorExtensionRegistry, IEditorExtensionRegistry } from "@jupyterlab/codemirror";
import { ICompletionProviderManager } from "@jupyterlab/completer";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import type { Widget } from "@lumino/widgets";
import { Completion } from "./completion.js";
import { goToDefinition } from "./definition.js";
import { NotebookLink } from "./notebook.js";
import { Squiggles } from "./squiggles.js";

const definitionCommand = "cellgrad:go-to-definition";
const codeEditor = ".jp-CodeCell .jp-InputArea-editor";

export const editorPlugin: JupyterFrontEndPlugin<void> = {
  id: "cellgrad:editor",
  description:
    "Underlines what is wrong in the cells of a notebook while they are written, proposes how they could go on, and goes to definitions.",
  autoStart: true,
  requires: [IEditorExtensionRegistry, INotebookTracker, ICompletionProviderManager],
  activate(
    app: JupyterFrontEnd,
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
    const linkHere = () => (notebooks.currentWidget ? links.get(notebooks.currentWidget) : undefined);
    app.commands.addCommand(definitionCommand, {
      label: "Go to Definition",
      isVisible: () => linkHere()?.isOpen === true,
      isEnabled: () => linkHere()?.isOpen === true,
      execute: () => goToDefinition(app, notebooks.currentWidget!, linkHere()!),
    });
    app.commands.addKeyBinding({ command: definitionCommand, keys: ["F12"], selector: `.jp-Notebook.jp-mod-editMode ${codeEditor}` });
    app.contextMenu.addItem({ command: definitionCommand, selector: `.jp-Notebook ${codeEditor}`, rank: 0 });
    completions.registerProvider(new Completion((widget) => links.get(widget), completions));
  },
};
