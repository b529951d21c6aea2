/** Lays out an error for Jupyter: a header, then frames in cells and files, the first of each with its code. */
import { codeFrame } from "./code-frame.js";

const red = "\u001b[31m";
const plain = "\u001b[39m";

/** A place in a stack, already in terms of cells. */
export interface Frame {
  /** `Cell [3]:7:12` or `/path/file.ts:7:12`. */
  readonly place: string;
  /** The function, or "" at the top level. */
  readonly name: string;
}

const placePattern = /^(.+):(\d+):(\d+)$/;
const cellSource = /^Cell \[\d+\]$/;

/** The first lines of a traceback: `TypeError: message` with the name in red. */
export function header(ename: string, evalue: string): string {
  return evalue === "" ? `${red}${ename}${plain}` : `${red}${ename}${plain}: ${evalue}`;
}

/**
 * Frames as indented lines: the first that is in a cell with its code, and the first in a file where no cell comes before it.
 * `textOf` gives the text of `Cell [3]` or `/path/file.ts`, or undefined for what people did not write.
 */
export function frameLines(frames: readonly Frame[], textOf: (source: string) => string | undefined): string[] {
  const drawn = { cell: false, file: false };
  return frames.flatMap(({ place, name }) => {
    const line = name === "" ? `  ${place}` : `  ${place} in ${name}`;
    const [, source = "", row, column] = placePattern.exec(place) ?? [];
    const kind = cellSource.test(source) ? "cell" : "file";
    const text = drawn.cell || drawn[kind] ? undefined : textOf(source);
    if (text === undefined) return [line];
    drawn[kind] = true;
    return [line, ...codeFrame(text, Number(row), Number(column)).map((each) => `  ${each}`)];
  });
}
