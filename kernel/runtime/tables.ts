/** `console.table` as a table without scripts, with Node's own drawing of it as its text. */
import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import { sendDisplay } from "./display.js";

const [indexColumn, valuesColumn] = ["(index)", "Values"];

/** Shows what `console.table(data, columns)` prints in a terminal; false when the data is no table, which Node logs as it is. */
export function displayTable(data: unknown, columns?: readonly string[]): boolean {
  if (typeof data !== "object" || data === null) return false;
  const text = nodeTable(data, columns);
  sendDisplay({ data: { "text/html": htmlTable(rowsOf(data), columns), "text/plain": text }, metadata: {} }, {});
  return true;
}

function nodeTable(data: object, columns?: readonly string[]): string {
  const stdout = new PassThrough();
  new Console({ stdout, colorMode: false }).table(data, columns && [...columns]);
  return String(stdout.read() ?? "").trimEnd();
}

interface Row {
  readonly index: string;
  readonly value: unknown;
}

/** Maps and sets are numbered, everything else is named by its keys. */
function rowsOf(data: object): { readonly index: string; readonly rows: readonly Row[] } {
  if (data instanceof Map) {
    const rows = [...(data as Map<unknown, unknown>)].map(([Key, Values], index) => ({ index: String(index), value: { Key, Values } }));
    return { index: "(iteration index)", rows };
  }
  if (data instanceof Set) return { index: "(iteration index)", rows: [...data].map((value, index) => ({ index: String(index), value })) };
  return { index: indexColumn, rows: Object.entries(data).map(([index, value]) => ({ index, value: value as unknown })) };
}

function htmlTable({ index, rows }: ReturnType<typeof rowsOf>, asked?: readonly string[]): string {
  const found = new Set(asked ?? rows.flatMap(({ value }) => (isRecord(value) ? Object.keys(value) : [])));
  const hasValues = rows.some(({ value }) => !isRecord(value));
  const heads = [index, ...found, ...(hasValues ? [valuesColumn] : [])].map((head) => `<th>${escape(head)}</th>`);
  const body = rows.map(({ index, value }) => {
    const cells = [...found].map((key) => (isRecord(value) && Object.hasOwn(value, key) ? text(value[key]) : ""));
    if (hasValues) cells.push(isRecord(value) ? "" : text(value));
    return `<tr><th>${escape(index)}</th>${cells.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;
  });
  return `<table><thead><tr>${heads.join("")}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** As Node writes the field of a table. */
function text(value: unknown): string {
  return inspect(value, { depth: isRecord(value) ? -1 : 0, maxArrayLength: 3, breakLength: Infinity, colors: false });
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
