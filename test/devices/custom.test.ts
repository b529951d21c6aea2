/** Ops of a person's own: the same values and gradients on every device, and errors that say what a formula may hold. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { openCl } from "./opencl.js";

const snake = cg.customOp("snake", (x: number, a: number) => x + Math.sin(a * x) ** 2 / a);
const shrink = cg.customOp("shrink", (x: number, low: number, high: number) => (x > high ? x - high : x < low && x !== 0 ? x - low : 0));
const softened = cg.customOp("softened", (x: number) => Math.max(sigmoid(x) - 0.5, -1e-1 * Math.PI) % 2);
// In a formula the library's own function of a number is meant.
declare function sigmoid(x: number): number;

describe.each(openCl === null ? ["cpu"] : ["cpu", openCl])("on %s", (device) => {
  const x = cg.tensor(
    [
      [-2, -0.5, 0.25],
      [0, 1, 3],
    ],
    { device },
  );

  it("computes the formula, broadcasting", () => {
    const a = cg.tensor([[0.5], [2]], { device });
    const expected = x.tolist() as number[][];
    const got = snake(x, a).tolist() as number[][];
    got.forEach((row, i) =>
      row.forEach((y, j) => expect(y).toBeCloseTo(expected[i]![j]! + Math.sin([0.5, 2][i]! * expected[i]![j]!) ** 2 / [0.5, 2][i]!, 5)),
    );
    expect(shrink(x, -1, 0.5).tolist()).toEqual([
      [-1, 0, 0],
      [0, 0.5, 2.5],
    ]);
    expect(softened(x).device).toBe(device);
    expect(snake(x.t(), 1).shape).toEqual([3, 2]);
  });

  it("has the gradient that differences show, also twice", () => {
    const inputs = [x, cg.tensor([0.7, 1.5, 1], { device })].map((t) => t.to("float64").detach().requiresGrad_());
    expect(cg.autograd.gradcheck((p, q) => snake(p!, q!), inputs)).toBe(true);
    expect(cg.autograd.gradgradcheck((p, q) => snake(p!, q!), inputs, { eps: 1e-5, atol: 1e-4 })).toBe(true);
  });

  // The CPU composes it of ops.
  const programs = device === "cpu" ? [] : [device];
  it.each(programs)("is one program on %s", () => {
    snake(x, 2);
    const seen = cg.profile(() => snake(x, cg.tensor(2, { device })));
    const kernels = seen.events.map(({ kernel }) => kernel);
    expect(kernels).toContain("snake");
    expect(kernels).not.toContain("sin");
  });
});

it("says what a formula may be made of", () => {
  const wrong: [unknown, RegExp][] = [
    [(x: number) => Math.cbrt(x), /made of the functions/],
    [(x: number) => x + Number.EPSILON, /./],
    [(x: number) => x | 1, /made of the operators/],
    [(x: number) => x > 0, /a number, got a truth/],
    [() => 1, /arrow function of 1 to 3 numbers/],
    [(x: number) => { return x; }, /one expression/],
    ["x + 1", /arrow function/],
    [(x: number) => Math.max(x, 1, 2), /2 arguments/],
  ]; // prettier-ignore
  for (const [formula, message] of wrong) {
    expect(() => cg.customOp("wrong", formula as never)).toThrow(cg.ValueError);
    expect(() => cg.customOp("wrong", formula as never)).toThrow(message);
  }
  expect(() => snake(cg.ones(2))).toThrow(/2 inputs \(x, a\)/);
  expect(() => snake(cg.ones(2, { dtype: "int64" }), 1)).toThrow(cg.DTypeError);
  expect(() => snake(1, 2)).toThrow(cg.ValueError);
});
