/** The types of ops and classes take what their signatures say: every optional argument by position and by name. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import * as cg from "../../src/index.js";
import { registry } from "../../src/ops/define.js";
import type { Param } from "../../src/ops/schema.js";

/** What constructors read their arguments by. */
const read = vi.hoisted(() => [] as { readonly name: string; readonly params: readonly unknown[] }[]);

vi.mock("../../src/ops/schema.js", async (original) => {
  const schema = await original<typeof import("../../src/ops/schema.js")>();
  const bind: typeof schema.bind = (name, params, args) => {
    read.push({ name, params });
    return schema.bind(name, params, args);
  };
  return { ...schema, bind };
});

const values: Readonly<Record<string, string>> = {
  tensor: "t", tensors: "[t]", operand: "t", number: "1", scalar: "1", float: "0.5", int: "1", bool: "true", dim: "0", dims: "[0]", ints: "[1, 2]",
  pair: "[1, 1]", dtype: '"float32"', device: '"cpu"', generator: "g",
}; // prettier-ignore
const named: Readonly<Record<string, string>> = { parameters: "[t]", dataset: "[t]" };

/** Calls whose types refuse what the shared parameter list allows: PyTorch refuses them too. */
const refused = [
  /\b(?:max|min|median|nanmedian)\((?:t, )?(?:\{ keepdim: true \}|true)\)/, // without a dim
  /\btrueDivide\(t, t, \{/,
  /\btensorSplit\((?:t)?\)/, // without sections
  /\bt\.to\(true/,
  /\b[hvd]split\(t?\)/,
  /\b(?:max|min)\((?:t, )?\{ other: null \}\)/,
  /\brandintLike\(t\)/, // without an upper end
  /\bscatter\((?:t, )?0, t\)/, // without a source
  /\bwhere\(t, (?:t|\{ [^}]* \}|t, \{[^}]*\})\)/, // with one choice
];

/** Names on `cg` that are dtypes; properties of a tensor. */
const isOther = (head: string) => /^cg\.(?:bool|bfloat16)$|^t\.(?:real|imag)$/.test(head);

function valueOf({ name, kind }: Param): string | undefined {
  return named[name] ?? values[kind] ?? (kind.includes("|") ? JSON.stringify(kind.split("|")[0]) : undefined);
}

/** Calls that give the optional parameters by name, by position, and by both. */
function calls(head: string, params: readonly Param[]): string[] {
  const required = params.filter((param) => param.default === undefined && !param.keywordOnly);
  const given = required.map(valueOf);
  if (isOther(head) || given.includes(undefined) || params.some((param) => param.rest)) return [];
  const optional = params.filter((param) => param.default !== undefined);
  const unknown = optional.findIndex((param) => param.keywordOnly || valueOf(param) === undefined);
  const positional = unknown < 0 ? optional : optional.slice(0, unknown);
  const byName = (param: Param | undefined, value = param && valueOf(param)) => (value ? [`${param!.name}: ${value}`] : []);
  const must = params.filter((param) => param.default === undefined && param.keywordOnly).flatMap((param) => byName(param));
  const lists: { first?: string[]; options: string[] }[] = [
    { options: [] },
    ...optional.map((param) => ({ options: byName(param) })),
    ...optional.filter((param) => param.nullable && valueOf(param)).map((param) => ({ options: byName(param, "null") })),
    ...positional.flatMap((_, i) => {
      const first = positional.slice(0, i + 1).map((param) => valueOf(param)!);
      return [
        { first, options: [] },
        { first, options: byName(optional[i + 1]) },
      ];
    }),
  ];
  return lists
    .map(({ first = [], options }) => [...first, ...(must.length + options.length > 0 ? [`{ ${[...must, ...options].join(", ")} }`] : [])])
    .map((list) => `${head}(${[...given, ...list].join(", ")});`)
    .filter((call) => !refused.some((pattern) => pattern.test(call)));
}

function callsOfOps(): string[] {
  return [...registry.values()].flatMap(({ name, params, method }) => [
    ...(name in cg ? calls(`cg.${name}`, params) : name in cg.nn.functional ? calls(`F.${name}`, params) : []),
    ...(method && name in cg.Tensor.prototype && params[0]?.kind === "tensor" ? calls(`t.${name}`, params.slice(1)) : []),
  ]);
}

function callsOfClasses(): string[] {
  const spaces = { "cg.nn": cg.nn, "cg.optim": cg.optim, "cg.utils.data": cg.utils.data };
  return Object.entries(spaces).flatMap(([space, members]) =>
    Object.entries(members).flatMap(([name, member]) => {
      if (typeof member !== "function" || !/^[A-Z]/.test(name)) return [];
      read.length = 0;
      try {
        new (member as unknown as new () => unknown)();
      } catch {
        // What is required is missing.
      }
      const [first] = read;
      return first === undefined ? [] : calls(`new ${space}.${name}`, first.params as readonly Param[]);
    }),
  );
}

it("types follow the signatures", { timeout: 120_000 }, () => {
  const found = [...callsOfOps(), ...callsOfClasses()];
  expect(found.length).toBeGreaterThan(1800);
  const folder = mkdtempSync(join(tmpdir(), "cellgrad signatures "));
  try {
    const index = fileURLToPath(new URL("../../build/js/src/index.d.ts", import.meta.url));
    const compilerOptions = {
      noEmit: true,
      strict: true,
      target: "esnext",
      module: "esnext",
      moduleResolution: "bundler",
      skipLibCheck: true,
      types: [],
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...compilerOptions, paths: { cellgrad: [index] } }, files: ["calls.ts"] }),
    );
    const head = 'import * as cg from "cellgrad"; declare const t: cg.Tensor; declare const g: cg.Generator; const F = cg.nn.functional;';
    writeFileSync(join(folder, "calls.ts"), [head, ...found].join("\n"));
    const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
    const errors: string[] = [];
    try {
      execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      for (const [, line, text] of (error as { stdout: string }).stdout.matchAll(/calls\.ts\((\d+),\d+\): error (.*)/g)) {
        errors.push(`${found[Number(line) - 2]} ${text}`);
      }
      expect(errors.length, (error as Error).message).toBeGreaterThan(0);
    }
    expect(errors).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
