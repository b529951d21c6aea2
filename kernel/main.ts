/** Entry of K: what others wait for comes first, and gets ready while the rest is loaded. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeProcess } from "./session/runtime-process.js";

/** Runs the kernel of a connection file until it is shut down. */
export async function runKernel(connectionFile: string): Promise<void> {
  const parent = process.ppid; // it may end while the rest is loaded
  const folder = notebookFolder();
  const outputs = join(tmpdir(), `cellgrad-${randomUUID()}`); // made when the first cell prints more than is shown
  const runtimeProcess = new RuntimeProcess(folder, outputs);
  const { startChecker } = await import("./language/checker.js");
  const languageOptions = { folder, library: fileURLToPath(new URL("../src/index.d.ts", import.meta.url)) };
  const checker = startChecker(languageOptions);
  const { bindSockets } = await import("./transport/bind.js");
  const bound = await bindSockets(connectionFile);
  const { serve } = await import("./front.js");
  await serve({ ...bound, languageOptions, checker, runtimeProcess, parent, outputs });
}

/** The notebook's folder: Jupyter starts kernels there, and names the notebook's path in JPY_SESSION_NAME. */
function notebookFolder(): string {
  const notebook = process.env.JPY_SESSION_NAME;
  const folder = notebook && isAbsolute(notebook) ? dirname(notebook) : process.cwd();
  return existsSync(folder) ? folder : process.cwd();
}
