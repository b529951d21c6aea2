/** Kernels at sizes where they work in groups, tiles and parts: what the small samples of the table do not reach. */
import { beforeAll, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { cuda, precompile } from "./cuda.js";
import { openCl } from "./opencl.js";

const F = cg.nn.functional;
const generator = new cg.Generator();
const random = (...shape: number[]): Tensor => cg.randn(...shape, { generator });
const labels = (n: number, classes: number): Tensor => cg.randint(0, classes, [n], { generator });

/** By how much two tensors differ, relative to the larger values: sums are taken in another order. */
function difference(a: Tensor, b: Tensor): number {
  if (a.numel() === 0) return 0;
  const [x, y] = [a.cpu().to("float64"), b.cpu().to("float64")];
  return Number(x.sub(y).abs().amax().item()) / (1 + Number(y.abs().amax().item()));
}

// Each makes its inputs on the CPU and computes from copies of them on the device under test; gradients of all floating inputs count.
const cases: Record<string, { inputs: () => Tensor[]; call: (...x: Tensor[]) => Tensor | Tensor[] }> = {
  "sums over few and many elements": {
    inputs: () => [random(3, 500, 7)],
    call: (x) => [x!.sum(), x!.sum(1), x!.mean([0, 2]), x!.amax(1), x!.logsumexp(1), x!.var(1), x!.norm(3, 1), x!.argmax(1), x!.prod(2)],
  },
  scans: { inputs: () => [random(5, 300)], call: (x) => [x!.cumsum(1), x!.cumsum(0)] },
  "softmax over long lines": { inputs: () => [random(4, 700)], call: (x) => [x!.softmax(1), x!.logSoftmax(1), x!.softmax(0)] },
  "layer norm over long rows": {
    inputs: () => [random(6, 300), random(300), random(300)],
    call: (x, w, b) => F.layerNorm(x!, [300], w!, b!),
  },
  "batch norm": {
    inputs: () => [random(8, 5, 6, 6), random(5), random(5)],
    call: (x, w, b) => F.batchNorm(x!, null, null, w!, b!, true),
  },
  "products beyond one tile": {
    inputs: () => [random(100, 130), random(130, 70), random(70)],
    call: (a, b, c) => [a!.matmul(b!), b!.t().matmul(a!.t()), c!.addmm(a!, b!, { beta: 0.5, alpha: 2 }), F.linear(a!, b!.t(), c!)],
  },
  "products of batches": { inputs: () => [random(3, 1, 20, 30), random(4, 30, 10)], call: (a, b) => a!.matmul(b!) },
  "convolutions with strides, padding, dilation and groups": {
    inputs: () => [random(5, 4, 17, 15), random(6, 2, 3, 3), random(6)],
    call: (x, w, b) => [
      F.conv2d(x!, w!, b!, { stride: [2, 1], padding: [1, 2], groups: 2 }),
      F.conv2d(x!, w!, null, { dilation: 2, padding: 2, groups: 2 }),
    ],
  },
  "pooling with overlapping windows": {
    inputs: () => [random(3, 4, 13, 11)],
    call: (x) => [F.maxPool2d(x!, 3, { stride: 2, padding: 1 }), F.avgPool2d(x!, 3, { stride: 2, padding: 1 })],
  },
  "cross entropy with weights and smoothing": {
    inputs: () => [random(70, 12), labels(70, 12), cg.rand(12, { generator })],
    call: (x, y, w) => F.crossEntropy(x!, y!, { weight: w!.detach(), labelSmoothing: 0.1, ignoreIndex: 3 }),
  },
  "attention beyond one tile": {
    inputs: () => [random(2, 40, 20), random(2, 37, 20), random(2, 37, 24), random(40, 37).gt(-1)],
    call: (q, k, v, seen) => [F.scaledDotProductAttention(q!, k!, v!, { attnMask: seen! })],
  },
  "causal attention": {
    inputs: () => [random(1, 2, 34, 8)],
    call: (x) => F.scaledDotProductAttention(x!, x!, x!, { isCausal: true, scale: 0.5 }),
  },
  "order, running extremes and what a mask keeps": {
    inputs: () => [random(3, 1500), cg.tensor([2, 0, 2])],
    call: (x, rows) => [
      ...[...x!.sort(1, true), ...x!.topk(5, 1), ...x!.kthvalue(700, 1), ...x!.median(1), ...x!.cummax(1)],
      ...[x!.gt(0).nonzero(), x!.maskedSelect(x!.gt(1)), x!.logcumsumexp(1), x!.unfold(1, 5, 3), x!.at(rows!.to("int64"))],
    ],
  },
  "gathering and scattering where indices repeat": {
    inputs: () => [random(9, 40), cg.randint(0, 40, [9, 90], { generator }), random(9, 90), cg.randint(0, 9, [50], { generator })],
    call: (x, i, y, rows) => [x!.gather(1, i!), x!.scatterAdd(1, i!, y!), x!.indexSelect(0, rows!), F.embedding(rows!, x!)],
  },
};

interface Run {
  readonly outs: Tensor[];
  readonly grads: (Tensor | null)[];
}

/** The results of a case and the gradients of the mean of their squares, from copies of the same inputs. */
function run(name: string, device: string): Run {
  generator.manualSeed(5);
  const { inputs, call } = cases[name]!;
  const x = inputs().map((t) => (t.isFloatingPoint() ? t.to(device).detach().clone().requiresGrad_() : t.to(device)));
  const outs = [call(...x)].flat();
  const losses = outs.filter((t) => t.requiresGrad).map((t) => t.mul(t).mean());
  losses.reduce((a, b) => a.add(b)).backward();
  return { outs, grads: x.map((t) => t.grad) };
}

const dtypes = ["float64", "float16", "bfloat16", "int8", "uint8", "int32", "int64", "bool"] as const;

/** Sums, products, copies and comparisons of small numbers in a dtype. */
function arithmetic(dtype: cg.DType, device: string): Tensor[] {
  const x = cg.arange(-3, 9).to(dtype).to(device);
  return [x.add(x), x.to("float32").mul(2), x.reshape(3, 4).t().contiguous(), x.gt(1)];
}

/** What halves compute in float32 and round once: sums, softmax, norms, products and losses, with gradients. */
function halves(dtype: cg.DType, device: string): Tensor[] {
  const x = random(6, 5).to(dtype).to(device).requiresGrad_();
  const outs = [
    ...[x.sum(1), x.softmax(1), F.layerNorm(x, [5]), x.matmul(x.t())],
    F.crossEntropy(x, cg.tensor([0, 4, 2, 1, 3, 2], { dtype: "int64", device })),
  ];
  const losses = outs.map((t) => t.to("float32").square().mean());
  losses.reduce((a, b) => a.add(b)).backward();
  return [
    ...outs.map((t) => t.detach()),
    x.grad!,
    x.detach().indexAdd_(0, cg.tensor([1, 1], { dtype: "int64", device }), x.detach().at(":2")),
  ];
}

/**
 * Arithmetic, products and copies of complex numbers in several layouts, with gradients; `all`: the functions too, of which a compiler of
 * OpenCL needs half a second each.
 */
function complexNumbers(dtype: "complex64" | "complex128", device: string, all: boolean): Tensor[] {
  const part = dtype === "complex64" ? "float32" : "float64";
  const make = (...shape: number[]): Tensor => cg.complex(random(...shape).to(part), random(...shape).to(part)).to(device);
  const [z, w] = [make(5, 4).requiresGrad_(), make(5, 4).requiresGrad_()];
  const outs = [z.mul(w.at(0)), z.t().add(w.t()), z.sub(2), z.matmul(w.t()), z.unsqueeze(0).expand(3, 5, 4).matmul(w.t()), z.exp()];
  if (all)
    outs.push(
      ...[z.div(w), z.add(cg.ones(4, { device })), z.addcmul(z, w, { value: 0.5 }), z.addcdiv(z, w), cg.where(z.real.gt(0), z, w)],
      ...[z.log(), z.sqrt(), z.sin(), z.cos(), z.tan(), z.sinh(), z.cosh(), z.tanh(), z.sigmoid(), z.square(), z.reciprocal(), z.neg()],
      ...[z.pow(2), z.pow(w), z.rsqrt(), z.log1p(), z.expm1(), z.log2(), z.log10(), z.sgn(), z.lerp(w, 0.3), z.t().mul(w.t().conj())],
    );
  outs
    .map((t) => t.abs().square().mean())
    .reduce((a, b) => a.add(b))
    .backward();
  const x = z.detach();
  const copies = [
    x.to("complex128"),
    x.to("complex64").t().contiguous(),
    random(5).to(device).to(dtype),
    cg.full([3], 2, { dtype, device }),
  ];
  const truths = [x.eq(x), x.ne(w.detach()), x.isnan(), x.isinf(), x.isfinite(), x.logicalNot(), x.logicalAnd(w.detach())];
  const others = [x.clone().mul_(w.detach()), x.real.to(dtype), ...(all ? truths : [])];
  return [...outs.map((t) => t.detach()), z.grad!, w.grad!, ...copies, ...others];
}

beforeAll(() => {
  precompile((device) => {
    for (const dtype of ["complex64", "complex128"] as const) complexNumbers(dtype, device, true);
    for (const name of Object.keys(cases)) run(name, device);
    for (const dtype of dtypes) arithmetic(dtype, device);
    for (const dtype of ["float16", "bfloat16"] as const) halves(dtype, device);
  });
});

describe.each(openCl === null ? [cuda] : [openCl, cuda])("on %s gives the CPU's values and gradients for", (device) => {
  it.each(Object.keys(cases))("%s", (name) => {
    const [wanted, got] = [run(name, "cpu"), run(name, device)];
    got.outs.forEach((t, i) => expect(difference(t.detach(), wanted.outs[i]!.detach())).toBeLessThan(2e-5));
    got.grads.forEach((t, i) => {
      if (t !== null) expect(difference(t, wanted.grads[i]!)).toBeLessThan(2e-5);
    });
  });

  it("random numbers, bit by bit", () => {
    const draws = (on: string): Tensor[] =>
      cg.withDevice(on, () => {
        cg.manualSeed(11);
        const x = cg.rand(1001);
        return [x, cg.randint(-5, 90, [1001]), F.dropout(cg.ones(1001), 0.3), cg.zeros(1001).bernoulli_(0.4), x.bernoulli()];
      });
    const [wanted, got] = [draws("cpu"), draws(device)];
    got.forEach((t, i) => expect(t.toTypedArray()).toEqual(wanted[i]!.toTypedArray()));
  });

  it("samples, draw by draw", () => {
    generator.manualSeed(9);
    const [weights, rates] = [random(3, 40).abs().mul(random(3, 40).gt(-1)), cg.tensor([0, 0.5, 3, 9.5, 11, 80, 1e4])];
    const draws = (on: string): Tensor[] => {
      cg.manualSeed(12);
      const [w, r] = [weights.to(on), rates.to(on).expand(20, 7)];
      return [w.multinomial(50, true), w.multinomial(9), w.at(0).multinomial(1), w.to("float16").multinomial(4), cg.poisson(r)];
    };
    cg.setFallback(false);
    try {
      const wanted = draws("cpu");
      draws(device).forEach((t, i) => expect(t.tolist()).toEqual(wanted[i]!.tolist()));
    } finally {
      cg.setFallback(true);
    }
  });

  it("tensors of other dtypes", () => {
    for (const dtype of dtypes) {
      const wanted = arithmetic(dtype, "cpu");
      arithmetic(dtype, device).forEach((t, i) => expect(t.toTypedArray()).toEqual(wanted[i]!.toTypedArray()));
    }
  });

  it.each(["float16", "bfloat16"] as const)("%s, computed in float32 without the CPU", (dtype) => {
    generator.manualSeed(6);
    const wanted = halves(dtype, "cpu");
    generator.manualSeed(6);
    cg.setFallback(false);
    try {
      // A sum taken in another order may round to the neighbour: 2^-8 of it in bfloat16.
      halves(dtype, device).forEach((t, i) => expect(difference(t, wanted[i]!)).toBeLessThan(dtype === "float16" ? 2e-3 : 1e-2));
    } finally {
      cg.setFallback(true);
    }
  });

  it.each(["complex64", "complex128"] as const)("%s, without the CPU", (dtype) => {
    const values = (on: string): Tensor[] => {
      generator.manualSeed(7);
      return complexNumbers(dtype, on, device === cuda).map((t) => t.cpu());
    };
    cg.setFallback(false);
    try {
      const [host, there] = [values("cpu"), values(device)];
      expect(there.map((t) => t.dtype)).toEqual(host.map((t) => t.dtype));
      there.forEach((t, i) => {
        const [x, y] = [t, host[i]!].map((each) => (each.isComplex() ? cg.viewAsReal(each) : each)) as [Tensor, Tensor];
        expect(difference(x, y)).toBeLessThan(dtype === "complex64" ? 2e-5 : 1e-12);
      });
    } finally {
      cg.setFallback(true);
    }
  });

  it("in-place changes of views, which may not overlap in part", () => {
    const change = (t: Tensor): number[] => {
      t.at(":", "1:3").mul_(10);
      t.at("1:", "::2").add_(t.at(":-1", "::2"));
      expect(() => t.at("1:").add_(t.at(":-1"))).toThrow(cg.ValueError);
      expect(() => t.at(0).expand(2, 4).mul_(2)).toThrow(cg.ValueError);
      t.t().fill_(cg.tensor(2)).at(0).zero_();
      return t.elements().map(Number);
    };
    expect(change(cg.arange(12).reshape(3, 4).to(device).clone())).toEqual(change(cg.arange(12).reshape(3, 4).clone()));
  });

  it("optimizers", () => {
    const make: ((p: Tensor[]) => { step(): void })[] = [
      (p) => new cg.optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
      (p) => new cg.optim.Adam(p, { lr: 0.1, amsgrad: true, weightDecay: 0.01 }),
      (p) => new cg.optim.AdamW(p, { lr: 0.1 }),
    ];
    const start = random(40, 3);
    for (const optimizer of make) {
      const trained = (on: string): Tensor => {
        const p = start.to(on).clone().requiresGrad_();
        const steps = optimizer([p]);
        for (let i = 0; i < 3; i++) {
          p.grad = p.detach().mul(0.5);
          steps.step();
        }
        return p.detach();
      };
      expect(difference(trained(device), trained("cpu"))).toBeLessThan(1e-6);
    }
  });

  it("a wrong index, at the next call that waits", () => {
    const x = cg.zeros(3, { device: device });
    const wrong = cg.tensor([1, 7]).to("int64").to(device);
    expect(() => x.gather(0, wrong).tolist()).toThrow(cg.IndexError);
    expect(x.gather(0, wrong.clamp(0, 2)).tolist()).toEqual([0, 0]);
  });
});
