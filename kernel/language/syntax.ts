/** Parses a cell and walks its syntax tree. */
import { parseSync, visitorKeys, type Node, type OxcError, type Program } from "oxc-parser";
import { placeAt } from "./positions.js";
import { lineOfPython } from "./python.js";
import type { SyntaxFailure } from "./types.js";

export type { Node, Program };

/** A cell's syntax tree; `wrapped` when the cell is one object literal and was parsed with an opening parenthesis before it. */
export interface ParsedCell {
  readonly ok: true;
  readonly text: string;
  readonly wrapped: boolean;
  readonly program: Program;
}

/** Parses a cell as a strict TypeScript module with top-level await. */
export function parseCell(code: string, options: { readonly jsx: boolean }): ParsedCell | SyntaxFailure {
  const parsed = parse(code, options.jsx);
  if (isBraced(parsed, code)) {
    const text = `(${code.trimEnd()})`;
    const literal = parse(text, options.jsx);
    if (literal.errors.length === 0 && isObjectLiteral(literal.program)) return { ok: true, text, wrapped: true, program: literal.program };
  }
  const error = parsed.errors.find((each) => each.severity === "Error");
  if (error) return failure(error, code);
  return { ok: true, text: code, wrapped: false, program: parsed.program };
}

/** The parser's first complaint about a cell, or null. */
export function firstSyntaxError(code: string, options: { readonly jsx: boolean }): OxcError | null {
  if (parseCell(code, options).ok) return null;
  return parse(code, options.jsx).errors.find((each) => each.severity === "Error") ?? null;
}

/** The child nodes of a node, in source order. */
export function* children(node: Node): Generator<Node> {
  const record = node as unknown as Record<string, unknown>;
  for (const key of visitorKeys[node.type] ?? []) {
    const value = record[key];
    if (Array.isArray(value)) for (const item of value as unknown[]) if (isNode(item)) yield item;
    if (isNode(value)) yield value;
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

function parse(text: string, jsx: boolean) {
  return parseSync("cell.ts", text, { lang: jsx ? "tsx" : "ts", sourceType: "module", showSemanticErrors: true });
}

/** Whether a cell reads `{ ... }`: to the parser a block, to the person perhaps an object (as in Node's REPL, a closing semicolon says block). */
function isBraced(parsed: ReturnType<typeof parse>, code: string): boolean {
  if (!/^\s*\{[^]*\}\s*$/.test(code)) return false;
  if (parsed.errors.length > 0) return true;
  const [first, second] = parsed.program.body;
  return first?.type === "BlockStatement" && second === undefined;
}

function isObjectLiteral(program: Program): boolean {
  const [first, second] = program.body;
  if (first?.type !== "ExpressionStatement" || second !== undefined) return false;
  return first.expression.type === "ParenthesizedExpression" && first.expression.expression.type === "ObjectExpression";
}

function failure(error: OxcError, code: string): SyntaxFailure {
  const place = placeAt(code, error.labels[0]?.start ?? 0);
  const meant = lineOfPython(code.split("\n")[place.line - 1] ?? "");
  const help = meant ? `in TypeScript: ${meant}` : error.helpMessage;
  return { ok: false, name: "SyntaxError", message: help ? `${error.message} (${help})` : error.message, ...place };
}
