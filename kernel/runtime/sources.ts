/** Finds in the cells that have run where a name got its value, and what a call was given. */
import type { CallSource, SourceLine } from "../../src/wire/host.js";
import { children, parseCell, type Node } from "../language/syntax.js";
import { cellsOf } from "./cells.js";

/** Where the notebook last gave a top-level name its value, as far as its text tells. */
export function declarationOf(name: string): SourceLine | null {
  for (const cell of cellsOf().reverse()) {
    if (!cell.code.includes(name)) continue;
    const parsed = parseCell(cell.code, { jsx: false });
    if (!parsed.ok) continue;
    let found: number | null = null;
    for (const node of walk(parsed.program)) {
      const target = node.type === "VariableDeclarator" ? node.id : node.type === "AssignmentExpression" ? node.left : null;
      if (target !== null && bindsName(target, name)) found = node.start;
    }
    if (found !== null) return { cell: cell.count, cellId: cell.id, ...lineAt(cell.code, found - (parsed.wrapped ? 1 : 0)) };
  }
  return null;
}

/** The call at a place of a cell, `Cell [count]:line:column` of a stack. */
export function callAt(count: number, line: number, column: number): CallSource | null {
  const cell = cellsOf().findLast((each) => each.count === count);
  if (cell === undefined) return null;
  const parsed = parseCell(cell.code, { jsx: false });
  if (!parsed.ok) return null;
  const offset = offsetOf(cell.code, line, column) + (parsed.wrapped ? 1 : 0);
  const textOf = ({ start, end }: Node): string => parsed.text.slice(start, end);
  for (const node of walk(parsed.program)) {
    if (node.type !== "CallExpression") continue;
    const { callee } = node;
    const isMember = callee.type === "MemberExpression";
    if ((isMember ? callee.property : callee).start !== offset) continue;
    return {
      name: textOf(isMember ? callee.property : callee),
      receiver: isMember ? textOf(callee.object) : null,
      arguments: node.arguments.flatMap((given) =>
        given.type === "ArrayExpression" ? given.elements.map((element) => (element === null ? "" : textOf(element))) : [textOf(given)],
      ),
      cell: count,
      cellId: cell.id,
      ...lineAt(cell.code, offset),
    };
  }
  return null;
}

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of children(node)) yield* walk(child);
}

function bindsName(target: Node, name: string): boolean {
  if (target.type === "Identifier") return target.name === name;
  if (target.type === "MemberExpression") return false;
  for (const child of children(target)) if (bindsName(child, name)) return true;
  return false;
}

function lineAt(code: string, offset: number): { readonly line: number; readonly text: string } {
  const line = code.slice(0, offset).split("\n").length;
  return { line, text: code.split("\n")[line - 1]!.trim() };
}

function offsetOf(code: string, line: number, column: number): number {
  const before = code.split("\n").slice(0, line - 1);
  return before.reduce((sum, { length }) => sum + length + 1, 0) + column - 1;
}
