/**
 * Prints which lines the tests reached: TypeScript in the tests' own process, in the processes they start and in the gallery's pages,
 * C++ by gcov's counters.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { SourceMap } from "node:module";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inClone, root } from "./environment.mjs";
import { attempt } from "./shell.mjs";

/** Where Node writes what the processes that tests start have reached. */
const processCoverage = inClone("build", "coverage", "processes");

/** The environment in which a process, and what it starts, writes there. */
export function measured() {
  // As data: the debugger lists the files that a runtime has loaded.
  const preload = `data:text/javascript,${encodeURIComponent(readFileSync(inClone("scripts/kernel-coverage.mjs"), "utf8"))}`;
  return {
    NODE_V8_COVERAGE: processCoverage,
    NODE_OPTIONS: [process.env.NODE_OPTIONS, `--import=${preload}`].filter(Boolean).join(" "),
  };
}

/** One row a folder of the library, kernel and extension. */
export function typeScriptCoverage() {
  const hits = new Map(); // "path:line" -> times reached
  for (const report of ["vitest", "checked"].map((run) => inClone("build/coverage", run, "coverage-final.json"))) {
    for (const file of existsSync(report) ? Object.values(JSON.parse(readFileSync(report, "utf8"))) : []) {
      for (const [id, { start }] of Object.entries(file.statementMap)) reach(hits, `${file.path}:${start.line}`, file.s[id]);
    }
  }
  for (const name of existsSync(processCoverage) ? readdirSync(processCoverage) : []) {
    for (const script of scriptsOf(join(processCoverage, name))) addScript(hits, script);
  }
  return table("TypeScript", hits);
}

/** What a process reported; nothing when it was killed while it wrote, or wrote after a test's cell had broken JavaScript's builtins. */
function scriptsOf(path) {
  try {
    const { result } = JSON.parse(readFileSync(path, "utf8"));
    return Array.isArray(result) ? result : [];
  } catch {
    return [];
  }
}

/** Forgets what native code earlier runs reached: counters add up. */
export function forgetCounters() {
  for (const file of counterFiles()) rmSync(file);
}

/** One row a folder of native/, from the counters that the checked build left. */
export async function cppCoverage() {
  const counters = counterFiles();
  const { code, output } = await attempt("gcov", ["--json-format", "--stdout", ...counters], { cwd: checkedFolder });
  if (counters.length > 0 && code !== 0) return "  C++: gcov is not here or does not fit the compiler";
  const hits = new Map();
  for (const text of counters.length > 0 ? output.split("\n").filter((line) => line.startsWith("{")) : []) {
    const report = JSON.parse(text);
    for (const { file, lines } of report.files) {
      const path = resolve(report.current_working_directory, file);
      if (path.startsWith(inClone("native", "/"))) for (const { line_number: line, count } of lines) reach(hits, `${path}:${line}`, count);
    }
  }
  return table("C++", hits);
}

const checkedFolder = inClone("build/native-checked");

function counterFiles() {
  const files = existsSync(checkedFolder) ? readdirSync(checkedFolder, { recursive: true }) : [];
  return files.filter((file) => file.endsWith(".gcda")).map((file) => join(checkedFolder, file));
}

/** A line counts as reached when any of its compilations was: templates and inline functions have many. */
const reach = (hits, place, count) => hits.set(place, Math.max(count, hits.get(place) ?? 0));

const built = [inClone("build/js/"), inClone("build/gallery/")];

/** Adds what one process reached of one built script to the statements that vitest knows. */
function addScript(hits, { url, functions }) {
  const script = scriptAt(url);
  if (!script) return;
  const counts = countsOf(script.length, functions);
  for (const { offset, place } of script.lines) if (hits.has(place)) reach(hits, place, counts[offset]);
}

const scripts = new Map();

/** The lines of a built script, with what they were built from; null for scripts of others. */
function scriptAt(url) {
  if (!scripts.has(url)) scripts.set(url, readScript(url));
  return scripts.get(url);
}

/** Builders keep a statement to a line: its first token tells where it came from, and whether it was reached. */
function readScript(url) {
  const path = url.startsWith("file://") ? fileURLToPath(url) : "";
  if (!built.some((folder) => path.startsWith(folder)) || !existsSync(`${path}.map`)) return null;
  const text = readFileSync(path, "utf8");
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")));
  const lines = [];
  let start = 0;
  for (const [number, line] of text.split("\n").entries()) {
    const column = line.search(/\S/);
    const { originalSource, originalLine, generatedLine } = column >= 0 ? map.findEntry(number, column) : {};
    if (originalSource && generatedLine === number)
      lines.push({ offset: start + column, place: `${resolve(path, "..", originalSource)}:${originalLine + 1}` });
    start += line.length + 1;
  }
  return { length: text.length, lines };
}

/** Times each character was run: inner ranges come after, and override, the ones around them. */
function countsOf(length, functions) {
  const counts = new Uint32Array(length).fill(1);
  for (const { ranges } of functions) for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
  return counts;
}

function table(title, hits) {
  const folders = new Map();
  for (const [place, count] of hits) {
    const [top, inner, ...rest] = relative(root, place).split("/");
    for (const name of [rest.length > 0 ? `${top}/${inner}` : top, title]) {
      const [reached, total] = folders.get(name) ?? [0, 0];
      folders.set(name, [reached + (count > 0 ? 1 : 0), total + 1]);
    }
  }
  if (folders.size === 0) return `  ${title}: nothing was measured`;
  const row = ([name, [reached, total]]) => `  ${name.padEnd(28)} ${((100 * reached) / total).toFixed(1).padStart(5)} % of ${total} lines`;
  const [whole, parts] = [folders.get(title), [...folders].filter(([name]) => name !== title)];
  return [...parts.toSorted(([a], [b]) => a.localeCompare(b, "en")), [title, whole]].map(row).join("\n");
}
