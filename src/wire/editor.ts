/** What front end and kernel say about a notebook that is being written, on the comm target `cellgrad.editor`. */
import { isRecord } from "./live.js";

/** The comm target of notebooks that are being written. The front end opens it. */
export const editorTarget = "cellgrad.editor";

/** The code cells as they stand: every id in order, and the texts that are new to the kernel. `sequence` counts these messages from 1. */
export interface NotebookMessage {
  readonly kind: "notebook";
  readonly sequence: number;
  readonly order: readonly string[];
  readonly texts: { readonly [id: string]: string };
}

/** What is wrong in a cell. Lines and columns from 1, columns in UTF-16 units; `code` is TypeScript's number, 0 where it has none. */
export interface CellDiagnostic {
  readonly code: number;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly category: "error" | "warning";
}

/** All that is wrong in a cell, as of notebook message `sequence`; sent when it is not what was sent before, and always once for a new text. */
export interface DiagnosticsMessage {
  readonly kind: "diagnostics";
  readonly sequence: number;
  readonly id: string;
  readonly diagnostics: readonly CellDiagnostic[];
}

export type EditorMessage = NotebookMessage;
export type EditorReply = DiagnosticsMessage;

export function isEditorMessage(value: unknown): value is EditorMessage {
  return (
    isRecord(value) &&
    value.kind === "notebook" &&
    typeof value.sequence === "number" &&
    Array.isArray(value.order) &&
    value.order.every((id) => typeof id === "string") &&
    isRecord(value.texts) &&
    Object.values(value.texts).every((text) => typeof text === "string")
  );
}

export function isEditorReply(value: unknown): value is EditorReply {
  return isRecord(value) && value.kind === "diagnostics" && typeof value.id === "string" && Array.isArray(value.diagnostics);
}
