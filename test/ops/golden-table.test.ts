/** Every op on all twelve dtypes in four layouts and three forms, against PyTorch's results, gradients and refusals (made by golden_table.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { Tensor, type DType } from "../../src/index.js";

type Elements = readonly (number | string)[];
type Encoded = readonly [dtype: number, shape: readonly number[], elements: Elements] | boolean;
/** Refused, or the results with the gradient of the first tensor (0: refused) where there is one. */
type Outcome = 0 | readonly [results: Encoded | readonly Encoded[], grad?: Elements | null | 0];

interface Row {
  readonly call: readonly [name: string, ...args: unknown[]];
  /** f: torch has the function, m: the method. */
  readonly forms: string;
  readonly layouts: readonly number[];
  /** null: the result is complex32, which is not here. */
  readonly out: readonly (Outcome | null)[];
  /** Whether torch takes the in-place form. */
  readonly inPlace?: readonly (0 | 1)[];
}
const golden = JSON.parse(readFileSync(new URL("golden-table.json", import.meta.url), "utf8")) as { torch: string; rows: Row[] };

const camel = (name: string): string => name.replace(/(?<=.)_(.)/g, (_, letter: string) => letter.toUpperCase());
const isFloat = (dtype: DType): boolean => /^(b?float|complex)/.test(dtype);
const isComplex = (dtype: DType): boolean => dtype.startsWith("complex");
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** The tensor that a token such as r23 names: the formula of golden_table.py. */
function make(token: string, dtype: DType, seed: number, layout: number): Tensor {
  const [, kind, sizes, indexSizes, bound] = /^(?:([rpum])(\d*)|i(\d*)\.(\d+))$/.exec(token)!;
  const shape = Array.from((sizes ?? indexSizes)!, Number);
  const count = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: count }, (_, k) => {
    const n = ((k * 37 + seed * 11 + 5) % 23) - 11;
    if (bound !== undefined) return (k * 7 + seed) % Number(bound);
    if (kind === "m" || dtype === "bool") return Number(n > 0);
    const whole = kind === "p" ? n + 12 : n;
    if (!isFloat(dtype)) return kind === "u" ? Number(n > 0) : dtype === "uint8" && kind === "r" ? whole + 11 : whole;
    const real = whole / (kind === "u" ? 16 : 4);
    return isComplex(dtype) ? { re: real, im: (((k * 17 + seed * 7 + 3) % 19) - 9) / 4 } : real;
  });
  const t = cg.tensor(values, { dtype: bound !== undefined ? "int64" : kind === "m" ? "bool" : dtype }).reshape(shape);
  if (layout === 1 && shape.length >= 2) return t.mT.contiguous().mT;
  if (layout === 2 && shape.length >= 1 && bound === undefined) return t.narrow(0, 0, Math.min(1, shape[0]!)).expand(shape);
  return layout >= 1 && shape.length >= 1 ? cg.stack([t, t], -1).select(-1, 0) : t;
}

function build(arg: unknown, dtype: DType, seed: number, layout: number): unknown {
  if (arg === "inf") return Infinity;
  if (typeof arg === "string") return arg.startsWith("=") ? arg.slice(1) : make(arg, dtype, seed, layout);
  if (Array.isArray(arg) && typeof arg[0] === "string") return arg.map((one, i) => build(one, dtype, seed + i, layout));
  return arg;
}

interface Call {
  readonly args: unknown[];
  readonly leaf: Tensor | undefined;
}
function argumentsOf({ call }: Row, dtype: DType, layout: number): Call {
  const [, ...rest] = call;
  const last = rest.at(-1);
  const options = typeof last === "object" && last !== null && !Array.isArray(last) ? (rest.pop() as Record<string, unknown>) : null;
  const given = rest.map((arg, i) => build(arg, dtype, i + 1, layout));
  const leaf = given.find((t): t is Tensor => t instanceof Tensor && t.dtype === dtype);
  const keywords = Object.entries(options ?? {}).map(([key, arg]) => [camel(key), build(arg, dtype, 9, 0)]);
  return { args: options === null ? given : [...given, Object.fromEntries(keywords)], leaf };
}

// What rounding leaves of sums of a few terms; half numbers are computed in float32 here, step by step in their own dtype there.
const tolerance: Partial<Record<DType, number>> = {
  float16: 4e-3,
  bfloat16: 3e-2,
  float32: 3e-5,
  complex64: 3e-5,
  float64: 2e-6,
  complex128: 2e-6,
};
const number = (x: number | string): number => (x === "nan" ? NaN : x === "inf" ? Infinity : x === "-inf" ? -Infinity : Number(x));

function expectElements(actual: Tensor, expected: Elements, what: string): void {
  const parts = actual.detach().elements().flatMap((x) => (typeof x === "object" ? [x.re, x.im] : [Number(x)])); // prettier-ignore
  expect(parts.length, what).toBe(expected.length);
  const wanted = expected.map(number);
  const near = tolerance[actual.dtype] ?? 0;
  parts.forEach((x, i) => {
    const y = wanted[i]!;
    if (Object.is(x, y) || x === y) return;
    // Parts of one complex number share its modulus; what is infinite or NaN in one part is not compared in the other.
    const size = isComplex(actual.dtype) ? Math.hypot(wanted[i - (i % 2)]!, wanted[i - (i % 2) + 1]!) : Math.abs(y);
    if (isComplex(actual.dtype) && !Number.isFinite(size)) return;
    expect(Math.abs(x - y), `${what}[${i}]: ${x} instead of ${y}`).toBeLessThanOrEqual(near * (1 + size));
  });
}

function expectResult(actual: unknown, expected: Encoded, what: string): void {
  if (typeof expected === "boolean") return expect(actual, what).toBe(expected);
  const [dtype, shape, elements] = expected;
  const t = actual as Tensor;
  expect([t.dtype, t.shape], what).toEqual([cg.dtypes[dtype], shape]);
  expectElements(t, elements, what);
}

const weights = (t: Tensor): Tensor => {
  const w = cg.arange(t.numel()).remainder(3).add(1).reshape(t.shape).to(t.dtype); // prettier-ignore
  return t.isComplex() ? w.mul({ re: 1, im: -0.5 }) : w;
};
const lossOf = (t: Tensor): Tensor => {
  const sum = t.mul(weights(t)).sum();
  return (t.isComplex() ? cg.real(sum) : sum).double();
};

function check(row: Row, dtype: DType, form: string): void {
  const index = cg.dtypes.indexOf(dtype);
  const name = camel(row.call[0]);
  const { args, leaf } = argumentsOf(row, dtype, row.layouts[index]!);
  if (leaf !== undefined && isFloat(dtype)) leaf.requiresGrad_();
  const owner = (form === "m" ? args[0] : cg) as Record<string, unknown>;
  const member = owner[name];
  const call = (): unknown => (typeof member === "function" ? member.apply(owner, form === "m" ? args.slice(1) : args) : member);
  const expected = row.out[index]!;
  if (expected === null) return;
  if (expected === 0) return expect(call, "torch refuses").toThrow(cg.CellgradError);
  const made = call();
  const several =
    Array.isArray(expected[0]) && (expected[0].length === 0 || Array.isArray(expected[0][0]) || typeof expected[0][0] === "boolean");
  const results = several ? [...(made as Iterable<unknown>)] : [made];
  const wanted = (several ? expected[0] : [expected[0]]) as readonly Encoded[];
  expect(results.length).toBe(wanted.length);
  results.forEach((result, i) => expectResult(result, wanted[i]!, `result ${i}`));
  const losses = results.filter((t): t is Tensor => t instanceof Tensor && t.requiresGrad).map(lossOf);
  const grad = expected[1];
  if (grad === undefined) return expect(losses.length, "results that require grad").toBe(0);
  const derive = (): Tensor | null => cg.autograd.grad(losses.reduce((a, b) => a.add(b)), [leaf!], { allowUnused: true })[0]!; // prettier-ignore
  if (grad === 0) return expect(derive, "torch refuses the gradient").toThrow(cg.CellgradError);
  const derived = derive();
  if (derived === null)
    return expect(
      listOf(grad).every((x) => !x),
      "a gradient of zeros",
    ).toBe(true);
  if (grad === null)
    return expectElements(
      derived,
      derived.elements().flatMap((x) => (typeof x === "object" ? [0, 0] : [0])),
      "gradient",
    );
  expectElements(derived, grad, "gradient");
}

function checkInPlace(row: Row, dtype: DType): void {
  const { args } = argumentsOf(row, dtype, 0);
  const name = camel(row.call[0]);
  const [target, ...rest] = args as [Tensor & Record<string, (...rest: unknown[]) => Tensor>, ...unknown[]];
  const change = (): Tensor => target[`${name}_`]!(...rest);
  if (row.inPlace![cg.dtypes.indexOf(dtype)] === 0) return expect(change, `torch refuses ${name}_`).toThrow(cg.CellgradError);
  const expected = (target[name]!(...rest)).to(dtype); // prettier-ignore
  expect(change()).toBe(target);
  expect(target.elements()).toEqual(expected.elements());
}

/** Where cellgrad is not PyTorch 2.15, and why: each entry must go on to differ. */
const differs: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^\["vander",.*torch refuses the gradient/, "torch changes powers in place that its own gradient needs"],
];

describe(`agrees with PyTorch ${golden.torch} on every dtype`, () => {
  const byName = new Map<string, Row[]>();
  const met = new Set<number>();
  for (const row of golden.rows) byName.set(row.call[0], [...(byName.get(row.call[0]) ?? []), row]);
  it.each([...byName])("%s", (_, rows) => {
    const wrong: string[] = [];
    for (const row of rows) {
      for (const dtype of cg.dtypes) {
        for (const form of [...row.forms, ...(row.inPlace === undefined ? [] : ["_"])]) {
          try {
            if (form === "_") checkInPlace(row, dtype);
            else check(row, dtype, form);
          } catch (error) {
            wrong.push(`${JSON.stringify(row.call)} ${dtype} ${form}: ${(error as Error).message.split("\n")[0]}`);
          }
        }
      }
    }
    expect(wrong.filter((line) => !differs.some(([pattern]) => pattern.test(line)))).toEqual([]);
    for (const line of wrong) met.add(differs.findIndex(([pattern]) => pattern.test(line)));
  });
  it("differs where it says so", () => expect(differs.filter((_, i) => !met.has(i))).toEqual([]));
});
