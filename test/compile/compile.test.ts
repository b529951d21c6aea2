/** compile(): recorded runs give what the function gives, bit for bit, and are not used where they would not. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  autograd,
  compile,
  equal,
  fromTypedArray,
  func,
  manualSeed,
  nn,
  noGrad,
  optim,
  randint,
  randn,
  tensor,
  zeros,
  type Tensor,
} from "../../src/index.js";

const F = nn.functional;

type Step = (x: Tensor, y: Tensor) => Tensor;

/** A network, its optimizer and a training step, the same each time it is made. */
function training(make: (parameters: Tensor[]) => optim.Optimizer): { step: Step; optimizer: optim.Optimizer; model: nn.Module } {
  manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(12, 16), new nn.BatchNorm1d(16), new nn.ReLU(), new nn.Dropout(0.3), new nn.Linear(16, 4));
  const optimizer = make(model.parameters());
  const step: Step = (x, y) => {
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model.forward(x) as Tensor, y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  manualSeed(2);
  return { step, optimizer, model };
}

const batches = (count: number): [Tensor, Tensor][] => {
  manualSeed(3);
  return Array.from({ length: count }, () => [randn(8, 12), randint(0, 4, [8])]);
};

describe("a training step", () => {
  test.each([
    ["SGD", (p: Tensor[]) => new optim.SGD(p, { lr: 0.1 })],
    ["SGD with momentum", (p: Tensor[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true })],
    ["Adam", (p: Tensor[]) => new optim.Adam(p, { lr: 0.01 })],
    ["AdamW with amsgrad", (p: Tensor[]) => new optim.AdamW(p, { lr: 0.01, amsgrad: true })],
  ])("with %s goes the same way, dropout and running statistics included", (_, make) => {
    const data = batches(8);
    const plain = training(make);
    const expected = data.map(([x, y]) => plain.step(x, y).item());
    const other = training(make);
    const step = compile(other.step);
    expect(data.map(([x, y]) => step(x, y).item())).toEqual(expected);
    expect(step.explain()).toContain("recorded run 1");
    const [a, b] = [plain.model.stateDict(), other.model.stateDict()];
    for (const key of Object.keys(a)) expect(equal(a[key]!, b[key]!), key).toBe(true);
    expect(other.model.parameters().every((p) => p.grad !== null)).toBe(true);
  });

  test("of a transformer goes the same way", () => {
    const make = (): ((x: Tensor, y: Tensor) => Tensor) => {
      manualSeed(1);
      const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0.1, batchFirst: true });
      const model = new nn.Sequential(new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(8)), new nn.Linear(8, 3));
      const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
      return (x, y) => {
        optimizer.zeroGrad();
        const loss = F.crossEntropy(model.forward(x).flatten(0, 1), y.flatten());
        loss.backward();
        optimizer.step();
        return loss;
      };
    };
    const run = (step: Step): unknown[] => {
      manualSeed(2);
      const [x, y] = [randn(2, 5, 8), randint(0, 3, [2, 5])];
      return Array.from({ length: 4 }, () => step(x, y).item());
    };
    const expected = run(make());
    const step = compile(make());
    expect(run(step)).toEqual(expected);
    expect(step.explain()).toContain("recorded run 1");
  });

  test("follows a learning rate that changes between calls", () => {
    const data = batches(6);
    const run = (wrap: (step: Step) => Step): unknown[] => {
      const { step, optimizer } = training((p) => new optim.Adam(p, { lr: 0.05 }));
      const schedule = new optim.lrScheduler.StepLR(optimizer as optim.Adam, 1, 0.5);
      const wrapped = wrap(step);
      return data.map(([x, y]) => {
        const loss = wrapped(x, y).item();
        schedule.step();
        return loss;
      });
    };
    expect(run(compile)).toEqual(run((step) => step));
  });

  test("knows train() from eval()", () => {
    const { model } = training((p) => new optim.SGD(p));
    const forward = compile((x: Tensor) => noGrad(() => model.forward(x) as Tensor));
    const x = randn(8, 12);
    forward(x);
    forward(x);
    model.eval();
    const expected = noGrad(() => model.forward(x) as Tensor);
    expect(equal(forward(x), expected)).toBe(true);
    expect(equal(forward(x), expected)).toBe(true);
  });

  test("goes on with the state that an optimizer has loaded", () => {
    const data = batches(6);
    const run = (wrap: (step: Step) => Step): unknown[] => {
      const { step, optimizer } = training((p) => new optim.Adam(p, { lr: 0.05 }));
      const wrapped = wrap(step);
      const first = data.slice(0, 3).map(([x, y]) => wrapped(x, y).item());
      optimizer.loadStateDict(optimizer.stateDict());
      return [...first, ...data.slice(3).map(([x, y]) => wrapped(x, y).item())];
    };
    expect(run(compile)).toEqual(run((step) => step));
  });
});

describe("fusion", () => {
  test("random pointwise programs give the same bits", () => {
    manualSeed(5);
    let seed = 12345;
    const pick = (n: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n;
    for (let round = 0; round < 60; round++) {
      const shape = [[5, 7], [1], [3000], [64, 33], []][pick(5)]!;
      const inputs = [randn(shape), randn(shape), randn(shape.length === 0 ? [] : [shape.at(-1)!]), randint(0, 3, shape)];
      const choices = Array.from({ length: 12 }, () => [pick(9), pick(64), pick(64)] as const);
      const program = (...given: Tensor[]): Tensor[] => {
        const values = [...given];
        for (const [kind, i, j] of choices) {
          const [a, b] = [values[i % values.length]!, values[j % values.length]!];
          if (kind === 0) values.push(a.add(b));
          else if (kind === 1) values.push(a.mul(b).sub(0.5));
          else if (kind === 2) values.push(a.tanh());
          else if (kind === 3) values.push(a.gt(b).to("float32"));
          else if (kind === 4) values.push(a.maximum(b));
          else if (kind === 5) values.push(a.to("float64").exp().to("float32"));
          else if (kind === 6) values.push(a.expand(shape).to("float32").clone().add_(b));
          else if (kind === 7) values.push(a.sum().mul(0.01).add(b));
          else values.push(a.to("float32").clone().mul_(2).neg_());
        }
        return values.slice(given.length);
      };
      const expected = program(...inputs);
      const compiled = compile(program);
      compiled(...inputs);
      compiled(...inputs).forEach((value, i) => expect(equal(value.nanToNum(), expected[i]!.nanToNum()), `round ${round}`).toBe(true));
    }
  });

  test("a chain is one launch", () => {
    const chain = compile((x: Tensor) => x.mul(2).add(1).tanh().square());
    chain(randn(10));
    expect(chain.explain()).toContain("mul + add + tanh + square");
  });

  test("steps that read only each other's results have the bits of eager ones, whatever is left of a tile", () => {
    const chains: ((x: Tensor, y: Tensor, row: Tensor) => Tensor)[] = [
      (x, y) => x.mul(x).mul(y).mul(0.3).add(x).tanh().add(1).mul(y).mul(0.5),
      (x, y, row) => row.sub(x.mul(-2).sub(y)).exp().div(3).reciprocal().sub(y),
      (x, y, row) => y.sub(x.add(row)).div(y).sigmoid().mul(row).sub(0.25),
      (x, y) => y.div(x.sub(y).mul(0.1)).add(x.mul(2).add(y)),
    ];
    for (const n of [1, 3, 127, 128, 129, 1000, 1151, 16384 + 130]) {
      const [x, y, row] = [randn(2, n), randn(2, n), randn(n)];
      for (const [i, chain] of chains.entries()) {
        const compiled = compile(chain);
        compiled(x, y, row);
        expect(equal(compiled(x, y, row), chain(x, y, row)), `chain ${i} of ${n}`).toBe(true);
      }
    }
  });

  test("softmax, layerNorm and RMSNorm written by hand are one launch, row by row", () => {
    const [w, b] = [randn(300), randn(300)];
    const byHand: Record<string, (x: Tensor) => Tensor> = {
      softmax(x) {
        const e = x.sub(x.amax(-1, true)).exp();
        return e.div(e.sum(-1, true));
      },
      layerNorm(x) {
        const centred = x.sub(x.mean(-1, true));
        return centred.mul(centred.square().mean(-1, true).add(1e-5).rsqrt()).mul(w).add(b);
      },
      rmsNorm: (x) => x.mul(x.square().mean(-1, true).add(1e-6).rsqrt()).mul(w),
    };
    for (const [name, f] of Object.entries(byHand)) {
      const x = randn(5, 40, 300);
      const compiled = compile(f);
      compiled(x);
      expect(equal(compiled(x), f(x)), name).toBe(true);
      expect(compiled.explain(), name).toMatch(/^.* in 1 launch.*\n.* -> float32 \[5, 40, 300\] \(row by row\)\n$/);
    }
  });

  test("gives for empty tensors what the function gives", () => {
    const plain = (x: Tensor, target: Tensor): Tensor[] => [
      F.crossEntropy(x.mul(2), target, { reduction: "sum" }),
      x.add(1).sum(-1),
      x.exp().softmax(-1),
    ];
    const f = compile(plain);
    for (const x of [zeros(0, 5), zeros(0, 7), zeros(0, 5)]) {
      const target = zeros([0], { dtype: "int64" });
      for (let i = 0; i < 2; i++)
        expect(f(x, target).map((t) => [t.shape, t.tolist()])).toEqual(plain(x, target).map((t) => [t.shape, t.tolist()]));
    }
    const rows = compile((x: Tensor) => x.add(1).sum(-1));
    for (let i = 0; i < 2; i++) expect(rows(zeros(4, 0)).tolist()).toEqual([0, 0, 0, 0]);
  });

  test("a row that a kernel refuses is the caller's error", () => {
    const f = compile((x: Tensor, target: Tensor) => F.crossEntropy(x.mul(2).add(1), target));
    const x = randn(400, 100);
    f(x, randint(0, 100, [400]));
    const wrong = randint(0, 100, [400]);
    wrong.setAt([300], 123);
    expect(() => f(x, wrong)).toThrow(/123/);
    expect(Number(f(x, randint(0, 100, [400])).item())).toBeGreaterThan(0);
  });

  test("changes arguments and captured tensors in place, in order", () => {
    const total = zeros(3);
    const add = compile((x: Tensor) => {
      x.mul_(2);
      total.add_(x);
      return x.add(total);
    });
    const x = tensor([1, 2, 3]);
    for (let i = 0; i < 3; i++) add(x);
    expect(x.tolist()).toEqual([8, 16, 24]);
    expect(total.tolist()).toEqual([14, 28, 42]);
    expect(add(tensor([0, 0, 0])).tolist()).toEqual([14, 28, 42]);
  });
});

test("a captured tensor may move to shared memory between calls", () => {
  const total = zeros(3);
  const add = compile((x: Tensor) => total.add_(x).mul(1));
  const x = tensor([1, 2, 3]);
  add(x);
  add(x);
  total.shareMemory_();
  expect(add(x).tolist()).toEqual([3, 6, 9]);
  expect(total.tolist()).toEqual([3, 6, 9]);
});

describe("calls of another kind", () => {
  test("other shapes, dtypes, layouts and numbers are recorded for themselves", () => {
    const f = compile((x: Tensor, k: number) => x.mul(k).sum(0));
    const base = randn(4, 6);
    for (let i = 0; i < 3; i++)
      for (const x of [base, base.T, randn(2, 3), base.to("float64"), base.at(":", "::2")])
        for (const k of [1, 2]) {
          const got = f(x, k);
          expect(got.dtype).toBe(x.dtype);
          expect(equal(got, x.mul(k).sum(0))).toBe(true);
        }
    expect(f.explain()).toContain("more than 8 kinds");
  });

  test("arguments that share memory are not those that do not", () => {
    const f = compile((a: Tensor, b: Tensor) => a.add_(1).add(b));
    const run = (g: typeof f): unknown[] => {
      const [x, y] = [zeros(2), zeros(2)];
      return [g(x, y).tolist(), g(x, x).tolist(), g(x, y).tolist(), g(x, x).tolist()];
    };
    run(f);
    expect(run(f)).toEqual([[1, 1], [4, 4], [3, 3], [8, 8]]); // prettier-ignore
  });
});

describe("tensors on one JavaScript buffer", () => {
  const halves = (): [Tensor, Tensor] => {
    const memory = new Float32Array([1, 2, 3, 4, 5, 6]);
    return [fromTypedArray(memory.subarray(0, 4)), fromTypedArray(memory.subarray(2, 6))];
  };
  const chain = (a: Tensor, b: Tensor): Tensor => a.add_(1).mul(b).add(a);
  const expected = chain(...halves()).tolist();

  test("are not recorded when they overlap", () => {
    const f = compile(chain);
    for (let i = 0; i < 2; i++) expect(f(...halves()).tolist()).toEqual(expected);
    expect(f.explain()).toContain("runs as it is written: two of its tensors lie on the same JavaScript memory");
  });

  test("do not fit a recording of tensors that did not overlap", () => {
    const f = compile(chain);
    f(randn(4), randn(4));
    expect(f(...halves()).tolist()).toEqual(expected);
    const [a, b] = halves();
    const plus = compile((x: Tensor) => a.add_(x).mul(2));
    plus(zeros(4));
    expect(() => plus(b)).toThrow("another part of the same memory");
  });

  test("may lie side by side", () => {
    const memory = new Float32Array([1, 2, 3, 4]);
    const f = compile(chain);
    for (let i = 0; i < 2; i++) f(fromTypedArray(memory.subarray(0, 2)), fromTypedArray(memory.subarray(2)));
    expect(f.explain()).toContain("add + mul + add");
  });
});

describe("a report", () => {
  test("shows what was fused, script-free, and why calls run as they are written", () => {
    const step = compile(function step(x: Tensor) {
      return x.mul(2).add(1).tanh().sum();
    });
    const shown = (): { "text/html": string; "text/plain": string } =>
      (step as unknown as Record<symbol, () => { data: never }>)[Symbol.for("Jupyter.display")]!().data;
    expect(shown()["text/plain"]).toBe("step has not been called yet");
    step(randn(3));
    expect(shown()["text/plain"]).toBe(
      "recorded run 1 of step: 4 ops in 1 launch, 1 fused chain\nmul + add + tanh + sum -> float32 [] (reduced on the way)\n",
    );
    expect(shown()["text/html"].replaceAll(' style="text-align:left"', "")).toContain(
      "<td>mul + add + tanh + sum</td><td>float32 []</td><td>4 ops in one pass over memory, reduced on the way</td>",
    );
    const reading = compile(Object.defineProperty((x: Tensor) => x.sum().item(), "name", { value: "<reads>" }));
    reading(randn(3));
    const [html] = Object.values((reading as unknown as Record<symbol, () => { data: Record<string, string> }>)[Symbol.for("Jupyter.display")]!().data); // prettier-ignore
    expect(html).toBe("<p>&lt;reads&gt; runs as it is written: it reads the value of a tensor</p>");
  });

  test("has both passes of results that require grad", () => {
    const f = compile((x: Tensor) => x.square().mul(3).sum());
    f(randn([4], { requiresGrad: true }));
    expect(f.explain()).toMatch(/square \+ mul \+ sum -> float32 \[\] \(reduced on the way\)\nbackward:\n/);
  });
});

describe("results that require grad", () => {
  test("lead to arguments and to parameters", () => {
    const w = randn([3, 3], { requiresGrad: true });
    const f = (x: Tensor): Tensor => x.matmul(w).tanh();
    const g = compile(f);
    for (let i = 0; i < 3; i++) {
      const x = randn([2, 3], { requiresGrad: true });
      const grads = (h: typeof f): unknown[] => {
        w.grad = x.grad = null;
        h(x.mul(2)).square().sum().backward();
        return [w.grad!.tolist(), x.grad!.tolist()];
      };
      expect(grads(g)).toEqual(grads(f));
    }
  });

  const counter = zeros(1);

  test("notice a parameter that was changed between forward and backward", () => {
    const w = randn([3], { requiresGrad: true });
    const f = compile((x: Tensor) => x.mul(w));
    f(randn(3));
    const y = f(randn(3));
    noGrad(() => w.add_(1));
    expect(() => y.sum().backward()).toThrow(/changed it in place/);
  });

  test("have second derivatives, by a run of the function as it is written", () => {
    let runs = 0;
    const w = tensor([0.5, 2], { requiresGrad: true });
    const plain = (x: Tensor, scale: { by: number }): Tensor[] => (runs++, [x.pow(3).mul(w).mul(scale.by), x.mul(w).sin().sum()]);
    const f = compile(plain);
    const seconds = (h: typeof plain): unknown => {
      const leaf = tensor([2, 3], { requiresGrad: true });
      const [a, b] = h(leaf.mul(1.5), { by: 2 });
      const [dx, dw] = autograd.grad([a!.sum(), b!], [leaf, w], { createGraph: true });
      const again = autograd.grad(dx!.square().sum().add(dw!.sum()), [leaf, w], { createGraph: true });
      return [dx, dw, ...again, ...autograd.grad(again[0]!.sum(), leaf)].map((t) => t!.tolist());
    };
    const expected = seconds(plain);
    expect(seconds(f)).toEqual(expected); // recorded
    runs = 0;
    expect(seconds(f)).toEqual(expected); // replayed
    expect(runs).toBe(1);
  });

  test.each<[string, (x: Tensor) => Tensor, RegExp]>([
    ["draws", (x) => F.dropout(x.pow(2)), /draws random numbers/],
    ["changes in place", (x) => (counter.add_(1), x.pow(2)), /changes tensors in place/],
  ])("have no second derivative where it cannot be run again: it %s", (_, fn, reason) => {
    const f = compile(fn);
    const x = tensor([2, 3], { requiresGrad: true });
    f(x);
    expect(() => f(x).sum().backward({ createGraph: true })).toThrow(reason);
    f(x).sum().backward();
    expect(x.grad).not.toBeNull();
  });

  test("notice an argument that was changed before a second derivative", () => {
    const f = compile((x: Tensor, k: Tensor) => x.pow(2).mul(k));
    const [x, k] = [tensor([2], { requiresGrad: true }), tensor([3])];
    f(x, k);
    const y = f(x, k);
    k.add_(1);
    expect(() => y.sum().backward({ createGraph: true })).toThrow(/changed in place since|changed it in place/);
  });

  test("are parts of vmap, and vmap is a part of them", () => {
    const square = compile((x: Tensor) => x.square().sum());
    const x = randn(4, 3);
    const rows = x.square().sum(1);
    for (let i = 0; i < 2; i++) expect((func.vmap(square)(x) as Tensor).allclose(rows)).toBe(true);
    const mapped = compile((t: Tensor) => func.vmap(func.grad((r: Tensor) => r.pow(3).sum()))(t) as Tensor);
    for (let i = 0; i < 3; i++) expect(mapped(x.add(i)).allclose(x.add(i).square().mul(3))).toBe(true);
    expect(mapped.explain()).toMatch(/^recorded run 1/);
  });
});

describe("what cannot be repeated runs as it is written, with the reason", () => {
  const x = randn(3);
  test.each<[string, (x: Tensor) => unknown, RegExp]>([
    ["a value that is read", (t) => (Number(t.sum().item()) > 0 ? t : t.neg()), /reads the value/],
    ["an asynchronous function", async (t) => t.add(1), /asynchronous/],
    ["a mode that is changed", (t) => (new nn.Dropout().eval(), t), /outside/],
  ])("%s", (_, f, reason) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const compiled = compile(f);
    compiled(x);
    compiled(x);
    expect(compiled.explain()).toMatch(reason);
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([expect.stringMatching(reason)]);
  });

  test("an error of the function is the caller's, and later calls are recorded", () => {
    let fails = true;
    const f = compile((t: Tensor) => {
      if (fails) throw new Error("not yet");
      return t.add(1);
    });
    expect(() => f(x)).toThrow("not yet");
    fails = false;
    f(x);
    expect(equal(f(x), x.add(1))).toBe(true);
    expect(f.explain()).toContain("add");
  });

  test("compile(fn) wants a function", () => {
    expect(() => compile(3 as never)).toThrow(/compile: expected fn to be a function/);
  });
});
