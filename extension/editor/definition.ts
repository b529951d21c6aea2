/** Goes to the cell or the file that declares the name under the cursor. */
import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { NotebookLink } from "./notebook.js";

type Editor = NonNullable<NonNullable<NotebookPanel["content"]["activeCell"]>["editor"]>;
type Position = Parameters<Editor["setCursorPosition"]>[0];

/** What JupyterLab opens a text file in. */
interface TextDocument {
  readonly context: { readonly ready: Promise<void> };
  readonly content: { readonly editor?: Editor };
}

/** Puts the cursor where the name is declared; nothing happens where neither a cell nor a file under Jupyter's root declares it. */
export async function goToDefinition(app: JupyterFrontEnd, { content, context }: NotebookPanel, link: NotebookLink): Promise<void> {
  const cell = content.activeCell;
  if (!cell?.editor) return;
  const { id, sharedModel } = cell.model;
  const code = sharedModel.getSource();
  const cursor = [...code.slice(0, cell.editor.getOffsetAt(cell.editor.getCursorPosition()))].length;
  const reply = await link.ask({ kind: "define", id, code, cursor });
  if (reply.kind !== "defined" || !reply.place) return;
  const { place } = reply;
  const position = { line: place.line - 1, column: place.column - 1 };
  if ("path" in place) return openFile(app, pathBeside(context.path, place.path), position);
  const index = content.widgets.findIndex(({ model }) => model.id === place.id);
  if (index < 0) return;
  content.activeCellIndex = index;
  await content.scrollToItem(index);
  const { activeCell } = content;
  await activeCell?.ready;
  content.mode = "edit";
  activeCell?.editor?.setCursorPosition(position);
}

async function openFile(app: JupyterFrontEnd, path: string | null, position: Position): Promise<void> {
  if (path === null) return;
  const isServed = await app.serviceManager.contents.get(path, { content: false }).then(
    () => true,
    () => false, // a hidden folder, say
  );
  if (!isServed) return;
  const { context, content } = (await app.commands.execute("docmanager:open", { path })) as TextDocument;
  await context.ready;
  content.editor?.setCursorPosition(position);
  content.editor?.revealPosition(position);
}

/** A path from a document's folder as Jupyter has it; null for one outside its root. */
function pathBeside(document: string, path: string): string | null {
  const parts = document.split("/").slice(0, -1);
  for (const part of path.split("/")) {
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join("/");
}
