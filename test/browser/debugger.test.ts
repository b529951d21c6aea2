/** The debugger panel and the variables panel of the real JupyterLab (row 53): a breakpoint in cell 1, hit from cell 3. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { colorsOf, complaints, eventually, screenshotPath } from "../views/browser.js";
import { command, kernelReady, openNotebook, outputsOf, runCell, jupyterLab, writeNotebook } from "./lab.js";

const started = jupyterLab();

const cells = [
  `import * as cg from "cellgrad"
interface Size { w: number; h: number }
function area(size: Size): number {
  const t = cg.arange(size.w * size.h).reshape(size.w, size.h)
  const result = t.sum().item()
  return result
}`,
  `const weights = cg.ones(3, 4)
const options = { lr: 0.1, layers: [784, 10] }`,
  `const sum = area({ w: 30, h: 40 })
sum * 2`,
];

/** What the variables panel shows now, by name. */
async function variables(page: Page): Promise<Record<string, string>> {
  const rows = await page
    .locator(".jp-DebuggerVariables-body:visible .jp-DebuggerVariables-name")
    .evaluateAll((names) => names.map((name) => [name.textContent, name.nextElementSibling?.textContent ?? ""] as const));
  return Object.fromEntries(rows);
}

/** The call stack as the panel lists it. */
async function stack(page: Page): Promise<string[]> {
  const frames = await page.locator(".jp-DebuggerCallstack-body li").allInnerTexts();
  return frames.map((frame) => frame.replace(/\s+/g, " ").trim());
}

/** The line that is highlighted as the next one to run. */
const line = (page: Page) => page.locator(".jp-DebuggerEditor-highlight").first().textContent();

/** Presses a button of the call stack's toolbar. */
const press = (page: Page, title: string) => page.locator(`.jp-DebuggerSidebar jp-button[title^="${title}"]`).first().click();

test("a breakpoint in cell 1 stops cell 3; the panels show the stack, the values and the tensor, and steps go on", async () => {
  writeNotebook(started.lab, "debug.ipynb", cells);
  const page = await started.browser.newPage({ viewport: { width: 1500, height: 1000 } });
  const found = complaints(page);
  await openNotebook(page, started.lab, "debug.ipynb");
  await kernelReady(page);
  await runCell(page, 0);
  await runCell(page, 1);
  await page.locator(".jp-DebuggerBugButton").click();
  await eventually(() => variables(page)).toMatchObject({
    weights: expect.stringContaining("Tensor float32 [3, 4]"),
    options: "{lr: 0.1, layers: Array(2)}",
  });

  await page.locator(".jp-Notebook .jp-CodeCell").first().locator(".cm-breakpoint-gutter .cm-gutterElement").nth(5).click();
  await eventually(() => page.locator(".jp-DebuggerBreakpoint").allInnerTexts()).toEqual([expect.stringMatching(/Cell \[1\]\s*5/)]);
  void runCell(page, 2);
  await eventually(() => stack(page)).toEqual(["area Cell [1]:5", "Cell [3] Cell [*]:1"]);
  await eventually(() => line(page)).toContain("const result");
  const locals = { size: "{w: 30, h: 40}", result: "undefined", t: expect.stringContaining("Tensor int64 [30, 40]") };
  await eventually(() => variables(page)).toEqual(locals);

  await page.locator(".jp-DebuggerVariables-detail", { hasText: "Tensor int64" }).hover();
  await page.locator('.jp-DebuggerVariables-renderVariable[title$=" t"]').click();
  const painted = ".jp-VariableRendererPanel canvas.cg-heatmap";
  await page.locator(painted).waitFor();
  await eventually(() => colorsOf(page, painted)).toBeGreaterThan(20);
  await page.screenshot({ path: screenshotPath("debugger-light") });
  await command(page, "apputils:change-theme", { theme: "JupyterLab Dark" });
  await eventually(() => page.locator("body").getAttribute("data-jp-theme-light")).toBe("false");
  await page.screenshot({ path: screenshotPath("debugger-dark") });

  await press(page, "Next");
  await eventually(() => line(page)).toContain("return result");
  await eventually(() => variables(page)).toMatchObject({ result: "719400" });
  await eventually(() => page.locator(".jp-VariableRendererPanel .cg-shape").textContent()).toBe("[30, 40]");
  await press(page, "Step Out");
  await eventually(() => stack(page)).toEqual(["Cell [3] Cell [*]:2"]);
  await press(page, "Continue");
  await eventually(() => outputsOf(page, 2).allInnerTexts()).toEqual(["1438800"]);
  await eventually(() => variables(page)).toMatchObject({ sum: "719400" });
  await eventually(() => page.locator(".jp-VariableRendererPanel").innerText()).toContain("undefined in the active context");
  expect(found).toEqual([]);
  await page.close();
});
