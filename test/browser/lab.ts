/** A real JupyterLab on a folder of its own, and the gestures of a person in it. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { environment, python } from "../../scripts/environment.mjs";
import { launchBrowser } from "../views/browser.js";

export interface Lab {
  readonly folder: string;
  address(notebook: string): string;
  stop(): Promise<void>;
}

/** Starts JupyterLab and a browser before the file's tests, and ends both after them. */
export function jupyterLab(): { readonly lab: Lab; readonly browser: Browser } {
  let lab: Lab | null = null;
  let browser: Browser | null = null;
  beforeAll(async () => {
    [lab, browser] = await Promise.all([startLab(), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await lab?.stop();
  });
  return {
    get lab() {
      return lab!;
    },
    get browser() {
      return browser!;
    },
  };
}

/** Starts the server with settings and runtime files in a temporary folder; resolves when it answers. */
async function startLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad lab é "));
  const token = randomBytes(16).toString("hex");
  const own = (name: string): string => join(folder, ".jupyter", name);
  const env = {
    ...environment(),
    JUPYTER_TOKEN: token,
    JUPYTER_CONFIG_DIR: own("config"),
    JUPYTER_DATA_DIR: own("data"),
    JUPYTER_RUNTIME_DIR: own("runtime"),
    JUPYTERLAB_SETTINGS_DIR: own("settings"),
    JUPYTERLAB_WORKSPACES_DIR: own("workspaces"),
    IPYTHONDIR: own("ipython"),
  };
  const args = ["-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"];
  if (process.getuid?.() === 0) args.push("--allow-root");
  const server = spawn(python, [...args, `--ServerApp.root_dir=${folder}`], { env, stdio: ["ignore", "ignore", "pipe"], detached: true });
  const port = await portOf(server);
  return {
    folder,
    address: (notebook) => `http://127.0.0.1:${port}/lab/tree/${encodeURIComponent(notebook)}?token=${token}&reset`,
    async stop() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      const late = setTimeout(() => process.kill(-server.pid!, "SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The server says on stderr where it listens. */
function portOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    server.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const port = /http:\/\/127\.0\.0\.1:(\d+)\/lab/.exec(said)?.[1];
      if (port) resolve(port);
    });
    server.once("exit", (code) => reject(new Error(`JupyterLab ended with ${code}:\n${said}`)));
  });
}

/** A saved output, as nbformat writes it. */
export interface SavedOutput {
  readonly data: { readonly [mime: string]: unknown };
  readonly metadata?: { readonly [mime: string]: unknown };
}

/** Writes a notebook of code cells; `outputs[i]` is the saved output of cell i. */
export function writeNotebook(lab: Lab, name: string, cells: readonly string[], outputs: readonly SavedOutput[] = []): void {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "cellgrad", display_name: "TypeScript (cellgrad)", language: "typescript" } },
    cells: cells.map((source, i) => ({
      id: `cell-${i}`,
      cell_type: "code",
      execution_count: null,
      metadata: {},
      source,
      outputs: outputs[i] ? [{ output_type: "display_data", metadata: {}, ...outputs[i] }] : [],
    })),
  };
  writeFileSync(join(lab.folder, name), JSON.stringify(notebook));
}

/** Opens a notebook and waits until its cells are there. */
export async function openNotebook(
  page: Page,
  lab: Lab,
  name: string,
  theme: "JupyterLab Light" | "JupyterLab Dark" = "JupyterLab Light",
): Promise<void> {
  await page.goto(lab.address(name));
  await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor({ timeout: 60_000 });
  await command(page, "apputils:change-theme", { theme });
}

/** What the tests use of the application that `--expose-app-in-browser` gives. */
interface App {
  readonly commands: { execute(name: string, args: unknown): Promise<unknown> };
  readonly shell: { readonly currentWidget: { readonly sessionContext: SessionContext } };
}

interface SessionContext {
  readonly ready: Promise<void>;
  readonly session: { readonly kernel: Kernel | null } | null;
}

interface Kernel {
  readonly id: string;
  readonly info: Promise<unknown>;
  restart(): Promise<void>;
  requestCommInfo(filter: { target_name: string }): Promise<{ content: { comms: object } }>;
}

/** Waits until the kernel of the open notebook has answered. */
export async function kernelReady(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { sessionContext } = (window as unknown as { jupyterapp: App }).jupyterapp.shell.currentWidget;
    await sessionContext.ready;
    await sessionContext.session?.kernel?.info;
  });
}

/** Runs a command of JupyterLab and waits for its end. */
export async function command(page: Page, name: string, args: { readonly [key: string]: unknown } = {}): Promise<void> {
  await page.evaluate(
    async ([name, args]) => {
      await (window as unknown as { jupyterapp: App }).jupyterapp.commands.execute(name, args);
    },
    [name, args] as const,
  );
}

/** The outputs of cell `i`. */
export function outputsOf(page: Page, i: number): Locator {
  return page.locator(".jp-Notebook .jp-CodeCell").nth(i).locator(".jp-OutputArea-output");
}

/** How many comms of live views the kernel has open. */
export async function openCommCount(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { sessionContext } = (window as unknown as { jupyterapp: App }).jupyterapp.shell.currentWidget;
    const reply = await sessionContext.session!.kernel!.requestCommInfo({ target_name: "cellgrad.views" });
    return Object.keys(reply.content.comms).length;
  });
}

/** The process of the open notebook's kernel. */
export async function kernelProcess(page: Page): Promise<number> {
  const id = await page.evaluate(() => {
    const { sessionContext } = (window as unknown as { jupyterapp: App }).jupyterapp.shell.currentWidget;
    return sessionContext.session!.kernel!.id;
  });
  const rows = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).split("\n");
  return Number.parseInt(rows.find((row) => row.includes(`kernel-${id}.json`))!);
}

export async function restartKernel(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { sessionContext } = (window as unknown as { jupyterapp: App }).jupyterapp.shell.currentWidget;
    await sessionContext.session!.kernel!.restart();
  });
}

/** Runs cell `i` and waits for its end. */
export async function runCell(page: Page, i: number): Promise<void> {
  await page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").nth(i).click();
  await command(page, "notebook:run-cell");
}
