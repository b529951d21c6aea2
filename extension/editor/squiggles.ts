/** Underlines what is wrong in the editors of a cell, with the message where the pointer rests. */
import { nextDiagnostic, previousDiagnostic, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import type { Extension, Text } from "@codemirror/state";
import { keymap, ViewPlugin, type EditorView } from "@codemirror/view";
import type { CellDiagnostic } from "../../src/wire/index.js";

/** The model of an editor or of a cell: they are one object. */
type Model = object;

interface Shown {
  /** A cell has an editor while it is near the visible part of its notebook, and one more in every further view. */
  readonly views: Set<EditorView>;
  diagnostics: readonly CellDiagnostic[];
}

export class Squiggles {
  private readonly shown = new WeakMap<Model, Shown>();

  /** What every editor of a model is made with. F8 goes to the next underlined place. */
  extension(model: Model): Extension {
    return [
      ViewPlugin.define((view) => {
        const shown = this.of(model);
        shown.views.add(view);
        // A view takes no transaction while it is being made.
        if (shown.diagnostics.length > 0) queueMicrotask(() => shown.views.has(view) && underline(view, shown.diagnostics));
        return { destroy: () => void shown.views.delete(view) };
      }),
      keymap.of([{ key: "F8", run: nextDiagnostic, shift: previousDiagnostic }]),
    ];
  }

  /** Shows these instead of what was shown. */
  show(model: Model, diagnostics: readonly CellDiagnostic[]): void {
    const shown = this.of(model);
    if (shown.diagnostics.length + diagnostics.length === 0) return;
    shown.diagnostics = diagnostics;
    for (const view of shown.views) underline(view, diagnostics);
  }

  private of(model: Model): Shown {
    let shown = this.shown.get(model);
    if (!shown) this.shown.set(model, (shown = { views: new Set(), diagnostics: [] }));
    return shown;
  }
}

function underline(view: EditorView, diagnostics: readonly CellDiagnostic[]): void {
  const { doc } = view.state;
  const marks = diagnostics.map(({ code, message, category, ...place }): Diagnostic => {
    const from = offsetIn(doc, place.line, place.column);
    const to = offsetIn(doc, place.endLine, place.endColumn);
    return { from, to: Math.max(from, to), severity: category, message, ...(code > 0 && { source: `TS${code}` }) };
  });
  view.dispatch(setDiagnostics(view.state, marks));
}

/** The text may have changed since it was checked: places beyond it count as its end. */
function offsetIn(doc: Text, line: number, column: number): number {
  if (line > doc.lines) return doc.length;
  const { from, to } = doc.line(line);
  return Math.min(to, from + column - 1);
}
