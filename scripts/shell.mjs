/** Runs programs and keeps what they say. */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { dirname } from "node:path";
import { environment, root } from "./environment.mjs";

/** A program that ended with a code other than 0. `output` is its last lines. */
export class CommandError extends Error {
  constructor(command, code, output) {
    super(`${command} ended with ${code}`);
    this.output = output;
  }
}

const running = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stopAll(signal));

/**
 * Runs a program to its end and resolves to its exit code and output; never rejects.
 * `log` appends the output to a file, `show` passes it through to this terminal instead of keeping it, `minutes` is how long it may take,
 * `patient` gives it the lowest priority.
 */
export function attempt(program, args, { cwd = root, env = environment(), log, show = false, input, minutes, patient = false } = {}) {
  return new Promise((resolve) => {
    const stdio = [input === undefined ? "ignore" : "pipe", show ? "inherit" : "pipe", show ? "inherit" : "pipe"];
    const child = spawn(program, args, { cwd, env, stdio });
    if (patient && child.pid) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    let output = "";
    if (log) mkdirSync(dirname(log), { recursive: true });
    const keep = (text) => {
      output += text;
      if (log) appendFileSync(log, text);
    };
    child.stdout?.setEncoding("utf8").on("data", keep);
    child.stderr?.setEncoding("utf8").on("data", keep);
    child.stdin?.on("error", () => {}).end(input);
    running.add(child);
    const late = minutes && setTimeout(() => (keep(`\nstopped after ${minutes} minutes\n`), child.kill("SIGKILL")), minutes * 60_000);
    child.on("error", (error) => keep(String(error.message)));
    child.on("close", (code, signal) => {
      running.delete(child);
      clearTimeout(late);
      resolve({ code: code ?? signal ?? "an error", output });
    });
  });
}

/** Runs a program that has to succeed; returns its output. */
export async function run(program, args, options) {
  const { code, output } = await attempt(program, args, options);
  if (code !== 0) throw new CommandError([program, ...args].join(" "), code, output);
  return output;
}

function stopAll(signal) {
  for (const child of running) child.kill("SIGTERM");
  process.exit(signal === "SIGINT" ? 130 : 143);
}
