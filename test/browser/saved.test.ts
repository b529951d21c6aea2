/** A saved notebook in the real JupyterLab, with a kernel that knows nothing of what its outputs show. */
import { expect, test } from "vitest";
import { galleryItems } from "../gallery/index.js";
import { colorsOf, complaints, eventually, screenshotPath } from "../views/browser.js";
import { openNotebook, outputsOf, jupyterLab, writeNotebook } from "./lab.js";

const started = jupyterLab();

const wanted = ["waves with NaN and Inf", "matrix, numbers", "run, stored, no kernel", "gradients with flags"];

test.each(["JupyterLab Light", "JupyterLab Dark"] as const)("an untrusted notebook shows its stored views in %s", async (theme) => {
  const items = wanted.map((name) => galleryItems().find((item) => item.name === name)!);
  writeNotebook(
    started.lab,
    "saved.ipynb",
    items.map(({ name }) => `// ${name}`),
    items.map(({ bundle }) => bundle),
  );
  const page = await started.browser.newPage({ viewport: { width: 1100, height: 1500 } });
  const found = complaints(page);
  await openNotebook(page, started.lab, "saved.ipynb", theme);
  await outputsOf(page, 0).locator("img.cg-stored").waitFor();
  await eventually(() => outputsOf(page, 0).locator(".cg-badge").textContent()).toMatch(/the kernel was restarted|no kernel/);
  expect(await outputsOf(page, 1).locator(".cg-text, img.cg-stored").count()).toBe(1);
  await eventually(() => colorsOf(page, ".jp-Notebook .cg-chart canvas")).toBeGreaterThan(20);
  expect(await outputsOf(page, 3).locator("table.cg-gradients tbody").count()).toBe(4);
  await page.screenshot({ path: screenshotPath(`saved-${theme.endsWith("Dark") ? "dark" : "light"}`) });
  expect(found).toEqual([]);
  await page.close();
});
