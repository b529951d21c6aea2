/** Holds the arrows of the design: what each folder may import, read from the sources. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { expect, test } from "vitest";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Folders of src/ from the top down; a folder imports itself and what is in a lower row. */
const rows = [
  ["visualization", "training", "vision", "serialization"],
  ["nn", "optim", "data", "distributions", "distributed", "compile"],
  ["special", "linalg", "fft", "random"],
  ["ops"],
  ["autograd"],
  ["tensor"],
  ["runtime"],
  ["wire"],
];

/** Folders of native/ from the top down. */
const nativeRows = [["binding"], ["graph"], ["kernels"], ["device"], ["core"]];

interface Import {
  readonly from: string;
  readonly to: string;
}

test("src/wire imports nothing", () => {
  expect(importsOf("src/wire").filter(({ to }) => !to.startsWith("src/wire/"))).toEqual([]);
});

test("the extension imports src/wire and nothing else of ours", () => {
  expect(importsOf("extension").filter(({ to }) => isOurs(to) && !to.startsWith("extension/") && !to.startsWith("src/wire/"))).toEqual([]);
});

test("the kernel imports the library's public index and src/wire, nothing inside", () => {
  const allowed = (to: string) => to.startsWith("kernel/") || to.startsWith("src/wire/") || to === "src/index.js" || to === "cellgrad";
  expect(importsOf("kernel").filter(({ to }) => isOurs(to) && !allowed(to))).toEqual([]);
});

test("the library imports neither kernel nor extension nor a test", () => {
  expect(importsOf("src").filter(({ to }) => /^(kernel|extension|test|scripts)\//.test(to))).toEqual([]);
});

test("every folder of src/ has a row", () => {
  const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).filter((name) => rankOf(name, rows) === -1)).toEqual([]);
});

test("arrows in src/ go down", () => {
  expect(importsOf("src").filter((arrow) => goesUp(arrow, "src", rows))).toEqual([]);
});

test("only src/runtime loads the native addon", () => {
  const users = ["src", "kernel", "extension"].flatMap(importsOf).filter(({ to }) => to === "#native");
  expect(users.filter(({ from }) => !from.startsWith("src/runtime/"))).toEqual([]);
});

test("arrows in native/ go down", () => {
  expect(includesOf("native").filter((arrow) => goesUp(arrow, "native", nativeRows))).toEqual([]);
});

test("native/binding alone includes Node's headers, and native/core no device's", () => {
  const node = includesOf("native").filter(({ from, to }) => /^(napi|node_api|uv|v8)\b/.test(to) && !from.startsWith("native/binding/"));
  const device = includesOf("native/core").filter(({ to }) => /cuda|opencl|CL\//i.test(to));
  expect([...node, ...device]).toEqual([]);
});

/** All imports of the TypeScript files below a folder; relative ones as paths from the clone's root. Types count: they are dependencies too. */
function importsOf(folder: string): Import[] {
  return filesIn(folder, /\.tsx?$/).flatMap((from) => {
    const { module, program } = parseSync(from, readFileSync(join(root, from), "utf8"));
    const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => textOf(from, start, end));
    const statics = program.body.flatMap((statement) =>
      "source" in statement && statement.source && typeof statement.source === "object" && "value" in statement.source
        ? [String(statement.source.value)]
        : [],
    );
    return [...statics, ...dynamic.flatMap((text) => text.match(/^["'](.*)["']$/)?.[1] ?? [])].map((to) => ({
      from,
      to: resolve(from, to),
    }));
  });
}

/** All `#include` lines below a folder; those of our own files as paths from the clone's root. */
function includesOf(folder: string): Import[] {
  return filesIn(folder, /\.(h|cpp|def)$/).flatMap((from) =>
    [...readFileSync(join(root, from), "utf8").matchAll(/^\s*#\s*include\s+(["<])([^">]+)[">]/gm)].map(([, quote, name = ""]) => {
      const ours = quote === '"' && /^(binding|kernels|device|core)\//.test(name);
      return { from, to: ours ? `native/${name}` : quote === '"' && !/^(napi|node_api)/.test(name) ? resolve(from, `./${name}`) : name };
    }),
  );
}

function filesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => pattern.test(file) && !file.endsWith(".d.ts"));
}

const textOf = (file: string, start: number, end: number) => readFileSync(join(root, file)).subarray(start, end).toString().trim();
const resolve = (from: string, to: string) => (to.startsWith(".") ? relative(root, join(root, dirname(from), to)) : to);
const isOurs = (to: string) => /^(src|kernel|extension|native|test|scripts)\//.test(to) || to === "cellgrad" || to.startsWith("#");
const rankOf = (folder: string, order: readonly (readonly string[])[]) => order.findIndex((row) => row.includes(folder));

/** True for an import between two folders of `top` that is not downwards. Files directly in `top` (its index) may import all. */
function goesUp({ from, to }: Import, top: string, order: readonly (readonly string[])[]): boolean {
  const [, source = "", ...rest] = from.split("/");
  const [head, target = ""] = to.split("/");
  if (head !== top || rest.length === 0 || source === target) return false;
  return rankOf(target, order) <= rankOf(source, order);
}
