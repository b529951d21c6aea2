/** The picture that the file holds, for when no kernel can draw a better one. */
import { isRecord } from "../../src/wire/index.js";
import { create } from "./dom.js";
import type { Bundle } from "./view.js";

/** Returns a function that shows the stored PNG of a bundle, else its text. */
export function storedPicture(host: HTMLElement): (bundle: Bundle, metadata: Bundle, label: string) => void {
  let shown: unknown;
  return (bundle, metadata, label) => {
    // A small tensor has its numbers as text and html: they say more than a few squares.
    const png = "text/html" in bundle ? undefined : bundle["image/png"];
    const source = typeof png === "string" ? png : textOf(bundle, label);
    if (source === shown && host.firstChild) return;
    shown = source;
    if (typeof png === "string") host.replaceChildren(imageOf(png, metadata["image/png"], label));
    else host.replaceChildren(create("pre", "cg-text", {}, source));
  };
}

/** The text of a bundle; nbformat allows a list of lines. */
export function textOf(bundle: Bundle, otherwise: string): string {
  const text = bundle["text/plain"];
  return Array.isArray(text) ? text.join("") : typeof text === "string" ? text : otherwise;
}

function imageOf(png: string, metadata: unknown, label: string): HTMLElement {
  const image = create("img", "cg-stored", { src: `data:image/png;base64,${png.replace(/\s/g, "")}`, alt: label });
  if (isRecord(metadata) && typeof metadata.width === "number") image.width = metadata.width;
  return image;
}
