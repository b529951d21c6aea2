/** The machine's Chromium, for everything that is looked at in tests. */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { expect } from "vitest";
import { inClone } from "../../scripts/environment.mjs";

export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env["CELLGRAD_CHROMIUM"] || "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Has every page write what it reached of the gallery's script when it is closed, where coverage is measured (scripts/coverage.mjs). */
export function measurePages(browser: Browser): Browser {
  const folder = process.env["NODE_V8_COVERAGE"];
  if (!folder) return browser;
  const open = browser.newPage.bind(browser);
  const newPage = async (options?: BrowserContextOptions): Promise<Page> => {
    const page = await open(options);
    await page.coverage.startJSCoverage({ resetOnNavigation: false });
    const close = page.close.bind(page);
    return Object.assign(page, {
      async close(): Promise<void> {
        const scripts = (await page.coverage.stopJSCoverage()).filter(({ url }) => url.endsWith("/gallery.js"));
        const url = pathToFileURL(inClone("build/gallery/gallery.js")).href;
        mkdirSync(folder, { recursive: true });
        const result = scripts.map(({ functions }) => ({ url, functions }));
        writeFileSync(join(folder, `page-${randomUUID()}.json`), JSON.stringify({ result }));
        await close();
      },
    });
  };
  return Object.assign(browser, { newPage });
}

/** Collects what a page complains about: console errors and warnings, and exceptions. */
export function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") found.push(message.text());
  });
  page.on("pageerror", (error) => found.push(error.stack ?? error.message));
  return found;
}

/** Where screenshots are kept for a person to look at. */
export function screenshotPath(name: string): string {
  const folder = inClone("build", "screenshots");
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.png`);
}

/** Counts the distinct colours of a canvas: 1 is a blank one. */
export async function colorsOf(page: Page, selector: string): Promise<number> {
  return page
    .locator(selector)
    .filter({ visible: true })
    .first()
    .evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
}

/** Expects something to become true; on a busy machine everything takes its time. */
export function eventually<T>(look: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { timeout: 30_000, interval: 100 });
}
