/** The legend of the curves is a table: last value, best value and the value under the cursor. */
import { create, setText } from "./dom.js";
import { formatCount, formatNumber } from "./format.js";

export interface SeriesRow {
  readonly name: string;
  readonly color: string;
  readonly shown: boolean;
  readonly last: number;
  readonly best: number;
  readonly bestIs: "min" | "max";
  readonly bestStep: number;
  readonly atCursor: number | null;
}

export interface SeriesTable {
  readonly element: HTMLElement;
  update(rows: readonly SeriesRow[], cursor: number | null): void;
}

/** `toggle` hides or shows a curve. */
export function createSeriesTable(toggle: (name: string) => void): SeriesTable {
  const atCursor = create("th", "cg-at-cursor", { scope: "col" });
  const heading = create(
    "tr",
    "",
    {},
    create("th", "", { scope: "col" }, "curve"),
    create("th", "", { scope: "col" }, "last"),
    create("th", "", { scope: "col" }, "best"),
    atCursor,
  );
  const body = create("tbody");
  const element = create("table", "cg-series", { "aria-label": "Values of the curves" }, create("thead", "", {}, heading), body);
  let built = "";

  function build(rows: readonly SeriesRow[]): void {
    body.replaceChildren(
      ...rows.map((row) => {
        const button = create("button", "cg-swatch-button", { type: "button" }, create("span", "cg-swatch"), row.name);
        button.addEventListener("click", () => toggle(row.name));
        return create("tr", "", {}, create("th", "", { scope: "row" }, button), create("td"), create("td"), create("td"));
      }),
    );
  }

  return {
    element,
    update(rows, cursor) {
      const names = rows.map((row) => row.name).join("\n");
      if (names !== built) {
        built = names;
        build(rows);
      }
      element.hidden = rows.length === 0;
      setText(atCursor, cursor === null ? "at cursor" : `at ${formatCount(cursor)}`);
      rows.forEach((row, i) => {
        const { cells } = body.rows[i]!;
        const button = cells[0]!.firstElementChild as HTMLButtonElement;
        const swatch = button.firstElementChild as HTMLElement;
        button.setAttribute("aria-pressed", String(row.shown));
        swatch.style.background = row.shown ? row.color : "transparent";
        swatch.style.borderColor = row.color;
        setText(cells[1]!, formatNumber(row.last));
        setText(cells[2]!, `${formatNumber(row.best)} (${row.bestIs}, step ${formatCount(row.bestStep)})`);
        setText(cells[3]!, row.atCursor === null ? "" : formatNumber(row.atCursor));
      });
    },
  };
}
