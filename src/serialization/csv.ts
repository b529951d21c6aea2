/** Columns of comma- or tab-separated text, in two passes: what each column holds, then its values into memory of the right size. */
import { dsvFormat } from "d3-dsv";
import { getDefaultDtype } from "../tensor/dtype.js";
import { fromTypedArray } from "../ops/creation.js";
import type { Tensor } from "../tensor/tensor.js";
import type { TensorFile } from "./tensor-file.js";

/** Tensors of the columns of numbers and booleans, lists of the columns of text. */
export type Columns = Record<string, Tensor | string[]>;

// What a column holds, from the narrowest kind to the widest.
const Kind = { bool: 0, integer: 1, float: 2, text: 3 } as const;

const boolean = /^(true|false)$/i;
const integer = /^[+-]?\d{1,18}$/;
const float = /^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)$/i;
const missing = /^(na|null)?$/i;

/**
 * Reads the columns of a file by the names in its first row. A column of whole numbers gives int64, of numbers (or numbers and empty
 * fields, which become NaN) the default dtype, of true and false bool, any other a list of strings.
 */
export function readCsv(file: TensorFile, keys: readonly string[] | null): Columns {
  const text = file.bytes(0, file.size).toString("utf8").replace(/^\ufeff/, ""); // prettier-ignore
  const format = dsvFormat(/\.tsv$/i.test(file.path) ? "\t" : ",");
  let names: string[] = [];
  const kinds: number[] = [];
  let count = 0;
  eachRow((row, i) => {
    if (i === 0) {
      names = row.map((name) => name.trim());
      if (new Set(names).size < names.length) file.refuse("columns of different names", names.join(", "));
      return;
    }
    if (row.length !== names.length) file.refuse(`${names.length} fields in row ${i + 1}`, String(row.length));
    count++;
    for (let c = 0; c < row.length; c++) if (kinds[c] !== Kind.text) kinds[c] = wider(kinds[c], row[c]!.trim());
  });
  const wanted = file.select(keys, new Map(names.map((name, c) => [name, c])));
  const columns = wanted.map(([, c]) => columnOf(kinds[c] ?? Kind.float, count));
  eachRow((row, i) => {
    if (i > 0) wanted.forEach(([, c], k) => columns[k]!.set(i - 1, row[c]!));
  });
  return Object.fromEntries(wanted.map(([name], k) => [name, columns[k]!.finish()]));

  function eachRow(visit: (row: string[], i: number) => void): void {
    let skipped = 0;
    format.parseRows(text, (row, i) => {
      // Empty lines, the last one above all, are no rows.
      if (row.length === 1 && row[0] === "" && names.length !== 1) skipped++;
      else visit(row, i - skipped);
    });
  }
}

/** The kind of a column that held `kind` (undefined: nothing yet) and now holds a field. */
function wider(kind: number | undefined, field: string): number {
  if (missing.test(field)) return kind === Kind.bool ? Kind.text : Math.max(kind ?? Kind.float, Kind.float);
  const own = boolean.test(field) ? Kind.bool : integer.test(field) ? Kind.integer : float.test(field) ? Kind.float : Kind.text;
  if (kind === undefined || kind === own) return own;
  return kind === Kind.bool || own === Kind.bool ? Kind.text : Math.max(kind, own);
}

interface Column {
  set(i: number, field: string): void;
  finish(): Tensor | string[];
}

function columnOf(kind: number, count: number): Column {
  if (kind === Kind.text) {
    const fields: string[] = [];
    return { set: (_, field) => fields.push(field), finish: () => fields };
  }
  if (kind === Kind.integer) {
    const values = new BigInt64Array(count);
    return { set: (i, field) => (values[i] = BigInt(field.trim().replace(/^\+/, ""))), finish: () => fromTypedArray(values) };
  }
  const values = new Float64Array(count);
  const read = kind === Kind.bool ? (field: string): number => Number(/^\s*t/i.test(field)) : numberOf;
  return {
    set: (i, field) => (values[i] = read(field)),
    finish: () => fromTypedArray(values).to(kind === Kind.bool ? "bool" : getDefaultDtype()),
  };
}

function numberOf(field: string): number {
  const text = field.trim();
  if (missing.test(text)) return NaN;
  const value = Number(text);
  if (!Number.isNaN(value)) return value;
  return /inf/i.test(text) ? (text.startsWith("-") ? -Infinity : Infinity) : NaN;
}
