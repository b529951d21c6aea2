/** The tutorials as an editor sees them where they stand, before anything has run. */
import { expect, test } from "vitest";
import { startLanguage } from "../../kernel/language/language.js";
import { inClone } from "../../scripts/environment.mjs";
import { codeCells, readNotebook, stored } from "./nbconvert.js";

test("nothing is underlined but what a tutorial explains as an error", async () => {
  const language = startLanguage({ folder: inClone("notebooks"), library: inClone("build", "js", "src", "index.d.ts") });
  await language.ready;
  for (const name of ["01-tensors", "02-autograd", "03-mnist", "04-devices"]) {
    const cells = codeCells(readNotebook(stored(name)));
    const wrong = new Map<string, string[]>();
    await new Promise<void>((resolve) => {
      const notebook = language.openNotebook((id, diagnostics) => {
        wrong.set(
          id,
          diagnostics.map(({ code, message }) => `TS${code}: ${message}`),
        );
        if (wrong.size === cells.length) resolve();
      });
      notebook.update(cells.map(({ id, source }) => ({ id, code: [source].flat().join("") })));
    });
    for (const { id, metadata } of cells) {
      const explained = metadata.tags?.includes("raises-exception") === true;
      if (!explained) expect({ name, id, wrong: wrong.get(id) }).toEqual({ name, id, wrong: [] });
    }
    if (name === "01-tensors") expect(wrong.get("type-error")).toHaveLength(1);
  }
  await language.dispose();
});
