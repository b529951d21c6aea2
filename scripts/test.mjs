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
const building = chosen.native || chosen.checked ? buildChecked(machine) : null; // beside the suites that wait for processes
if (chosen.vitest) results.push(await suite("vitest", () => runVitest(machine, chosen.vitest)));
if (chosen.jupyter) results.push(await suite("jupyter_kernel_test", () => runJupyter(chosen.jupyter)));
if (chosen.native) results.push(await suite("native", async () => runNative(await building)));
if (chosen.checked) results.push(await suite("checked", async () => runChecked(machine, await building, chosen.checked)));
if (filter === "") console.log(["", "Coverage", typeScriptCoverage(), await cppCoverage()].join("\n"));
report(results);

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

async function suite(name, run) {
  console.log(`\n── ${name} ${"─".repeat(60 - name.length)}`);
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
