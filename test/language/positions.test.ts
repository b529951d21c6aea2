/** Cursors in code points and offsets in UTF-16 units, both ways. */
import { expect, it } from "vitest";
import { cursorOfOffset, offsetAt, offsetOfCursor, placeAt } from "../../kernel/language/positions.js";

const text = "a😀b\n👩‍👩‍👧 = 1";

it("agrees with counting code points", () => {
  const points = [...text];
  for (let cursor = 0; cursor <= points.length; cursor++) {
    const offset = points.slice(0, cursor).join("").length;
    expect(offsetOfCursor(text, cursor)).toBe(offset);
    expect(cursorOfOffset(text, offset)).toBe(cursor);
  }
});

it("counts an offset inside a surrogate pair as before it", () => {
  expect(cursorOfOffset("a😀b", 2)).toBe(1);
});

it("turns offsets into lines and columns and back", () => {
  for (let offset = 0; offset <= text.length; offset++) expect(offsetAt(text, placeAt(text, offset))).toBe(offset);
  expect(placeAt(text, 5)).toEqual({ line: 2, column: 1 });
});

it("clamps places outside the text", () => {
  expect(offsetAt("ab\nc", { line: 1, column: 99 })).toBe(2);
  expect(offsetAt("ab\nc", { line: 9, column: 1 })).toBe(4);
});
