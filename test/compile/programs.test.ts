/** compile(): random programs of views, in-place ops, reductions and several dtypes give the function's bits, forward and backward. */
import { afterAll, describe, expect, test } from "vitest";
import { cat, compile, equal, getNumThreads, manualSeed, randn, setNumThreads, where, type Tensor } from "../../src/index.js";

const threads = getNumThreads();
afterAll(() => setNumThreads(threads));

/** Numbers that a seed decides (mulberry32). */
function random(seed: number): (n: number) => number {
  return (n) => {
    seed = (seed + 0x6d2b79f5) >>> 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const shapes = [[6, 5], [33, 70], [4, 3, 8], [130, 64], [3, 2, 1100], [700, 12], [2, 9000], [1], [40, 1], [5000], [300, 1030], [70000, 2]]; // prettier-ignore

/** Ops on one tensor of any shape; `k` chooses among their variants. */
const unary: ((x: Tensor, k: number) => Tensor)[] = [
  (x) => x.tanh(),
  (x) => x.mul(0.5).sigmoid(),
  (x, k) => x.sub(x.amax(k % x.ndim, true)).exp(),
  (x, k) =>
    x.div(
      x
        .abs()
        .sum(-1 - (k % x.ndim), true)
        .add(1),
    ),
  (x) => x.mul(x.square().mean(-1, true).add(1e-5).rsqrt()),
  (x) => x.sub(x.mean(-1, true)).div(x.var(-1, { correction: 0, keepdim: true }).add(0.1).sqrt()),
  (x) => x.softmax(-1),
  (x, k) => x.logSoftmax(k % x.ndim),
  (x) => x.sub(x.logsumexp(-1, true)),
  (x, k) =>
    x
      .sum(k % x.ndim, true)
      .mul(0.1)
      .expand(x.shape),
  (x) => x.mul(2).add(1).tanh().mean().add(x),
  (x) => x.square().sum().mul(1e-3).add(x),
  (x, k) =>
    x
      .to("float64")
      .mul(3)
      .sum(k % x.ndim, true)
      .to("float32")
      .tanh()
      .add(x),
  (x) => x.gt(0).to("float32").sum(-1, true).mul(0.01).add(x),
  (x) => x.clone().mul_(2).add_(x).sub_(1).tanh_(),
  (x, k) => x.transpose(k % x.ndim, 0).contiguous().transpose(k % x.ndim, 0).cos(), // prettier-ignore
  (x) => x.reshape(-1).add(1).view(x.shape).sin(),
  (x) => {
    const y = x.mul(1);
    y.select(0, 0).mul_(0.5);
    return y.add(y.narrow(0, 0, 1));
  },
  (x) => {
    const y = x.clone();
    y.sub_(y.detach().amax(-1, true));
    y.exp_();
    return y.div(y.sum(-1, true).add(1));
  },
  (x) => where(x.gt(0), x, x.mul(0.1)),
  (x) => x.add(x.argmax(-1, true).to("float32").mul(1e-3)),
  (x) => cat([x, x.neg()], 0).narrow(0, 0, x.shape[0]!).mul(1.5),
  (x, k) =>
    x
      .std(k % x.ndim, { keepdim: true, correction: 0 })
      .add(x)
      .tanh(),
];
const binary: ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => x.mul(y).sub(0.5),
  (x, y) => x.maximum(y),
  (x, y) => x.sub(y.mean(-1, true)),
  (x, y) => x.mul(y).sum(-1, true).mul(0.1).add(x).tanh(),
  (x, y) => x.div(y.abs().add(1)),
];

/** A program of `length` ops on tensors of one shape; the same for the same seed. */
function program(seed: number, length: number): (...given: Tensor[]) => Tensor[] {
  return (...given) => {
    const pick = random(seed);
    const values = [...given];
    const some = (): Tensor => values[Math.max(0, values.length - 1 - pick(4))]!;
    for (let i = 0; i < length; i++) {
      const [kind, k] = [pick(unary.length + binary.length), pick(8)];
      values.push(kind < unary.length ? unary[kind]!(some(), k) : binary[kind - unary.length]!(some(), some()));
    }
    const last = values.at(-1)!;
    return [last, values.at(-2)!, last.mul(0.5).mean(), last.sum(0), last.square().mean(-1)];
  };
}

const same = (a: Tensor, b: Tensor): boolean => a.dtype === b.dtype && equal(a.nanToNum(), b.nanToNum());

describe("random programs", () => {
  const seeds = Array.from({ length: Number(process.env.PROGRAMS ?? 20) }, (_, i) => i + 1);
  test("give the same bits, for 1 and 2 threads", () => {
    for (const seed of seeds) {
      const pick = random(seed * 7919);
      const shape = shapes[pick(shapes.length)]!;
      manualSeed(seed);
      const inputs = [randn(shape), randn(shape)];
      const run = program(seed, 5 + pick(26));
      const expected = run(...inputs);
      const compiled = compile(run);
      compiled(...inputs);
      for (const count of [1, 2]) {
        setNumThreads(count);
        compiled(...inputs).forEach((value, i) => expect(same(value, expected[i]!), `program ${seed}, result ${i}`).toBe(true));
      }
      expect(compiled.explain()).not.toContain("as it is written");
    }
  });

  test("give the same gradients, of arguments and of captured tensors", () => {
    for (const seed of seeds) {
      const pick = random(seed * 104729);
      const shape = shapes[pick(shapes.length)]!;
      manualSeed(seed);
      const [a, w] = [randn(shape, { requiresGrad: true }), randn(shape, { requiresGrad: true })];
      const run = program(seed + 5000, 3 + pick(10));
      const loss = (x: Tensor): Tensor => run(x.mul(1), w)[2]!.add(x.mul(w).mean());
      const grads = (f: (x: Tensor) => Tensor): Tensor[] => {
        a.grad = w.grad = null;
        f(a).backward();
        return [a.grad!, w.grad!];
      };
      const expected = grads(loss);
      const compiled = compile(loss);
      compiled(a);
      for (const count of [1, 2]) {
        setNumThreads(count);
        grads(compiled).forEach((value, i) => expect(same(value, expected[i]!), `program ${seed}, gradient ${i}`).toBe(true));
      }
      const step = compile((x: Tensor) => {
        loss(x).backward();
        return x;
      });
      for (let i = 0; i < 3; i++) {
        a.grad = w.grad = null;
        step(a);
      }
      expect(same(a.grad!, expected[0]!), `program ${seed}, gradient in a recorded step`).toBe(true);
    }
  });
});
