/** TypeScript across cells (rows 34 to 38 of the acceptance list), through the whole kernel. */
import { expect, test } from "vitest";
import { kernel } from "./kernel.js";

const started = kernel();

/** Cells in order, and the result of the last. */
const sessions: { readonly [name: string]: readonly [...cells: string[], result: string] } = {
  "a closure sees a later assignment": ["let n = 0; function next() { return ++n }", "n = 10; next()", "11"],
  "const over let over class over function over enum over import": [
    "let thing: any = 1",
    "const thing = 2",
    "class thing {}",
    "function thing() { return 3 }",
    "enum thing { A = 4 }",
    'import thing from "node:path"',
    "const thing = 5",
    "thing",
    "5",
  ],
  "an interface and a type can be declared again": [
    "interface Shape { a: number }",
    "type Shape = { b: string }",
    "const s: Shape = { b: 'x' }; s.b",
    "'x'",
  ],
  "a function is used before its definition": ["early(); function early() { return 1 }", "early()", "1"],
  "functions of two cells call each other": [
    "// @ts-nocheck\nfunction even(n: number): boolean { return n === 0 || odd(n - 1) }",
    "function odd(n: number): boolean { return n !== 0 && even(n - 1) }",
    "even(10)",
    "true",
  ],
  "await and for await at the top level": [
    "let sum = 0; for await (const x of (async function* () { yield 1; yield 2 })()) sum += x; sum += await Promise.resolve(3)",
    "sum",
    "6",
  ],
  destructuring: [
    "const { a, ...rest } = { a: 1, b: 2, c: 3 }; const [first, , third = 9] = [7, 8]",
    "[a, rest, first, third]",
    "[ 1, { b: 2, c: 3 }, 7, 9 ]",
  ],
  "using is disposed at the end of its cell": [
    "const log: string[] = []; class Resource { [Symbol.dispose]() { log.push('disposed') } }",
    "using r = new Resource(); log.push('used')",
    "log",
    "[ 'used', 'disposed' ]",
  ],
  "enums, namespaces, generics, satisfies, bigint": [
    "enum E { A, B } namespace N { export const x = 1 } const id = <T,>(x: T) => x; const o = { k: 2n } satisfies Record<string, bigint>",
    "[E.B, N.x, id('z'), o.k]",
    "[ 1, 1, 'z', 2n ]",
  ],
  "a name that shadows a global does not break the host": [
    "const process = 'mine'; const console2 = console; const name = 'n'; const fetch = 1",
    "console2.log('still'); [process, name, fetch]",
    "[ 'mine', 'n', 1 ]",
  ],
  "promises are inspected as Node inspects them": ["const settled = { p: Promise.resolve(7) }", "settled", "{ p: Promise { 7 } }"],
};

test.each(Object.keys(sessions))("%s", async (name) => {
  const cells = sessions[name]!.slice(0, -1);
  let last = null;
  for (const code of cells) {
    last = await started.client.execute(code);
    expect(last.error).toBeNull();
  }
  expect(last!.result).toBe(sessions[name]!.at(-1));
});

test("completion knows earlier cells, counts code points, and runs no getter", async () => {
  const { client } = started;
  await client.execute("let ran = 0; const watched = { get danger() { ran++; return 1 }, safe: 2 }");
  const code = '"😀é"; watched.sa';
  const { content } = await client.request("complete_request", { code, cursor_pos: 16 }).reply;
  expect(content).toMatchObject({ matches: ["safe"], cursor_start: 14, cursor_end: 16 });
  expect((await client.execute("ran")).result).toBe("0");
});

test("300 cells later, a cell takes as long as at the start", async () => {
  const { client } = started;
  const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!;
  const times: number[] = [];
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    expect((await client.execute(`const cell${i} = ${i === 0 ? "0" : `cell${i - 1} + 1`}; cell${i}`)).result).toBe(String(i));
    times.push(performance.now() - start);
  }
  expect(median(times.slice(-50))).toBeLessThan(5 * median(times.slice(10, 60)));
});
