/** The machine's Chromium, for everything that is looked at in tests. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { expect } from "vitest";
import { inClone } from "../../scripts/environment.mjs";

export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env["CELLGRAD_CHROMIUM"] || "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
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
