/** Every op inside vmap equals a loop over examples: values, nested, with shared inputs, and gradients in every order. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { makeInputs, samples, type OpName } from "./samples.js";

const { func } = cg;
type Many = (...inputs: Tensor[]) => Tensor[];
type One = (...inputs: Tensor[]) => Tensor;

const names = Object.keys(samples) as OpName[];
// asStrided: strides over a storage that the batch gives another layout.
const pure = names.filter(
  (name) => samples[name].inputs.length > 0 && !/random|JavaScript/.test(samples[name].noGrad ?? "") && name !== "asStrided",
);
const listOf = (result: unknown): Tensor[] =>
  result instanceof cg.Tensor ? [result] : Array.isArray(result) ? result.flatMap(listOf) : result === null || typeof result !== "object" ? [] : Object.values(result).flatMap(listOf); // prettier-ignore

/** Inputs of six examples: floating ones differ a little, so that indices and masks stay right. */
const examplesOf = (name: OpName): Tensor[][] =>
  [1, 0.9, 0.95, 0.85, 0.97, 0.92].map((factor) => makeInputs(name, "float64").map((t) => (t.isFloatingPoint() ? t.mul(factor) : t)));
const columns = (examples: readonly (readonly Tensor[])[]): Tensor[] =>
  examples[0]!.map((_, k) => cg.stack(examples.map((inputs) => inputs[k]!)));

function same(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  expect(actual.map((t) => [t.shape, t.dtype])).toEqual(expected.map((t) => [t.shape, t.dtype]));
  actual.forEach((t, i) => expect(t.allclose(expected[i]!, { equalNan: true })).toBe(true));
}

describe("maps over batches of batches, and over one input, as a loop would", () => {
  it.each(pure)("%s", (name) => {
    const examples = examplesOf(name);
    const run: Many = (...x) => listOf(samples[name].call(...x));
    const nested = columns(examples).map((t) => t.unflatten(0, [2, 3]));
    const expected = columns(examples.map((inputs) => run(...inputs)));
    same(func.vmap<Tensor[]>(func.vmap<Tensor[]>(run))(...nested), expected.map((t) => t.unflatten(0, [2, 3]))); // prettier-ignore

    if (name === "setAt") return; // it would change a tensor that the examples share
    const [first, ...shared] = examples[0]!;
    const inDims = [0, ...shared.map(() => null)];
    const partly = func.vmap<Tensor[]>(run, inDims)(cg.stack([first!, examples[1]![0]!]), ...shared);
    same(partly, columns([run(first!, ...shared), run(examples[1]![0]!, ...shared)]));
  });
});

describe("differentiates each example, through the batch, and along a batch of gradients", () => {
  it.each(pure.filter((name) => samples[name].noGrad === undefined))("%s", (name) => {
    const examples = examplesOf(name).slice(0, 2);
    const argnums = samples[name].inputs.flatMap(({ dtype, fixed }, i) => (dtype === undefined && fixed !== true ? [i] : []));
    const run: Many = (...x) => listOf(samples[name].call(...x)).filter((t) => t.isFloatingPoint());
    const weighted = (t: Tensor): Tensor => t.mul(cg.linspace(0.5, 1.5, t.numel(), { dtype: "float64" }).reshape(t.shape)).sum();
    const loss: One = (...x) => run(...x).map(weighted).reduce((a, b) => a.add(b)); // prettier-ignore
    const gradient = func.grad(loss, argnums) as unknown as Many;
    const expected = columns(examples.map((inputs) => gradient(...inputs)));
    same(func.vmap<Tensor[]>(gradient)(...columns(examples)), expected);
    const total = func.grad(
      (...x: Tensor[]) =>
        func
          .vmap(loss)(...x)
          .sum(),
      argnums,
    ) as unknown as Many;
    same(total(...columns(examples)), expected);

    const inputs = examples[0]!.map((t, i) => (argnums.includes(i) ? t.detach().requiresGrad_() : t));
    const outputs = run(...inputs).filter((t) => t.requiresGrad);
    if (outputs.length === 0) return;
    const given = outputs.map((t) => cg.stack([t.detach().add(1), t.detach().sub(2)]));
    const wanted = argnums.map((i) => inputs[i]!);
    const options = { retainGraph: true, materializeGrads: true };
    const rows = [0, 1].map((i) => cg.autograd.grad(outputs, wanted, { ...options, gradOutputs: given.map((t) => t.at(i)) }));
    same(cg.autograd.grad(outputs, wanted, { ...options, gradOutputs: given, isGradsBatched: true }), columns(rows));
  });
});
