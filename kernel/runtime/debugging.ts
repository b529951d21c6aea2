/** What the debugger in K asks of the main thread, through V8: how cells and scripts correspond, and values as a person reads them. */
import { viewsSymbol, type Description, type Views } from "../../src/wire/host.js";
import type { CellTransformer } from "../language/types.js";
import { activeCell, cellsOf, placeIn, registerScript, type ActiveCell } from "./cells.js";
import { toBundle } from "./display.js";
import type { Bundle } from "./messages.js";

/** The script of code that is transformed and not run. */
const draftKey = 0;

/** Called by K as `globalThis["cellgrad.kernel"].debugging`; everything but values crosses as JSON. */
export interface Debugging {
  /** Every cell that was run. */
  cells(): readonly DebuggedCell[];
  /** The script that code would become, known to {@link places} as cell 0; null when it does not parse. */
  draft(code: string): string | null;
  /** Where places of scripts, [cell, line, column], are in the cells' texts, [line, column], all from 1. */
  places(places: readonly (readonly [number, number, number])[]): readonly (readonly [number, number])[];
  /** An expression as V8 reads it where `locals` hide names of the session. `prelude` declares what it declares, for the session. */
  expression(code: string, locals: readonly string[]): { readonly prelude: string; readonly js: string } | { readonly error: string };
  /** Declares a name of the session; `binding` is what V8 calls it. */
  declare(name: string): { readonly prelude: string; readonly binding: string };
  /** What the library says of each value; null where it says nothing. */
  describe(...values: unknown[]): readonly (Omit<Description, "parts"> | null)[];
  /** What a person may look at inside a value of the library. */
  parts(value: unknown): object | null;
  /** The picture of a value. */
  bundle(value: unknown): Bundle;
}

export interface DebuggedCell {
  readonly key: number;
  readonly count: number;
  readonly code: string;
}

export function createDebugging(transformer: CellTransformer): Debugging {
  return {
    cells: () => cellsOf().map(({ key, count, code }) => ({ key, count, code })),
    draft(code) {
      const script = transformer.transform(code);
      if (!script.ok) return null;
      registerScript({ key: draftKey, count: draftKey, id: null, code, interactive: true }, (place) => script.map(place));
      return script.js;
    },
    places: (places) =>
      places.map(([key, line, column]) => {
        const place = placeIn(key, { line, column });
        return [place.line, place.column];
      }),
    expression(code, locals) {
      const script = transformer.transform(code, new Set(locals));
      if (!script.ok) return { error: `${script.name}: ${script.message}` };
      transformer.commit(script);
      return { prelude: script.prelude, js: script.js };
    },
    declare(name) {
      const script = transformer.transform(`let ${name}`);
      if (!script.ok) throw new SyntaxError(script.message);
      transformer.commit(script);
      return { prelude: script.prelude, binding: script.names[0]!.binding! };
    },
    describe: (...values) =>
      values.map((value) => {
        const description = library()?.describe(value);
        return description ? { type: description.type, text: description.text } : null;
      }),
    parts: (value) => library()?.aside(() => library()!.describe(value)?.parts()) ?? null,
    bundle(value) {
      const draw = () => activeCell.run(observer, () => toBundle(value));
      const bundle = library()?.aside(draw) ?? draw();
      // Nothing that must be awaited can be had while the thread stands still.
      return bundle instanceof Promise ? { data: {}, metadata: {} } : bundle;
    },
  };
}

/** The debugger looks as a person does who watches a cell of their own. */
const observer: ActiveCell = {
  key: draftKey,
  count: draftKey,
  id: null,
  code: "",
  interactive: true,
  beforeIdle: [],
  payload: [],
  children: new Set(),
  workers: new Set(),
  stopped: false,
};

function library(): Views | null {
  return (globalThis as { [viewsSymbol]?: Views })[viewsSymbol] ?? null;
}
