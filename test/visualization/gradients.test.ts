/** The gradient view: norms against brute force, flags, size. */
import { expect, test } from "vitest";
import * as cg from "../../src/index.js";
import { bundleBytes, budget } from "../../src/visualization/tensor/bundle.js";
import { displaySymbol, gradientsMime, isGradientsPayload, type MimeBundle } from "../../src/wire/index.js";

type Named = Iterable<readonly [string, cg.Tensor]>;

function viewOf(parameters: Named) {
  return cg.gradFlow({ namedParameters: () => parameters });
}

function withGradient(shape: number[], grad: (i: number) => number): cg.Tensor {
  const numel = shape.reduce((a, b) => a * b, 1);
  const parameter = cg.ones(shape).requiresGrad_();
  parameter.grad = cg.tensor(Float32Array.from({ length: numel }, (_, i) => grad(i))).reshape(shape);
  return parameter;
}

test("norms are those of the definition", () => {
  const values = Array.from({ length: 600 }, (_, i) => Math.fround(Math.sin(i) / 7));
  const [row] = viewOf([["w", withGradient([20, 30], (i) => values[i]!)]]).rows;
  expect(Number(row!.grad)).toBeCloseTo(Math.hypot(...values), 5);
  expect(Number(row!.gradMax)).toBeCloseTo(Math.max(...values.map(Math.abs)), 6);
  expect(Number(row!.weight)).toBeCloseTo(Math.sqrt(600), 5);
  expect(row!.zeros).toBeCloseTo(1 / 600);
  expect(row!.flags).toEqual([]);
});

test("what is unusual is flagged with its rule", () => {
  const rows = viewOf([
    ["usual", withGradient([10], () => 1)],
    ["dead", withGradient([1000], (i) => (i === 0 ? 1 : 0))],
    ["vanishing", withGradient([10], () => 1e-9)],
    ["nonfinite", withGradient([10], (i) => (i === 3 ? NaN : i === 4 ? Infinity : 1))],
    ["none", cg.ones(3).requiresGrad_()],
    ["frozen", cg.ones(3)],
  ]).rows;
  expect(rows.map(({ name, flags }) => [name, flags.map(({ kind }) => kind).join()])).toEqual([
    ["usual", ""],
    ["dead", "dead"],
    ["vanishing", "vanishing"],
    ["nonfinite", "nonfinite"],
    ["none", "none"],
    ["frozen", "frozen"],
  ]);
  expect(rows[3]!.flags[0]!.rule).toBe("1 NaN and 1 infinite elements in the gradient");
});

test("samples are compared: how far a weight moved, and a gradient that explodes", () => {
  const parameter = withGradient([10], () => 1);
  for (let i = 0; i < 6; i++) viewOf([["w", parameter]]);
  cg.noGrad(() => parameter.mul_(1.01));
  parameter.grad!.mul_(100);
  const [row] = viewOf([["w", parameter]]).rows;
  expect(Number(row!.ratio)).toBeCloseTo(0.01, 5);
  expect(row!.flags.map(({ kind }) => kind)).toEqual(["exploding"]);
  expect(row!.history.length).toBe(7);
});

test.each([1, 6, 60, 2000])("a model of %i parameters fits, flagged ones first", (size) => {
  const parameters = Array.from(
    { length: size },
    (_, i) => [`encoder.layers.${i}.weight`, withGradient([4, 4], () => (i === size - 1 ? NaN : 1))] as const,
  );
  const bundle = (viewOf(parameters) as unknown as Record<symbol, () => MimeBundle>)[displaySymbol]!();
  const payload = bundle.data[gradientsMime];
  if (!isGradientsPayload(payload)) throw new Error("not a payload");
  expect(bundleBytes(bundle)).toBeLessThanOrEqual(budget.output);
  expect(payload.total).toBe(size);
  expect(payload.rows.at(-1)!.flags[0]!.kind).toBe("nonfinite");
  expect(bundle.data["text/html"]).toMatch(/^<table>(?!.*<script)/);
  expect(Object.keys(bundle.data).sort()).toEqual([gradientsMime, "image/png", "text/html", "text/plain"].sort());
});

test("names enter the table as text", () => {
  const bundle = (viewOf([["<img src=x onerror=alert(1)>", withGradient([2], () => 1)]]) as unknown as Record<symbol, () => MimeBundle>)[
    displaySymbol
  ]!();
  expect(bundle.data["text/html"]).not.toContain("<img");
});

test("the table of a model as text", async () => {
  cg.manualSeed(5);
  const model = new cg.nn.Sequential(new cg.nn.Linear(8, 4), new cg.nn.ReLU(), new cg.nn.Linear(4, 2));
  model.forward(cg.ones(3, 8)).sum().backward();
  await expect(String(cg.gradFlow(model))).toMatchFileSnapshot("golden/gradients.txt");
});
