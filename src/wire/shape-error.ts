/** What a person sees of shapes that do not fit: the operands, the dims that clash, where the sizes came from, and what would work. */
import type { SourceLine } from "./host.js";
import { isRecord } from "./live.js";

export const shapeErrorMime = "application/vnd.cellgrad.shape-error.v1+json";

/** An operand as a row of sizes. */
export interface OperandPicture {
  /** The parameter of the op: `other`. */
  readonly argument: string;
  /** What the cell wrote, or the variable that has these sizes: `cg.randn(5)`; null when neither is known. */
  readonly code: string | null;
  readonly shape: readonly number[];
  /** Dims that do not fit those of another operand. */
  readonly clash: readonly number[];
  /** The line that gave it its sizes. */
  readonly origin: SourceLine | null;
}

/** A change that was tried: the op then gave a result of this shape. */
export interface ShapeFix {
  readonly code: string;
  readonly shape: readonly number[];
}

export interface ShapeErrorPayload {
  readonly version: 1;
  readonly op: string;
  /** The sentence of the error. */
  readonly message: string;
  readonly operands: readonly OperandPicture[];
  readonly fixes: readonly ShapeFix[];
}

export function isShapeErrorPayload(value: unknown): value is ShapeErrorPayload {
  return (
    isRecord(value) && value.version === 1 && Array.isArray(value.operands) && Array.isArray(value.fixes) && typeof value.op === "string"
  );
}

/** The operands, what clashes, where it came from and what would work, as lines: `other    [5]   from cell 2, line 1: cg.randn(5)`. */
export function shapeErrorLines({ operands, fixes }: ShapeErrorPayload): string[] {
  const names = operands.map(({ argument, code }) =>
    code === null || code === argument ? argument : `${argument} = ${shortCode(code, 40)}`,
  );
  const shapes = operands.map(({ shape, clash }) => `[${shape.map((size, dim) => (clash.includes(dim) ? `>${size}<` : size)).join(", ")}]`);
  const [nameWidth, shapeWidth] = [Math.max(0, ...names.map(({ length }) => length)), Math.max(0, ...shapes.map(({ length }) => length))];
  const rows = operands.map(({ origin }, i) =>
    `  ${names[i]!.padEnd(nameWidth)}  ${shapes[i]!.padStart(shapeWidth)}  ${origin === null ? "" : originText(origin)}`.trimEnd(),
  );
  const tried = fixes.map(({ code, shape }) => `  works: ${code}  gives [${shape.join(", ")}]`);
  return [...rows, ...tried];
}

/** `from cell 1, line 2: const x = cg.randn(64, 3)` */
export const originText = ({ cell, line, text }: SourceLine): string => `from cell ${cell}, line ${line}: ${shortCode(text, 60)}`;

/** Code on one line, cut where it is longer. */
export function shortCode(code: string, most: number): string {
  const flat = code.replace(/\s+/g, " ").trim();
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat;
}

/** Width of the box of a size: longer for more, within what a row of them can hold. */
export const boxWidth = (size: number): number => Math.round(Math.min(84, 34 + 6 * Math.log2(Math.max(1, size))));
