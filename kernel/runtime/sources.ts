/** Finds in the cells that have run where a name got its value, and what a call was given. */
import type { CallSource, SourceLine } from "../../src/wire/host.js";
import { children, parseCell, type Node, type ParsedCell } from "../language/syntax.js";
import type { RuntimeCell } from "./messages.js";
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
  for (const node of walk(parsed.program)) {
    if (node.type !== "CallExpression") continue;
    const { callee } = node;
    if ((callee.type === "MemberExpression" ? callee.property : callee).start === offset) return callOf(node, cell, parsed);
  }
  return null;
}

/** The calls of this name in the text of the cells, each cell as it ran last. */
export function callsOf(name: string): CallSource[] {
  const latest = new Map(cellsOf().map((cell) => [cell.id ?? cell, cell]));
  return [...latest.values()].flatMap((cell) => {
    const parsed = cell.code.includes(name) ? parseCell(cell.code, { jsx: false }) : null;
    if (parsed === null || !parsed.ok) return [];
    const calls = [...walk(parsed.program)].filter((node) => node.type === "CallExpression");
    return calls.map((node) => callOf(node, cell, parsed)).filter((call) => call.name === name);
  });
}

function callOf(call: Extract<Node, { type: "CallExpression" }>, cell: RuntimeCell, { text, wrapped }: ParsedCell): CallSource {
  const textOf = ({ start, end }: Node): string => text.slice(start, end);
  const { callee } = call;
  const isMember = callee.type === "MemberExpression";
  const name = isMember ? callee.property : callee;
  return {
    name: textOf(name),
    receiver: isMember ? textOf(callee.object) : null,
    arguments: call.arguments.flatMap((given) =>
      given.type === "ArrayExpression" ? given.elements.map((element) => (element === null ? "" : textOf(element))) : [textOf(given)],
    ),
    cell: cell.count,
    cellId: cell.id,
    ...lineAt(cell.code, name.start - (wrapped ? 1 : 0)),
  };
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
