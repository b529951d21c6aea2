/** A copy of this clone elsewhere, as somebody would get it, and the processes that run from it. */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/environment.mjs";

/** What git ignores and git itself: all that a fresh clone does not have. */
const notInClone = new Set([".git", "node_modules", ".venv", ".venv-peers", "build", "coverage"]);

/**
 * Copies the sources into a new folder with spaces and letters beyond ASCII in its path, and puts a compiler beside it that does not
 * optimise: what is tested is the way to a runtime, not its speed, and this takes a fifth of the time.
 */
export function freshClone(): { readonly path: string; readonly compiler: string; remove(): void } {
  const parent = mkdtempSync(join(tmpdir(), "cell grad Ünïcode 東京 "));
  const path = join(parent, "my clone");
  cpSync(root, path, { recursive: true, filter: (source) => !notInClone.has(source.slice(root.length + 1)) });
  const compiler = join(parent, "quick c++");
  writeFileSync(compiler, '#!/bin/sh\nexec c++ "$@" -O0\n', { mode: 0o755 });
  return { path, compiler, remove: () => rmSync(parent, { recursive: true, force: true, maxRetries: 3 }) };
}

/** The environment of somebody whose HOME does not exist. Variables that npm sets for its scripts would point back here. */
export function homeless(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_OPTIONS|NODE_ENV|NODE_V8|CELLGRAD|PIP_CACHE|XDG_|JUPYTER|FORCE_COLOR)/.test(name),
  );
  return { ...Object.fromEntries(kept), HOME: join(tmpdir(), "there is no such home"), ...extra };
}

/** Registries that nothing answers at: what a machine without a network sees. */
export const offline = {
  npm_config_registry: "http://127.0.0.1:9",
  npm_config_fetch_retries: "0",
  PIP_INDEX_URL: "http://127.0.0.1:9",
  PIP_RETRIES: "0",
  http_proxy: "http://127.0.0.1:9",
  https_proxy: "http://127.0.0.1:9",
  no_proxy: "127.0.0.1,localhost",
};

export interface Finished {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program to its end. */
export function finished(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Finished> {
  const from = Date.now();
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const output = textOf(child);
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, output: output(), seconds: (Date.now() - from) / 1000 }));
  });
}

export interface Served {
  /** The address that `npm start` prints, token included. */
  readonly url: URL;
  readonly seconds: number;
  /** Presses Ctrl-C: the signal goes to all of the terminal's processes. Resolves when npm has ended. */
  interrupt(): Promise<unknown>;
}

/** Runs `npm start -- --no-browser --port 0` until it serves. */
export function start(cwd: string, env: NodeJS.ProcessEnv): Promise<Served> {
  const from = Date.now();
  const child = spawn("npm", ["start", "--", "--no-browser", "--port", "0"], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = textOf(child);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return new Promise((resolve, reject) => {
    void ended.then((code) => reject(new Error(`npm start ended with ${code}:\n${output()}`)));
    child.stdout?.on("data", () => {
      const address = /JupyterLab is at (http\S+)/.exec(output())?.[1];
      if (!address) return;
      const interrupt = (): Promise<unknown> => {
        const running = child.exitCode === null && child.signalCode === null;
        if (running && child.pid) process.kill(-child.pid, "SIGINT");
        return ended;
      };
      resolve({ url: new URL(address), seconds: (Date.now() - from) / 1000, interrupt });
    });
  });
}

/** Command lines of the processes that run something of a folder. */
export function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return ""; // it has ended since
      }
    })
    .filter((command) => command.includes(folder));
}

function textOf(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return () => text;
}
