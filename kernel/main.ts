/** Wires the kernel front K together: processes first, because they start while the rest is loaded. */
import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeProcess } from "./session/runtime-process.js";

/** How often K looks whether the process that started it still lives, in ms. */
const parentInterval = 500;

/** Runs the kernel of a connection file until it is shut down. */
export async function runKernel(connectionFile: string): Promise<void> {
  const folder = notebookFolder();
  const outputs = join(tmpdir(), `cellgrad-${randomUUID()}`); // made when the first cell prints more than is shown
  const runtimeProcess = new RuntimeProcess(folder, outputs);
  const { startLanguage } = await import("./language/language.js");
  const language = startLanguage({ folder, library: fileURLToPath(new URL("../src/index.d.ts", import.meta.url)) });

  const [{ Output }, { Runtime }, { Session }, { Signer }, { Sockets }, { readConnectionFile }, { register }, { isComplete }] =
    await Promise.all([
      import("./session/output.js"),
      import("./session/runtime.js"),
      import("./session/session.js"),
      import("./protocol/signer.js"),
      import("./transport/sockets.js"),
      import("./transport/connection-file.js"),
      import("./transport/registration.js"),
      import("./language/completeness.js"),
    ]);
  const connection = readConnectionFile(connectionFile);
  const signer = new Signer(connection.key);
  const sockets = new Sockets(signer, randomUUID());
  const output = new Output(outputs, (type, parent, content, extras) => void sockets.publish({ type, parent, content, ...extras }));
  const runtime = new Runtime(runtimeProcess, folder, output, () => language.reset());

  let ending = false;
  async function shutdown(): Promise<void> {
    if (ending) return;
    ending = true;
    runtime.close();
    await Promise.all([language.dispose(), sockets.close()]);
    rmSync(outputs, { recursive: true, force: true });
    process.exit(0);
  }

  const session = new Session({ sockets, runtime, language, output, isComplete, shutdown: () => void shutdown() });
  process.on("SIGINT", () => session.interrupt());
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void shutdown());
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && void shutdown(), parentInterval).unref();

  await sockets.open(connection, (channel, request) => session.receive(channel, request));
  if (connection.registration) await register(connection.registration, sockets.ports, signer);
  void sockets.publish({ type: "status", parent: {}, content: { execution_state: "starting" } });
}

/** The notebook's folder: Jupyter starts kernels there, and names the notebook's path in JPY_SESSION_NAME. */
function notebookFolder(): string {
  const notebook = process.env.JPY_SESSION_NAME;
  const folder = notebook && isAbsolute(notebook) ? dirname(notebook) : process.cwd();
  return existsSync(folder) ? folder : process.cwd();
}
