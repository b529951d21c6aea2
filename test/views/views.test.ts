/** Every view of the gallery, drawn in the real Chromium: painted, accessible, quiet, and updated in place. */
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type {} from "../../extension/gallery/gallery.js";
import { serveGallery } from "../../scripts/dev.mjs";
import { complaints, colorsOf, launchBrowser, measurePages, screenshotPath } from "./browser.js";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const painted = ["heatmap", "images", "line", "legend", "strip", "history", "device-history"]
  .map((name) => `canvas.cg-${name}`)
  .concat(".cg-chart canvas");

let gallery: Awaited<ReturnType<typeof serveGallery>>;
let browser: Browser;

beforeAll(async () => {
  [gallery, browser] = await Promise.all([serveGallery(), launchBrowser().then(measurePages)]);
});
afterAll(async () => {
  await browser?.close();
  await gallery?.close();
});

/** Opens the gallery, or one item of it, with one theme. */
async function open(options: { theme?: string; item?: string; live?: "0" } = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 860, height: 700 } });
  await page.goto(`${gallery.url}?${new URLSearchParams({ theme: "light", ...options })}`);
  await page.evaluate(() => window.exhibits);
  return page;
}

const readout = (page: Page) => page.locator(".cg-readout").first();

test.each(["light", "dark", "contrast"])("every view is painted, accessible and quiet in the %s theme", async (theme) => {
  const page = await browser.newPage({ viewport: { width: 860, height: 900 } });
  const found = complaints(page);
  const hosts = new Set<string>();
  page.on("request", (request) => hosts.add(new URL(request.url()).protocol === "data:" ? "data:" : new URL(request.url()).host));
  await page.goto(`${gallery.url}?theme=${theme}`);
  await page.evaluate(() => window.exhibits);
  await page.waitForFunction(() => document.querySelectorAll("table.cg-grid td").length > 40);
  await page.locator('section[aria-label="devices"]').scrollIntoViewIfNeeded(); // it asks only while it is seen
  for (const selector of painted) {
    await expect.poll(() => colorsOf(page, selector), { message: selector }).toBeGreaterThan(4);
  }
  await page.screenshot({ path: screenshotPath(`gallery-${theme}`), fullPage: true });
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  expect(found).toEqual([]);
  expect([...hosts].filter((host) => host !== "data:" && host !== new URL(gallery.url).host)).toEqual([]);
  await page.close();
});

test("the exact number is read under the mouse and under the keyboard's cursor", async () => {
  const page = await open({ item: "waves with NaN and Inf" });
  await page.locator("canvas.cg-heatmap").hover({ position: { x: 60, y: 20 } });
  await expect.poll(() => readout(page).textContent()).toMatch(/^\[\d+, \d+\] = −?-?\d\.\d{6,}$/);
  await page.locator("canvas.cg-heatmap").focus();
  await page.mouse.move(1, 1);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => readout(page).textContent()).toMatch(/^\[1, 0\] = /);
  await page.close();
});

test("a slider fetches another slice; without a kernel it is disabled and says why", async () => {
  const page = await open({ item: "attention, 4-D with sliders" });
  const pixels = () => page.locator("canvas.cg-heatmap").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  await expect.poll(() => colorsOf(page, "canvas.cg-heatmap")).toBeGreaterThan(20);
  const before = await pixels();
  await page.getByLabel("dim 1").focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
  await expect.poll(pixels).not.toBe(before);
  expect(await page.getByLabel("dim 1").inputValue()).toBe("5");
  await page.close();

  const stored = await open({ item: "attention, 4-D with sliders", live: "0" });
  expect(await stored.getByLabel("dim 1").isDisabled()).toBe(true);
  expect(await stored.locator(".cg-badge").textContent()).toContain("no kernel");
  expect(await stored.locator("img.cg-stored").getAttribute("alt")).toContain("float32 [2, 8, 48, 48]");
  await stored.close();
});

test("a tensor drawn without a reader says that its picture is a saved one", async () => {
  const page = await open({ item: "stored, no kernel" });
  await page.locator("img.cg-stored").waitFor();
  expect(await page.locator(".cg-badge").textContent()).toBe("saved");
  await page.close();
});

test("dragging zooms into a heatmap, a double click shows all of it again", async () => {
  const page = await open({ item: "waves with NaN and Inf" });
  const canvas = page.locator("canvas.cg-heatmap");
  await expect.poll(() => colorsOf(page, "canvas.cg-heatmap")).toBeGreaterThan(20);
  const size = async () => (await canvas.boundingBox())!.height;
  const [box, whole] = [(await canvas.boundingBox())!, await size()];
  await page.mouse.move(box.x + 60, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 90, box.y + 80, { steps: 3 });
  await page.mouse.up();
  await expect.poll(size).not.toBe(whole);
  await canvas.dblclick({ position: { x: 80, y: 40 } });
  await expect.poll(size).toBe(whole);
  await page.close();
});

test("dragging over the histogram chooses the colours", async () => {
  const page = await open({ item: "weights" });
  await expect.poll(() => colorsOf(page, "canvas.cg-heatmap")).toBeGreaterThan(20);
  const pixels = () => page.locator("canvas.cg-heatmap").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const before = await pixels();
  const box = (await page.locator("canvas.cg-legend").boundingBox())!;
  await page.mouse.move(box.x + 90, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 130, box.y + 20, { steps: 4 });
  await page.mouse.up();
  expect(await pixels()).not.toBe(before);
  await page.locator("canvas.cg-legend").dblclick();
  expect(await pixels()).toBe(before);
  await page.locator("canvas.cg-legend").focus();
  await page.keyboard.press("ArrowDown");
  expect(await pixels()).not.toBe(before);
  await page.keyboard.press("Escape");
  expect(await pixels()).toBe(before);
  await page.close();
});

test("dragging over the histogram of pictures chooses their contrast", async () => {
  const page = await open({ item: "digits, 1 channel" });
  await expect.poll(() => colorsOf(page, "canvas.cg-images")).toBeGreaterThan(20);
  const box = (await page.locator("canvas.cg-legend").boundingBox())!;
  await page.mouse.move(box.x + 60, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 64, box.y + 20, { steps: 2 });
  await page.mouse.up();
  await expect.poll(() => colorsOf(page, "canvas.cg-images")).toBeLessThan(20);
  await page.close();
});

test("memory and the gradient strip stand below the steps of the curves", async () => {
  const page = await open({ item: "run, finished, with a ghost" });
  await expect.poll(() => page.locator(".cg-chart").count()).toBe(3);
  expect(await page.locator(".cg-caption", { hasText: "memory:" }).textContent()).toContain("cuda:0 at most");
  const strip = (await page.locator("canvas.cg-strip").boundingBox())!;
  const curves = (await page.locator(".cg-chart .u-over").first().boundingBox())!;
  expect(Math.abs(strip.x + strip.width - (curves.x + curves.width))).toBeLessThanOrEqual(1);
  await page.close();
});

test("a curve grows while its run goes on, and says how it ended", async () => {
  const page = await open({ item: "run, live for 5 s" });
  const last = () =>
    page
      .locator("table.cg-series td")
      .first()
      .textContent({ timeout: 500 })
      .catch(() => null);
  await expect.poll(last).not.toBeNull();
  const early = await last();
  await expect.poll(last, { timeout: 3000 }).not.toBe(early);
  expect(await page.locator("progress.cg-progress").isVisible()).toBe(true);
  await expect.poll(() => page.locator(".cg-badge").textContent(), { timeout: 10_000 }).toBe("finished");
  expect(await colorsOf(page, ".cg-chart canvas")).toBeGreaterThan(20);
  await page.close();
});

test("a run whose loss became NaN says where it came from", async () => {
  const page = await open({ item: "run with NaN, failed" });
  const note = page.locator('[role="note"]');
  await expect
    .poll(() => note.locator("> div").allTextContents())
    .toEqual([
      "loss is NaN at step 200: made by log",
      "the cells call it once: cell 4, line 9: const loss = probabilities.log().mul(target).sum().neg()",
      "its operand held 3 zeros (at [0, 2], [5, 1], [7, 7]) in float32 [64, 10]",
      "carried on by mul, sum, neg",
    ]);
  // Its cross, though the file has no point there; the curve is blue.
  const chart = page.locator(".cg-chart canvas").first();
  const marked = (canvas: HTMLElement | SVGElement): boolean => {
    const { width, height } = canvas as HTMLCanvasElement;
    const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
    return data.some((byte, i) => i % 4 === 0 && byte > 150 && data[i + 1]! < 80 && data[i + 2]! < 80);
  };
  await expect.poll(() => chart.evaluate(marked)).toBe(true);
  await page.close();
  const finite = await open({ item: "run, stored, no kernel" });
  expect(await finite.locator('[role="note"]').isVisible()).toBe(false);
  await finite.close();
});

test("the gradient table sorts by its columns with the keyboard", async () => {
  const page = await open({ item: "gradients with flags" });
  const first = () => page.locator("table.cg-gradients tbody th[scope=row]").first().textContent();
  expect(await first()).toBe("weight");
  await page.getByRole("button", { name: "zeros" }).focus();
  await page.keyboard.press("Enter");
  expect(await first()).toBe("classifier.1.bias");
  expect(await page.locator("th[aria-sort=descending]").textContent()).toBe("zeros");
  await page.close();
});

test.each(["waves with NaN and Inf", "matrix, numbers", "line", "run, finished, with a ghost"])(
  "a thousand updates of %s keep its elements",
  async (item) => {
    const page = await open({ item });
    await page.waitForTimeout(300);
    const { created, same, milliseconds } = await page.evaluate(async () => {
      const [exhibit] = await window.exhibits;
      const before = [...exhibit!.root.querySelectorAll("canvas")];
      const createElement = document.createElement.bind(document);
      let created = 0;
      document.createElement = ((tag: string) => {
        if (tag === "canvas") created++;
        return createElement(tag);
      }) as typeof document.createElement;
      const started = performance.now();
      for (let i = 0; i < 1000; i++) exhibit!.update();
      const milliseconds = (performance.now() - started) / 1000;
      document.createElement = createElement;
      const after = [...exhibit!.root.querySelectorAll("canvas")];
      return { created, same: before.length === after.length && before.every((canvas, i) => canvas === after[i]), milliseconds };
    });
    console.log(`${item}: ${milliseconds.toFixed(2)} ms an update`);
    expect(created).toBe(0);
    expect(same).toBe(true);
    await page.close();
  },
);

test("system colours of high contrast keep every view readable", async () => {
  const page = await browser.newPage({ viewport: { width: 860, height: 900 }, forcedColors: "active" });
  const found = complaints(page);
  await page.goto(`${gallery.url}?theme=dark`);
  await page.evaluate(() => window.exhibits);
  await page.screenshot({ path: screenshotPath("gallery-forced-colors"), fullPage: true });
  expect(found).toEqual([]);
  await page.close();
});

test("markup in names and texts is shown, not run", async () => {
  const page = await open({ item: "gradients" });
  const found = complaints(page);
  const texts = await page.evaluate(async () => {
    const [exhibit] = await window.exhibits;
    const mime = "application/vnd.cellgrad.gradients.v1+json";
    const evil = "<img src=x onerror=console.error('ran')>";
    const row = {
      name: evil,
      shape: [2],
      weight: 1,
      grad: 1,
      gradMax: 1,
      zeros: 0,
      nan: 0,
      infinite: 0,
      ratio: 1,
      history: [],
      flags: [{ kind: "dead", rule: evil }],
    };
    exhibit!.update({ data: { [mime]: { version: 1, summary: evil, total: 1, rows: [row] } } });
    return { images: exhibit!.root.querySelectorAll("img").length, summary: exhibit!.root.querySelector(".cg-head")!.textContent };
  });
  expect(texts).toEqual({ images: 0, summary: "<img src=x onerror=console.error('ran')>" });
  expect(found).toEqual([]);
  await page.close();
});
