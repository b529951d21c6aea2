/** Python's arguments: one parameter list an op, read from its signature text; positional first, then one trailing options object. */
import { codeOf, type DType } from "../tensor/dtype.js";
import { deviceCode } from "../tensor/device.js";
import { DTypeError, ShapeError, ValueError, describe, nearest } from "../tensor/errors.js";
import { Tensor, type Complex, type Scalar } from "../tensor/tensor.js";

/** One parameter: `dim: dims? = null`, `*sizes: ints`, after a lone `*` keyword only. */
export interface Param {
  readonly name: string;
  readonly kind: string;
  readonly nullable: boolean;
  /** undefined: required. */
  readonly default: unknown;
  readonly keywordOnly: boolean;
  /** Takes all that follow, or one list: `view(2, -1)`, `view([2, -1])`. */
  readonly rest: boolean;
}

const kindNames: Record<string, string> = {
  tensor: "a Tensor",
  tensors: "a list of Tensors",
  operand: "a Tensor or a number",
  number: "a number",
  scalar: "a number",
  float: "a number",
  int: "an integer",
  bool: "true or false",
  dim: "an integer",
  dims: "an integer or a list of integers",
  ints: "an integer or a list of integers",
  sizes: "an integer, a list of integers or a dtype",
  pair: "an integer or a list of two integers",
  dtype: `a dtype such as "float32"`,
  device: `a device such as "cpu"`,
  string: "a string",
  generator: "a Generator",
  function: "a function",
  any: "a value",
};

/** Reads a signature such as `"input: tensor, dim: dims? = null, keepdim: bool = false, *, dtype: dtype? = null"`. */
export function parseSignature(signature: string): Param[] {
  let keywordOnly = false;
  const params: Param[] = [];
  for (const part of signature.split(/,\s*(?![^[]*\])/)) {
    const text = part.trim();
    if (text === "*") keywordOnly = true;
    if (text === "*" || text === "") continue;
    const match = /^(\*?)(\w+): ([\w|]+)(\??)(?: = (.+))?$/.exec(text);
    if (match === null) throw new Error(`cellgrad: cannot read the parameter "${text}"`);
    params.push({
      name: match[2]!,
      kind: Object.keys(kindNames).find((kind) => kind === match[3]) ?? match[3]!, // a literal compares faster than a part of a text
      nullable: match[4] === "?",
      default: match[5] === undefined ? undefined : literal(match[5]),
      keywordOnly,
      rest: match[1] === "*",
    });
  }
  return params;
}

function literal(text: string): unknown {
  if (/^[a-z]\w*$/.test(text) && !["null", "true", "false"].includes(text)) return text;
  return text === "Infinity" ? Infinity : text === "-Infinity" ? -Infinity : JSON.parse(text);
}

/** A complex number, `{ re, im }`. */
export function isComplexNumber(value: unknown): value is Complex {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 2) return false;
  const { re, im } = value as Record<string, unknown>;
  return typeof re === "number" && typeof im === "number";
}
/** A number beside a tensor. */
export const isScalar = (value: unknown): value is Scalar =>
  typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" || isComplexNumber(value);

export function isOptions(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || isComplexNumber(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Matches arguments to parameters and converts them; every complaint names the op and the argument. */
export function bind(op: string, params: readonly Param[], args: readonly unknown[]): unknown[] {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  let options: Record<string, unknown> | null = null;
  if (count > 0 && isOptions(args[count - 1])) options = args[--count] as Record<string, unknown>;
  const values = new Array<unknown>(params.length);
  let next = 0;
  for (let i = 0; i < params.length; i++) {
    const param = params[i]!;
    let value: unknown;
    if (next < count && !param.keywordOnly) {
      if (param.rest && !Array.isArray(args[next])) {
        const items: unknown[] = [];
        while (next < count && !Array.isArray(args[next])) items.push(args[next++]);
        value = items;
      } else {
        value = args[next++];
      }
      if (options !== null && param.name in options) {
        throw new ValueError({ op, argument: param.name, expected: "given once", got: "it both by position and by name" });
      }
    } else if (options !== null) {
      value = options[param.name];
    }
    if (value === undefined) {
      if (param.default === undefined && !(param.rest && next >= count)) throw missing(op, param);
      value = param.default === undefined ? [] : param.default;
      values[i] = param.kind === "any" || value === null ? value : convert(op, param, value);
      continue;
    }
    values[i] = convert(op, param, value);
  }
  if (next < count) {
    const most = params.filter((param) => !param.keywordOnly).length;
    throw new ValueError({
      op,
      expected: `at most ${most} positional argument${most === 1 ? "" : "s"}`,
      got: `${count}, the last being ${describe(args[count - 1])}`,
    });
  }
  if (options !== null) checkKeys(op, params, options);
  return values;
}

function missing(op: string, param: Param): ValueError {
  return new ValueError({ op, argument: param.name, expected: `${article(param.kind)}`, got: "nothing" });
}

function checkKeys(op: string, params: readonly Param[], options: Record<string, unknown>): void {
  for (const key of Object.keys(options)) {
    if (params.some((param) => param.name === key)) continue;
    const names = params.map((param) => param.name);
    const near = nearest(key, names);
    throw new ValueError({
      op,
      expected: names.length === 0 ? "no options" : `options among ${names.join(", ")}`,
      got: `"${key}"`,
      hint: near === undefined ? undefined : `did you mean "${near}"?`,
    });
  }
}

const article = (kind: string): string => kindNames[kind] ?? `one of ${kind.split("|").join(", ")}`;

function convert(op: string, param: Param, value: unknown): unknown {
  if (value === null) {
    if (param.nullable) return null;
    throw refuse(op, param, value);
  }
  switch (param.kind) {
    case "tensor":
      if (value instanceof Tensor) return value;
      break;
    case "tensors":
      if (Array.isArray(value) && value.every((item) => item instanceof Tensor)) return value;
      break;
    case "operand":
      if (value instanceof Tensor || isScalar(value)) return value;
      break;
    case "scalar":
      if (isScalar(value)) return value;
      break;
    case "number":
      if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return value;
      break;
    case "float":
      if (typeof value === "number") return value;
      if (typeof value === "boolean") return Number(value);
      if (value instanceof Tensor && value.numel() === 1) return Number(value.item());
      break;
    case "int":
    case "dim":
      if (Number.isInteger(value)) return value;
      if (typeof value === "bigint") return Number(value);
      break;
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    case "sizes":
      if (Array.isArray(value) && value.length === 1 && typeof value[0] === "string") return dtypeCode(op, value[0]);
      if (Number.isInteger(value)) return [value];
      if (Array.isArray(value) && value.every(Number.isInteger)) return value;
      break;
    case "dims":
    case "ints":
      if (Number.isInteger(value)) return [value];
      if (Array.isArray(value) && value.every(Number.isInteger)) return value;
      break;
    case "pair":
      if (Number.isInteger(value)) return [value, value];
      if (Array.isArray(value) && value.every(Number.isInteger) && (value.length === 2 || value.length === 1))
        return value.length === 2 ? value : [value[0], value[0]];
      break;
    case "dtype":
      return dtypeCode(op, value);
    case "device":
      return deviceCode(op, value);
    case "string":
      if (typeof value === "string") return value;
      break;
    case "function":
      if (typeof value === "function") return value;
      break;
    case "any":
    case "generator":
      return value;
    default:
      if (param.kind.split("|").includes(value as string)) return value;
  }
  throw refuse(op, param, value);
}

function refuse(op: string, param: Param, value: unknown): ValueError {
  return new ValueError({
    op,
    argument: param.name,
    expected: article(param.kind) + (param.nullable ? " or null" : ""),
    got: describe(value),
  });
}

/** The code of a dtype name; a DTypeError that suggests the nearest. */
export function dtypeCode(op: string, value: unknown): number {
  const code = typeof value === "string" && Object.hasOwn(codeOf, value) ? codeOf[value as DType] : undefined;
  if (code !== undefined) return code;
  const near = typeof value === "string" ? nearest(value, Object.keys(codeOf)) : undefined;
  throw new DTypeError({
    op,
    argument: "dtype",
    expected: `one of ${Object.keys(codeOf).join(", ")}`,
    got: describe(value),
    hint: near && `did you mean "${near}"?`,
  });
}

/** Checks the sizes of a shape that a person gave. */
export function checkSizes(op: string, sizes: readonly number[], argument = "size"): readonly number[] {
  for (const size of sizes) {
    if (size < 0) throw new ShapeError({ op, argument, expected: "sizes of at least 0", got: describe(sizes) });
  }
  if (sizes.length > 16) throw new ShapeError({ op, argument, expected: "at most 16 dims", got: String(sizes.length) });
  return sizes;
}
