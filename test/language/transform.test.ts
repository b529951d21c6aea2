/** A cell means what a person expects: evaluated by V8 in REPL mode, as the runtime does. */
import { describe, expect, it } from "vitest";
import { createTransformer } from "../../kernel/language/transform.js";
import { openSession } from "./session.js";

const { run, fail, imports } = openSession();

function transformed(code: string) {
  const cell = createTransformer().transform(code);
  if (!cell.ok) throw new Error(cell.message);
  return cell;
}

describe("the result of a cell", () => {
  it.each<[string, unknown]>([
    ["1 + 1", 2],
    ["1 + 1;", 2],
    ["'a directive'", "a directive"],
    ["`template`", "template"],
    ["await Promise.resolve(3)", 3],
    ["{ a: 1, b: 'x' }", { a: 1, b: "x" }],
    ["{ a: 1 }", { a: 1 }],
    ["{}", {}],
    ["({ a: 1 }).a", 1],
    ["const r1 = 1", undefined],
    ["let r2 = 1;\nr2", 1],
    ["function r3() {}", undefined],
    ["5\ninterface R4 {}", 5],
    ["", undefined],
    ["// nothing", undefined],
    ["/* nothing */", undefined],
    ["#!/usr/bin/env node\n7", 7],
    ["#!/usr/bin/env node\nconst h1 = h2()\nfunction h2() { return 8 }\nh1", 8],
    ["export default function h3(a: string): void\nexport default function h3(a: unknown) { return a }\nh3('x')", "x"],
    ["if (true) { 5 }", undefined],
    ["for await (const i of [1, 2]) i", undefined],
    ["export default 6", 6],
    ["export default { a: 1 }", { a: 1 }],
    ["x1 = 1; var x1; x1", 1],
    ["[1, 2].map((x: number): number => x * 2)", [2, 4]],
    ["(1 as number) satisfies number", 1],
  ])("%j is %j", async (code, value) => {
    expect(await run(code)).toEqual(value);
  });

  it("is the iterable's last value after a top-level await inside a loop", async () => {
    expect(await run("let sum = 0\nfor await (const i of (async function* () { yield 1; yield 2 })()) sum += i\nsum")).toBe(3);
  });
});

describe("names of the session", () => {
  it("lets closures see later assignments (row 35)", async () => {
    await run("let cnt = 0; function inc() { return ++cnt }");
    await run("inc(); inc()");
    await run("cnt = 10");
    expect(await run("inc()")).toBe(11);
    await run("let cnt = 20");
    expect(await run("inc()")).toBe(21);
  });

  const declarations = [
    "const thing = 1",
    "let thing = 1",
    "var thing = 1",
    "function thing() {}",
    "class thing {}",
    "enum thing { A }",
    "namespace thing { export const a = 1 }",
  ];
  const pairs = declarations.flatMap((first) => declarations.map((second) => [first, second] as const));
  it.each(pairs)("declares %j, then %j (row 34)", async (first, second) => {
    await run(first);
    await run(second);
    expect(await run("typeof thing")).toBe(
      /function|class/.test(second) ? "function" : /enum|namespace/.test(second) ? "object" : "number",
    );
  });

  it("does not let a second enum of the same name inherit the members of the first", async () => {
    await run("enum Colour { Red }");
    await run("enum Colour { Green }");
    expect(await run("Colour")).toEqual({ 0: "Green", Green: 0 });
  });

  it("hoists functions to the start of the cell (row 36)", async () => {
    expect(await run("const early = later(2)\nfunction later(x: number) {\n  return x * 2\n}\nearly")).toBe(4);
    expect(
      await run(
        "const e2 = even(4)\nfunction even(n: number): boolean { return n === 0 || odd(n - 1) }\nfunction odd(n: number): boolean { return n !== 0 && even(n - 1) }\ne2",
      ),
    ).toBe(true);
  });

  it("hoists imports to the start of the cell", async () => {
    expect(await run('const joined = join("a", "b")\nimport { join } from "node:path"\njoined')).toBe("a/b");
  });

  it("lets recursion see a redefinition, as JavaScript does", async () => {
    await run("function fact(n: number): number { return n <= 1 ? 1 : n * fact(n - 1) }\nconst plain = fact");
    await run("let calls = 0; fact = ((n: number) => { calls++; return plain(n) }) as typeof fact");
    expect(await run("fact(3); calls")).toBe(3);
  });

  it("keeps names of functions, async functions, generators and classes", async () => {
    await run("function f1() {}\nasync function f2() {}\nfunction* f3() {}\nasync function* f4() {}\nclass C1 { static n = C1.name }");
    expect(await run("[f1.name, f2.name, f3.name, f4.name, C1.name, C1.n]")).toEqual(["f1", "f2", "f3", "f4", "C1", "C1"]);
    expect(await run("[...(f3 as any)(), await f2()]")).toEqual([undefined]);
  });

  it("keeps earlier bindings when a cell fails, and those assigned before the throw (row 39)", async () => {
    await run("let kept = 1, later1 = 'before'");
    await fail("kept = 2; let assigned = 3; throw new Error('stop'); let later1 = 'after'");
    expect(await run("[kept, assigned, later1]")).toEqual([2, 3, "before"]);
    await fail("let kept = (() => { throw new Error('x') })()");
    expect(await run("kept")).toBe(2);
  });

  it("gives `let x` without a value undefined, and leaves `var x` alone", async () => {
    await run("let u: number = 1; var v = 1");
    await run("let u: number; var v: number");
    expect(await run("[u, v]")).toEqual([undefined, 1]);
  });

  it("destructures in every form (row 37)", async () => {
    await run("const { a: d1, ...d2 } = { a: 1, b: 2 }, [d3, , d4 = 5] = [3, 4]\nlet { d5 = 7 } = {} as { d5?: number }");
    expect(await run("[d1, d2, d3, d4, d5]")).toEqual([1, { b: 2 }, 3, 5, 7]);
  });

  it("keeps `var` of blocks and loops", async () => {
    await run("for (var i = 0; i < 3; i++) { var last = i }\nfor (var key in { k: 1 });\nfor (var { z } of [{ z: 9 }]);");
    expect(await run("[i, last, key, z]")).toEqual([3, 2, "k", 9]);
  });

  it("keeps block-scoped names out of the session", async () => {
    await run("{ let inner1 = 1; const inner2 = 2 } for (let inner3 = 0; inner3 < 1; inner3++);");
    expect(await run("[typeof inner1, typeof inner2, typeof inner3]")).toEqual(["undefined", "undefined", "undefined"]);
  });

  it("is strict, like a module", async () => {
    expect((await fail("undeclared1 = 1")).error).toBe("ReferenceError: undeclared1 is not defined");
    expect(await run("(function (this: unknown) { return this })()")).toBeUndefined();
  });
});

describe("globals of the host", () => {
  it("survive a cell's declaration of the same name (row 38)", async () => {
    const { fetch: hostFetch, process: hostProcess } = globalThis;
    await run(
      "const process = { pid: 'mine' }; function fetch() { return 'fetched' }; class Event { v = 1 }; let name = 'n'; enum URL { A }",
    );
    expect(await run("[process.pid, fetch(), new Event().v, name, URL.A, { process }.process.pid]")).toEqual([
      "mine",
      "fetched",
      1,
      "n",
      0,
      "mine",
    ]);
    expect(await run("(() => { const { process: p = process } = {} as any; return p.pid })()")).toBe("mine");
    expect(await run("[Event.name, fetch.name.length > 0, typeof globalThis.process.pid]")).toEqual(["Event", true, "number"]);
    expect(globalThis.process).toBe(hostProcess);
    expect(globalThis.fetch).toBe(hostFetch);
    expect(new Function("return process.pid")()).toBe(hostProcess.pid);
  });

  it("reads well in errors", async () => {
    await run("let crypto = 5");
    expect((await fail("crypto()")).error).toBe("TypeError: crypto is not a function");
  });

  it("leaves inner names alone", async () => {
    await run("let performance = 1; function inner(performance: number) { return { performance, p: performance } }");
    expect(await run("inner(3)")).toEqual({ performance: 3, p: 3 });
    await run("({ performance } = { performance: 8 })");
    expect(await run("performance")).toBe(8);
    expect(await run("globalThis.performance === performance")).toBe(false);
  });
});

describe("imports", () => {
  it.each<[string, readonly string[] | undefined, string, unknown]>([
    ['import * as path from "node:path"', undefined, "typeof path.join", "function"],
    ['import { join as j, type ParsedPath } from "node:path"\nj("a")', ["join"], 'j("a", "b")', "a/b"],
    ['import fs, { readFileSync } from "node:fs"', [], "[typeof fs.readFileSync, typeof readFileSync]", ["function", "function"]],
    ['import os, * as allOfOs from "node:os"', [], "os === allOfOs.default", true],
    ['import {\n  sep,\n  delimiter,\n} from "node:path"\nsep', ["sep"], "delimiter", ":"],
  ])("%j asks for %j", async (code, names, check, value) => {
    await run(code);
    expect(imports.at(-1)!.names).toEqual(names);
    expect(await run(check)).toEqual(value);
  });

  it("evaluates for side effects, and not at all for types", async () => {
    const before = imports.length;
    await run(
      'import type { Stats } from "node:fs"; import { type Dirent } from "node:fs"; import { Buffer as B } from "node:buffer"; let buffer: B',
    );
    expect(imports.length).toBe(before);
    await run('import "node:util"');
    expect(imports.at(-1)!.specifier).toBe("node:util");
  });

  it("serves import(), import.meta, import = and export from", async () => {
    expect(await run('(await import("node:path")).sep + import.meta.url')).toBe("/file:///notebook");
    await run('import events = require("node:events"); import Emitter = events.EventEmitter');
    expect(await run("typeof Emitter")).toBe("function");
    await run(
      'export { sep as s2 } from "node:path"; export * from "node:path"; export const exported = 4; export { exported as again }; export type T = 1',
    );
    expect(await run("exported")).toBe(4);
  });
});

describe("TypeScript that needs code", () => {
  it("runs enums (row 37)", async () => {
    await run("enum E { A, B = 10, C, D = 'd', F = B | 4, G, 'h-i' = 1 << 3 }\nenum E { Z = A + 100 }\nconst enum K { One = 1 }");
    expect(await run("[E.A, E.B, E.C, E.D, E.F, E.G, E['h-i'], E[10], E.Z, K.One]")).toEqual([0, 10, 11, "d", 14, 15, 8, "B", 100, 1]);
    expect(await run("(() => { enum Local { X = 2, Y } enum Local { W = X } return [Local.Y, Local.W] })()")).toEqual([3, 2]);
  });

  it("runs namespaces (row 37)", async () => {
    await run(`namespace N {
  export const a = 1
  export let b = a + 1
  export function f() { return a + g() }
  function g() { return b }
  export class C { v = a }
  export namespace Inner { export const deep = b }
  export enum E { P = 5 }
  export const { x, y: [z] } = { x: 3, y: [4] }
  export interface Nothing {}
  export import D = C
}
namespace N { export const later = a + 10; export const made = new C().v; b = 50 }
namespace A.B { export const c = 6 }
namespace OnlyTypes { export type T = 1 }`);
    expect(await run("[N.a, N.b, N.f(), N.Inner.deep, N.E.P, N.x, N.z, N.later, N.made, A.B.c, N.D === N.C]")).toEqual([
      1,
      50,
      51,
      2,
      5,
      3,
      4,
      11,
      1,
      6,
      true,
    ]);
    await run("function merged() { return merged.extra }\nnamespace merged { export const extra = 8 }");
    expect(await run("merged()")).toBe(8);
  });

  it("runs parameter properties", async () => {
    await run(
      "class Base { constructor(readonly base: number) {} }\nclass Derived extends Base { constructor(private x: number, public y = 3) { super(x); this.x++ } sum() { return this.base + this.x + this.y } }",
    );
    expect(await run("new Derived(1).sum()")).toBe(6);
  });

  it("runs standard decorators (row 37)", async () => {
    await run("function double(f: any, context: ClassMethodDecoratorContext) { return function (this: any) { return f.call(this) * 2 } }");
    await run("class Decorated { @double value() { return 21 } accessor a = 1 }");
    expect(await run("[new Decorated().value(), new Decorated().a, Decorated.name]")).toEqual([42, 1, "Decorated"]);
  });

  it("disposes top-level `using` at the end of the cell, and `using` in functions there (row 37)", async () => {
    await run("const log: string[] = []\nfunction open(name: string) { return { name, [Symbol.dispose]() { log.push(name) } } }");
    expect(await run("using r1 = open('first'), r2 = open('second')\nlog.length")).toBe(0);
    expect(await run("log")).toEqual(["second", "first"]);
    await fail("await using r3 = { async [Symbol.asyncDispose]() { log.push('async') } }\nthrow new Error('x')");
    expect(await run("log.at(-1)")).toBe("async");
    await run(
      "function inner() { using r = open('inner'); return log.length }\ninner()\nfor (using each of [open('loop')]) log.push('body')",
    );
    expect(await run("log.slice(-3)")).toEqual(["inner", "body", "loop"]);
  });
});

describe("types are erased", () => {
  it.each<[string, unknown]>([
    ["let t1: any\n(1)", 1],
    ["let t2 = 1 as any\n[5].length", 1],
    ["let t3 = [1] as number[]\n[0].length", 1],
    ["type T4 = { a: 1 }\n(4)", 4],
    ["const t5 = <T,>(x: T): T => x; t5<number>(5)", 5],
    ["const t6 = (a: number): {\n  b: number\n} => ({ b: a }); t6(1).b", 1],
    ["const t7 = async <\n  T,\n>(x: T) => x; await t7(7)", 7],
    ["(<any>{ a: 8 }).a", 8],
    ["const t9 = () => <any>{ b: 9 }; t9().b", 9],
    ["function t10(this: any, a?: number, ...rest: number[]): asserts a is number { rest }\ntypeof t10", "function"],
    ["function t11(a: string): void; function t11(a: any) { return a }\nt11('x')", "x"],
    [
      "abstract class T12 { abstract m(): void; declare d: string; private readonly p?: number = 1; s!: number; [k: string]: unknown; get q() { return this.p } }\nclass U12 extends T12 implements Iterable<1>, Object { m() {} *[Symbol.iterator](): Iterator<1> {} override n?(): void }\nnew U12().q",
      1,
    ],
    ["class T13 { x = 1\n private ['y'] = 2\n public *[Symbol.iterator]() { yield this.x } }\n[...new T13()]", [1]],
    ["let t14!: number\nt14 = 14", 14],
    [
      "declare let t15: number; declare function t16(): void; declare class T17 {}; declare namespace T18 { const a: 1 } declare global { interface Window {} }\ntypeof t15",
      "undefined",
    ],
    ["let t20 = { a: { b: 1 } } as { a?: { b: number } }; t20.a!.b", 1],
    ["const t21 = Array<number>; new t21(2).length", 2],
    ["try { throw 1 } catch (e: unknown) { var t22 = e } t22", 1],
    ["const t23 = function <T>(this: T) { return 1 }; t23()", 1],
    ["let t24 = 5 satisfies number\n;`x`", "x"],
    ["class T25<T> { constructor(public a: T) {} static of<U>(u: U) { return new T25<U>(u) } }\nT25.of<number>(3).a", 3],
    ["const t26 = (x: number | undefined) => x ?? 1; t26(undefined)", 1],
    ["let t27 = a27 => a27 as number\nt27(27)", 27],
  ])("%j", async (code, value) => {
    expect(await run(code)).toEqual(value);
  });
});

describe("places", () => {
  it.each<[string, number, number]>([
    ["throw new Error('x')", 1, 7],
    ["const p1: number = 1\nconst p2: string = (() => { throw new Error('x') })()", 2, 35],
    ["function p3() {\n  throw new Error('x')\n}\np3()", 2, 9],
    ["p4()\nfunction p4() {\n  throw new Error('x')\n}", 3, 9],
    ["enum P5 {\n  A,\n  B\n}\nthrow new Error('x')", 5, 7],
    ["enum P6 { A = (() => { throw new Error('x') })() }", 1, 30],
    ["import { sep as p7 } from 'node:path'\n; /* 😀 */ throw new Error('x')", 2, 18],
    ["class P8 { @((v: any, c: any) => v) m() {\n  throw new Error('x')\n} }\nnew P8().m()", 2, 9],
    ["function p9() { using r = null;\n  throw new Error('x') }\np9()", 2, 9],
    ["export const p10 = 1; class P10 { constructor(private x = 1) { throw new Error('x') } }; new P10()", 1, 70],
  ])("%j fails at %i:%i", async (code, line, column) => {
    expect(await fail(code)).toMatchObject({ error: "Error: x", line, column });
  });

  it("says where a cell does not parse", async () => {
    expect(await fail("const a = 1\nlet b = }")).toMatchObject({ line: 2, column: 9 });
    expect(await fail("let twice; let twice")).toMatchObject({ error: expect.stringContaining("already been declared") as string });
    expect(await fail("const 😀 = 1")).toMatchObject({ line: 1, column: 7 });
  });
});

describe("names a cell takes from others", () => {
  it.each<[string, readonly string[]]>([
    ["a + b.c", ["a", "b"]],
    ["const a = 1; a + b", ["b"]],
    ["function f(x: T) { return x + y } type U = V<T>", ["T", "y", "V"]],
    ["const f = <T>(x: T): x is K => x", ["K"]],
    ["let { p: q = r } = s; ({ t, u: v } = w)", ["r", "s", "t", "v", "w"]],
    ["for (const i of is) { label: for (;;) break label }", ["is"]],
    ["try {} catch (e) { e } class A extends B { c = d; e() { return super.e() } }", ["B", "d"]],
    ["type M = { [K in keyof T]: K } ; type I = T extends infer U ? U : never; type F = (n: N) => n is O", ["T", "N", "O"]],
    ["enum E { A, B = A | c }", ["c"]],
    ["typeof g; let h: typeof k.l; import.meta.url; `${m}`", ["g", "k", "m"]],
  ])("%j takes %j", (code, names) => {
    expect(transformed(code).freeNames).toEqual(names);
  });

  it("lists what it declares, with kinds", () => {
    const { names } = transformed(
      "const a = 1; let [b] = []; function f() {} class C {} enum E {} namespace N { export let x = 1 } interface I {} type T = 1; import d from 'd'; using u = null; declare let z: 1",
    );
    expect(Object.fromEntries(names.map(({ name, kind, binding }) => [name, binding === null ? `${kind} (types)` : kind]))).toEqual({
      a: "const",
      b: "let",
      f: "function",
      C: "class",
      E: "enum",
      N: "namespace",
      I: "interface (types)",
      T: "type (types)",
      d: "import",
      u: "using",
      z: "let (types)",
    });
  });
});

it("transforms a small cell in well under a millisecond", () => {
  const transformer = createTransformer();
  const code = "const loss: number = model.forward(images).mean()\nfunction step<T>(x: T): T { return x }\nstep(loss)";
  let fastest = Infinity; // of many: other processes share the machine
  for (let i = 0; i < 500; i++) {
    const start = performance.now();
    transformer.transform(code);
    fastest = Math.min(fastest, performance.now() - start);
  }
  expect(fastest).toBeLessThan(0.5);
});
