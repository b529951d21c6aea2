/** Checkpoints of torch.save: what comes back, what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import * as cg from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "cellgrad-checkpoints-"));
const path = join(folder, "a.pt");
afterAll(() => rmSync(folder, { recursive: true }));

const structure = () => {
  const base = cg.arange(6, { dtype: "float32" }).reshape(2, 3);
  return { w: base, row: base.at(1), t: base.t(), n: [1, 2.5, null, true, "x", -7, 2 ** 40], deep: { p: new cg.nn.Parameter(cg.ones(2)) } };
};

it("structures come back with their views on one storage, their parameters and numbers", () => {
  cg.save(structure(), path);
  const loaded = cg.load<ReturnType<typeof structure>>(path);
  expect([loaded.w.tolist(), loaded.n, loaded.t.stride(), loaded.deep.p instanceof cg.nn.Parameter]).toEqual([
    [[0, 1, 2], [3, 4, 5]], [1, 2.5, null, true, "x", -7, 2 ** 40], [1, 3], true,
  ]); // prettier-ignore
  loaded.row.fill_(9);
  expect(loaded.t.tolist()).toEqual([[0, 9], [1, 9], [2, 9]]); // prettier-ignore
});

it("all twelve dtypes come back", () => {
  const state = Object.fromEntries(cg.dtypes.map((dtype) => [dtype, cg.arange(4).remainder(2).to(dtype)]));
  cg.save(state, path);
  for (const [dtype, t] of Object.entries(cg.load(path))) expect([t.dtype, t.tolist()]).toEqual([dtype, state[dtype]!.tolist()]);
});

it("a file that is cut off anywhere is refused", () => {
  cg.save({ w: cg.ones(3) }, path);
  const good = readFileSync(path);
  for (let length = 0; length < good.length; length += 7) {
    writeFileSync(path, good.subarray(0, length));
    expect(() => cg.load(path)).toThrow(cg.SerializationError);
  }
});

it("a damaged file is refused or read, and nothing else", () => {
  cg.save(structure(), path);
  const good = readFileSync(path);
  let state = 12345;
  const random = (n: number): number => (state = (state * 1103515245 + 12345) % 2 ** 31) % n;
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(good);
    for (let k = 0; k < 3; k++) bytes[random(bytes.length)] = random(256);
    writeFileSync(path, bytes);
    try {
      cg.load(path);
    } catch (error) {
      expect(error).toBeInstanceOf(cg.SerializationError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(50);
});

it("nothing in a pickle is called", () => {
  cg.save({ w: cg.ones(3) }, path);
  const bytes = readFileSync(path).toString("latin1").replace("collections\nOrderedDict\n", "posix\nsystem\n\n\n\n\n\n\n\n\n\n\n\n"); // prettier-ignore
  writeFileSync(path, Buffer.from(bytes, "latin1"));
  expect(() => cg.load(path)).toThrow(/names that checkpoints use, got posix\.system/);
});
