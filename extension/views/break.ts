/** What a run's view says of the first value that is not finite: where it came from, and the way there. */
import { breakHeadline, noOrigin, sourceWords, type FirstBreak } from "../../src/wire/index.js";
import { create } from "./dom.js";
import type { Scene } from "./view.js";

export function drawBreak(host: HTMLElement, broken: FirstBreak | null, reveal: Scene<unknown>["reveal"]): void {
  host.hidden = broken === null;
  const key = broken === null ? "" : JSON.stringify(broken);
  // A button that is pressed while points arrive must stay the same one.
  if (host.dataset["shown"] === key) return;
  host.dataset["shown"] = key;
  host.replaceChildren(...(broken === null ? [] : linesOf(broken, reveal)));
}

function linesOf(broken: FirstBreak, reveal: Scene<unknown>["reveal"]): HTMLElement[] {
  const { origin } = broken;
  const head = create("span", "cg-bad", {}, breakHeadline(broken));
  if (origin === null) return [create("div", "", {}, head), create("div", "cg-muted", {}, noOrigin)];
  const { source } = origin;
  const first = create("div", "", {}, head, `: ${origin.cause}`);
  const details = origin.details.map((detail) => create("div", "cg-muted", {}, detail));
  if (source === null) return [first, ...details];
  const text = sourceWords(origin);
  const place = reveal === undefined ? create("span", "", {}, text) : create("button", "cg-link", { type: "button" }, text);
  if (reveal !== undefined) place.addEventListener("click", () => reveal(source.cell, source.cellId));
  return [first, create("div", "", {}, place), ...details];
}
