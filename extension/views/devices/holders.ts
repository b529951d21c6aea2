/** Who holds the memory: a row a storage, with the cell that made it and what freeing it brings. */
import { holderColors, type HolderKind, type HolderRow } from "../../../src/wire/index.js";
import type { Theme } from "../../theme.js";
import { create } from "../dom.js";
import { formatBytes, formatCount, formatDuration } from "../format.js";
import type { Actions } from "./actions.js";

interface HoldersScene {
  readonly rows: readonly HolderRow[];
  readonly others: number;
  /** Milliseconds since 1970 in the kernel; null for what is stored. */
  readonly now: number | null;
  readonly actions: Actions;
  readonly theme: Theme;
}

const kindTexts: Readonly<Record<HolderKind, string>> = {
  variable: "variable",
  parameter: "parameter",
  gradient: "gradient",
  saved: "saved for backward",
  optimizer: "optimizer",
  unnamed: "in a running function, a closure, or waiting to be collected",
};

/** What can be freed by hand: the rest belongs to something that needs it. */
const freed: Readonly<Partial<Record<HolderKind, string>>> = {
  variable: "Whoever uses it later gets a DisposedError.",
  gradient: "The parameter has no gradient then.",
};

export function createHolders(): { readonly element: HTMLElement; update(scene: HoldersScene): void } {
  const list = create("ul", "cg-holders", { "aria-label": "Who holds the memory, the largest first" });
  const more = create("div", "cg-muted cg-caption");
  const element = create("div", "", {}, create("div", "cg-muted cg-devices-title", {}, "Held by"), list, more);
  let shown = "";
  /** The storage whose release waits for a second click. */
  let armed: number | null = null;
  let scene: HoldersScene;

  function draw(): void {
    const largest = Math.max(1, ...scene.rows.map(({ bytes }) => bytes));
    list.replaceChildren(...scene.rows.map((row) => rowOf(row, largest)));
  }

  function rowOf(row: HolderRow, largest: number): HTMLElement {
    const { name, kind, bytes, dtype, shape, device, tensors, cell, cellId, made, storage } = row;
    const { actions, theme } = scene;
    const color = holderColors[kind][theme.dark ? "dark" : "light"];
    const meter = create("span", "cg-holder-meter", { "aria-hidden": "true" });
    meter.style.width = `${(100 * bytes) / largest}%`;
    meter.style.background = color;
    const dot = create("span", "cg-holder-dot", { "aria-hidden": "true" });
    dot.style.background = color;
    const facts = create("span", "cg-muted cg-holder-facts", {}, `${dtype} [${shape.join(", ")}] · ${kindTexts[kind]}`);
    if (device !== "cpu") facts.append(` · ${device}`);
    if (tensors > 1) facts.append(` · ${tensors} tensors share it`);
    if (cell !== null) {
      const link = create("button", "cg-link", { type: "button", title: "Go to the cell" }, `cell ${cell}`);
      link.addEventListener("click", () => actions.reveal(cell, cellId));
      facts.append(" · ", link);
    }
    facts.append(create("span", "cg-holder-age", { "data-born": String(row.born ?? "") }));
    if (made !== null) facts.append(create("div", "cg-holder-made", { title: made }, made));
    const line = create(
      "div",
      "cg-holder-line",
      {},
      dot,
      create("span", "cg-holder-name", { title: name ?? "" }, name ?? "unnamed"),
      create("span", "cg-number", {}, formatBytes(bytes)),
    );
    if (actions.possible && freed[kind] !== undefined) line.append(releaseOf(row));
    return create("li", "cg-holder", { "data-storage": String(storage) }, line, create("span", "cg-holder-track", {}, meter), facts);
  }

  /** The first click says what happens, the second does it. */
  function releaseOf({ storage, bytes, kind, name, device }: HolderRow): HTMLElement {
    const isArmed = armed === storage;
    const text = isArmed ? `Free ${formatBytes(bytes)} now` : "Free";
    const button = create(
      "button",
      isArmed ? "cg-button cg-armed" : "cg-button",
      {
        type: "button",
        title: `Frees ${formatBytes(bytes)}. ${freed[kind]!}`,
        "aria-label": `Free ${name}: ${formatBytes(bytes)}. ${freed[kind]!}${isArmed ? " Press again to do it." : ""}`,
      },
      text,
    );
    button.addEventListener("click", () => {
      if (armed === storage) scene.actions.act("release", device, storage);
      armed = armed === storage ? null : storage;
      shown = "";
      draw();
      list.querySelector<HTMLElement>(`[data-storage="${storage}"] .cg-button`)?.focus();
    });
    button.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || armed === null) return;
      armed = null;
      draw();
    });
    return button;
  }

  return {
    element,
    update(next) {
      scene = next;
      const { rows, others, actions, theme, now } = next;
      const state = JSON.stringify([rows, actions.possible, theme.dark, theme.contrast]);
      if (state !== shown) draw();
      shown = state;
      element.hidden = rows.length === 0;
      more.hidden = others === 0;
      more.textContent = `and ${formatCount(others)} smaller`;
      for (const age of list.querySelectorAll<HTMLElement>(".cg-holder-age")) {
        const born = Number(age.dataset["born"]);
        age.textContent = now === null || born === 0 ? "" : ` · ${formatDuration(Math.max(0, now - born) / 1000)} old`;
      }
    },
  };
}
