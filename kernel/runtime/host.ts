/** What the library finds in R: the {@link Host} of src/wire/host.ts. */
import { hostSymbol, type Host, type MimeBundle } from "../../src/wire/host.js";
import { activeCell, cellSpans } from "./cells.js";
import { sendDisplay } from "./display.js";
import { callAt, callsOf, declarationOf } from "./sources.js";

/** Indices of the words that stop native work, and that hold the number of the cell that was started last. */
export const [cancelWord, cellWord] = [1, 2];

const [finishers, restorers]: [(() => void)[], (() => void)[]] = [[], []];

/** Does what the library has to do at the end of a cell. */
export function finishCell(): void {
  for (const finish of finishers) finish();
}

/** Puts the library right after code was cut off. */
export function restoreAfterInterrupt(): void {
  for (const restore of restorers) restore();
}

/** Puts the host on globalThis. */
export function installHost(words: Int32Array, gauges: Float64Array, variables: Host["variables"]): void {
  const host: Host = {
    words,
    gauges,
    variables,
    cells: cellSpans,
    display: ({ data, metadata = {} }: MimeBundle, options = {}) => sendDisplay({ data, metadata }, options),
    declarationOf,
    callAt,
    callsOf,
    cell: () => activeCell.getStore() ?? null,
    beforeIdle: (task) => {
      const cell = activeCell.getStore();
      if (cell && !cell.beforeIdle.includes(task)) cell.beforeIdle.push(task);
    },
    atCellEnd: (finish) => void finishers.push(finish),
    afterInterrupt: (restore) => void restorers.push(restore),
    get interactive() {
      return activeCell.getStore()?.interactive ?? false;
    },
  };
  Object.defineProperty(globalThis, hostSymbol, { value: host });
}
