/** `npm start [-- --no-browser --port N]`: sets up what is missing, then opens JupyterLab on the first tutorial until Ctrl-C. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { environment, inClone, python } from "./environment.mjs";
import { setUp } from "./setup.mjs";
import { seconds } from "./steps.mjs";

const notebook = "01-tensors.ipynb";
const started = Date.now();
const options = readOptions();
await setUp();
process.exitCode = await serve(options);

function readOptions() {
  try {
    const { values } = parseArgs({ options: { "no-browser": { type: "boolean" }, port: { type: "string" } } });
    const port = values.port === undefined ? null : Number(values.port);
    if (port !== null && !(Number.isInteger(port) && port >= 0 && port < 65536)) throw new Error(`--port: ${values.port} is not a port`);
    return { browser: !values["no-browser"], port };
  } catch (error) {
    console.error(`${error.message}\nUsage: npm start [-- --no-browser --port N]`);
    process.exit(2);
  }
}

async function serve({ browser, port }) {
  const chosen = port || (await freePort(port ?? 8888));
  const token = randomBytes(16).toString("hex");
  const url = `http://127.0.0.1:${chosen}/lab/tree/${notebook}?token=${token}`;
  const args = [
    [
      "-m",
      "jupyterlab",
      inClone("notebooks", notebook),
      "--log-level=WARN",
      "--LabApp.log_level=WARN",
      "--LabApp.extension_manager=readonly",
      `--ServerApp.root_dir=${inClone("notebooks")}`,
    ],
    ["--ServerApp.ip=127.0.0.1", `--ServerApp.port=${chosen}`, "--ServerApp.port_retries=0"],
    browser ? [] : ["--no-browser"],
    process.getuid() === 0 ? ["--allow-root"] : [],
  ].flat();
  // A process group of its own: Ctrl-C reaches us alone, and we end the server and the kernels it started.
  const server = spawn(python, args, {
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
    env: { ...environment(), JUPYTER_TOKEN: token },
  });
  const ended = new Promise((resolve) => server.on("exit", resolve));
  let stopped = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.removeAllListeners(signal); // those of the set-up
    process.on(signal, () => {
      if (!stopped) stop(server);
      stopped = true;
    });
  }
  await Promise.race([ended, answers(`http://127.0.0.1:${chosen}/api/status?token=${token}`)]);
  if (server.exitCode === null) console.log(`JupyterLab is at ${url} (${seconds(started).trim()}). Ctrl-C ends it.`);
  const code = await ended;
  return stopped ? 0 : (code ?? 1);
}

/** Resolves when the server answers. Owner of the wait is `serve`, which stops waiting when the server ends. */
async function answers(url) {
  for (;;) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100).unref());
  }
}

/** Jupyter shuts its kernels down, then ends; after 8 s whatever is left of its group is killed. */
function stop(server) {
  server.kill("SIGTERM");
  setTimeout(() => process.kill(-server.pid, "SIGKILL"), 8000).unref();
}

/** The first free port from `first` on; 0 lets the system choose. */
function freePort(first) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on("error", () => resolve(freePort(first + 1)));
    probe.listen(first, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
