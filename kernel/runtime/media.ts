/** `display`, and its members for data whose kind the caller names: `display.html("<b>x</b>")`, `display.png(bytes)`. */
import type { MimeBundle } from "../../src/wire/host.js";
import { displayValue, encodeData, sendDisplay, type DisplayOptions } from "./display.js";
import { inspectSafely } from "./errors.js";

/** Options of pictures: their size on the page in pixels, where it is not the file's own. */
export interface PictureOptions extends DisplayOptions {
  readonly width?: number;
  readonly height?: number;
}

/** Shows a value under the cell, in place; its members show data of a kind, at once. */
export interface Display {
  /**
   * Shows a value as a cell's result would be shown.
   *
   * @example await display(tensor, { displayId: "weights" })
   */
  (value: unknown, options?: DisplayOptions): Promise<void>;
  /**
   * Replaces what was shown under `displayId`, in whatever cell that was.
   *
   * @example await display.update("weights", tensor)
   */
  update(displayId: string, value: unknown): Promise<void>;
  /** Shows text as it is. */
  text(text: string, options?: DisplayOptions): void;
  /** Shows HTML; front ends run scripts in it only where the notebook is trusted. */
  html(html: string, options?: DisplayOptions): void;
  markdown(markdown: string, options?: DisplayOptions): void;
  /** Shows a formula, `$...$` or `$$...$$` or an environment. */
  latex(latex: string, options?: DisplayOptions): void;
  svg(svg: string, options?: DisplayOptions): void;
  /** Shows a value as a tree that folds. */
  json(value: unknown, options?: DisplayOptions): void;
  /** Shows a picture; text is read as base64. */
  png(picture: Uint8Array | string, options?: PictureOptions): void;
  jpeg(picture: Uint8Array | string, options?: PictureOptions): void;
  gif(picture: Uint8Array | string, options?: PictureOptions): void;
  /** Shows a bundle of MIME types of the caller's choice; bytes become base64. */
  bundle(data: Readonly<Record<string, unknown>>, options?: DisplayOptions): void;
}

export const display: Display = Object.assign((value: unknown, options?: DisplayOptions) => displayValue(value, options), {
  update: (displayId: string, value: unknown) => displayValue(value, { displayId, update: true }),
  text: (text: string, options?: DisplayOptions) => show({ "text/plain": text }, options),
  html: (html: string, options?: DisplayOptions) => show({ "text/html": html }, options),
  markdown: (markdown: string, options?: DisplayOptions) => show({ "text/markdown": markdown, "text/plain": markdown }, options),
  latex: (latex: string, options?: DisplayOptions) => show({ "text/latex": latex, "text/plain": latex }, options),
  svg: (svg: string, options?: DisplayOptions) => show({ "image/svg+xml": svg }, options),
  json: (value: unknown, options?: DisplayOptions) => show({ "application/json": value, "text/plain": inspectSafely(value) }, options),
  png: (picture: Uint8Array | string, options?: PictureOptions) => showPicture("image/png", picture, options),
  jpeg: (picture: Uint8Array | string, options?: PictureOptions) => showPicture("image/jpeg", picture, options),
  gif: (picture: Uint8Array | string, options?: PictureOptions) => showPicture("image/gif", picture, options),
  bundle: (data: Readonly<Record<string, unknown>>, options?: DisplayOptions) => show(data, options),
});

function showPicture(mime: string, picture: Uint8Array | string, { width, height, ...options }: PictureOptions = {}): void {
  const size = { ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
  show({ [mime]: picture }, options, Object.keys(size).length > 0 ? { [mime]: size } : {});
}

/** Every bundle has a text, for terminals and for readers that show nothing else. */
function show(data: Readonly<Record<string, unknown>>, options: DisplayOptions = {}, metadata: MimeBundle["metadata"] = {}): void {
  const encoded = encodeData(data);
  const [mime = "nothing"] = Object.keys(data);
  sendDisplay({ data: { ...encoded, "text/plain": encoded["text/plain"] ?? `[${mime}]` }, metadata }, options);
}
