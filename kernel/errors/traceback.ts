/** Lays out an error for Jupyter: a header, then frames in cells and files, the first cell frame with its code. */
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

const cellPlace = /^Cell \[(\d+)\]:(\d+):(\d+)$/;

/** The first lines of a traceback: `TypeError: message` with the name in red. */
export function header(ename: string, evalue: string): string {
  return evalue === "" ? `${red}${ename}${plain}` : `${red}${ename}${plain}: ${evalue}`;
}

/** Frames as indented lines; `codeOf` gives the text of a numbered cell. */
export function frameLines(frames: readonly Frame[], codeOf: (count: number) => string | undefined): string[] {
  let drawn = false;
  return frames.flatMap(({ place, name }) => {
    const line = name === "" ? `  ${place}` : `  ${place} in ${name}`;
    const cell = cellPlace.exec(place);
    const code = cell && codeOf(Number(cell[1]));
    if (drawn || !cell || code === null || code === undefined) return [line];
    drawn = true;
    return [line, ...codeFrame(code, Number(cell[2]), Number(cell[3])).map((text) => `  ${text}`)];
  });
}
