/** The rows of native/kernels/*.def in WGSL, which has no casts, no `?:` and no arithmetic on truths: rows must not need more. */
import { expect, it } from "vitest";
import { isTruth, parseExpression, type Expression } from "../../src/ops/expression.js";
import { native } from "../../src/runtime/addon.js";

// What WGSL has by the same name, what it calls otherwise, and what a few lines define.
const same = new Set(
  "abs ceil floor trunc sqrt exp exp2 log log2 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh pow atan2".split(" "),
);
const renamed: Readonly<Record<string, string>> = { rint: "round" };
const defined: Readonly<Record<string, string>> = {
  maximum: "fn maximum(a: f32, b: f32) -> f32 { return select(select(b, a, a > b), a, a != a); }",
  minimum: "fn minimum(a: f32, b: f32) -> f32 { return select(select(b, a, a < b), a, a != a); }",
  sigmoid: "fn sigmoid(x: f32) -> f32 { let e = exp(-abs(x)); return select(e, 1.0, x >= 0.0) / (1.0 + e); }",
};

class Unwritable extends Error {}

/** An expression as WGSL of type f32, or of type bool for truths. */
function wgsl(e: Expression): string {
  const number = (x: Expression): string => (isTruth(x) ? `f32(${wgsl(x)})` : wgsl(x));
  switch (e.kind) {
    case "number":
      return /[.e]/.test(e.text) ? e.text : `${e.text}.0`;
    case "name":
      return e.name;
    case "cast":
      return number(e.operand);
    case "unary":
      return e.operator === "!" ? `!(${wgsl(e.operand)})` : `${e.operator}(${number(e.operand)})`;
    case "choice":
      return `select(${number(e.no)}, ${number(e.yes)}, ${wgsl(e.condition)})`;
    case "call":
      if (!same.has(e.name) && !(e.name in renamed) && !(e.name in defined)) throw new Unwritable(e.name);
      return `${renamed[e.name] ?? e.name}(${e.inputs.map(number).join(", ")})`;
    case "binary": {
      const joins =
        ["&", "|", "&&", "||"].includes(e.operator) || (isTruth(e.left) && isTruth(e.right) && ["==", "!="].includes(e.operator));
      return `(${joins ? wgsl(e.left) : number(e.left)} ${e.operator} ${joins ? wgsl(e.right) : number(e.right)})`;
    }
  }
}

/** A shader that computes a row of float32 element by element. */
function shader(family: string, name: string): string {
  const row = parseExpression(native.text(family, name));
  const inputs = family.startsWith("unary") ? ["x"] : family === "ternary" ? ["a", "b", "c"] : ["a", "b"];
  const value = isTruth(row) ? `f32(${wgsl(row)})` : wgsl(row);
  const helpers = Object.keys(defined).filter((helper) => new RegExp(`\\b${helper}\\(`).test(value));
  return [
    ...inputs.map((input, i) => `@group(0) @binding(${i}) var<storage, read> ${input}_in: array<f32>;`),
    `@group(0) @binding(${inputs.length}) var<storage, read_write> out: array<f32>;`,
    `struct Numbers { p0: f32, p1: f32 }`,
    `@group(0) @binding(${inputs.length + 1}) var<uniform> numbers: Numbers;`,
    ...helpers.map((helper) => defined[helper]!),
    `@compute @workgroup_size(64) fn run(@builtin(global_invocation_id) id: vec3<u32>) {`,
    `  if (id.x >= arrayLength(&out)) { return; }`,
    ...inputs.map((input) => `  let ${input} = ${input}_in[id.x];`),
    ...["p0", "p1"].filter((p) => new RegExp(`\\b${p}\\b`).test(value)).map((p) => `  let ${p} = numbers.${p};`),
    `  out[id.x] = ${value};`,
    `}`,
  ].join("\n");
}

it("writes a row as a shader", () => {
  expect(shader("unary", "hardswish")).toBe(`@group(0) @binding(0) var<storage, read> x_in: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
struct Numbers { p0: f32, p1: f32 }
@group(0) @binding(2) var<uniform> numbers: Numbers;
fn maximum(a: f32, b: f32) -> f32 { return select(select(b, a, a > b), a, a != a); }
fn minimum(a: f32, b: f32) -> f32 { return select(select(b, a, a < b), a, a != a); }
@compute @workgroup_size(64) fn run(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&out)) { return; }
  let x = x_in[id.x];
  out[id.x] = ((x * minimum(maximum((x + 3.0), 0.0), 6.0)) / 6.0);
}`);
  expect(shader("unary", "sign")).toContain("out[id.x] = (f32((x > 0.0)) - f32((x < 0.0)));");
  expect(shader("ternary", "lerp")).toContain("select((b - ((b - a) * (1.0 - c))), (a + (c * (b - a))), (abs(c) < 0.5))");
});

it("can write most rows, and knows which functions are missing for the rest", () => {
  const missing = new Set<string>();
  let written = 0;
  for (const family of ["unary", "unaryAttr", "binary", "binaryAttr", "ternary"])
    for (const name of native.names(family)) {
      try {
        const text = shader(family, name);
        expect(text).not.toMatch(/\?|\(T\)|\(f32\)/);
        written++;
      } catch (error) {
        if (!(error instanceof Unwritable)) throw error;
        missing.add(error.message);
      }
    }
  expect(written).toBeGreaterThan(80);
  expect([...missing]).toEqual(expect.arrayContaining(["erf", "lgamma", "expm1", "log1p"]));
});
