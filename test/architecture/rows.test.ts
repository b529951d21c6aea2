/**
 * Holds the kernel's acceptance lists: each of the 62 rows is named by a test, as `(row N)` at the end of its title, or is absent here with the
 * reason; test/kernel/README.md says where each of them is; the checks of kernel-testbed are tests under their own names.
 */
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

const checks = [
  ...[
    "kernel_startup",
    "heartbeat_responds",
    "kernel_info_reply_valid",
    "kernel_info_has_language_info",
    "kernel_info_has_protocol_version",
  ],
  ...["iopub_welcome", "execute_stdout", "execute_stderr", "execute_reply_ok", "execute_result", "rich_execute_result"],
  ...["execute_input_broadcast", "status_busy_idle_lifecycle", "shutdown_reply", "complete", "inspect", "is_complete_complete"],
  ...["is_complete_incomplete", "history", "comm_info", "error_handling", "display_data", "update_display_data", "stdin_input_request"],
  ...["comms_lifecycle", "interrupt_request", "execution_count_increments", "parent_header_correlation"],
];

const rows = Array.from({ length: 62 }, (_, i) => i + 1);

/** The rows that the titles of a file name, by the file's path in `test/` without its ending. */
const held = new Map<string, ReadonlySet<number>>();
for (const suite of suites) {
  for (const file of readdirSync(join(tests, suite), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".test.ts")) continue;
    const titles = [...readFileSync(join(tests, suite, file), "utf8").matchAll(/\(rows? (\d+(?:, \d+)*)\):?["'`]/g)];
    const named = new Set(titles.flatMap(([, list]) => list!.split(", ").map(Number)));
    if (named.size > 0) held.set(`${suite}/${file.slice(0, -".test.ts".length)}`, named);
  }
}
const named = new Set([...held.values()].flatMap((each) => [...each]));

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

test("test/kernel/README.md says which files hold which rows", () => {
  const table = readFileSync(join(tests, "kernel", "README.md"), "utf8").matchAll(/^\| `(.+)` +\| ([\d, ]+?) +\|$/gm);
  const ascending = (each: Iterable<number>) => [...each].sort((a, b) => a - b).join(", ");
  const actual = [...held].map(([file, each]) => [file, ascending(each)] as const);
  expect(Object.fromEntries([...table].map(([, file, each]) => [file!, each!]))).toEqual(Object.fromEntries(actual));
});

test("each of the 28 checks of kernel-testbed is a test of its name", () => {
  const titles = readFileSync(join(tests, "kernel", "testbed.test.ts"), "utf8").matchAll(/^test\("(.+?)"/gm);
  expect([...titles].map(([, name]) => name!).sort()).toEqual([...checks].sort());
});
