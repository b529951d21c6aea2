/** `import * as tslab from "tslab"` in a cell: the public API of tslab 1.0 on this kernel's displays, so that its notebooks run unchanged. */
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { display as show } from "./media.js";

const typescript = (createRequire(import.meta.url)("typescript/package.json") as { readonly version: string }).version;

/** The versions of tslab's API that this is, of TypeScript and of Node. */
export const versions = { tslab: "1.0.22", typescript, node: process.version } as const;

/** Shows data of a kind. */
export interface Display {
  javascript(s: string): void;
  html(s: string): void;
  markdown(s: string): void;
  latex(s: string): void;
  svg(s: string): void;
  png(b: Uint8Array): void;
  jpeg(b: Uint8Array): void;
  gif(b: Uint8Array): void;
  pdf(b: Uint8Array): void;
  text(s: string): void;
  /** Shows data of any MIME type. */
  raw(contentType: string, b: string | Uint8Array): void;
}

/** Every call shows something more. */
export const display: Display = createDisplay((mime, data) => show.bundle({ [mime]: data }));

/** A display that the next call replaces. */
export function newDisplay(): Display {
  const displayId = randomUUID();
  let update = false;
  return createDisplay((mime, data) => {
    show.bundle({ [mime]: data }, { displayId, update });
    update = true;
  });
}

function createDisplay(raw: Display["raw"]): Display {
  const of = (mime: string) => (data: string | Uint8Array) => raw(mime, data);
  return {
    javascript: of("text/javascript"),
    html: of("text/html"),
    markdown: of("text/markdown"),
    latex: of("text/latex"),
    svg: of("image/svg+xml"),
    png: of("image/png"),
    jpeg: of("image/jpeg"),
    gif: of("image/gif"),
    pdf: of("application/pdf"),
    text: of("text/plain"),
    raw,
  };
}
