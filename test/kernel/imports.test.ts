/** Imports in cells (rows 40 and 60 of the acceptance list): what Node resolves, and local TypeScript as it is now. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { kernel } from "./kernel.js";

const above = mkdtempSync(join(tmpdir(), "cellgrad imports é-"));
const folder = join(above, "notebooks");
const parent = "parent.ts";
const files: { readonly [path: string]: string } = {
  [`../${parent}`]: "export const above = 'parent';\n",
  "helper.ts": "export enum Color { Red, Green }\nexport const twice = (x: number): number => x * 2;\n",
  "chain.ts": 'export { twice } from "./helper";\n',
  "plain.js": "module.exports = { answer: 42 };\n",
  "data.json": '{ "rows": [1, 2, 3] }\n',
  "fails.ts": "interface Unused {\n  a: number;\n}\nexport function fail(): never {\n  throw new Error('from a file');\n}\n",
  "folder/index.ts": "export const inFolder = true;\n",
  "node_modules/esm-only/package.json": '{ "name": "esm-only", "type": "module", "exports": "./index.js", "types": "./index.d.ts" }',
  "node_modules/esm-only/index.js": "export const kind = 'esm'; export default function () { return kind; }\n",
  "node_modules/esm-only/index.d.ts": "export declare const kind: string; export default function (): string;\n",
};
for (const [path, text] of Object.entries(files)) {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}
symlinkSync(new URL("../../node_modules/@types", import.meta.url).pathname, join(folder, "node_modules/@types"));
afterAll(() => rmSync(above, { recursive: true, force: true }));

const started = kernel({ folder });

test.each([
  ["JSON with attributes", 'import data2 from "./data.json" with { type: "json" }; data2.rows.length', "3"],
  ["a file of the parent folder", `import { above } from "../${parent}"; above`, "'parent'"],
  ["names passed on", 'export { twice as passed } from "./helper.ts"; export const kept = 1; kept', "1"],
  ["node: modules", 'import { basename } from "node:path"; basename("/a/b")', "'b'"],
  ["a builtin's place", 'import.meta.resolve("fs") + " " + import.meta.resolve("node:path")', "'node:fs node:path'"],
  ["a namespace", 'import * as path from "node:path"; typeof path.join', "'function'"],
  ["a package that is ESM only", 'import esm, { kind } from "esm-only"; esm() + kind', "'esmesm'"],
  [
    "CommonJS, by name and by default",
    'import { answer } from "./plain.js"; import plain from "./plain.js"; [answer, plain.answer]',
    "[ 42, 42 ]",
  ],
  ["JSON", 'import data from "./data.json"; data.rows.length', "3"],
  ["local TypeScript with its suffix", 'import { twice } from "./helper.ts"; twice(4)', "8"],
  ["local TypeScript without", 'import { Color } from "./helper"; Color.Green', "1"],
  ["local TypeScript as .js, as TypeScript itself has it", 'import { twice as double } from "./helper.js"; double(5)', "10"],
  ["a module that imports another", 'import { twice as chained } from "./chain.ts"; chained(6)', "12"],
  ["a file of the parent folder", `import { twice as up } from "../${basename(folder)}/helper"; up(8)`, "16"],
  ["a folder's index", 'import { inFolder } from "./folder"; inFolder', "true"],
  ["types only", 'import type { Color as C } from "./helper"; const c: C = 0; c', "0"],
  ["a dynamic import", 'const { twice: late } = await import("./helper.ts"); late(7)', "14"],
  ["require", 'require("./plain.js").answer', "42"],
])("%s (row 40)", async (_, code, result) => {
  const cell = await started.client.execute(`// @ts-nocheck\n${code}`);
  expect(cell.error).toBeNull();
  expect(cell.result).toBe(result);
});

test("an edited module is loaded again, also when another one imports it (row 40)", async () => {
  const { client } = started;
  writeFileSync(join(folder, "helper.ts"), files["helper.ts"]!.replace("x * 2", "x * 3"));
  expect((await client.execute('// @ts-nocheck\nimport { twice } from "./helper.ts"; twice(10)')).result).toBe("30");
  expect((await client.execute('// @ts-nocheck\nimport { twice } from "./chain.ts"; twice(10)')).result).toBe("30");
});

test("a name that a module does not have is a SyntaxError that says so (row 40)", async () => {
  const { error } = await started.client.execute('// @ts-nocheck\nimport { nothing } from "./helper.ts"; nothing');
  expect(error).toMatchObject({
    ename: "SyntaxError",
    evalue: "The requested module './helper.ts' does not provide an export named 'nothing'",
  });
});

test("require has the kernel's own modules as imports have them", async () => {
  const { result } = await started.client.execute(
    'import * as cg from "cellgrad"; import { versions } from "tslab"; [require("cellgrad").zeros === cg.zeros, require("tslab").versions === versions, typeof require.resolve]',
  );
  expect(result).toBe("[ true, true, 'function' ]");
});

test("__dirname and __filename are those of the notebook's folder, in cells only, and can be taken", async () => {
  const { client } = started;
  expect((await client.execute("const here = () => ({ __dirname }); here().__dirname === import.meta.dirname")).result).toBe("true");
  expect((await client.execute("__filename === import.meta.filename && !('__dirname' in globalThis)")).result).toBe("true");
  expect((await client.execute("((__dirname: number) => __dirname)(5)")).result).toBe("5");
});

test("standard decorators in a local module run, and its lines stay", async () => {
  writeFileSync(
    join(folder, "counted.ts"),
    "// @see nothing\nconst calls: string[] = [];\nfunction counted<F>(f: F, c: ClassMethodDecoratorContext): F {\n  calls.push(String(c.name));\n  return f;\n}\nexport class C {\n  @counted run(): never {\n    throw new Error(calls.join());\n  }\n}\n",
  );
  const { error } = await started.client.execute('import { C } from "./counted"; new C().run()');
  expect(error!.evalue).toBe("run");
  expect(error!.traceback.join("\n")).toContain(`${join(folder, "counted.ts")}:9:11`);
});

test("an error in a local module points at its TypeScript line", async () => {
  const { error } = await started.client.execute('// @ts-nocheck\nimport { fail } from "./fails.ts";\nfail()');
  const text = error!.traceback.join("\n");
  expect(text).toContain(`${join(folder, "fails.ts")}:5:9 in fail`);
  expect(text).toMatch(/^ {2}> 5 \| .*\n {6}\| {9}\^$/m);
  expect(text).toMatch(/^ {2}> 3 \| fail\(\)$/m);
});

test("a local module that does not parse is drawn where it breaks", async () => {
  writeFileSync(join(folder, "broken.ts"), "export const a = 1;\nexport const b = ;\n");
  const { error } = await started.client.execute('// @ts-nocheck\nimport "./broken.ts"');
  expect(error!.ename).toBe("SyntaxError");
  expect(error!.traceback.join("\n")).toContain(
    `${join(folder, "broken.ts")}:2:18\n    1 | export const a = 1;\n  > 2 | export const b = ;`,
  );
});

test("a missing module is an error in the cell, without the frames of who looked for it", async () => {
  const { error } = await started.client.execute('// @ts-nocheck\nimport "./nowhere.ts"');
  expect(error!.evalue).toContain("nowhere");
  expect(error!.traceback.join("\n")).not.toMatch(/node:internal|module-hooks/);
});
