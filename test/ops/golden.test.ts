/** Compares results, dtypes, shapes, gradients and refusals with PyTorch's, from golden.json (made by golden.py; no Python here). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { Tensor, type DType } from "../../src/index.js";

interface Encoded {
  readonly shape: number[];
  readonly dtype: DType;
  readonly data: (number | string)[];
  readonly learn?: 1;
}
interface Case {
  readonly space: "method" | "torch" | "F";
  readonly name: string;
  readonly args: readonly unknown[];
  readonly options: Record<string, unknown>;
  readonly results?: readonly unknown[];
  readonly several?: boolean;
  readonly grads?: readonly (Encoded | null)[];
  readonly refused?: string;
}

interface Golden {
  readonly torch: string;
  readonly cases: readonly Case[];
  readonly prints: readonly (Encoded & { readonly text: string })[];
  readonly dtypes: {
    readonly finfo: Record<string, cg.FloatInfo>;
    readonly iinfo: Record<string, { bits: number; max: string; min: string }>;
    readonly pairs: readonly { a: DType; b: DType; promoted: DType; weak: DType; cast: boolean }[];
  };
}
const { torch, cases, prints, dtypes } = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as Golden;

const isTensor = (value: unknown): value is Encoded => typeof value === "object" && value !== null && "data" in value;
const number = (value: number | string): number =>
  value === "nan" ? NaN : value === "inf" ? Infinity : value === "-inf" ? -Infinity : Number(value);

function decode(value: unknown): unknown {
  if (value === "inf") return Infinity;
  if (isTensor(value)) {
    const t = cg.tensor(value.data.map(number), { dtype: value.dtype }).reshape(value.shape);
    return value.learn ? t.requiresGrad_() : t;
  }
  return Array.isArray(value) ? value.map(decode) : value;
}

// float32: rounding of sums of a few dozen terms and of functions within 2 ulp; float64: the same, and series that stop at 1e-9.
const tolerance = { float32: [3e-4, 3e-5], float64: [1e-7, 1e-9] } as const;

function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (!(actual instanceof Tensor)) return expect(actual, what).toEqual(isTensor(expected) ? Boolean(expected.data[0]) : expected);
  const { shape, dtype, data } = expected as Encoded;
  expect({ shape: actual.shape, dtype: actual.dtype }, what).toEqual({ shape, dtype });
  const [relative, absolute] = dtype in tolerance ? tolerance[dtype as keyof typeof tolerance] : [0, 0];
  actual.elements().forEach((value, i) => {
    const [a, b] = [Number(value), number(data[i]!)];
    if (Object.is(a, b) || a === b) return;
    expect(Math.abs(a - b), `${what}[${i}]: ${a} instead of ${b}`).toBeLessThanOrEqual(absolute + relative * Math.abs(b));
  });
}

const weights = (t: Tensor): Tensor => cg.arange(t.numel()).remainder(7).to(t.dtype).mul(0.25).add(0.5).reshape(t.shape);

function check({ space, name, args, options, results, several, grads, refused }: Case): void {
  const given = args.map(decode);
  const keywords = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, decode(value)]));
  const all = Object.keys(keywords).length === 0 ? given : [...given, keywords];
  const owner = (space === "method" ? given[0] : space === "F" ? cg.nn.functional : cg) as Record<string, (...args: unknown[]) => unknown>;
  const call = (): unknown => owner[name]!(...(space === "method" ? all.slice(1) : all));
  if (refused !== undefined) return expect(call, `torch: ${refused}`).toThrow(cg.CellgradError);
  const made = call();
  const list = several ? [...(made as Iterable<unknown>)] : [made];
  expect(list.length).toBe(results!.length);
  list.forEach((value, i) => expectEqual(value, results![i], `result ${i}`));
  if (grads === undefined) return;
  const parts = list
    .filter((t) => t instanceof Tensor && t.requiresGrad)
    .map((t) =>
      (t as Tensor)
        .mul(weights(t as Tensor))
        .sum()
        .double(),
    );
  const loss = parts.reduce((a, b) => a.add(b));
  const leaves = given.filter((t): t is Tensor => t instanceof Tensor && t.requiresGrad);
  cg.autograd.grad(loss, leaves, { allowUnused: true }).forEach((g, i) => grads[i] && expectEqual(g, grads[i], `gradient ${i}`));
}

describe(`agrees with PyTorch ${torch}`, () => {
  const byName = new Map<string, Case[]>();
  for (const one of cases) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
  it.each([...byName].sort(([a], [b]) => a.localeCompare(b)))("%s", (_, list) => {
    for (const one of list) {
      try {
        check(one);
      } catch (error) {
        throw new Error(
          `${(error as Error).message}\n  in ${JSON.stringify({ ...one, results: undefined, grads: undefined }).slice(0, 600)}`,
          { cause: error },
        );
      }
    }
  });
});

describe(`dtypes are PyTorch ${torch}'s`, () => {
  it.each(Object.entries(dtypes.finfo))("limits of %s", (dtype, expected) => {
    expect(cg.finfo(dtype as DType)).toEqual({ ...expected, smallestNormal: expected.tiny });
    expect(() => cg.iinfo(dtype as DType)).toThrow(/iinfo: expected dtype to be an integer dtype.*use finfo/s);
  });

  it.each(Object.entries(dtypes.iinfo))("limits of %s", (dtype, expected) => {
    const { bits, max, min } = cg.iinfo(dtype as DType);
    expect({ bits, max: String(max), min: String(min) }).toEqual(expected);
    expect(() => cg.finfo(dtype as DType)).toThrow(/finfo: expected dtype to be a floating dtype.*use iinfo/s);
  });

  it("in promotion, with 0-d tensors and in safe casts, for every pair", () => {
    const answers = dtypes.pairs.map(({ a, b }) => ({
      a,
      b,
      promoted: cg.promoteTypes(a, b),
      cast: cg.canCast(a, b),
      weak: cg.resultType(cg.ones(2, { dtype: a }), cg.ones([], { dtype: b })),
    }));
    expect(answers).toEqual(dtypes.pairs);
  });
});

it(`prints as PyTorch ${torch} prints`, () => {
  for (const { text, ...encoded } of prints) expect(String(decode(encoded))).toBe(text);
});
