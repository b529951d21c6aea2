/** Files that numpy and safetensors wrote (golden.json, made by golden.py) hold what they hold there; what has no dtype here is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";

interface Case {
  readonly name: string;
  readonly suffix: string;
  readonly file: string;
  /** null: refused. */
  readonly expected: unknown;
}

const { cases } = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as { cases: readonly Case[] };
const folder = mkdtempSync(join(tmpdir(), "cellgrad-golden-"));
afterAll(() => rmSync(folder, { recursive: true }));

const plain = (value: unknown): unknown => {
  if (value instanceof cg.Tensor) return { dtype: value.dtype, shape: value.shape, values: plain(value.tolist()) };
  if (typeof value === "number" && Number.isNaN(value)) return "NaN";
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)])) : value;
};

describe.each([false, true])("mmap %s", (mmap) => {
  it.each(cases.filter(({ expected }) => expected !== null))("$name", ({ suffix, file, expected }) => {
    const path = join(folder, `a.${suffix}`);
    writeFileSync(path, Buffer.from(file, "base64"));
    expect(plain(cg.load(path, { mmap }))).toEqual(expected);
  });
});

it.each(cases.filter(({ expected }) => expected === null))("$name is refused", ({ suffix, file }) => {
  const path = join(folder, `a.${suffix}`);
  writeFileSync(path, Buffer.from(file, "base64"));
  expect(() => cg.load(path)).toThrow(cg.SerializationError);
});

it.each(
  cases
    .filter(({ name }) => /^npy (0-d|empty|[a-z]+\d*)$/.test(name) && !/uint(16|32)/.test(name))
    .filter(({ expected }) => expected !== null),
)("$name is written byte by byte as numpy does", ({ file }) => {
  const path = join(folder, "a.npy");
  writeFileSync(path, Buffer.from(file, "base64"));
  const t = cg.load<cg.Tensor>(path);
  cg.save(t, path);
  expect(readFileSync(path).toString("base64")).toBe(file);
});
