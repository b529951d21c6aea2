/** A console asks whether a cell is finished; the parser knows. */
import { expect, it } from "vitest";
import { isComplete } from "../../kernel/language/completeness.js";

const complete = [
  "",
  "1 + 1",
  "// a comment",
  "{ a: 1, b: 2 }",
  "await f()",
  "const f = <T,>(x: T) => x",
  "/[/]/.test(s)",
  "`a ${`b ${c}`} d`",
  "new Map<string, number[]>()",
];
it.each(complete)("%j is complete (row 12)", (code) => expect(isComplete(code)).toEqual({ status: "complete" }));

const incomplete: readonly (readonly [string, string])[] = [
  ["let x =", ""],
  ["foo(", "  "],
  ["foo(1,", "  "],
  ["{ a: 1,", "  "],
  ["if (x) {", "  "],
  ["class A {\n  m() {", "    "],
  ["[1,\n  2,\n", "    "],
  ["const f = (x) =>", "  "],
  ["x.", ""],
  ["x?.", ""],
  ["`open", ""],
  ["`${a} open", ""],
  ["`${a}", ""],
  ["`${", "  "],
  ["/* open", ""],
  ["function f<T>(", "  "],
  ["const x: Array<", ""],
  ["import { a } from", ""],
  ["@decorator", ""],
];
it.each(incomplete)("%j is incomplete and goes on with %j (row 12)", (code, indent) =>
  expect(isComplete(code)).toEqual({ status: "incomplete", indent }),
);

const invalid = ["x = }", "'open", "/open", "a b", "let a; let a", "if (1) {}}", "let b = }\nlet c = {", "return 5"];
it.each(invalid)("%j is invalid (row 12)", (code) => expect(isComplete(code)).toEqual({ status: "invalid" }));
