/** Writes the kernelspec by which Jupyter finds the kernel, without Python. */
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir, platform } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export interface InstallOptions {
  /** Install under `prefix/share/jupyter`; by default for this user. */
  readonly prefix?: string | undefined;
  /** Install in the active virtual environment. */
  readonly sysPrefix: boolean;
}

/** Writes the kernelspec `cellgrad` and returns its folder. */
export function install(options: InstallOptions): string {
  const folder = join(dataFolder(options), "kernels", "cellgrad");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "kernel.json"), JSON.stringify(kernelSpec(), null, 2) + "\n");
  return folder;
}

/** Absolute paths: the kernel starts whatever PATH the front end was started with. */
function kernelSpec(): object {
  const cli = fileURLToPath(new URL("./cli.js", import.meta.url));
  return {
    argv: [process.execPath, cli, "kernel", "--connection-file", "{connection_file}"],
    display_name: "TypeScript (cellgrad)",
    language: "typescript",
    interrupt_mode: "message",
    kernel_protocol_version: "5.5",
    metadata: { debugger: true, supported_encryption: ["curve"] },
  };
}

function dataFolder({ prefix, sysPrefix }: InstallOptions): string {
  if (prefix !== undefined) return join(resolve(prefix), "share", "jupyter");
  if (sysPrefix) {
    const environment = process.env.VIRTUAL_ENV ?? process.env.CONDA_PREFIX;
    if (!environment) throw new Error("--sys-prefix needs an active virtual environment (VIRTUAL_ENV or CONDA_PREFIX)");
    return join(environment, "share", "jupyter");
  }
  if (process.env.JUPYTER_DATA_DIR) return process.env.JUPYTER_DATA_DIR;
  if (platform() === "darwin") return join(homedir(), "Library", "Jupyter");
  if (platform() === "win32") return join(process.env.APPDATA ?? homedir(), "jupyter");
  return join(process.env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "jupyter");
}
