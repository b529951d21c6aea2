/** Prints which lines the tests reached: TypeScript in the tests' own process and in the kernels they start, C++ by gcov's counters. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inClone, root } from "./environment.mjs";
import { attempt } from "./shell.mjs";

/** Where Node writes what a process of the kernel reached: the value of NODE_V8_COVERAGE while tests run. */
export const processCoverage = inClone("build", "coverage", "processes");

/** One row a folder of the library, kernel and extension. */
export function typeScriptCoverage() {
  const hits = new Map(); // "path:line" -> times reached
  const report = inClone("build/coverage/coverage-final.json");
  for (const file of existsSync(report) ? Object.values(JSON.parse(readFileSync(report, "utf8"))) : []) {
    for (const [id, { start }] of Object.entries(file.statementMap)) reach(hits, `${file.path}:${start.line}`, file.s[id]);
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

/** One row a folder of native/, from the counters that the native tests left. */
export async function cppCoverage() {
  const folder = inClone("build/native-asan");
  const counters = existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".gcda")) : [];
  const { code, output } = await attempt("gcov", ["--json-format", "--stdout", ...counters.map((file) => join(folder, file))], {
    cwd: folder,
  });
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

/** A line counts as reached when any of its compilations was: a kernel is compiled once an instruction set. */
const reach = (hits, place, count) => hits.set(place, Math.max(count, hits.get(place) ?? 0));

/** Adds V8's ranges of one built script, line by line through its source map. tsc keeps a statement to a line, so its first token tells. */
function addScript(hits, { url, functions }) {
  if (!url.startsWith("file://") || !fileURLToPath(url).startsWith(inClone("build/js/"))) return;
  const path = fileURLToPath(url);
  if (!existsSync(`${path}.map`)) return;
  const text = readFileSync(path, "utf8");
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")));
  const counts = countsOf(text.length, functions);
  let offset = 0;
  for (const [number, line] of text.split("\n").entries()) {
    const column = line.search(/\S/);
    const isCode = column >= 0 && !/^(\/\/|\/?\*|[}\])]+[;,]?$)/.test(line.trim());
    const { originalSource, originalLine } = isCode ? map.findEntry(number, column) : {};
    if (originalSource) reach(hits, `${resolve(path, "..", originalSource)}:${originalLine + 1}`, counts[offset + column]);
    offset += line.length + 1;
  }
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
