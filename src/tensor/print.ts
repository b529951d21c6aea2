/** Prints tensors exactly as torch does (torch/_tensor_str.py): same widths, same summary, same suffixes. */
import { Code, complexOf, defaultDtypeCode, isComplex, isFloating } from "./dtype.js";
import { ValueError, describe } from "./errors.js";
import type { Complex, Tensor } from "./tensor.js";

export interface PrintOptions {
  /** Digits after the point. Default 4. */
  precision: number;
  /** More elements than this are summarised. Default 1000. */
  threshold: number;
  /** Items at each end of a summarised dim. Default 3. */
  edgeitems: number;
  /** Characters of a line. Default 80. */
  linewidth: number;
  /** true or false forces or forbids scientific notation; null lets the values decide. Default null. */
  sciMode: boolean | null;
}

const profiles = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Infinity, edgeitems: 3, linewidth: 80 },
} as const;
const options: PrintOptions = { ...profiles.default, sciMode: null };

/**
 * Changes how tensors print (torch.set_printoptions). A profile sets all but what is given beside it: "default", "short" with two digits,
 * "full" without summary. `sciMode` is decided by the values again when it is left out.
 * @example setPrintoptions({ precision: 2 })
 */
export function setPrintoptions({ profile, ...changes }: Partial<PrintOptions> & { profile?: keyof typeof profiles | null } = {}): void {
  const named = profile === undefined || profile === null ? {} : profiles[profile];
  if (named === undefined)
    throw new ValueError({
      op: "setPrintoptions",
      argument: "profile",
      expected: Object.keys(profiles).join(", "),
      got: describe(profile),
    });
  for (const [key, value] of Object.entries(changes)) {
    const whole = key !== "sciMode" && value !== Infinity;
    if (!(key in options)) throw new ValueError({ op: "setPrintoptions", expected: `one of ${Object.keys(options).join(", ")}`, got: key });
    if (whole ? !Number.isInteger(value) || (value as number) < 0 : value !== null && typeof value !== "boolean") {
      throw new ValueError({
        op: "setPrintoptions",
        argument: key,
        expected: whole ? "a non-negative integer" : "true, false or null",
        got: describe(value),
      });
    }
  }
  Object.assign(options, named, { sciMode: null }, changes);
}

type Value = number | bigint | boolean | Complex;

/** The text of a tensor: `tensor([[1., 2.]])`. */
export function formatTensor(t: Tensor): string {
  const prefix = "tensor(";
  const suffixes: string[] = [];
  if (t.dev !== 0) suffixes.push(`device='${t.device}'`);
  const plainDtype = [defaultDtypeCode(), Code.int64, Code.bool, complexOf(defaultDtypeCode())].includes(t.dt);
  let body = "[]";
  if (t.numel() === 0) {
    if (t.shape.length !== 1) suffixes.push(`size=(${t.shape.join(", ")}${t.shape.length === 1 ? "," : ""})`);
    if (t.dt !== defaultDtypeCode()) suffixes.push(`dtype=torch.${t.dtype}`);
  } else {
    if (!plainDtype) suffixes.push(`dtype=torch.${t.dtype}`);
    body = formatBody(t, prefix.length);
  }
  if (t.gradFn !== null) suffixes.push(`grad_fn=<${t.gradFn.name}>`);
  else if (t.requiresGrad) suffixes.push("requires_grad=True");
  return addSuffixes(prefix + body, suffixes, prefix.length);
}

function addSuffixes(text: string, suffixes: readonly string[], indent: number): string {
  let lineLength = text.length - text.lastIndexOf("\n") + 1;
  for (const suffix of suffixes) {
    if (lineLength + suffix.length + 2 > options.linewidth) {
      text += `,\n${" ".repeat(indent)}${suffix}`;
      lineLength = indent + suffix.length;
    } else {
      text += `, ${suffix}`;
      lineLength += suffix.length + 2;
    }
  }
  return `${text})`;
}

/** The numbers alone, without `tensor(` and suffixes. */
function formatBody(t: Tensor, indent: number): string {
  const summarize = t.numel() > options.threshold;
  const long = t.shape.map((size) => summarize && size > 2 * options.edgeitems);
  const shape = t.shape.map((size, d) => (long[d] ? 2 * options.edgeitems : size));
  const shown: readonly Value[] = long.includes(true) ? edgesOf(t, long) : t.elements();
  let write: (value: Value) => string;
  let width: number;
  if (isComplex(t.dt)) {
    const re = numberFormat(shown.map((value) => (value as Complex).re));
    const im = numberFormat(shown.map((value) => (value as Complex).im));
    width = re.width + im.width + 3;
    write = (value) => {
      const imaginary = `${im.write((value as Complex).im)}j`.trimStart();
      return re.write((value as Complex).re) + (/^[+-]/.test(imaginary) ? imaginary : `+${imaginary}`);
    };
  } else if (isFloating(t.dt)) {
    ({ width, write } = numberFormat(shown as number[]) as { width: number; write: (value: Value) => string });
    width += 2;
  } else {
    const texts = shown.map(integerText);
    const widest = texts.reduce((most, text) => Math.max(most, text.length), 1);
    width = widest + 2;
    write = (value) => integerText(value).padStart(widest);
  }
  let next = 0;
  const text = (dim: number, indentation: number): string => {
    if (dim === shape.length) return write(shown[next++]!);
    const items: (string | null)[] = Array.from({ length: shape[dim]! }, () => text(dim + 1, indentation + 1));
    if (long[dim]) items.splice(options.edgeitems, 0, null);
    if (dim === shape.length - 1) return lines(items, width, indentation);
    return `[${items.map((item) => item ?? "...").join(`,${"\n".repeat(shape.length - dim - 1)}${" ".repeat(indentation + 1)}`)}]`;
  };
  return text(0, indent);
}

/** The first and last items along long dims, all along others, in row-major order: reads no more than it prints. */
function edgesOf(t: Tensor, long: readonly boolean[]): Value[] {
  const n = options.edgeitems;
  const strides = t.stride();
  // A long dim becomes two: [front, back] and the items of each edge.
  const sizes = t.shape.flatMap((size, d) => (long[d] ? [2, n] : [size]));
  const steps = strides.flatMap((stride, d) => (long[d] ? [(t.shape[d]! - n) * stride, stride] : [stride]));
  return t.strided(sizes, steps).elements();
}

function lines(items: readonly (string | null)[], width: number, indent: number): string {
  const perLine = Math.max(1, Math.floor((options.linewidth - indent) / width));
  const texts = items.map((item) => item ?? " ...");
  const rows: string[] = [];
  for (let i = 0; i < texts.length; i += perLine) rows.push(texts.slice(i, i + perLine).join(", "));
  return `[${rows.join(`,\n${" ".repeat(indent + 1)}`)}]`;
}

const integerText = (value: Value): string => (value === true ? "True" : value === false ? "False" : String(value));

/** One format for all numbers of a tensor: integers with a point, fixed, or scientific. */
function numberFormat(values: readonly number[]): { width: number; write: (value: number) => string } {
  const finite = values.filter((value) => Number.isFinite(value) && value !== 0);
  const write = chooseFormat(finite);
  const width = finite.length === 0 ? 1 : finite.reduce((most, value) => Math.max(most, write(value).length), 1);
  return { width, write: (value) => write(value).padStart(width) };
}

function chooseFormat(finite: readonly number[]): (value: number) => string {
  const { precision, sciMode } = options;
  const magnitudes = finite.map(Math.abs);
  const max = magnitudes.reduce((a, b) => Math.max(a, b), 0);
  const min = magnitudes.reduce((a, b) => Math.min(a, b), Infinity);
  const whole = finite.every(Number.isInteger);
  const wide = finite.length > 0 && (max / min > 1000 || max > 1e8 || (!whole && min < 1e-4));
  const plain = (value: number): string => (Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf");
  if (finite.length > 0 && (sciMode ?? wide)) return (value) => (Number.isFinite(value) ? scientific(value, precision) : plain(value));
  if (whole) return (value) => (Number.isFinite(value) ? `${fixed(value, 0)}.` : plain(value));
  return (value) => (Number.isFinite(value) ? fixed(value, precision) : plain(value));
}

/** As Python's `%.{digits}f`: exact ties go to the even digit (JavaScript's go up). */
function fixed(value: number, digits: number): string {
  // JavaScript's toFixed turns to exponents there.
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${digits > 0 ? `.${"0".repeat(digits)}` : ""}`;
  const text = value.toFixed(digits);
  const sign = Object.is(value, -0) ? "-" : "";
  return sign + (isTie(Math.abs(value).toFixed(Math.min(100, digits + 60)), digits) ? toEven(text) : text);
}

function scientific(value: number, digits: number): string {
  const [mantissa, exponent] = value.toExponential(digits).split("e") as [string, string];
  const exact = Math.abs(value)
    .toExponential(Math.min(100, digits + 40))
    .split("e")[0]!;
  // A tie above 9 carries into the exponent: it was odd, and up is right.
  const rounded = isTie(exact, digits) && !/^-?1\.?0*$/.test(mantissa) ? toEven(mantissa) : mantissa;
  return `${Object.is(value, -0) ? "-" : ""}${rounded}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

const isTie = (exact: string, digits: number): boolean => /^50*$/.test(exact.slice(exact.indexOf(".") + 1 + digits));

/** Steps the last digit of a tie that was rounded up back to an even one. */
function toEven(text: string): string {
  const last = text.charCodeAt(text.length - 1) - 48;
  return last % 2 === 0 ? text : text.slice(0, -1) + (last - 1);
}
