/** Modules as functions of their parameters, and ensembles of them. */
import { expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const { func, nn } = cg;
const F = nn.functional;
const net = (): cg.nn.Sequential => new nn.Sequential(new nn.Linear(4, 5), new nn.BatchNorm1d(5), new nn.Tanh(), new nn.Linear(5, 3));
const close = (a: Tensor, b: Tensor): void => expect(a.allclose(b, 1e-4, 1e-6)).toBe(true);

it("calls a module with other tensors, and leaves it as it was", () => {
  const model = new nn.Linear(2, 1);
  const weight = cg.tensor([[2, 3]]);
  const before = model.weight;
  const bias = cg.tensor([1], { requiresGrad: true });
  const out = func.functionalCall(model, [{ weight }, { bias }], cg.tensor([[1, 1]]));
  expect(out.tolist()).toEqual([[6]]);
  expect(model.weight).toBe(before);
  out.backward();
  expect(bias.grad!.tolist()).toEqual([1]);
  expect(model.weight.grad).toBeNull();
  expect(() => func.functionalCall(model, { weights: weight }, [])).toThrow(/functionalCall: expected state to be keys of the module/);
  expect(() => func.functionalCall(model, { weight }, cg.ones(1, 2), { strict: true })).toThrow(/none for bias/);
  expect(() => func.functionalCall(model, { weight: cg.ones(3, 3) }, cg.ones(1, 2))).toThrow(/linear/);
  expect(model.weight).toBe(before);
});

it("replaces what is tied under all its keys", () => {
  class Tied extends nn.Module {
    a = new nn.Linear(2, 2, { bias: false });
    b = new nn.Linear(2, 2, { bias: false });
    constructor() {
      super();
      this.b.weight = this.a.weight;
    }
    forward(x: Tensor): Tensor {
      return this.b.forward(this.a.forward(x));
    }
  }
  const [model, twice] = [new Tied(), cg.eye(2).mul(2)];
  expect(func.functionalCall(model, { "a.weight": twice }, cg.ones(1, 2)).tolist()).toEqual([[4, 4]]);
  const own = func.functionalCall(model, { "a.weight": twice }, cg.ones(1, 2), { tieWeights: false });
  close(own, cg.ones(1, 2).mul(2).matmul(model.b.weight.t()));
});

it("gives the gradients of each example by key", () => {
  cg.manualSeed(0);
  const model = net().eval();
  const params = Object.fromEntries(model.namedParameters());
  const [x, y] = [cg.randn(6, 4), cg.randint(0, 3, [6])];
  const loss = (p: typeof params, one: Tensor, target: Tensor): Tensor =>
    F.crossEntropy(func.functionalCall(model, p, [one.unsqueeze(0)]), target.unsqueeze(0));
  const each = func.vmap(func.grad(loss), [null, 0, 0])(params, x, y) as unknown as typeof params;
  F.crossEntropy(model.forward(x), y).backward();
  for (const [key, p] of model.namedParameters()) {
    expect(each[key]!.shape).toEqual([6, ...p.shape]);
    close(each[key]!.mean(0), p.grad!);
  }
});

it("runs an ensemble at once, each with its own running statistics", () => {
  cg.manualSeed(1);
  const models = [net(), net(), net()];
  const [params, buffers] = func.stackModuleState(models);
  expect(params["0.weight"]!.requiresGrad).toBe(true);
  const x = cg.randn(8, 4);
  const run = (p: typeof params, b: typeof buffers): Tensor => func.functionalCall(models[0]!, [p, b], [x]);
  const all = func.vmap(run)(params as never, buffers as never) as Tensor;
  models.forEach((model, i) => {
    close(all.at(i), model.forward(x));
    close(buffers["1.running_mean"]!.at(i), model.getSubmodule("1").stateDict()["running_mean"]!);
  });
  expect(() => func.vmap((one: Tensor) => models[0]!.forward(one))(cg.randn(2, 8, 4))).toThrow(
    /batchNorm: expected runningMean to be a batched/,
  );
});
