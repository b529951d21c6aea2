/** One slider for each dim that is not drawn. */
import { create, setText } from "./dom.js";

export interface Sliders {
  readonly element: HTMLElement;
  update(shape: readonly number[], drawn: readonly number[], index: readonly number[], enabled: boolean): void;
}

/** `move` is called with a dim and its new position while a slider is dragged or stepped with the arrow keys. */
export function createSliders(move: (dim: number, at: number) => void): Sliders {
  const element = create("div", "cg-sliders", { role: "group", "aria-label": "Position on the dims that are not drawn" });
  let rows = new Map<number, { input: HTMLInputElement; output: HTMLElement }>();
  let built = "";
  return {
    element,
    update(shape, drawn, index, enabled) {
      const key = `${shape.join()};${drawn.join()}`;
      if (key !== built) {
        built = key;
        rows = new Map();
        element.replaceChildren();
        shape.forEach((size, dim) => {
          if (drawn.includes(dim) || size < 2) return;
          const input = create("input", "cg-slider", {
            type: "range",
            min: "0",
            max: String(size - 1),
            step: "1",
            "aria-label": `dim ${dim}`,
          });
          const output = create("output", "cg-number");
          input.addEventListener("input", () => move(dim, input.valueAsNumber));
          // JupyterLab's own shortcuts would otherwise move the cell selection.
          input.addEventListener("keydown", (event) => event.stopPropagation());
          element.append(create("label", "cg-row", {}, create("span", "cg-muted", {}, `dim ${dim}`), input, output));
          rows.set(dim, { input, output });
        });
        element.hidden = rows.size === 0;
      }
      for (const [dim, { input, output }] of rows) {
        input.value = String(index[dim]!);
        input.disabled = !enabled;
        input.setAttribute("aria-valuetext", `${index[dim]} of ${shape[dim]! - 1}`);
        setText(output, `${index[dim]} / ${shape[dim]! - 1}`);
      }
    },
  };
}
