/** Goes to the cell that declares the name under the cursor. */
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { NotebookLink } from "./notebook.js";

/** Puts the cursor where the name is declared; nothing happens where no cell declares it. */
export async function goToDefinition({ content }: NotebookPanel, link: NotebookLink): Promise<void> {
  const cell = content.activeCell;
  if (!cell?.editor) return;
  const { id, sharedModel } = cell.model;
  const code = sharedModel.getSource();
  const cursor = [...code.slice(0, cell.editor.getOffsetAt(cell.editor.getCursorPosition()))].length;
  const reply = await link.ask({ kind: "define", id, code, cursor });
  if (reply.kind !== "defined" || !reply.place) return;
  const { id: target, line, column } = reply.place;
  const index = content.widgets.findIndex(({ model }) => model.id === target);
  if (index < 0) return;
  content.activeCellIndex = index;
  await content.scrollToItem(index);
  const { activeCell } = content;
  await activeCell?.ready;
  content.mode = "edit";
  activeCell?.editor?.setCursorPosition({ line: line - 1, column: column - 1 });
}
