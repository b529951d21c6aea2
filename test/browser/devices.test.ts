/** The device panel in the real JupyterLab with the real kernel: beside a cell that never yields, and in a cell. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { colorsOf, complaints, eventually, screenshotPath } from "../views/browser.js";
import { command, kernelReady, openCommCount, openNotebook, outputsOf, runCell, jupyterLab, writeNotebook } from "./lab.js";

const started = jupyterLab();

const cells = [
  `import * as cg from "cellgrad"
const { nn } = cg
const images = cg.randn(512, 784)
let spare: cg.Tensor | null = cg.zeros(300_000)
const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10))
const opt = new cg.optim.Adam(model.parameters(), { lr: 1e-3 })`,
  `for (;;) {
  opt.zeroGrad()
  const loss = model.forward(images).square().mean()
  loss.backward()
  opt.step()
}`,
  `cg.devices()`,
];

async function open(name: string, theme: "JupyterLab Light" | "JupyterLab Dark"): Promise<{ page: Page; found: string[] }> {
  writeNotebook(started.lab, name, cells);
  const page = await started.browser.newPage({ viewport: { width: 1280, height: 960 } });
  const found = complaints(page);
  await openNotebook(page, started.lab, name, theme);
  await kernelReady(page);
  return { page, found };
}

const toggle = (page: Page) => page.locator('.lm-TabBar-tab[data-id="cellgrad-devices"]').click();
const panel = (page: Page) => page.locator("#cellgrad-devices");
const holder = (page: Page, name: string) =>
  panel(page)
    .locator(".cg-holder")
    .filter({ has: page.getByText(name, { exact: true }) });

test.each(["JupyterLab Light", "JupyterLab Dark"] as const)("a loop that never yields is watched from the sidebar in %s", async (theme) => {
  const { page, found } = await open(`devices ${theme}.ipynb`, theme);
  await runCell(page, 0);
  await toggle(page);
  await eventually(() => panel(page).locator(".cg-holder-name").allTextContents()).toContain("images");
  await page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").nth(1).click();
  command(page, "notebook:run-cell").catch(() => undefined);
  await eventually(() => panel(page).locator(".cg-holder-name").allTextContents()).toContain("opt.state[model.0.weight].exp_avg");
  await eventually(() => panel(page).locator(".cg-device-bar").first().getAttribute("aria-label")).toMatch(/^tensors .* optimizer /);
  await expect.poll(() => colorsOf(page, "canvas.cg-device-history")).toBeGreaterThan(4);
  await page.screenshot({ path: screenshotPath(`devices-${theme.split(" ")[1]!.toLowerCase()}`) });

  await holder(page, "images").getByRole("button", { name: "cell 1" }).click();
  await expect.poll(() => page.locator(".jp-Notebook .jp-Cell.jp-mod-active").first().textContent()).toContain("const images");
  await holder(page, "spare")
    .getByRole("button", { name: /^Free spare: 1.2/ })
    .click();
  await holder(page, "spare")
    .getByRole("button", { name: /Press again/ })
    .click();
  await eventually(() => panel(page).locator(".cg-holder-name").allTextContents()).not.toContain("spare");

  expect(await openCommCount(page)).toBeGreaterThan(0);
  await toggle(page);
  await eventually(() => openCommCount(page)).toBe(0);
  await command(page, "notebook:interrupt-kernel");
  expect(found).toEqual([]);
  await page.close();
});

test("devices() in a cell shows the same, live", async () => {
  const { page, found } = await open("devices in a cell.ipynb", "JupyterLab Light");
  await runCell(page, 0);
  await runCell(page, 2);
  await eventually(() => outputsOf(page, 2).locator(".cg-holder-name").allTextContents()).toContain("model.0.weight");
  await outputsOf(page, 2).locator(".cg-device-history").first().waitFor(); // only the kernel knows it
  expect(await outputsOf(page, 2).locator(".cg-device-history:visible").count()).toBe(1); // of the CPU: no other device was used
  await page.screenshot({ path: screenshotPath("devices-in-a-cell") });
  expect(found).toEqual([]);
  await page.close();
});
