/**
 * `npm test [-- FILTER]`: sets up, runs every suite and ends with one line, `N passed, N failed`.
 * FILTER is a suite (`native`, `checked`, `jupyter`), a folder of test/ (`ops`, `kernel`, ...) or a part of a test file's path.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { inClone } from "./environment.mjs";
import { setUp } from "./setup.mjs";
import { seconds } from "./steps.mjs";
import { cppCoverage, forgetCounters, typeScriptCoverage } from "./coverage.mjs";
import { buildChecked, runChecked, runJupyter, runNative, runVitest } from "./suites.mjs";

const filter = process.argv.slice(2).join(" ");
const started = Date.now();
const machine = await setUp("test");
const projects = readdirSync(inClone("test"), { withFileTypes: true }).filter((entry) => entry.isDirectory() && hasTests(entry.name));
const chosen = choose(filter);

for (const folder of ["test", "coverage"]) rmSync(inClone("build", folder), { recursive: true, force: true });
mkdirSync(inClone("build", "test"), { recursive: true });
forgetCounters();
const results = [];
const sanitized = chosen.native || chosen.checked ? runSanitized({ patient: Boolean(chosen.vitest) }) : null;
if (chosen.vitest) results.push(await suite("vitest", () => runVitest(machine, chosen.vitest)));
if (chosen.jupyter) results.push(await suite("jupyter_kernel_test", () => runJupyter(chosen.jupyter)));
for (const { output = "", ...result } of (await sanitized) ?? []) {
  if (output !== "") process.stdout.write(`${heading(result.name)}${output}`);
  results.push(result);
}
if (filter === "") console.log(["", "Coverage", typeScriptCoverage(), await cppCoverage()].join("\n"));
report(results);

/** Builds with sanitizers and runs what runs on that; `patient`, beside other suites, it takes only the time that these leave and keeps what it says. */
async function runSanitized({ patient }) {
  const failures = await buildChecked(machine);
  const native = async () => runNative(failures, { patient });
  const checked = async () => runChecked(machine, failures, { ...chosen.checked, patient });
  const counts = [];
  if (chosen.native) counts.push(await suite("native", native, patient));
  if (chosen.checked) counts.push(await suite("checked", checked, patient));
  return counts;
}

/** Which suites a filter means. An empty one means all. */
function choose(text) {
  if (text === "") {
    const measured = { coverage: true };
    return { native: measured, vitest: { ...measured, checked: true }, jupyter: measured, checked: measured };
  }
  if (["native", "checked", "jupyter"].includes(text)) return { [text]: {} };
  return { vitest: projects.some(({ name }) => name === text) ? { project: text } : { files: text } };
}

function hasTests(folder) {
  return readdirSync(inClone("test", folder), { recursive: true }).some((file) => /\.test(-d)?\.ts$/.test(file));
}

function heading(name) {
  return `\n── ${name} ${"─".repeat(60 - name.length)}\n`;
}

async function suite(name, run, silent = false) {
  if (!silent) process.stdout.write(heading(name));
  const from = Date.now();
  const result = await run();
  return { name, ...result, time: seconds(from) };
}

/** Prints one row a suite, why tests were skipped or a suite ended early, and the line that sums them up. */
function report(results) {
  console.log("");
  for (const { name, passed, failed, skipped, time } of results) {
    console.log(
      `  ${name.padEnd(22)} ${String(passed).padStart(6)} passed ${String(failed).padStart(4)} failed ${String(skipped).padStart(4)} skipped ${time}`,
    );
  }
  const reasons = results.flatMap((result) => result.reasons ?? []);
  if (reasons.length > 0) console.log(`\nNotes\n${reasons.map((reason) => `  ${reason}`).join("\n")}`);
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  console.log(`\nIn ${seconds(started).trim()}.`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
