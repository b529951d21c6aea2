/** The one set-up that `npm start`, `npm test` and the other commands share: what it consists of, in order. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { inClone, python, root } from "./environment.mjs";
import { prepareMachine } from "./machine.mjs";
import { attempt, run } from "./shell.mjs";
import { runSteps } from "./steps.mjs";

/**
 * Brings the clone up to date. `purpose` "test" also looks for a browser and for the larger data sets.
 * Returns what the machine has (`chromium` is null when there is none) and the number of steps that ran.
 */
export async function setUp(purpose = "setup") {
  const machine = await prepareMachine(purpose);
  try {
    return { ...machine, steps: await runSteps(stepsFor(machine)) };
  } catch {
    process.exit(1); // the step has said why
  }
}

const stepsFor = (machine) => [
  {
    name: "Node packages",
    needs: [],
    inputs: ["package-lock.json"],
    outputs: ["node_modules/.package-lock.json", "node_modules/typescript/bin/tsc"],
    run: (log) => npm(["ci", "--include=dev", "--include=optional", "--no-progress"], { log }),
  },
  {
    name: "Python environment",
    needs: [],
    inputs: ["scripts/python-packages.txt"],
    outputs: [".venv/bin/python"],
    run: (log) => makePythonEnvironment(machine.python, log),
  },
  {
    name: "native runtime",
    needs: ["Node packages", "Python environment"],
    inputs: ["native"],
    outputs: ["build/native/cellgrad.node"],
    run: (log) => buildNative("build/native", ["-DCMAKE_BUILD_TYPE=Release"], { log, compiler: machine.compiler }),
  },
  {
    name: "library and kernel",
    needs: ["Node packages"],
    inputs: ["tsconfig.json", "src", "kernel", "extension"],
    outputs: ["build/js/src/index.js", "build/js/kernel/cli.js", "build/js/extension/index.js"],
    // From scratch: with what an earlier build left, TypeScript 7.0 at times reports errors that are none.
    run: (log) => run(process.execPath, [inClone("node_modules/typescript/bin/tsc"), "-b", "--force"], { log }),
  },
  {
    name: "JupyterLab extension",
    needs: ["Python environment", "library and kernel"],
    inputs: ["package.json", "extension", "kernel/install.ts", "scripts/setup.mjs"],
    outputs: [
      "build/labextension/package.json",
      ".venv/share/jupyter/labextensions/cellgrad",
      ".venv/share/jupyter/kernels/cellgrad/kernel.json",
    ],
    run: buildExtension,
  },
];

/** Runs npm: the one that runs us, so that its version and its settings are the person's. */
export function npm(args, options) {
  const own = process.env.npm_execpath;
  return own && /\.c?js$/.test(own) ? run(process.execPath, [own, ...args], options) : run("npm", args, options);
}

async function makePythonEnvironment(interpreter, log) {
  const requirements = inClone("scripts/python-packages.txt");
  rmSync(inClone(".venv"), { recursive: true, force: true });
  await run(interpreter, ["-m", "venv", inClone(".venv")], { log });
  const tools = [
    (await hasVersion("cmake", 3, 25)) ? [] : ["cmake==4.4.4"],
    (await hasVersion("ninja", 1, 10)) ? [] : ["ninja==1.13.2"],
  ].flat();
  await run(python, ["-m", "pip", "install", "--no-deps", "--only-binary=:all:", "-r", requirements, ...tools], { log });
  writeJson(".venv/package.json", {}); // Python packages carry CommonJS scripts: our "type": "module" is not for them
}

/** True when the machine's own tool is at least that version; otherwise the one from PyPI goes into `.venv`. */
async function hasVersion(tool, major, minor) {
  const { code, output } = await attempt(tool, ["--version"], { env: process.env });
  const [, a, b] = /(\d+)\.(\d+)/.exec(output) ?? [];
  return code === 0 && (Number(a) > major || (Number(a) === major && Number(b) >= minor));
}

/**
 * Configures and builds `native/` in a folder of `build/`. A folder that was configured for another place is made anew.
 * `patient` leaves the machine to others.
 */
export async function buildNative(folder, settings, { log, compiler, targets = [], patient = false }) {
  const cache = inClone(folder, "CMakeCache.txt");
  if (existsSync(cache) && !readFileSync(cache, "utf8").includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${inClone("native")}\n`)) {
    rmSync(inClone(folder), { recursive: true, force: true });
  }
  const cmake = toolPath("cmake");
  const where = ["-S", inClone("native"), "-B", inClone(folder), "-G", "Ninja"];
  const tools = [`-DCMAKE_CXX_COMPILER=${compiler}`, `-DCMAKE_MAKE_PROGRAM=${toolPath("ninja")}`];
  await run(cmake, [...where, ...tools, ...settings], { log });
  const jobs = patient ? ["--parallel", String(availableParallelism())] : []; // ninja's own choice is two more
  await run(cmake, ["--build", inClone(folder), ...jobs, ...(targets.length > 0 ? ["--target", ...targets] : [])], { log, patient });
}

/** The tool in `.venv` when it was needed there, else the machine's. */
const toolPath = (tool) => (existsSync(inClone(".venv/bin", tool)) ? inClone(".venv/bin", tool) : tool);

/** Bundles the extension and puts it, the kernelspec and the settings where this clone's JupyterLab finds them. */
async function buildExtension(log) {
  const builder = inClone("node_modules/@jupyter/builder/lib/build-labextension.js");
  const core = inClone("node_modules/@jupyterlab/core-meta/core.package.json");
  await run(process.execPath, [builder, "--core-package-file", core, root], { log });
  const link = inClone(".venv/share/jupyter/labextensions/cellgrad");
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { recursive: true, force: true });
  symlinkSync(inClone("build/labextension"), link);
  await run(process.execPath, [inClone("build/js/kernel/cli.js"), "install", "--prefix", inClone(".venv")], { log });
  configureJupyter();
}

/** No news and no update prompts: the first thing to be seen is the notebook. Proposals show their types. Notebooks that name no kernel get ours. */
function configureJupyter() {
  writeJson(".venv/share/jupyter/lab/settings/overrides.json", {
    "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
    "@jupyterlab/completer-extension:manager": { showDocumentationPanel: true },
  });
  writeJson(".venv/etc/jupyter/labconfig/page_config.json", {
    disabledExtensions: { "@jupyterlab/apputils-extension:announcements": true },
  });
  writeJson(".venv/etc/jupyter/jupyter_server_config.json", { MultiKernelManager: { default_kernel_name: "cellgrad" } });
}

function writeJson(path, value) {
  mkdirSync(dirname(inClone(path)), { recursive: true });
  writeFileSync(join(inClone(path)), `${JSON.stringify(value, null, 2)}\n`);
}
