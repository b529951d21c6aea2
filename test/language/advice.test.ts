/** What the checker says to people who write PyTorch's Python in a cell. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startLanguage } from "../../kernel/language/language.js";
import { parseCell } from "../../kernel/language/syntax.js";
import type { Language } from "../../kernel/language/service.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = mkdtempSync(join(tmpdir(), "cellgrad advice "));
let language: Language;

beforeAll(async () => {
  const write = (name: string, text: string) => writeFileSync(join(root, name), text);
  write("library.d.ts", 'export { Tensor, cat, exp } from "./tensor.js"; export * as nn from "./nn.js";');
  write(
    "tensor.d.ts",
    "export declare class Tensor { readonly shape: number[]; mean(): Tensor; sum(options?: { dim?: number }): Tensor; item(): number }\n" +
      "export declare function exp(x: Tensor): Tensor; export declare function cat(tensors: readonly Tensor[], dim?: number): Tensor;",
  );
  write("nn.d.ts", "export declare class Linear { forward(x: unknown): unknown }");
  language = startLanguage({ folder: root, library: join(root, "library.d.ts"), checkDeadline: 20_000, askDeadline: 20_000 });
  await language.ready;
  const cell = { id: "1", count: 1, code: 'import * as cg from "cellgrad"; const { nn } = cg\nlet x = cg.exp(null!), lr = 0.1' };
  await language.check(cell);
  language.commit(cell);
});

afterAll(async () => {
  await language.dispose();
  rmSync(root, { recursive: true, force: true });
});

async function said(code: string): Promise<string[]> {
  const result = await language.check({ id: "2", count: 2, code });
  if (result.status !== "checked") throw new Error(result.status);
  return result.diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const operators: readonly (readonly [code: string, methods: string])[] = [
  ["x * x", "x.mul(x)"],
  ["x + 1", "x.add(1)"],
  ["1 - x", "x.neg().add(1)"],
  ["lr * x", "x.mul(lr)"],
  ["x - lr * x", "x.sub(x.mul(lr))"],
  ["(x - x.mean()) / cg.exp(x)", "x.sub(x.mean()).div(cg.exp(x))"],
  ["x.mean() * (lr + 1)", "x.mean().mul(lr + 1)"],
  ["-x * x", "x.neg().mul(x)"],
  ["x += lr", "x.add_(lr)"],
  ["x.item() * 2 + x", "x.add(x.item() * 2)"],
  ["cg.exp(x * 2)", "x.mul(2)"],
  ["function f(p: cg.Tensor) { return 2 / p }", "p.reciprocal().mul(2)"],
];

it.each(operators)("writes %s by methods", async (code, methods) => {
  const [first, ...others] = await said(code);
  expect(others).toEqual([]);
  expect(first).toContain(`takes no tensors in TypeScript. Write ${methods}.`);
});

it("compares a tensor by a method, or its number", async () => {
  expect(await said("if (x.sum() < 0.1) lr = 0")).toEqual([
    "1:5 Operator '<' takes no tensors in TypeScript. Write x.sum().lt(0.1). For one number: x.item() < ...",
  ]);
});

it("leaves arithmetic without tensors to TypeScript's words", async () => {
  const [text, shape] = [await said('"a" * lr'), await said("x.shape * 2")];
  expect(text[0]).toMatch(/left-hand side of an arithmetic operation/);
  expect(shape[0]).toMatch(/left-hand side of an arithmetic operation/);
});

const others: readonly (readonly [code: string, advice: RegExp])[] = [
  ["x[0]", /\n {2}Index a tensor with at/],
  ["x.sum(dim=1)", /\n {2}Keyword arguments are one object at the end: \{ dim: \.\.\. \}\./],
  ["print(x)", /\n {2}In TypeScript: console\.log\./],
  ["cg.Linear", /\n {2}It is cg\.nn\.Linear\./],
  ['import { Linear } from "cellgrad"', /\n {2}It is cg\.nn\.Linear\./],
  ["new nn.Linear()(x)", /\n {2}A module is called by its forward/],
  ["cg.cat(x)", /\n {2}Write the tensors as an array: \[a, b\]\./],
  ["cg.exp(x)\n`text`", /\n {2}The next line goes on with this one/],
  ["x.numpy()", /\n {2}Write x\.tolist\(\)/],
];

it.each(others)("advises on %s", async (code, advice) => {
  expect((await said(code))[0]).toMatch(advice);
});

it("says nothing where it knows nothing", async () => {
  expect(await said("x.foo")).toEqual(["1:3 Property 'foo' does not exist on type 'Tensor'."]);
  expect(await said("unknown1 = 2")).toEqual(["1:1 Cannot find name 'unknown1'."]);
});

it("leaves out what only follows from a wrong name", async () => {
  const code = "x.foo((a) => [a, 1])\n  .map((b) => b)\nfunction loose(c) { return c }";
  expect(await said(code)).toEqual([
    "1:3 Property 'foo' does not exist on type 'Tensor'.",
    "3:16 Parameter 'c' implicitly has an 'any' type.",
  ]);
});

it("says of a name whose cell was refused only that", async () => {
  await language.check({ id: "3", count: 3, code: "const values: number[] = [1].map(String)" });
  expect(await said("values.map((each) => each)")).toEqual([
    "1:1 Cannot find name 'values': cell [3] declares it, and did not run for its own errors.",
  ]);
});

const python: readonly (readonly [code: string, typescript: string])[] = [
  ["import torch", 'import * as torch from "cellgrad"'],
  ["from cellgrad import nn, optim", 'import { nn, optim } from "cellgrad"'],
  ["def f(x):\n  return x", "function f(x) { ... }"],
  ["for i in range(10):\n  f(i)", "for (let i = 0; i < 10; i++) { ... }"],
  ["class Net(nn.Module):\n  pass", "class Net extends nn.Module { ... }"],
  ["const f = lambda x: x", "(x) => ..."],
  ["sum(p.numel() for p in model.parameters())", "model.parameters().map((p) => p.numel())"],
  ["[n * 2 for n in sizes if n > 1]", "sizes.filter((n) => n > 1).map((n) => n * 2)"],
  ["const d = {k: v.shape for k, v in entries}", "Object.fromEntries(entries.map(([k, v]) => [k, v.shape]))"],
  ['console.log(f"loss {loss}")', "`text ${value}`"],
];

it.each(python)("reads %j as Python", (code, typescript) => {
  expect(parseCell(code, { jsx: false })).toMatchObject({
    ok: false,
    message: expect.stringContaining(`(in TypeScript: ${typescript})`) as string,
  });
});

it("takes words in texts for texts", () => {
  expect(parseCell('console.log("this and that"', { jsx: false })).toMatchObject({ ok: false, message: "Expected `)` but found `EOF`" });
});
