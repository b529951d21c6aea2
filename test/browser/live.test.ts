/** Live views in the real JupyterLab with the real kernel: while a cell runs, over a reload, over a restart. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { colorsOf, complaints, eventually, screenshotPath } from "../views/browser.js";
import {
  command,
  jupyterLab,
  kernelProcess,
  kernelReady,
  openCommCount,
  openNotebook,
  outputsOf,
  restartKernel,
  runCell,
  writeNotebook,
} from "./lab.js";

const started = jupyterLab();

const library = `import * as cg from "cellgrad"`;

/** A synchronous loop that gives nobody else a turn. */
const loop = (seconds: number): string => `const run = cg.track({ name: "busy" })
for (let i = 0; i < ${seconds * 50}; i++) {
  for (const until = performance.now() + 20; performance.now() < until; );
  run.log({ loss: Math.exp(-i / 80), accuracy: 1 - Math.exp(-i / 60) })
}`;

/** Opens a notebook of these cells with its kernel. */
async function open(
  name: string,
  cells: readonly string[],
  theme: "JupyterLab Light" | "JupyterLab Dark" = "JupyterLab Light",
): Promise<{ page: Page; found: string[] }> {
  writeNotebook(started.lab, name, cells);
  const page = await started.browser.newPage({ viewport: { width: 1100, height: 1000 } });
  const found = complaints(page);
  await openNotebook(page, started.lab, name, theme);
  await kernelReady(page);
  return { page, found };
}

/** Runs all cells without waiting for their end. */
async function run(...notebook: Parameters<typeof open>): ReturnType<typeof open> {
  const opened = await open(...notebook);
  command(opened.page, "notebook:run-all-cells").catch(() => undefined); // a reload takes the page away
  return opened;
}

/** What the view says of the element at (x, y); the mouse moves a little each time, as a hand does. */
function reader(view: Locator, x: number, y: number): () => Promise<string | null> {
  let moved = 0;
  return async () => {
    await view.locator("canvas.cg-heatmap").hover({ position: { x: x + (moved++ % 3), y } });
    return view.locator(".cg-readout").textContent();
  };
}

const badge = (page: Page, cell: number) => outputsOf(page, cell).locator(".cg-badge");
const lastLoss = async (page: Page, cell: number): Promise<number> => {
  const text = await outputsOf(page, cell)
    .locator("table.cg-series td")
    .first()
    .textContent({ timeout: 1000 })
    .catch(() => null);
  return text === null ? NaN : Number(text.replace("e−", "e-"));
};

test.each(["JupyterLab Light", "JupyterLab Dark"] as const)("a tensor is painted, browsed and read in %s", async (theme) => {
  const { page, found } = await run("tensor.ipynb", [library, "const x = cg.arange(4 * 40 * 60).reshape(4, 40, 60); x", "1 + 1"], theme);
  const view = outputsOf(page, 1);
  await view.locator("canvas.cg-heatmap").waitFor({ timeout: 30_000 });
  await eventually(() => colorsOf(page, ".jp-Notebook canvas.cg-heatmap")).toBeGreaterThan(20);
  await page.screenshot({ path: screenshotPath(`tensor-${theme.endsWith("Dark") ? "dark" : "light"}`) });
  await eventually(reader(view, 47, 8)).toBe("[0, 0, 0] = 0");
  await view.getByLabel("dim 0").focus();
  await page.keyboard.press("ArrowRight");
  await eventually(reader(view, 47, 8)).toBe("[1, 0, 0] = 2400");
  expect(found).toEqual([]);
  await page.close();
});

test("a change in place is noticed; a freed tensor keeps its picture", async () => {
  const { page } = await open("changed.ipynb", [library, "const x = cg.zeros(20, 30, 40); x", "x.add_(3); 0", "x.dispose(); 0"]);
  const view = outputsOf(page, 1);
  await runCell(page, 0);
  await runCell(page, 1);
  await view.locator("canvas.cg-heatmap").waitFor({ timeout: 30_000 });
  await runCell(page, 2);
  await outputsOf(page, 2).waitFor();
  let x = 60;
  await eventually(async () => {
    await view.locator("canvas.cg-heatmap").hover({ position: { x: x++, y: 20 } });
    return badge(page, 1).textContent();
  }).toContain("changed in place");
  await view.getByRole("button", { name: "show now" }).click();
  await eventually(() => badge(page, 1).isVisible()).toBe(false);
  await eventually(() => view.locator(".cg-facts").textContent()).toContain("max3");
  await runCell(page, 3);
  await outputsOf(page, 3).waitFor();
  await view.getByLabel("dim 0").focus();
  await page.keyboard.press("ArrowRight");
  await eventually(() => badge(page, 1).textContent()).toBe("the tensor was freed");
  expect(await view.getByLabel("dim 0").isDisabled()).toBe(true);
  expect(await view.locator("canvas.cg-heatmap").isVisible()).toBe(true);
  await page.close();
});

test("views answer, and a curve grows, while a synchronous loop runs", async () => {
  const { page, found } = await run("busy.ipynb", [library, "const x = cg.arange(3 * 50 * 50).reshape(3, 50, 50); x", loop(12), `"after"`]);
  await eventually(() => lastLoss(page, 2)).toBeLessThan(1);
  const early = await lastLoss(page, 2);
  await eventually(reader(outputsOf(page, 1), 47, 8)).toBe("[0, 0, 0] = 0");
  await eventually(() => lastLoss(page, 2)).toBeLessThan(early);
  expect(await badge(page, 2).textContent()).toBe("running");
  await eventually(() => badge(page, 2).textContent()).toBe("finished");
  await outputsOf(page, 3).waitFor();
  expect(found).toEqual([]);
  await page.close();
});

test("a reload in mid-run keeps the curve, which goes on and is stored when it ends", async () => {
  const { page, found } = await run("reload.ipynb", [library, loop(14)]);
  await eventually(() => lastLoss(page, 1)).toBeLessThan(0.9);
  const file = (): string => readFileSync(join(started.lab.folder, "reload.ipynb"), "utf8");
  await eventually(file).toContain("cellgrad.run"); // saved because a live view appeared
  await page.reload();
  await eventually(() => lastLoss(page, 1)).toBeLessThan(0.9);
  expect(await badge(page, 1).textContent()).toBe("running");
  await eventually(() => colorsOf(page, ".jp-Notebook .cg-chart canvas")).toBeGreaterThan(20);
  await page.screenshot({ path: screenshotPath("run-reloaded") });
  await eventually(() => badge(page, 1).textContent()).toBe("finished");
  await eventually(file).toContain("application/vnd.vegalite.v5+json");
  expect(found).toEqual([]);
  await page.close();
});

test("a kernel that hangs is said not to be there; when it goes on, the view is live again", async () => {
  const { page } = await run("hung.ipynb", [library, "const x = cg.arange(2 * 1200).reshape(2, 30, 40); x"]);
  await outputsOf(page, 1).locator("canvas.cg-heatmap").waitFor({ timeout: 30_000 });
  const kernel = await kernelProcess(page);
  process.kill(kernel, "SIGSTOP");
  await outputsOf(page, 1).getByLabel("dim 0").focus();
  await page.keyboard.press("ArrowRight");
  await eventually(() => badge(page, 1).textContent()).toBe("no kernel");
  process.kill(kernel, "SIGCONT");
  await eventually(() => badge(page, 1).isVisible()).toBe(false);
  expect(await outputsOf(page, 1).getByLabel("dim 0").isEnabled()).toBe(true);
  await eventually(reader(outputsOf(page, 1), 47, 8)).toBe("[1, 0, 0] = 1200");
  await page.close();
});

test("after a restart a view says so; views that are gone leave no comm", async () => {
  const { page } = await run("restart.ipynb", [library, "const x = cg.arange(2 * 1200).reshape(2, 30, 40); x", `"after"`]);
  await outputsOf(page, 1).locator("canvas.cg-heatmap").waitFor({ timeout: 30_000 });
  await outputsOf(page, 2).waitFor();
  await eventually(() => openCommCount(page)).toBe(1);
  await restartKernel(page);
  await eventually(() => badge(page, 1).textContent()).toBe("the kernel was restarted");
  expect(await outputsOf(page, 1).getByLabel("dim 0").isDisabled()).toBe(true);
  await eventually(() => openCommCount(page)).toBe(1);
  await command(page, "editmenu:clear-all");
  await eventually(() => openCommCount(page)).toBe(0);
  await page.close();
});
