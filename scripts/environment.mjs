/** Where things are in this clone, and the environment that every child process gets. */
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A path inside the clone. */
export const inClone = (...parts) => join(root, ...parts);

/** The interpreter that has Jupyter. */
export const python = inClone(".venv", "bin", "python");

/** True in continuous integration, where a missing part is a failure and not a reason to skip. */
export const inCI = /^(1|true)$/i.test(process.env.CI ?? "");

/**
 * Returns the environment for child processes: this Node and the tools of `.venv` end PATH, Jupyter keeps its files in `build/jupyter`,
 * and where HOME cannot be written everything that belongs there goes to `build/home`.
 */
export function environment() {
  const jupyter = inClone("build", "jupyter");
  const env = {
    ...process.env,
    PATH: [process.env.PATH, dirname(process.execPath), inClone(".venv", "bin")].filter(Boolean).join(delimiter),
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PYTHONNOUSERSITE: "1",
    JUPYTER_CONFIG_DIR: join(jupyter, "config"),
    JUPYTER_DATA_DIR: join(jupyter, "data"),
    JUPYTER_RUNTIME_DIR: join(jupyter, "runtime"),
    JUPYTERLAB_SETTINGS_DIR: join(jupyter, "settings"),
    JUPYTERLAB_WORKSPACES_DIR: join(jupyter, "workspaces"),
    IPYTHONDIR: join(jupyter, "ipython"),
    npm_config_fund: "false",
    npm_config_audit: "false",
    npm_config_update_notifier: "false",
  };
  for (const name of ["PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "NODE_ENV", "JUPYTER_PATH", "JUPYTER_CONFIG_PATH"]) delete env[name];
  return homeIsWritable() ? env : moveHome(env);
}

function homeIsWritable() {
  try {
    accessSync(process.env.HOME || "", constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function moveHome(env) {
  const home = inClone("build", "home");
  mkdirSync(home, { recursive: true });
  const npmrc = join(env.HOME ?? "", ".npmrc");
  if (env.HOME && existsSync(npmrc)) env.npm_config_userconfig = npmrc;
  for (const name of ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PIP_CACHE_DIR"]) delete env[name];
  return { ...env, HOME: home, npm_config_cache: join(home, ".npm") };
}
