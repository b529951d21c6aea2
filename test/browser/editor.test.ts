/** Writing cells in the real JupyterLab with the real kernel: what is wrong is underlined while it is typed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { complaints, eventually, screenshotPath } from "../views/browser.js";
import { command, kernelReady, openNotebook, restartKernel, jupyterLab, writeNotebook } from "./lab.js";

const started = jupyterLab();

async function open(name: string, cells: readonly string[]) {
  writeNotebook(started.lab, name, cells);
  const page = await started.browser.newPage({ viewport: { width: 1100, height: 700 } });
  const found = complaints(page);
  await openNotebook(page, started.lab, name);
  await kernelReady(page);
  return { page, found };
}

const code = (page: Page, cell: number): Locator => page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(cell);
/** The underlined texts of a cell. */
const underlined = (page: Page, cell: number) => () => code(page, cell).locator(".cm-lintRange").allTextContents();

test("a type error is underlined while it is typed, says why, and goes", async () => {
  const { page, found } = await open("written.ipynb", ["const rate = 0.1", "", "rate.toFixed(2)"]);
  await code(page, 1).click();
  await page.keyboard.type("const text: string = rate\nrate.trim");
  await eventually(underlined(page, 1)).toEqual(["text", "trim"]);
  for (const theme of ["Light", "Dark"]) {
    await command(page, "apputils:change-theme", { theme: `JupyterLab ${theme}` });
    await code(page, 1).locator(".cm-lintRange-error").first().hover();
    await eventually(() => page.locator(".cm-tooltip-lint").textContent()).toBe("Type 'number' is not assignable to type 'string'.TS2322");
    await page.screenshot({ path: screenshotPath(`written-${theme.toLowerCase()}`) });
    await page.mouse.move(0, 0);
  }
  await page.keyboard.press("Control+a");
  await page.keyboard.type("const text: string = `${rate}`");
  await eventually(underlined(page, 1)).toEqual([]);
  await code(page, 0).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("const rate = 'fast'");
  await eventually(underlined(page, 2)).toEqual(["toFixed"]);
  expect(found).toEqual([]);
  await restartKernel(page);
  await code(page, 2).click();
  await page.keyboard.press("End");
  await page.keyboard.type("\nrate.toFixed");
  await eventually(underlined(page, 2)).toEqual(["toFixed", "toFixed"]);
  await page.close();
});

test("a proposal shows its type and documentation; accepting it adds the import that it takes; F12 goes to a definition", async () => {
  const { page, found } = await open("proposed.ipynb", ["const side = 3", "// a grid\n"]);
  await eventually(() => underlined(page, 0)()).toEqual([]);
  await code(page, 1).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("const grid = zeros");
  const proposals = page.locator(".jp-Completer:not(.lm-mod-hidden)");
  await eventually(underlined(page, 1)).toEqual(["zeros"]);
  await eventually(async () => {
    await page.keyboard.press("Escape"); // JupyterLab gives up after a second: then it is asked again
    await code(page, 1).click();
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Tab");
    await proposals.waitFor({ timeout: 3000 }).catch(() => null);
    return proposals.locator(".jp-Completer-match").allTextContents();
  }).toEqual(["zeros", "zerosLike"]);
  await eventually(() => proposals.locator(".jp-Completer-docpanel").textContent()).toContain('from "cellgrad"');
  await page.screenshot({ path: screenshotPath("proposed-light") });
  await page.keyboard.press("Enter");
  await page.keyboard.type("(side)");
  await eventually(() => code(page, 1).innerText()).toBe('// a grid\nimport { zeros } from "cellgrad"\nconst grid = zeros(side)');
  await eventually(underlined(page, 1)).toEqual([]);
  await page.keyboard.press("ArrowLeft"); // into `side`
  await page.keyboard.press("F12");
  await eventually(() => page.locator(".jp-CodeCell").first().getAttribute("class")).toContain("jp-mod-active");
  await page.keyboard.type("in");
  await eventually(() => code(page, 0).innerText()).toBe("const inside = 3");
  expect(found).toEqual([]);
  await page.close();
});

test("F12 opens the local module that declares a name, at its line", async () => {
  writeFileSync(join(started.lab.folder, "helper.ts"), "// helps\n\nexport function twice(n: number) {\n  return 2 * n;\n}\n");
  const { page, found } = await open("imported.ipynb", ['import { twice } from "./helper.ts"\ntwice(3)']);
  const place = page.locator(".jp-StatusBar-TextItem", { hasText: "Ln " });
  await eventually(async () => {
    await code(page, 0)
      .click({ timeout: 1000 })
      .catch(() => null); // until the kernel has answered
    await page.keyboard.press("Control+End");
    for (let i = 0; i < "ce(3)".length; i++) await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("F12");
    await page
      .locator(".jp-FileEditor")
      .waitFor({ timeout: 3000 })
      .catch(() => null);
    return page.locator(".jp-FileEditor").isVisible();
  }).toBe(true);
  await eventually(() => place.allTextContents()).toEqual(["Ln 3, Col 17"]);
  expect(found).toEqual([]);
  await page.close();
});
