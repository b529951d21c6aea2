/** Holds the kernel's acceptance list: each of its 62 rows is named by a test, as `(row N)` at the end of its title, or is absent here with the reason. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const tests = dirname(dirname(fileURLToPath(import.meta.url)));
const suites = ["kernel", "language", "notebooks", "jupyter", "setup", "browser"];

/** Rows that no test holds. */
const absent: { readonly [row: number]: string } = {
  57: "a timing: `npm run bench -- kernel` compares it with ipykernel's",
  58: "a timing: `npm run bench -- kernel` compares it with ipykernel's",
};

/** Rows of which a part is not tested. */
const inPart: { readonly [row: number]: string } = {
  60: "paths with spaces and accents on the machine that tests; other systems and versions of Node are not here",
  62: "two runs, where the list asks for three",
};

const rows = Array.from({ length: 62 }, (_, i) => i + 1);
const titles = suites
  .flatMap((suite) => readdirSync(join(tests, suite), { recursive: true, encoding: "utf8" }).map((file) => join(tests, suite, file)))
  .filter((file) => file.endsWith(".test.ts"))
  .flatMap((file) => [...readFileSync(file, "utf8").matchAll(/\(rows? (\d+(?:, \d+)*)\):?["'`]/g)].map(([, list]) => list!));
const named = new Set(titles.flatMap((list) => list.split(", ").map(Number)));

test("each row has a test, or a reason why there is none", () => {
  expect(rows.filter((row) => !named.has(row) && !(row in absent))).toEqual([]);
});

test("what is called absent is absent, and what is tested in part is tested", () => {
  expect(rows.filter((row) => named.has(row) && row in absent)).toEqual([]);
  expect(rows.filter((row) => !named.has(row) && row in inPart)).toEqual([]);
});

test("no title names a row that the list does not have", () => {
  expect([...named].filter((row) => !rows.includes(row))).toEqual([]);
});
