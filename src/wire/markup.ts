/** Text inside HTML and SVG that outputs carry. */

/** Makes a text safe inside SVG and HTML. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}
