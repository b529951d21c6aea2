/** The view of shapes that do not fit: a box for each size, those that clash hatched, where they came from, what would work. */
import { boxWidth, originText, shortCode, type OperandPicture, type ShapeErrorPayload } from "../../src/wire/index.js";
import { create } from "./dom.js";
import type { Scene, View } from "./view.js";

export function shapeErrorView(root: HTMLElement): View<ShapeErrorPayload> {
  return {
    update({ payload, reveal }: Scene<ShapeErrorPayload>) {
      const head = create("div", "cg-head cg-top", {}, create("span", "cg-type", {}, payload.op), ": the shapes do not fit");
      const rows = payload.operands.map((operand) => rowOf(operand, reveal));
      const table = create("table", "cg-shapes", { "aria-label": "Operands" }, create("tbody", "", {}, ...rows));
      const fixes = payload.fixes.map(({ code, shape }) =>
        create("li", "", {}, create("code", "", {}, code), create("span", "cg-muted", {}, ` gives [${shape.join(", ")}]`)),
      );
      const works =
        fixes.length === 0
          ? []
          : [create("div", "cg-muted", {}, "What works, tried with these shapes:"), create("ul", "cg-fixes", {}, ...fixes)];
      root.replaceChildren(head, create("div", "cg-scroll", { tabindex: "0", role: "group", "aria-label": "Operands" }, table), ...works);
    },
    dispose: () => root.replaceChildren(),
  };
}

function rowOf(operand: OperandPicture, reveal: Scene<ShapeErrorPayload>["reveal"]): HTMLElement {
  const { argument, code, shape, clash } = operand;
  const boxes = shape.map((size, dim) => {
    const clashes = clash.includes(dim);
    const box = create("span", clashes ? "cg-size cg-clash" : "cg-size", { title: `dim ${dim}` }, create("span", "", {}, String(size)));
    if (clashes) box.append(create("span", "cg-visually-hidden", {}, " does not fit"));
    box.style.width = `${boxWidth(size)}px`;
    return box;
  });
  const sizes = shape.length === 0 ? [create("span", "cg-muted", {}, "a number")] : boxes;
  return create(
    "tr",
    "",
    {},
    create("th", "", { scope: "row", title: code ?? argument }, shortCode(code ?? argument, 28)),
    create("td", "cg-sizes", {}, ...sizes),
    create("td", "cg-muted", {}, code === null || code === argument ? "" : `${argument} `, ...originOf(operand, reveal)),
  );
}

/** Where the sizes came from, as a way there in a notebook. */
function originOf({ origin }: OperandPicture, reveal: Scene<ShapeErrorPayload>["reveal"]): Node[] {
  if (origin === null) return [];
  const text = originText(origin);
  if (reveal === undefined) return [create("span", "", {}, text)];
  const button = create("button", "cg-link", { type: "button" }, text);
  button.addEventListener("click", () => reveal(origin.cell, origin.cellId));
  return [button];
}
