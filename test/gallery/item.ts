/** What the gallery and the tests of the views show: a bundle as a cell would get it, and the kernel's side of its live view. */
import type { MimeBundle, ViewReply, ViewRequest } from "../../src/wire/index.js";

export interface GalleryItem {
  readonly name: string;
  readonly bundle: MimeBundle;
  /** Answers the live view; absent for what is shown from the stored bundle alone. */
  readonly answer?: (request: ViewRequest) => ViewReply;
}
