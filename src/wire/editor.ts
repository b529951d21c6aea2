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

/** What could be written at a cursor of a cell. Its places, and those of the reply, are in code points, as in Jupyter's own messages. */
export interface CompleteRequest {
  readonly kind: "complete";
  readonly request: number;
  readonly id: string;
  readonly code: string;
  readonly cursor: number;
}

/** Type and documentation of an item of the last {@link CompletionsReply}, by its place in it. */
export interface ResolveRequest {
  readonly kind: "resolve";
  readonly request: number;
  readonly item: number;
}

/** One thing that could be written instead of what stands between `start` and `end`. */
export interface Proposal {
  readonly text: string;
  readonly label: string;
  readonly kind: string;
  /** Its type and, behind `=`, what a tensor is now. */
  readonly signature?: string;
  readonly documentation?: string;
  readonly deprecated?: boolean;
  /** The module that it is imported from when it is accepted: by `edits`, or by a namespace in `text`. */
  readonly source?: string;
  readonly edits?: readonly { readonly start: number; readonly end: number; readonly text: string }[];
}

export interface CompletionsReply {
  readonly kind: "completions";
  readonly request: number;
  readonly start: number;
  readonly end: number;
  readonly items: readonly Proposal[];
}

export interface ResolvedReply {
  readonly kind: "resolved";
  readonly request: number;
  /** Null when another completion has been asked for since. */
  readonly item: Proposal | null;
}

/** Where the name at a cursor of a cell is declared. */
export interface DefineRequest {
  readonly kind: "define";
  readonly request: number;
  readonly id: string;
  readonly code: string;
  readonly cursor: number;
}

interface DefinedInCell {
  readonly id: string;
  readonly line: number;
  readonly column: number;
}

interface DefinedInFile {
  /** From the notebook's folder, with slashes. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export interface DefinedReply {
  readonly kind: "defined";
  readonly request: number;
  /** Null for what is declared nowhere. Line and column from 1, in UTF-16 units. */
  readonly place: (DefinedInCell | DefinedInFile) | null;
}

export type EditorRequest = CompleteRequest | ResolveRequest | DefineRequest;
export type EditorAnswer = CompletionsReply | ResolvedReply | DefinedReply;
export type EditorMessage = NotebookMessage | EditorRequest;
export type EditorReply = DiagnosticsMessage | EditorAnswer;

export function isEditorMessage(value: unknown): value is EditorMessage {
  if (!isRecord(value)) return false;
  if (value.kind === "notebook") {
    const { sequence, order, texts } = value;
    const isOrder = Array.isArray(order) && order.every((id) => typeof id === "string");
    return typeof sequence === "number" && isOrder && isRecord(texts) && Object.values(texts).every((text) => typeof text === "string");
  }
  if (typeof value.request !== "number") return false;
  if (value.kind === "resolve") return typeof value.item === "number";
  const isAtCursor = typeof value.id === "string" && typeof value.code === "string" && typeof value.cursor === "number";
  return (value.kind === "complete" || value.kind === "define") && isAtCursor;
}

export function isEditorReply(value: unknown): value is EditorReply {
  if (!isRecord(value)) return false;
  if (value.kind === "diagnostics") return typeof value.id === "string" && Array.isArray(value.diagnostics);
  return (value.kind === "completions" || value.kind === "resolved" || value.kind === "defined") && typeof value.request === "number";
}
