/** The view of a model's gradients: one row a parameter, grouped by module, with bars, history and what is unusual. */
import { fromWire, gradientFlags, type GradientRow, type GradientsPayload, type WireNumber } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";
import { colorTable, cssColor } from "./colors.js";
import { create, prepareCanvas } from "./dom.js";
import { formatCount, formatNumber } from "./format.js";
import type { Scene, View } from "./view.js";

type Column = "name" | "shape" | "weight" | "grad" | "gradMax" | "zeros" | "ratio" | "history" | "flags";

interface ColumnSpec {
  readonly label: string;
  readonly hint: string;
  /** What the column sorts by, largest first; absent where an order means nothing. */
  readonly value?: (row: GradientRow) => number;
}

const columns: Readonly<Record<Column, ColumnSpec>> = {
  name: { label: "parameter", hint: "In the order of the modules" },
  shape: {
    label: "shape",
    hint: "Sorted by the number of elements",
    value: (row) => row.shape.reduce((product, size) => product * size, 1),
  },
  weight: { label: "|w|", hint: "L2 norm of the parameter", value: (row) => number(row.weight) },
  grad: { label: "|g|", hint: "L2 norm of the gradient; the bar is its logarithm", value: (row) => number(row.grad) },
  gradMax: { label: "max |g|", hint: "Largest magnitude in the gradient", value: (row) => number(row.gradMax) },
  zeros: { label: "zeros", hint: "Share of exact zeros in the gradient", value: (row) => row.zeros ?? -1 },
  ratio: { label: "|Δw|/|w|", hint: "Change of the parameter since the sample before, relative to it", value: (row) => number(row.ratio) },
  history: { label: "history", hint: "log10 |g| of the last samples, oldest first" },
  flags: { label: "notes", hint: "What is unusual; most notes first", value: (row) => row.flags.length },
};

interface Order {
  readonly column: Column;
  readonly ascending: boolean;
}

export function gradientsView(root: HTMLElement): View<GradientsPayload> {
  const summary = create("div", "cg-head cg-top");
  const table = create("table", "cg-gradients", { "aria-label": "Gradients by parameter" });
  const scroller = create("div", "cg-scroll", { tabindex: "0", role: "group", "aria-label": "Gradients by parameter" }, table);
  const cut = create("div", "cg-muted cg-caption");
  root.replaceChildren(summary, scroller, cut);
  let scene: Scene<GradientsPayload>;
  let order: Order = { column: "name", ascending: true };

  const heads = new Map<Column, HTMLElement>();
  const headRow = create("tr");
  for (const column of Object.keys(columns) as Column[]) headRow.append(headOf(column));
  const head = create("thead", "", {}, headRow);

  function headOf(column: Column): HTMLElement {
    const { label, hint, value } = columns[column];
    const cell = create("th", `cg-col-${column}`, { scope: "col", title: hint });
    if (value || column === "name") {
      const button = create("button", "cg-sort", { type: "button" }, label);
      button.addEventListener("click", () => {
        order = order.column === column ? { column, ascending: !order.ascending } : { column, ascending: column === "name" };
        draw();
      });
      cell.append(button);
    } else cell.append(label);
    heads.set(column, cell);
    return cell;
  }

  function draw(): void {
    const { payload, theme } = scene;
    summary.textContent = payload.summary;
    for (const [column, cell] of heads) {
      if (column === order.column) cell.setAttribute("aria-sort", order.ascending ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    }
    const scale = barScale(payload.rows);
    const groups =
      order.column === "name" ? byModule(payload.rows, order.ascending) : [{ module: null, rows: sorted(payload.rows, order) }];
    table.replaceChildren(
      head,
      ...groups.map(({ module, rows }) => {
        const body = create("tbody");
        if (module !== null)
          body.append(create("tr", "cg-module", {}, create("th", "", { scope: "rowgroup", colspan: String(heads.size) }, module)));
        body.append(...rows.map((row) => rowOf(row, module, scale, theme)));
        return body;
      }),
    );
    cut.hidden = payload.total <= payload.rows.length;
    cut.textContent = `${formatCount(payload.rows.length)} of ${formatCount(payload.total)} parameters are stored.`;
  }

  return {
    update(next) {
      scene = next;
      draw();
    },
    dispose: () => root.replaceChildren(),
  };
}

interface BarScale {
  readonly lo: number;
  readonly hi: number;
}

function rowOf(row: GradientRow, module: string | null, scale: BarScale, theme: Theme): HTMLElement {
  const name = module === null || module === "" ? row.name : row.name.slice(module.length + 1);
  const bar = create("span", "cg-bar");
  const grad = number(row.grad);
  bar.style.width =
    grad > 0 && Number.isFinite(grad) ? `${Math.max(2, ((Math.log10(grad) - scale.lo) / (scale.hi - scale.lo)) * 100)}%` : "0";
  const bad = row.nan + row.infinite > 0;
  return create(
    "tr",
    row.flags.length > 0 ? "cg-flagged" : "",
    {},
    create("th", "", { scope: "row", title: row.name }, name),
    create("td", "cg-shape", {}, `[${row.shape.join(", ")}]`),
    create("td", "", {}, show(row.weight)),
    create(
      "td",
      bad ? "cg-bad" : "",
      {},
      create("span", "cg-bar-track", { "aria-hidden": "true" }, bar),
      create("span", "cg-bar-text", {}, show(row.grad)),
    ),
    create("td", "", {}, show(row.gradMax)),
    create("td", "", {}, row.zeros === null ? "–" : `${formatNumber(row.zeros * 100, 3)} %`),
    create("td", "", {}, show(row.ratio)),
    create("td", "", {}, historyOf(row, scale, theme)),
    create(
      "td",
      "cg-flags",
      {},
      ...row.flags.map((flag) =>
        create(
          "span",
          "cg-flag",
          { title: flag.rule },
          gradientFlags[flag.kind],
          create("span", "cg-visually-hidden", {}, `: ${flag.rule}`),
        ),
      ),
    ),
  );
}

/** A heat strip of the last samples; gaps are samples without a finite gradient. */
function historyOf(row: GradientRow, scale: BarScale, theme: Theme): HTMLElement {
  const [width, height] = [72, 12];
  const finite = row.history.filter((value) => value !== null);
  const label =
    finite.length === 0
      ? "no samples"
      : `log10 |g| from ${formatNumber(finite[0]!, 3)} to ${formatNumber(finite.at(-1)!, 3)} over ${row.history.length} samples`;
  const canvas = create("canvas", "cg-history", { role: "img", "aria-label": label, title: label });
  const context = prepareCanvas(canvas, width, height);
  const colors = colorTable("sequential", theme.dark);
  const step = width / Math.max(1, row.history.length);
  row.history.forEach((value, i) => {
    if (value === null) return;
    const level = Math.round(Math.max(0, Math.min(1, (value - scale.lo) / (scale.hi - scale.lo))) * 255);
    context.fillStyle = cssColor(colors[level]!);
    context.fillRect(i * step, 0, Math.max(1, step - 0.25), height);
  });
  return canvas;
}

/** log10 limits that all bars and strips of the table share. */
function barScale(rows: readonly GradientRow[]): BarScale {
  const logs = rows.flatMap((row) => {
    const grad = number(row.grad);
    return [...row.history.filter((value) => value !== null), ...(grad > 0 && Number.isFinite(grad) ? [Math.log10(grad)] : [])];
  });
  if (logs.length === 0) return { lo: -1, hi: 0 };
  const [lo, hi] = [Math.min(...logs), Math.max(...logs)];
  // A bar of the smallest gradient still shows; rows that agree within a decade look alike.
  return { lo: Math.min(lo, hi - 1) - 0.3, hi };
}

function byModule(rows: readonly GradientRow[], ascending: boolean): { module: string; rows: GradientRow[] }[] {
  const groups: { module: string; rows: GradientRow[] }[] = [];
  for (const row of ascending ? rows : [...rows].reverse()) {
    const module = row.name.includes(".") ? row.name.slice(0, row.name.lastIndexOf(".")) : "";
    if (groups.at(-1)?.module === module) groups.at(-1)!.rows.push(row);
    else groups.push({ module, rows: [row] });
  }
  return groups;
}

function sorted(rows: readonly GradientRow[], { column, ascending }: Order): GradientRow[] {
  const value = columns[column].value!;
  const sign = ascending ? 1 : -1;
  return [...rows].sort((a, b) => sign * (value(a) - value(b)));
}

/** For sorting and bars: a missing number is the least, NaN the most alarming. */
function number(value: WireNumber | null): number {
  if (value === null) return -1;
  const result = fromWire(value);
  return Number.isNaN(result) ? Infinity : result;
}

function show(value: WireNumber | null): string {
  return value === null ? "–" : formatNumber(fromWire(value), 3);
}
