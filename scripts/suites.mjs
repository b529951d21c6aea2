/** The kinds of tests, each run to a count: C++ under sanitizers, vitest, vitest on native code under sanitizers, Jupyter's own conformance tests. */
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { measured } from "./coverage.mjs";
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

/** How the native runtime is built for tests: all of it for one instruction set with two sanitizers and gcov's counters, and what threads share. */
const builds = {
  checked: {
    folder: "build/native-checked",
    targets: ["native_tests", "cellgrad"],
    options: ["-DCELLGRAD_SANITIZE=address,undefined", "-DCELLGRAD_COVERAGE=ON", `-DCELLGRAD_ISAS=${widestIsa()}`],
  },
  threads: { folder: "build/native-threads", targets: ["thread_tests"], options: ["-DCELLGRAD_SANITIZE=thread"] },
};

/** Suites that run in their own process and reach native code: they run on the checked build too. `memory` measures what sanitizers change. */
const checkedProjects = ["autograd", "compile", "devices", "nn", "ops", "serialization"];

/** The longest files of `devices`: where everything runs, they run on the checked build alone. */
const checkedAlone = ["families", "table"].map((name) => `test/devices/${name}.test.ts`);

/** The emulated card changes stacks, which AddressSanitizer takes for errors; some leave native code alone, some are long and reach nothing new. */
const neverChecked = [
  ...["cuda", "cuda-table", "streams", "nvrtc", "gpu-script", "wgsl", "training"].map((name) => `test/devices/${name}.test.ts`),
  "test/ops/walk.test.ts",
];

const excluding = (files) => files.flatMap((file) => ["--exclude", file]);

const sanitizers = {
  ASAN_OPTIONS: "strict_string_checks=1:allocator_may_return_null=1",
  UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
  TSAN_OPTIONS: "halt_on_error=1:exitcode=66",
};

/**
 * Builds the C++ tests and the addon under sanitizers, at the lowest priority: other suites run meanwhile.
 * Resolves to why a build failed, by name; to nothing when all is built.
 */
export async function buildChecked({ compiler }) {
  const failures = {};
  for (const [name, { folder, targets, options }] of Object.entries(builds)) {
    try {
      await buildNative(folder, options, { log: inClone(`build/logs/${name}.log`), compiler, targets, patient: true });
    } catch (error) {
      failures[name] = `${folder} was not built: ${error.message}\n${error.output ?? ""}`;
    }
  }
  return failures;
}

/** Runs the C++ tests: with AddressSanitizer and UndefinedBehaviorSanitizer, those of what threads share also with ThreadSanitizer. @returns {Promise<Count>} */
export async function runNative(failures) {
  const run = async (name, target) => {
    if (failures[name]) return { passed: 0, failed: 1, skipped: 0, reasons: [failures[name]] };
    const { code, output } = await attempt(inClone(builds[name].folder, target), [], {
      env: { ...environment(), ...sanitizers },
      minutes: 15,
    });
    process.stdout.write(output);
    return countFromLine(output, code);
  };
  const counts = [await run("checked", "native_tests"), await run("threads", "thread_tests")];
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped"), reasons: counts.flatMap(({ reasons }) => reasons ?? []) };
}

/**
 * Runs the suites of `checkedProjects` on the checked build. Leaks are the C++ tests' to find: V8 keeps pointers where
 * LeakSanitizer does not look.
 * @returns {Promise<Count>}
 */
export async function runChecked({ compiler }, failures, options) {
  if (failures.checked) return { passed: 0, failed: 1, skipped: 0, reasons: ["there is no checked build to run suites on"] };
  const preload = (await run(compiler, ["-print-file-name=libasan.so"])).trim();
  if (!isAbsolute(preload))
    return { passed: 0, failed: inCI ? 1 : 0, skipped: 1, reasons: [`suites on the checked build: ${compiler} has no libasan.so`] };
  const env = {
    ...sanitizers,
    ASAN_OPTIONS: `${sanitizers.ASAN_OPTIONS}:detect_leaks=0`,
    LD_PRELOAD: preload,
    NODE_OPTIONS: "--conditions=checked",
    CELLGRAD_CHECKED: "1",
  };
  const selection = [...checkedProjects.flatMap((name) => ["--project", name]), ...excluding(neverChecked)];
  return vitestRun({ name: "checked", selection, env, ...options });
}

/** The widest instruction set of native/kernels/cpu/table.cpp that this machine has: the one that is used. */
function widestIsa() {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "")?.[1].split(" "));
  const has = (names) => names.split(" ").every((name) => flags.has(name));
  if (!has("avx2 bmi1 bmi2 f16c fma abm movbe")) return "baseline";
  return has("avx512f avx512bw avx512cd avx512dq avx512vl") ? "avx512" : "avx2";
}

/**
 * Runs vitest: one `project`, test `files` by a part of their path, or everything; with `checked`, without what the checked build runs alone.
 * @returns {Promise<Count>}
 */
export async function runVitest({ chromium }, { project, files, checked = false, coverage = false }) {
  const without = chromium ? [] : browserProjects.filter((name) => existsSync(inClone("test", name)));
  const selection = [
    project ? ["--project", project] : [],
    files ? [files] : [],
    without.flatMap((name) => ["--project", `!${name}`]),
    checked ? excluding(checkedAlone) : [],
  ].flat();
  const env = { CELLGRAD_CHROMIUM: chromium ?? "" };
  const count = await vitestRun({ name: "vitest", selection, env, coverage });
  return without.length > 0 && !files ? withSkippedBrowser(count, without, { ...environment(), ...env }) : count;
}

/** One run of vitest, counted from its JSON report. */
async function vitestRun({ name, selection, env, coverage = false }) {
  const report = inClone(`build/test/${name}.json`);
  const measured = coverage ? ["--coverage", `--coverage.reportsDirectory=${inClone("build/coverage", name)}`] : [];
  const args = ["run", ...config, ...selection, ...measured, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await attempt(process.execPath, [vitest, ...args], {
    env: {
      ...environment(),
      FORCE_COLOR: process.stdout.isTTY ? "1" : "0",
      CELLGRAD_COVERAGE: coverage ? "1" : "",
      ...env,
    },
    show: true,
    minutes: 60,
  });
  return existsSync(report) ? countFromReport(JSON.parse(readFileSync(report, "utf8")), code) : { passed: 0, failed: 1, skipped: 0 };
}

/** Runs jupyter_kernel_test against the installed kernelspec. @returns {Promise<Count>} */
export async function runJupyter({ coverage = false }) {
  const env = { ...environment(), ...(coverage ? measured() : {}) };
  const { code, output } = await attempt(python, [inClone("test/jupyter/conformance.py")], { env, minutes: 10 });
  process.stdout.write(output);
  return countFromLine(output, code);
}

const vitest = inClone("node_modules/vitest/vitest.mjs");
const config = ["--config", inClone("test/vitest.config.ts")];

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
async function withSkippedBrowser(count, without, env) {
  const args = ["list", ...config, ...without.flatMap((name) => ["--project", name]), "--json"];
  const number = JSON.parse(await run(process.execPath, [vitest, ...args], { env })).length;
  const reasons = [...(count.reasons ?? []), `${number} browser tests: no Chromium on this machine (apt-get install chromium)`];
  return inCI ? { ...count, failed: count.failed + number, reasons } : { ...count, skipped: count.skipped + number, reasons };
}
