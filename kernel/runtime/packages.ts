/** `kernel.install("d3-array")`: npm packages next to the notebook, with their types. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What npm must not spend time or lines on. */
const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"];
const unreachable = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/;

type Manifest = Readonly<Record<"dependencies" | "exports" | "types" | "typings" | "version", unknown>>;

/** Installs packages in `folder`, and the `@types` of those that bring no types; resolves when cells can import them. */
export async function installPackages(folder: string, packages: readonly string[]): Promise<void> {
  const wrong = packages.find((each) => typeof each !== "string" || each === "" || each.startsWith("-"));
  if (packages.length === 0 || wrong !== undefined) {
    throw new TypeError(`kernel.install: expected names of npm packages, got ${packages.length === 0 ? "none" : JSON.stringify(wrong)}`);
  }
  const before = dependencies(folder);
  await npmInstall(folder, packages, ["--save"]);
  const named = packages.map(nameOf);
  const installed = Object.entries(dependencies(folder))
    .filter(([name, range]) => before[name] !== range || named.includes(name))
    .map(([name]) => name);
  const untyped = installed.filter((name) => !bringsTypes(folder, name)).map(typesOf);
  for (const types of untyped) await npmInstall(folder, [types], ["--save-dev"]).catch(() => {}); // not every package has any
  for (const name of [...installed, ...untyped]) {
    const version = manifest(join(folder, "node_modules", name))?.version;
    if (version !== undefined) console.log(`installed ${name} ${String(version)}`);
  }
}

function npmInstall(folder: string, packages: readonly string[], options: readonly string[]): Promise<void> {
  const [command, ...first] = npm();
  const args = [...first!, "install", "--prefix", folder, ...quiet, ...options, "--", ...packages];
  return new Promise((resolve, reject) => {
    const child = spawn(command!, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", (cause) => reject(new Error("kernel.install: npm, which comes with Node, was not found", { cause })));
    child.on("close", (code) => (code === 0 ? resolve() : reject(installError(packages, errors))));
  });
}

function installError(packages: readonly string[], text: string): Error {
  const list = packages.join(", ");
  if (unreachable.test(text)) return new Error(`kernel.install: ${list} is not installed: the npm registry cannot be reached`);
  if (/\bE404\b/.test(text)) return new Error(`kernel.install: ${list} is not installed: the npm registry has no such package`);
  const said = text.replace(/^npm (error|ERR!) ?/gm, "").replace(/^A complete log of this run.*[^]*$/m, "");
  return new Error(`kernel.install: ${list} is not installed: ${said.trim() || "npm was stopped"}`);
}

/** The npm that came with this Node, else the one that the PATH names. */
function npm(): readonly string[] {
  const script = join(dirname(process.execPath), "..", "lib", "node_modules", "npm", "bin", "npm-cli.js");
  return existsSync(script) ? [process.execPath, script] : ["npm"];
}

/** The package's name in `d3-array@3` or `@scope/name@latest`; the text itself where it is a path or an address. */
function nameOf(text: string): string {
  return /^(@[^/@]+\/)?[^/@:]+(?=@|$)/.exec(text)?.[0] ?? text;
}

function typesOf(name: string): string {
  return `@types/${name.replace(/^@/, "").replace("/", "__")}`;
}

function bringsTypes(folder: string, name: string): boolean {
  const at = join(folder, "node_modules", name);
  const { types, typings, exports } = manifest(at) ?? {};
  return Boolean(types ?? typings) || JSON.stringify(exports ?? {}).includes('"types"') || existsSync(join(at, "index.d.ts"));
}

function dependencies(folder: string): Readonly<Record<string, unknown>> {
  return (manifest(folder)?.dependencies ?? {}) as Readonly<Record<string, unknown>>;
}

function manifest(folder: string): Partial<Manifest> | null {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Partial<Manifest>;
  } catch {
    return null; // not there: npm will say so where it matters
  }
}
