/** Prints what the tests covered: TypeScript by vitest's summary, C++ by gcov's counters. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { inClone, root } from "./environment.mjs";
import { attempt } from "./shell.mjs";

/** One row a top-level folder of the library, kernel and extension. */
export function typeScriptCoverage() {
  const summary = inClone("build/coverage/coverage-summary.json");
  if (!existsSync(summary)) return "  TypeScript: nothing was measured";
  const lines = new Map();
  for (const [
    path,
    {
      lines: { total, covered },
    },
  ] of Object.entries(JSON.parse(readFileSync(summary, "utf8")))) {
    if (path !== "total") add(lines, folderOf(path), covered, total);
  }
  return table("TypeScript", lines);
}

/** One row a folder of native/, from the counters that the native tests left. */
export async function cppCoverage() {
  const folder = inClone("build/native-asan");
  const counters = existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".gcda")) : [];
  if (counters.length === 0) return "  C++: nothing was measured";
  const { code, output } = await attempt("gcov", ["--json-format", "--stdout", ...counters.map((file) => join(folder, file))], {
    cwd: folder,
  });
  if (code !== 0) return "  C++: gcov is not here or does not fit the compiler";
  const hits = new Map(); // path:line -> largest count: a kernel is compiled once an instruction set
  for (const text of output.split("\n").filter((line) => line.startsWith("{"))) {
    const report = JSON.parse(text);
    for (const { file, lines } of report.files) {
      const path = file.startsWith("/") ? file : join(report.current_working_directory, file);
      if (!path.startsWith(inClone("native"))) continue;
      for (const { line_number: line, count } of lines) hits.set(`${path}:${line}`, Math.max(count, hits.get(`${path}:${line}`) ?? 0));
    }
  }
  const lines = new Map();
  for (const [place, count] of hits) add(lines, folderOf(place), count > 0 ? 1 : 0, 1);
  return table("C++", lines);
}

/** `src/ops/math.ts` belongs to `src/ops`, `kernel/front.ts` to `kernel`. */
function folderOf(path) {
  const [top, inner, ...rest] = relative(root, path).split("/");
  return rest.length > 0 ? `${top}/${inner}` : top;
}

function add(lines, folder, covered, total) {
  const row = lines.get(folder) ?? [0, 0];
  lines.set(folder, [row[0] + covered, row[1] + total]);
}

function table(title, lines) {
  const all = [...lines.values()].reduce(([c, t], [covered, total]) => [c + covered, t + total], [0, 0]);
  const row = (name, [covered, total]) =>
    `  ${name.padEnd(28)} ${((100 * covered) / Math.max(1, total)).toFixed(1).padStart(5)} % of ${total} lines`;
  return [...[...lines].sort().map(([name, counts]) => row(name, counts)), row(title, all)].join("\n");
}
