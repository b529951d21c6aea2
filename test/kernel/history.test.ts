/** The history file (row 13 of the acceptance list): what was run and its results, over sessions and kernels. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { History } from "../../kernel/session/history.js";

const folder = mkdtempSync(join(tmpdir(), "cellgrad-history-"));
let path = "";
let files = 0;
beforeEach(() => (path = join(folder, `${++files}`, "history.jsonl")));
afterAll(() => rmSync(folder, { recursive: true }));

/** A session that has run these cells. */
function session(...inputs: string[]): History {
  const history = new History(path);
  inputs.forEach((input, i) => history.add(i + 1, input));
  return history;
}

test("50 cells are found by tail, range and search, also by a later session (row 13)", () => {
  session(...Array.from({ length: 50 }, (_, i) => `cell ${i + 1}`));
  const later = session("mine");
  expect(later.query({ hist_access_type: "tail", n: 3 })).toEqual([
    [1, 49, "cell 49"],
    [1, 50, "cell 50"],
    [2, 1, "mine"],
  ]);
  expect(later.query({ hist_access_type: "range", session: 1, start: 7, stop: 9 })).toEqual([
    [1, 7, "cell 7"],
    [1, 8, "cell 8"],
  ]);
  expect(later.query({ hist_access_type: "range", session: 0, start: 1 })).toEqual([[2, 1, "mine"]]);
  expect(later.query({ hist_access_type: "range", session: -1, start: 50 })).toEqual([[1, 50, "cell 50"]]);
  expect(later.query({ hist_access_type: "search", pattern: "cell ?" })).toHaveLength(9);
  expect(later.query({ hist_access_type: "search", pattern: "cell *", n: 2 })).toHaveLength(2);
});

test("results are given where they are asked for", () => {
  session("1 + 1", "void 0").addOutput(1, "2");
  const query = { hist_access_type: "tail", n: 2, output: true };
  expect(session().query(query)).toEqual([
    [1, 1, ["1 + 1", "2"]],
    [1, 2, ["void 0", null]],
  ]);
});

test("kernels that run at the same time have sessions of their own", () => {
  const [one, other] = [session("one"), session("other")];
  one.add(2, "one again");
  expect(other.query({ hist_access_type: "tail", n: 3 })).toEqual([
    [1, 1, "one"],
    [2, 1, "other"],
  ]);
  expect(session().query({ hist_access_type: "range", session: 1 })).toHaveLength(2);
});

test("a file with foreign or broken lines is read around them", () => {
  session("kept");
  appendFileSync(path, '{"a":1}\n[1,"2","x"]\n[1e9]\nnull\n[1,2,"cut');
  expect(session().query({ hist_access_type: "tail" })).toEqual([[1, 1, "kept"]]);
});

test("where no file can be written, the session has its own", () => {
  writeFileSync(join(folder, "file"), "");
  path = join(folder, "file", "history.jsonl");
  expect(session("mine").query({ hist_access_type: "tail" })).toEqual([[1, 1, "mine"]]);
});
