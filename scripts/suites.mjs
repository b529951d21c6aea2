/** The three kinds of tests, each run to a count: C++ under sanitizers, vitest, and Jupyter's own conformance tests. */
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { processCoverage } from "./coverage.mjs";
import { environment, inCI, inClone, python, root } from "./environment.mjs";
import { buildNative } from "./setup.mjs";
import { attempt, run } from "./shell.mjs";

/**
 * @typedef {object} Count
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} [reasons] why tests were skipped or what went wrong outside a test
 */

/** Folders of test/ that need a browser. */
const browserProjects = ["views", "browser"];

/**
 * Builds the C++ tests with AddressSanitizer, UndefinedBehaviorSanitizer and gcov counters, those of what threads share also with
 * ThreadSanitizer, and runs them.
 * @returns {Promise<Count>}
 */
export async function runNative({ compiler }) {
  const whole = { folder: "build/native-asan", options: ["-DCELLGRAD_SANITIZE=address,undefined", "-DCELLGRAD_COVERAGE=ON"] };
  const counts = [
    await runProgram("native_tests", whole, compiler),
    await runProgram("thread_tests", { folder: "build/native-tsan", options: ["-DCELLGRAD_SANITIZE=thread"] }, compiler),
  ];
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped"), reasons: counts.flatMap(({ reasons }) => reasons ?? []) };
}

async function runProgram(target, { folder, options }, compiler) {
  const log = inClone(`build/logs/${target.replace("_", "-")}.log`);
  try {
    await buildNative(folder, options, { log, compiler, target });
  } catch (error) {
    return { passed: 0, failed: 1, skipped: 0, reasons: [`${target} was not built: ${error.message}\n${error.output ?? ""}`] };
  }
  const env = {
    ...environment(),
    ASAN_OPTIONS: "detect_leaks=1:strict_string_checks=1",
    UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
    TSAN_OPTIONS: "halt_on_error=1:exitcode=66",
  };
  const { code, output } = await attempt(inClone(folder, target), [], { env, minutes: 15 });
  process.stdout.write(output);
  return countFromLine(output, code);
}

/** Runs vitest and reads its JSON report. @returns {Promise<Count>} */
export async function runVitest({ chromium }, { project, files, coverage = false }) {
  const report = inClone("build/test/vitest.json");
  const config = ["--config", inClone("test/vitest.config.ts")];
  const without = chromium ? [] : browserProjects.filter((name) => existsSync(inClone("test", name)));
  const selection = [
    project ? ["--project", project] : [],
    files ? [files] : [],
    without.flatMap((name) => ["--project", `!${name}`]),
  ].flat();
  const env = {
    ...environment(),
    FORCE_COLOR: process.stdout.isTTY ? "1" : "0",
    CELLGRAD_CHROMIUM: chromium ?? "",
    CELLGRAD_COVERAGE: coverage ? processCoverage : "",
  };
  const args = ["run", ...config, ...selection, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await attempt(process.execPath, [vitest, ...args, ...(coverage ? ["--coverage"] : [])], {
    env,
    show: true,
    minutes: 60,
  });
  const count = existsSync(report) ? countFromReport(JSON.parse(readFileSync(report, "utf8")), code) : { passed: 0, failed: 1, skipped: 0 };
  return without.length > 0 && !files ? withSkippedBrowser(count, without, config, env) : count;
}

/** Runs jupyter_kernel_test against the installed kernelspec. @returns {Promise<Count>} */
export async function runJupyter({ coverage = false }) {
  const env = { ...environment(), ...(coverage ? { NODE_V8_COVERAGE: processCoverage } : {}) };
  const { code, output } = await attempt(python, [inClone("test/jupyter/conformance.py")], { env, minutes: 10 });
  process.stdout.write(output);
  return countFromLine(output, code);
}

const vitest = inClone("node_modules/vitest/vitest.mjs");

/** Reads `N passed, N failed` (`, N skipped`) from a suite's last lines; lines `skipped: ...` are reasons. */
function countFromLine(output, code) {
  const line = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  const [passed, failed, skipped] = (line ?? ["", "0", "0"]).slice(1).map((text) => Number(text ?? 0));
  const reasons = [...output.matchAll(/^skipped: (.*)$/gm)].map(([, reason]) => reason);
  const crashed = code !== 0 && failed === 0; // ended without, or after, its closing line
  return {
    passed,
    failed: failed + (crashed ? 1 : 0),
    skipped: skipped || 0,
    reasons: crashed ? [...reasons, `ended with ${code}`] : reasons,
  };
}

function countFromReport(report, code) {
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every(({ status }) => status !== "failed"),
  );
  const failed = report.numFailedTests + broken.length;
  const elsewhere = code !== 0 && failed === 0; // an unhandled error, or no test at all
  const reasons = broken.map((file) => `${relative(root, file.name)}: ${file.message.split("\n")[0]}`);
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults
      .filter(({ status }) => ["skipped", "pending", "todo", "disabled"].includes(status))
      .map((test) => `${relative(root, file.name)}: ${test.fullName}`),
  );
  return {
    passed: report.numPassedTests,
    failed: failed + (elsewhere ? 1 : 0),
    skipped: skipped.length,
    reasons: [...reasons, ...skipped, ...(elsewhere ? ["vitest reported an error outside a test"] : [])],
  };
}

/** Counts the browser tests that this machine cannot run: skipped for a person, failed in CI. */
async function withSkippedBrowser(count, without, config, env) {
  const args = ["list", ...config, ...without.flatMap((name) => ["--project", name]), "--json"];
  const number = JSON.parse(await run(process.execPath, [vitest, ...args], { env })).length;
  const reasons = [...(count.reasons ?? []), `${number} browser tests: no Chromium on this machine (apt-get install chromium)`];
  return inCI ? { ...count, failed: count.failed + number, reasons } : { ...count, skipped: count.skipped + number, reasons };
}
