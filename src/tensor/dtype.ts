/** The twelve element types: names, codes, categories and PyTorch's promotion. */

/** ORDER DTYPE: native/core/dtype.h lists the same types in the same order; a code is an index into this list. */
export const dtypes = [
  "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
] as const; // prettier-ignore

export type DType = (typeof dtypes)[number];

/** dtype -> code. */
export const codeOf = Object.fromEntries(dtypes.map((name, code) => [name, code])) as Record<DType, number>;

export const Code = {
  bool: 0, uint8: 1, int8: 2, int16: 3, int32: 4, int64: 5, float16: 6, bfloat16: 7, float32: 8, float64: 9, complex64: 10, complex128: 11,
} as const satisfies Record<DType, number>; // prettier-ignore

/** Bytes of one element, by code. */
export const elementSize: readonly number[] = [1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16];

/** Promotion category, by code: 0 bool, 1 integer, 2 float, 3 complex. */
export const category: readonly number[] = [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3];

export const isFloating = (code: number): boolean => category[code] === 2;
export const isComplex = (code: number): boolean => category[code] === 3;
export const isIntegral = (code: number): boolean => category[code]! < 2;
/** Types that can carry a gradient. */
export const isDifferentiable = (code: number): boolean => category[code]! >= 2;

let defaultCode: number = Code.float32;

/** The floating dtype of new tensors made from JavaScript numbers. */
export const getDefaultDtype = (): DType => dtypes[defaultCode]!;
export const defaultDtypeCode = (): number => defaultCode;
export function setDefaultDtypeCode(code: number): void {
  defaultCode = code;
}

// Row = left code, column = right code; PyTorch's c10/core/ScalarType promotion lattice.
const promotion = new Uint8Array(144);
for (let a = 0; a < 12; a++) for (let b = 0; b < 12; b++) promotion[a * 12 + b] = promotePair(a, b);

function promotePair(a: number, b: number): number {
  if (a === b) return a;
  const [low, high] = a < b ? [a, b] : [b, a];
  if (category[high] === 3) return low === Code.float64 || high === Code.complex128 ? Code.complex128 : Code.complex64;
  if (low === Code.float16 && high === Code.bfloat16) return Code.float32;
  if (low === Code.uint8 && high === Code.int8) return Code.int16;
  return high;
}

/** The common type of two dtype codes (torch.promote_types). */
export const promoteTypes = (a: number, b: number): number => promotion[a * 12 + b]!;

/** The category of a JavaScript number acting as a Python scalar: an integer-valued one is an int, any other a float. */
export function scalarCategory(value: number | bigint | boolean | object): number {
  if (typeof value === "object") return 3;
  if (typeof value === "boolean") return 0;
  return typeof value === "bigint" || Number.isInteger(value) ? 1 : 2;
}

/** The complex dtype whose parts have this one; the default for integers. */
export const complexOf = (code: number): number =>
  isComplex(code) ? code : (isIntegral(code) ? defaultCode : code) === Code.float64 ? Code.complex128 : Code.complex64;
/** The dtype of the parts of a complex one; the code itself for others. */
export const realOf = (code: number): number => (code === Code.complex64 ? Code.float32 : code === Code.complex128 ? Code.float64 : code);

/** The dtype that a scalar of `kind` takes when it decides alone. */
export function defaultOfCategory(kind: number): number {
  return [Code.bool, Code.int64, defaultCode, complexOf(defaultCode)][kind]!;
}

/** Adds an operand of lower priority (0-d tensor beside a dimensioned one, scalar beside a tensor): it counts only by category. */
export function promoteWeak(strong: number, weak: number): number {
  if (category[weak]! <= category[strong]!) return strong;
  return category[weak] === 3 && category[strong] === 2 ? complexOf(strong) : weak;
}

export type TypedArray =
  | Uint8Array | Int8Array | Int16Array | Uint16Array | Int32Array | BigInt64Array | Float32Array | Float64Array; // prettier-ignore

type TypedArrayClass = { new (length: number): TypedArray; new (buffer: ArrayBufferLike, start: number, length: number): TypedArray };

/** By code: what holds the elements of a dtype; half types travel as their bits, complex as interleaved pairs. */
const arrays = [
  Uint8Array, Uint8Array, Int8Array, Int16Array, Int32Array, BigInt64Array, Uint16Array, Uint16Array, Float32Array, Float64Array,
  Float32Array, Float64Array,
] as unknown as readonly TypedArrayClass[]; // prettier-ignore

const parts = (code: number, numel: number): number => (isComplex(code) ? 2 * numel : numel);

/** The typed array that holds elements of a dtype. */
export const typedArrayFor = (code: number, numel: number): TypedArray => new arrays[code]!(parts(code, numel));

/** The same over a buffer, from a byte on. */
export const typedArrayOver = (code: number, buffer: ArrayBufferLike, start: number, numel: number): TypedArray =>
  new arrays[code]!(buffer, start, parts(code, numel));

/** The dtype of a typed array, or -1. */
export function codeOfTypedArray(data: ArrayBufferView): number {
  if (data instanceof Float32Array) return Code.float32;
  if (data instanceof Float64Array) return Code.float64;
  if (data instanceof Int32Array) return Code.int32;
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return Code.uint8;
  if (data instanceof Int8Array) return Code.int8;
  if (data instanceof Int16Array) return Code.int16;
  if (data instanceof BigInt64Array) return Code.int64;
  return -1;
}
