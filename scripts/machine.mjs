/** Finds what this machine lacks before anything else is done, and gets it where that is allowed. */
import { existsSync, readdirSync } from "node:fs";
import { attempt as attemptIn } from "./shell.mjs";

/** Runs a program with the person's own PATH. */
const attempt = (program, args, options) => attemptIn(program, args, { ...options, env: process.env });

/** Programs that are a Chromium, in order of preference. */
const browsers = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const fashionMnist = "/usr/share/datasets/fashion-mnist";

/**
 * Everything a set-up may need from outside. `find` returns what was found, or null.
 * `for` says who needs it: without a "setup" part nothing works; without a "test" part some tests are left out.
 */
const parts = {
  python: { what: "Python 3.11 or later with venv and ensurepip", packages: ["python3", "python3-venv"], for: "setup", find: findPython },
  compiler: { what: "a C++20 compiler", packages: ["g++"], for: "setup", find: findCompiler },
  chromium: { what: "Chromium, for the browser tests", packages: ["chromium"], for: "test", find: findBrowser },
  fashionMnist: {
    what: "the Fashion-MNIST data",
    packages: ["dataset-fashion-mnist"],
    for: "test",
    find: async () => (existsSync(fashionMnist) ? fashionMnist : null),
  },
  openCl: {
    what: "an OpenCL driver for the processor",
    packages: ["pocl-opencl-icd", "ocl-icd-libopencl1"],
    for: "test",
    find: findOpenCl,
  },
};

/** Stops with one sentence when Node is too old. JupyterLab's builder and vitest set the floor. */
export function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return;
  console.error(`cellgrad needs Node 20.19 or later (22.12 or later of Node 22); this is ${process.version} at ${process.execPath}.`);
  process.exit(1);
}

/**
 * Returns what was found, by part, after installing Debian packages for what was not, where root or a password-free sudo allows it.
 * `purpose` is "setup" or "test". A part for tests that stays missing is null; a part for set-up that stays missing ends the process.
 */
export async function prepareMachine(purpose) {
  checkNode();
  const wanted = Object.keys(parts).filter((name) => purpose === "test" || parts[name].for === "setup");
  const found = Object.fromEntries(await Promise.all(wanted.map(async (name) => [name, await parts[name].find()])));
  const missing = wanted.filter((name) => found[name] === null);
  if (missing.length === 0) return found;

  const packages = missing.flatMap((name) => parts[name].packages);
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  console.log(`This machine lacks ${missing.map((name) => parts[name].what).join(", and ")}.`);
  const prefix = await rightToInstall();
  if (prefix !== null) {
    console.log(`Installing Debian packages: ${command}`);
    const [program, ...args] = [...prefix, "sh", "-c", `export DEBIAN_FRONTEND=noninteractive; apt-get update; ${command}`];
    const { code, output } = await attempt(program, args);
    if (code !== 0) console.error(`${tail(output)}\nThat did not work.`);
    for (const name of missing) found[name] = await parts[name].find();
  }
  if (missing.some((name) => parts[name].for === "setup" && found[name] === null)) {
    console.error(`Please run this, then start again:\n\n    sudo ${command}\n`);
    process.exit(1);
  }
  return found;
}

async function findPython() {
  const check = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))";
  const names = [process.env.PYTHON, "python3", "python3.14", "python3.13", "python3.12", "python3.11"].filter(Boolean);
  for (const name of names) if ((await attempt(name, ["-c", check])).code === 0) return name;
  return null;
}

async function findCompiler() {
  const source =
    "#include <bit>\n#include <span>\nstatic_assert(std::popcount(7u) == 3); int size(std::span<int> s) { return int(s.size()); }\n";
  const args = ["-std=c++20", "-fsyntax-only", "-x", "c++", "-"];
  for (const name of [process.env.CXX, "c++", "g++", "clang++"].filter(Boolean))
    if ((await attempt(name, args, { input: source })).code === 0) return name;
  return null;
}

async function findBrowser() {
  const found = await Promise.all(browsers.map((name) => attempt("sh", ["-c", `command -v ${name}`])));
  return found.find(({ code }) => code === 0)?.output.trim() ?? null;
}

async function findOpenCl() {
  const vendors = "/etc/OpenCL/vendors";
  const driver = existsSync(vendors) && readdirSync(vendors).some((name) => name.endsWith(".icd"));
  const loader = (await attempt("sh", ["-c", "PATH=$PATH:/sbin:/usr/sbin ldconfig -p"])).output.includes("libOpenCL.so.1");
  return driver && loader ? vendors : null;
}

/** The words to put before apt-get: none as root, sudo where it asks for no password, null where Debian packages cannot be installed. */
async function rightToInstall() {
  if ((await attempt("apt-get", ["--version"])).code !== 0) return null;
  if (process.getuid() === 0) return [];
  return (await attempt("sudo", ["-n", "true"])).code === 0 ? ["sudo", "-n"] : null;
}

const tail = (text) => text.trimEnd().split("\n").slice(-15).join("\n");
