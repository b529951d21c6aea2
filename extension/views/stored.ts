/** The picture that the file holds, for when no kernel can draw a better one. */
import { create } from "./dom.js";
import type { Bundle } from "./view.js";

/** Shows the stored PNG of a bundle, else its text; returns the element, which `refresh` keeps up to date. */
export function storedPicture(host: HTMLElement): (bundle: Bundle, label: string) => void {
  let shown: unknown;
  return (bundle, label) => {
    const png = bundle["image/png"];
    const text = bundle["text/plain"];
    const source = typeof png === "string" ? png : text;
    if (source === shown && host.firstChild) return;
    shown = source;
    if (typeof png === "string") host.replaceChildren(create("img", "cg-stored", { src: `data:image/png;base64,${png.replace(/\s/g, "")}`, alt: label }));
    else host.replaceChildren(create("pre", "cg-text", {}, typeof text === "string" ? text : label));
  };
}
