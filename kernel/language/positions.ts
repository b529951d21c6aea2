/** Converts places in a cell: offsets and columns in UTF-16 units (JavaScript, V8, the language server), cursors in code points (Jupyter). */
import type { Position } from "./types.js";

/** The line and column, from 1, of an offset. */
export function placeAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let i = before.indexOf("\n"); i >= 0; i = before.indexOf("\n", i + 1)) line++;
  return { line, column: offset - lineStart + 1 };
}

/** The offset of a line and column, both from 1; places beyond a line or the text are clamped. */
export function offsetAt(text: string, place: Position): number {
  let start = 0;
  for (let line = 1; line < place.line; line++) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  return Math.max(start, Math.min(start + place.column - 1, end < 0 ? text.length : end));
}

/** The UTF-16 offset of a Jupyter cursor. */
export function offsetOfCursor(text: string, cursor: number): number {
  let offset = 0;
  for (let i = 0; i < cursor && offset < text.length; i++) offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  return offset;
}

/** The Jupyter cursor of a UTF-16 offset; one inside a surrogate pair counts as before it. */
export function cursorOfOffset(text: string, offset: number): number {
  let cursor = 0;
  for (let at = 0; at < offset; cursor++) {
    at += text.codePointAt(at)! > 0xffff ? 2 : 1;
    if (at > offset) break;
  }
  return cursor;
}
