/** What we are measured against, installed on first use, and how each side is started. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { inClone, python } from "../../scripts/environment.mjs";
import { prepareMachine } from "../../scripts/machine.mjs";
import { npm } from "../../scripts/setup.mjs";
import { run } from "../../scripts/shell.mjs";

const peersPython = inClone(".venv-peers/bin/python");
const npmPeers = { deno: "2.9.6", tslab: "1.0.22" };
const kernelDriver = (name, argv) => [python, [inClone("test/bench/kernels.py"), name, ...argv]];

/** Programs that answer the benchmark protocol, by name. Ours is the first of each benchmark. */
export const sides = {
  cellgrad: () => [process.execPath, [inClone("test/bench/tensors.mjs")]],
  PyTorch: async () => [await pyTorch(), [inClone("test/bench/tensors.py")]],
  "cellgrad kernel": () => kernelDriver("cellgrad", installedKernel()),
  ipykernel: () => kernelDriver("ipykernel", [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]),
  Deno: async () => kernelDriver("Deno", [`${await npmFolder()}/deno/deno`, "jupyter", "--kernel", "--conn", "{connection_file}"]),
  tslab: async () =>
    kernelDriver("tslab", [process.execPath, `${await npmFolder()}/tslab/bin/tslab`, "kernel", "--config-path={connection_file}"]),
};

/** The command in our kernelspec, as a front end starts it. */
function installedKernel() {
  const spec = inClone(".venv/share/jupyter/kernels/cellgrad");
  return JSON.parse(readFileSync(`${spec}/kernel.json`, "utf8")).argv.map((word) => word.replace("{resource_dir}", spec));
}

/** PyTorch's interpreter. */
async function pyTorch() {
  if (existsSync(peersPython) && existsSync(inClone(".venv-peers/pyvenv.cfg"))) return peersPython;
  console.log("Installing PyTorch 2.15.0 into .venv-peers (once; 5 GB, a minute or two) …");
  const machine = await prepareMachine("setup");
  rmSync(inClone(".venv-peers"), { recursive: true, force: true });
  await run(machine.python, ["-m", "venv", inClone(".venv-peers")]);
  await run(peersPython, ["-m", "pip", "install", "torch==2.15.0", "numpy"]);
  return peersPython;
}

let installing;
/** node_modules of the peers from npm. */
const npmFolder = () => (installing ??= installNpmPeers());

async function installNpmPeers() {
  const folder = inClone("build/peers");
  const modules = `${folder}/node_modules`;
  if (existsSync(`${modules}/.package-lock.json`)) return modules;
  console.log("Installing Deno and tslab into build/peers (once) …");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    `${folder}/package.json`,
    JSON.stringify({ private: true, dependencies: npmPeers, allowScripts: { deno: true, zeromq: false } }),
  );
  await npm(["install", "--no-progress"], { cwd: folder });
  return modules;
}
