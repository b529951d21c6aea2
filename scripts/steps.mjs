/** Runs the steps of the set-up: those that are out of date, as soon as what they need is done, with their times. */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inClone, root } from "./environment.mjs";

/**
 * @typedef {object} Step
 * @property {string} name shown to the person
 * @property {string[]} needs names of steps to wait for; when one of them ran, this one runs too
 * @property {string[]} inputs files and folders (relative to the clone) whose content decides whether the step is up to date
 * @property {string[]} outputs paths that exist when the step is done; the stamp lies beside the first
 * @property {(log: string) => Promise<void>} run
 */

/** Runs all steps; resolves to the number that ran. A failing step prints its last lines and rejects. */
export async function runSteps(/** @type {Step[]} */ steps) {
  const started = Date.now();
  const status = statusLine();
  const done = new Map();
  let ran = 0;
  const perform = async (step) => {
    const before = await Promise.all(step.needs.map((name) => done.get(name)));
    const digest = digestOf(step);
    if (!before.includes(true) && isCurrent(step, digest)) return false;
    const from = Date.now();
    const log = inClone("build", "logs", `${step.name.replaceAll(" ", "-")}.log`);
    rmSync(log, { force: true });
    status.begin(step.name);
    try {
      rmSync(stampOf(step), { force: true });
      await step.run(log);
      mkdirSync(dirname(stampOf(step)), { recursive: true });
      writeFileSync(stampOf(step), digestOf(step));
    } catch (error) {
      mkdirSync(dirname(log), { recursive: true });
      if (!error.output) appendFileSync(log, `${error.stack}\n`);
      status.end(step.name, `  ✗ ${step.name} failed: ${error.message}\n${lastLines(error.output ?? "")}    Everything it said: ${log}`);
      throw error;
    }
    ran++;
    status.end(step.name, `  ✓ ${step.name.padEnd(24)} ${seconds(from)}`);
    return true;
  };
  for (const step of steps) done.set(step.name, perform(step));
  const results = await Promise.allSettled(done.values());
  status.stop();
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  console.log(ran === 0 ? "Everything is up to date." : `Set up in ${seconds(started).trim()}.`);
  return ran;
}

/** Seconds since a moment, for people. */
export const seconds = (from) => `${((Date.now() - from) / 1000).toFixed(1).padStart(6)} s`;

const stampOf = (step) => inClone("build", "stamps", step.name.replaceAll(" ", "-"));

function isCurrent(step, digest) {
  if (!step.outputs.every((path) => existsSync(inClone(path)))) return false;
  return existsSync(stampOf(step)) && readFileSync(stampOf(step), "utf8") === digest;
}

/** The clone's place is part of every digest: `.venv`, CMake's cache and the kernelspec hold absolute paths. */
function digestOf(step) {
  const hash = createHash("sha256").update([root, process.version, process.arch].join("\n"));
  for (const input of step.inputs) addToDigest(hash, inClone(input));
  return hash.digest("hex");
}

function addToDigest(hash, path) {
  let names;
  try {
    names = readdirSync(path).sort();
  } catch (error) {
    if (error.code === "ENOTDIR") hash.update(path).update(readFileSync(path));
    else if (error.code !== "ENOENT") throw error;
    return;
  }
  for (const name of names) addToDigest(hash, join(path, name));
}

/** On a terminal: a last line that says what is being done and for how long. Elsewhere only the finished steps are printed. */
function statusLine() {
  const since = new Map();
  const wipe = process.stdout.isTTY ? "\r\x1b[2K" : "";
  const paint = () => {
    const parts = [...since].map(([name, from]) => `${name}${seconds(from).replace(/ +/, " ")}`);
    if (wipe) process.stdout.write(wipe + (parts.length ? `  … ${parts.join(", ")}` : ""));
  };
  const timer = wipe ? setInterval(paint, 200) : null;
  return {
    begin: (name) => (since.set(name, Date.now()), paint()),
    end: (name, line) => (since.delete(name), console.log(wipe + line), paint()),
    stop: () => (clearInterval(timer), process.stdout.write(wipe)),
  };
}

const lastLines = (output) =>
  output
    .trimEnd()
    .split("\n")
    .slice(-20)
    .map((line) => `    ${line}\n`)
    .join("");
