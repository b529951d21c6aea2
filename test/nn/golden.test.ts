/** Compares layers with PyTorch's, weights copied: keys, printed forms, results, gradients and buffers, from golden.json (made by golden.py; no Python here). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { nn, type DType, type Tensor } from "../../src/index.js";

interface Encoded {
  readonly shape: number[];
  readonly dtype: DType;
  readonly data: (number | string)[];
}
interface Case {
  readonly make: string;
  readonly args: unknown[] | null;
  readonly options: Record<string, unknown>;
  readonly train: boolean;
  readonly repr: string | null;
  readonly state: Record<string, Encoded> | null;
  readonly tensors: readonly Encoded[];
  /** How many of the tensors, from the first, have gradients. */
  readonly learned: number;
  readonly inputs: readonly number[];
  readonly call: Record<string, unknown>;
  readonly results: readonly Encoded[];
  readonly grads: readonly Encoded[];
  /** After the call. */
  readonly buffers: Record<string, Encoded>;
}
const { torch, cases } = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as { torch: string; cases: Case[] };

const tensorOf = ({ shape, dtype, data }: Encoded): Tensor => cg.tensor(data.map(Number), { dtype }).reshape(shape);
const decode = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "data" in value ? tensorOf(value as Encoded) : value;
const decodeAll = (options: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key, decode(value)]));
type Results = Tensor | null | readonly Results[];
const flat = (result: Results): Tensor[] => (result instanceof cg.Tensor ? [result] : (result ?? []).flatMap(flat));
const weights = (t: Tensor): Tensor => cg.arange(t.numel()).remainder(7).to(t.dtype).mul(0.25).add(0.5).reshape(t.shape);

function makeModule({ make, args, options, train, state }: Case): nn.Module {
  const [first, ...rest] = args!.map(decode);
  const of = (name: string, ...given: unknown[]): nn.Module => new (nn as never as Record<string, new (...a: unknown[]) => nn.Module>)[name]!(...given); // prettier-ignore
  const module =
    make === "TransformerEncoder"
      ? of(make, of("TransformerEncoderLayer", ...(first as unknown[]), options), ...rest)
      : of(make, ...args!.map(decode), decodeAll(options));
  expect(Object.keys(module.stateDict())).toEqual(Object.keys(state!));
  module.loadStateDict(Object.fromEntries(Object.entries(state!).map(([key, value]) => [key, tensorOf(value)])));
  return module.train(train);
}

// float32, sums of at most a few hundred terms.
function expectClose(actual: Tensor, expected: Encoded, what: string): void {
  expect(actual.shape, what).toEqual(expected.shape);
  const error = actual.detach().sub(tensorOf(expected)).abs().max();
  expect(Number(error.item()), what).toBeLessThan(2e-4);
}

describe(`agrees with PyTorch ${torch}`, () => {
  it.each(
    cases.map(
      (one) =>
        [
          `${one.make}(${JSON.stringify(one.options)})${one.train ? " in training" : ""}, called with ${Object.keys(one.call).join(", ") || "nothing more"}`,
          one,
        ] as const,
    ),
  )("%s", (_, one) => {
    const module = one.args === null ? null : makeModule(one);
    if (module !== null) expect(String(module)).toBe(one.repr);
    const tensors = one.tensors.map(tensorOf);
    const learned = tensors.slice(0, one.learned).map((t) => t.requiresGrad_());
    const given: unknown[] = one.inputs.map((i) => tensors[i]!);
    if (one.make.startsWith("LSTM") && given.length > 1) given.push(given.splice(1));
    if (Object.keys(one.call).length > 0) given.push(decodeAll(one.call));
    const functions = nn.functional as unknown as Record<string, (...args: unknown[]) => Tensor>;
    const result = (module === null ? functions[one.make]!(...given) : module.forward(...given)) as Results;
    const results = flat(result);
    expect(results.length).toBe(one.results.length);
    results.forEach((t, i) => expectClose(t, one.results[i]!, `result ${i}`));
    const loss = results.map((t) => t.mul(weights(t)).sum()).reduce((a, b) => a.add(b));
    const leaves = [...learned, ...(module?.parameters() ?? [])];
    cg.autograd.grad(loss, leaves).forEach((g, i) => expectClose(g!, one.grads[i]!, `gradient ${i}`));
    for (const [name, buffer] of module?.namedBuffers() ?? []) expectClose(buffer, one.buffers[name]!, name);
  });
});

describe("attention", () => {
  it("has the same bits on one thread and on two", () => {
    cg.manualSeed(4);
    const x = cg.randn(2, 3, 200, 16);
    const run = (threads: number): Tensor[] => {
      cg.setNumThreads(threads);
      const q = x.clone().requiresGrad_();
      const y = nn.functional.scaledDotProductAttention(q, q, q, { isCausal: true });
      y.square().sum().backward();
      return [y, q.grad!];
    };
    const before = cg.getNumThreads();
    const [one, two] = [run(1), run(2)];
    cg.setNumThreads(before);
    one.forEach((t, i) => expect(t.equal(two[i]!)).toBe(true));
  });

  it("gives a mask its gradient, and dropped weights theirs", () => {
    const [q, mask] = [cg.randn([2, 3, 4], { dtype: "float64" }), cg.randn([3, 3], { dtype: "float64" })];
    const of = (x: Tensor, m: Tensor): Tensor => nn.functional.scaledDotProductAttention(x, x, x, m);
    expect(cg.autograd.gradcheck(of, [q.requiresGrad_(), mask.requiresGrad_()])).toBe(true);
    const dropped = (x: Tensor): Tensor => (cg.manualSeed(5), nn.functional.scaledDotProductAttention(x, x, x, { dropoutP: 0.4 }));
    expect(cg.autograd.gradcheck(dropped, [q])).toBe(true);
  });

  it.each([
    [
      "a mask of another shape",
      (q: Tensor) => nn.functional.scaledDotProductAttention(q, q, q, { attnMask: cg.ones(2, 2) }),
      /attnMask to be broadcastable to \[2, 3, 3\], got \[2, 2\]/,
    ],
    [
      "a mask and isCausal",
      (q: Tensor) => nn.functional.scaledDotProductAttention(q, q, q, { attnMask: cg.ones(3, 3), isCausal: true }),
      /attnMask to be null/,
    ],
    ["heads that do not divide", () => new nn.MultiheadAttention(10, 3), /positive divisor of embedDim 10/],
    [
      "padding of another batch",
      (q: Tensor) => new nn.MultiheadAttention(4, 2).forward(q, q, q, { keyPaddingMask: cg.zeros(2, 2) }),
      /keyPaddingMask to be of shape \[3, 2\]/,
    ],
    ["an unknown activation", () => new nn.TransformerEncoderLayer(8, 2, { activation: "swish" as never }), /"relu", "gelu" or a function/],
  ])("refuses %s by name", (_, call, message) => {
    expect(() => call(cg.randn(2, 3, 4))).toThrow(message);
  });
});
