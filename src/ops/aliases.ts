/** PyTorch's second names: each is the op that it names, with the same parameters, gradients and in-place form. */
import { movedim } from "./arrange.js";
import { atan2, div, ge, gt, le, lt, mul, ne, sub } from "./binary.js";
import { registry } from "./define.js";
import { outer } from "./matmul.js";
import { inPlaceForms, type Binary, type Unary } from "./pointwise.js";
import { clamp } from "./ternary.js";
import { abs, acos, acosh, asin, asinh, atan, atanh, neg } from "./unary.js";

/** Declares `name` as another name of the op `of`. */
function alias<F>(name: string, of: string, call: F): F {
  const info = registry.get(of)!;
  const changing = inPlaceForms.get(`${of}_`);
  if (changing !== undefined) inPlaceForms.set(`${name}_`, changing);
  registry.set(name, { ...info, name });
  return call;
}

/** As {@link abs}. */
export const absolute: Unary = alias("absolute", "abs", abs);
/** As {@link neg}. */
export const negative: Unary = alias("negative", "neg", neg);
/** As {@link acos}. */
export const arccos: Unary = alias("arccos", "acos", acos);
/** As {@link acosh}. */
export const arccosh: Unary = alias("arccosh", "acosh", acosh);
/** As {@link asin}. */
export const arcsin: Unary = alias("arcsin", "asin", asin);
/** As {@link asinh}. */
export const arcsinh: Unary = alias("arcsinh", "asinh", asinh);
/** As {@link atan}. */
export const arctan: Unary = alias("arctan", "atan", atan);
/** As {@link atanh}. */
export const arctanh: Unary = alias("arctanh", "atanh", atanh);
/** As {@link atan2}. */
export const arctan2: Binary = alias("arctan2", "atan2", atan2);
/** As {@link mul}. */
export const multiply: Binary = alias("multiply", "mul", mul);
/** As {@link gt}. */
export const greater: Binary = alias("greater", "gt", gt);
/** As {@link ge}. */
export const greaterEqual: Binary = alias("greaterEqual", "ge", ge);
/** As {@link lt}. */
export const less: Binary = alias("less", "lt", lt);
/** As {@link le}. */
export const lessEqual: Binary = alias("lessEqual", "le", le);
/** As {@link ne}. */
export const notEqual: Binary = alias("notEqual", "ne", ne);
/** As {@link sub}. */
export const subtract: typeof sub = alias("subtract", "sub", sub);
/** As {@link div}. */
export const divide: typeof div = alias("divide", "div", div);
/** As {@link div}. */
export const trueDivide: Binary = alias("trueDivide", "div", div);
/** As {@link clamp}. */
export const clip: typeof clamp = alias("clip", "clamp", clamp);
/** As {@link movedim}. */
export const moveaxis: typeof movedim = alias("moveaxis", "movedim", movedim);
/** As {@link outer}. */
export const ger: typeof outer = alias("ger", "outer", outer);
