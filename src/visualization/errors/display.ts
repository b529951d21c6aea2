/** Gives errors about shapes their picture: operands by the words of the cell, where their sizes came from, what would work. */
import { ShapeError, type ShapeOperand } from "../../tensor/errors.js";
import { Tensor } from "../../tensor/tensor.js";
import { displaySymbol, type CallSource, type MimeBundle, type SourceLine } from "../../wire/host.js";
import { shapeErrorLines, shapeErrorMime, type OperandPicture, type ShapeErrorPayload } from "../../wire/shape-error.js";
import { Module } from "../../nn/module.js";
import { host } from "../live.js";
import { pngEntry, rasterize } from "../picture/picture.js";
import { fixesFor } from "./fixes.js";
import { drawShapeError } from "./picture.js";

/** The argument of an op that takes sizes. */
const sizes = "shape";

/** The bundle of an error, or nothing when it does not say which operands it is about. */
export function shapeErrorBundle(error: ShapeError): MimeBundle | undefined {
  if (error.operands.length === 0) return undefined;
  return bundleOf(payloadOf(error, error.operands));
}

/** A payload with its picture and its text. */
export function bundleOf(payload: ShapeErrorPayload): MimeBundle {
  const lines = shapeErrorLines(payload);
  const picture = pngEntry(rasterize(drawShapeError(payload)), [`${payload.op}: the shapes do not fit`, ...lines].join("\n"));
  return { data: { [shapeErrorMime]: payload, "image/png": picture.data, "text/plain": lines.join("\n") }, metadata: picture.metadata };
}

function payloadOf(error: ShapeError, given: readonly ShapeOperand[]): ShapeErrorPayload {
  const call = callOf(error);
  const words = wordsOf(call, error.op, given);
  const operands = given.map((operand, i) => pictureOf(operand, words[i] ?? null, call));
  const named = operands.map(({ argument, code, shape }) => ({ name: code ?? argument, shape }));
  return { version: 1, op: error.op, message: error.message, operands, fixes: fixesFor(error.op, named) };
}

/** The call in a cell that the error came from. */
function callOf(error: Error): CallSource | null {
  const place = /Cell \[(\d+)\]:(\d+):(\d+)/.exec(error.stack ?? "");
  return place === null ? null : (host()?.callAt(Number(place[1]), Number(place[2]), Number(place[3])) ?? null);
}

/** What the cell wrote for each operand, when it called the op itself: as a method, the first is the receiver. */
function wordsOf(call: CallSource | null, op: string, operands: readonly ShapeOperand[]): readonly (string | null)[] {
  if (call === null || call.name !== op) return [];
  const tensors = operands.filter(({ argument }) => argument !== sizes).length;
  const { receiver, arguments: given } = call;
  const isMethod = receiver !== null && (tensors < operands.length ? tensorNamed(given[0]) === null : given.length < tensors);
  return (isMethod ? [receiver, ...given] : given).slice(0, tensors);
}

function pictureOf({ argument, shape, clash }: ShapeOperand, words: string | null, call: CallSource | null): OperandPicture {
  const isName = words !== null && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(words);
  const name = isName ? words : argument === sizes ? null : nameOf(shape);
  const declared = name === null ? null : (host()?.declarationOf(name.split(".")[0]!) ?? null);
  const here: SourceLine | null = call === null || words === null ? null : call;
  const origin = declared ?? here;
  return {
    argument,
    code: words ?? name,
    shape: [...shape],
    clash: [...clash],
    origin: origin && { cell: origin.cell, cellId: origin.cellId, line: origin.line, text: origin.text },
  };
}

/** What the notebook calls the tensor of these sizes: a tensor keeps the list, and hands it on to results of the same shape. */
function nameOf(shape: readonly number[]): string | null {
  for (const [name, value] of host()?.variables() ?? []) {
    if (value instanceof Tensor && value.shape === shape) return name;
    if (!(value instanceof Module)) continue;
    for (const [parameter, tensor] of value.namedParameters()) if (tensor.shape === shape) return `${name}.${parameter}`;
  }
  return null;
}

function tensorNamed(words: string | undefined): Tensor | null {
  const value = host()
    ?.variables()
    .find(([name]) => name === words)?.[1];
  return value instanceof Tensor ? value : null;
}

Object.defineProperty(ShapeError.prototype, displaySymbol, {
  value(this: ShapeError) {
    return shapeErrorBundle(this);
  },
});
