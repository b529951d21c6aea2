/** What dtypes hold and how they combine: finfo, iinfo, canCast, promoteTypes, resultType. */
import { Code, category, codeOf, defaultOfCategory, dtypes, elementSize, promoteTypes as promote, promoteWeak, scalarCategory, type DType } from "../tensor/dtype.js"; // prettier-ignore
import { DTypeError, ValueError, describe } from "../tensor/errors.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { canCast as mayCast, resultCode } from "./define.js";
import { dtypeCode, isScalar } from "./schema.js";

/** Limits of a floating dtype. */
export interface FloatInfo {
  readonly bits: number;
  /** The distance from 1 to the next number. */
  readonly eps: number;
  readonly max: number;
  readonly min: number;
  /** The smallest positive normal number. */
  readonly tiny: number;
  readonly smallestNormal: number;
  /** Decimal resolution. */
  readonly resolution: number;
  readonly dtype: DType;
}
/** Limits of an integer dtype; int64's are bigints. */
export interface IntInfo {
  readonly bits: number;
  readonly max: number | bigint;
  readonly min: number | bigint;
  readonly dtype: DType;
}

// Bits of the fraction, the largest and the smallest exponent, decimal digits.
const formats = {
  float16: [10, 15, -14, 3],
  bfloat16: [7, 127, -126, 2],
  float32: [23, 127, -126, 6],
  float64: [52, 1023, -1022, 15],
} as const;

/**
 * The limits of a floating dtype (torch.finfo); a complex one has those of its parts.
 * @param dtype default: the default dtype
 * @throws DTypeError for integers and bool
 * @example finfo("float32").eps // 1.1920928955078125e-7
 */
export function finfo(dtype: DType = dtypes[defaultOfCategory(2)]!): FloatInfo {
  const code = dtypeCode("finfo", dtype);
  const parts = code === Code.complex64 ? "float32" : code === Code.complex128 ? "float64" : dtype;
  if (!Object.hasOwn(formats, parts))
    throw new DTypeError({ op: "finfo", argument: "dtype", expected: "a floating dtype", got: dtype, hint: "use iinfo" });
  const [fraction, high, low, digits] = formats[parts as keyof typeof formats];
  const max = (2 - 2 ** -fraction) * 2 ** high;
  const tiny = 2 ** low;
  return {
    bits: 8 * elementSize[codeOf[parts]]!, eps: 2 ** -fraction, max, min: -max, tiny, smallestNormal: tiny, resolution: Number(`1e-${digits}`), dtype: parts,
  }; // prettier-ignore
}

/** The limits of an integer dtype (torch.iinfo). @throws DTypeError for others @example iinfo("int8").max // 127 */
export function iinfo(dtype: DType): IntInfo {
  const code = dtypeCode("iinfo", dtype);
  if (category[code] !== 1)
    throw new DTypeError({ op: "iinfo", argument: "dtype", expected: "an integer dtype", got: dtype, hint: "use finfo" });
  const bits = 8 * elementSize[code]!;
  if (bits === 64) return { bits, max: 2n ** 63n - 1n, min: -(2n ** 63n), dtype };
  return dtype === "uint8" ? { bits, max: 255, min: 0, dtype } : { bits, max: 2 ** (bits - 1) - 1, min: -(2 ** (bits - 1)), dtype };
}

/** True when `from` may be stored as `to`: never from complex to float, float to integer, anything to bool (torch.can_cast). */
export const canCast = (from: DType, to: DType): boolean => mayCast(dtypeCode("canCast", from), dtypeCode("canCast", to));

/** The smallest dtype that holds both (torch.promote_types). @example promoteTypes("uint8", "int8") // "int16" */
export const promoteTypes = (type1: DType, type2: DType): DType =>
  dtypes[promote(dtypeCode("promoteTypes", type1), dtypeCode("promoteTypes", type2))]!;

/**
 * The dtype of an op on two operands (torch.result_type): numbers and 0-d tensors count by their category only.
 * @example resultType(tensor([1n]), 2.5) // "float32"
 */
export function resultType(tensor1: Tensor | Scalar, tensor2: Tensor | Scalar): DType {
  for (const [argument, value] of Object.entries({ tensor1, tensor2 }))
    if (!(value instanceof Tensor) && !isScalar(value))
      throw new ValueError({ op: "resultType", argument, expected: "a Tensor or a number", got: describe(value) });
  const ofScalar = (x: Scalar): number => defaultOfCategory(scalarCategory(x));
  if (tensor1 instanceof Tensor && tensor2 instanceof Tensor) return dtypes[resultCode(tensor1, tensor2)]!;
  if (tensor1 instanceof Tensor) return dtypes[promoteWeak(tensor1.dt, ofScalar(tensor2 as Scalar))]!;
  if (tensor2 instanceof Tensor) return dtypes[promoteWeak(tensor2.dt, ofScalar(tensor1))]!;
  return dtypes[promote(ofScalar(tensor1), ofScalar(tensor2))]!;
}

const kindOf = (op: string, x: Tensor | DType): number => category[x instanceof Tensor ? x.dt : dtypeCode(op, x)]!;
/** True for float16, bfloat16, float32 and float64 (a tensor's dtype, or a dtype). */
export const isFloatingPoint = (input: Tensor | DType): boolean => kindOf("isFloatingPoint", input) === 2;
/** True for complex64 and complex128. */
export const isComplex = (input: Tensor | DType): boolean => kindOf("isComplex", input) === 3;
/** True for a Tensor. */
export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;
