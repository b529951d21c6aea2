/** What a tensor is, asked as torch asks: isSigned, isSameSize, isNonzero, numel ..., and shapes without tensors. */
import { Code } from "../tensor/dtype.js";
import { ValueError, describe, formatShape } from "../tensor/errors.js";
import { broadcastShapes as broadcastOf, sameShape, type Shape } from "../tensor/shape.js";
import type { Complex, Tensor } from "../tensor/tensor.js";
import { op, type OpOptions } from "./define.js";
import type { Unary } from "./pointwise.js";

const plain = { differentiable: false } as const;

/** Declares a question about a living tensor. */
const fact = <R>(name: string, answer: (input: Tensor) => R, options: OpOptions = plain): ((input: Tensor) => R) =>
  op(name, "input: tensor", (input: Tensor) => (input.live(name), answer(input)), options);

/** True for dtypes with negative numbers: all but bool and uint8 (torch.is_signed). */
export const isSigned = fact("isSigned", (t) => t.dt !== Code.bool && t.dt !== Code.uint8);
/** False: conjugates are never lazy here (torch.is_conj). */
export const isConj = fact("isConj", () => false);
/** False: negations are never lazy here (torch.is_neg). */
export const isNeg = fact("isNeg", () => false);
/** The tensor itself: negations are never lazy here (torch.resolve_neg). */
export const resolveNeg: Unary = fact("resolveNeg", (input) => input, {});
/** True when both have one shape. */
export const isSameSize: (input: Tensor, other: Tensor) => boolean = op(
  "isSameSize",
  "input: tensor, other: tensor",
  (a: Tensor, b: Tensor) => (a.live("isSameSize"), b.live("isSameSize"), sameShape(a.shape, b.shape)),
  plain,
);
/** Whether the only element is not 0. @throws ValueError for a tensor of more or fewer elements */
export const isNonzero = fact("isNonzero", (input) => {
  if (input.numel() !== 1)
    throw new ValueError({ op: "isNonzero", argument: "input", expected: "one element", got: formatShape(input.shape) });
  const value = input.item();
  return typeof value === "object" ? (value as Complex).re !== 0 || (value as Complex).im !== 0 : Boolean(value) || Number.isNaN(value);
});
/** The number of elements; the method is on every Tensor. */
export const numel = fact("numel", (input) => input.numel(), { ...plain, method: false });
/** As numel(). */
export const nelement = fact("nelement", (input) => input.numel());
/** As dim(). */
export const ndimension = fact("ndimension", (input) => input.shape.length);

/** The shape that shapes broadcast to (torch.broadcast_shapes). @example broadcastShapes([2, 1], [3]) // [2, 3] */
export function broadcastShapes(...shapes: (number | Shape)[]): Shape {
  const lists = shapes.map((shape) => (typeof shape === "number" ? [shape] : shape));
  const bad = lists.find((shape) => !Array.isArray(shape) || !shape.every((size) => Number.isInteger(size) && size >= 0));
  if (bad !== undefined)
    throw new ValueError({ op: "broadcastShapes", argument: "shapes", expected: "lists of sizes", got: describe(bad) });
  return lists.reduce<Shape>((common, shape) => broadcastOf("broadcastShapes", common, shape), []);
}
