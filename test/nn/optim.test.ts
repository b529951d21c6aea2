/** Compares optimizers and schedules with PyTorch's, step by step, from golden.json; their state, printed forms and errors. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { optim, type Tensor } from "../../src/index.js";

interface Steps {
  readonly name: "SGD" | "Adam" | "AdamW" | "RMSprop" | "Adagrad";
  readonly options: Record<string, unknown>;
  readonly values: number[][];
  readonly state: Record<string, number | number[]>[];
}
interface Rates {
  readonly name: "StepLR" | "MultiStepLR" | "ExponentialLR" | "CosineAnnealingLR" | "LambdaLR" | "LinearLR" | "ConstantLR" | "PolynomialLR";
  readonly options: object;
  readonly rates: number[][];
}
const { torch, optimizers, schedules } = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as {
  torch: string;
  optimizers: Steps[];
  schedules: Rates[];
};

const optimizersByName = { SGD: optim.SGD, Adam: optim.Adam, AdamW: optim.AdamW, RMSprop: optim.RMSprop, Adagrad: optim.Adagrad };
const parameter = (): Tensor => cg.zeros(1, { requiresGrad: true });

// float64 on both sides: what differs is the order of a few operations.
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
}

describe(`optimizers agree with PyTorch ${torch}`, () => {
  it.each(optimizers.map((one) => [`${one.name}(${JSON.stringify(one.options)})`, one] as const))("%s", (_, one) => {
    const params = [2, 3, 4].map((n) =>
      cg
        .arange(1, n + 1, { dtype: "float64" })
        .div(4)
        .requiresGrad_(),
    );
    const optimizer = new optimizersByName[one.name]([{ params: params.slice(0, 2) }, { params: params[2]!, lr: 0.2 }], one.options);
    for (let step = 0; step < 5; step++) {
      optimizer.zeroGrad();
      const terms = params.filter((__, i) => i < 2 || step > 0).map((p, i) => p.mul(i + 1).sin().sum()); // prettier-ignore
      terms.reduce((a, b) => a.add(b)).backward();
      optimizer.step();
    }
    params.forEach((p, i) => expectClose(p.tolist() as number[], one.values[i]!));
    const { state } = optimizer.stateDict();
    one.state.forEach((expected, i) => {
      const own = state[i] ?? {};
      expect(Object.keys(own).toSorted()).toEqual(Object.keys(expected).toSorted());
      for (const [key, value] of Object.entries(own)) {
        if (key === "step") expect((value as Tensor).item(), key).toBe(expected[key]);
        else expectClose((value as Tensor).tolist() as number[], expected[key] as number[]);
      }
    });
  });
});

describe("optimizers", () => {
  it("return the loss of a closure", () => {
    const p = parameter();
    const optimizer = new optim.SGD([p], { lr: 0.5 });
    const loss = optimizer.step(() => {
      const value = p.sub(1).square().sum();
      value.backward();
      return value;
    });
    expect([Number((loss as Tensor).item()), p.tolist()]).toEqual([1, [1]]);
  });

  it("zero gradients in place when asked to keep them", () => {
    const p = parameter();
    p.square().add(p).sum().backward();
    const { grad } = p;
    new optim.SGD([p]).zeroGrad({ setToNone: false });
    expect([p.grad === grad, p.grad!.tolist()]).toEqual([true, [0]]);
  });

  it("print their groups as PyTorch does", () => {
    const text = String(new optim.SGD([{ params: [parameter()] }, { params: [parameter(), parameter()], lr: 0.5 }], { momentum: 0.9 }));
    const group = (lr: number): string =>
      `    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n    lr: ${lr}\n    maximize: False\n    momentum: 0.9\n    nesterov: False\n    weight_decay: 0\n`;
    expect(text).toBe(`SGD (\nParameter Group 0\n${group(0.001)}\nParameter Group 1\n${group(0.5)})`);
  });

  it("write their state under PyTorch's keys, and go on from it, in a file, too", () => {
    const make = (): { p: Tensor; optimizer: optim.Adam } => {
      const p = cg.ones(2, { requiresGrad: true });
      return { p, optimizer: new optim.Adam([p], { amsgrad: true, weightDecay: 0.5 }) };
    };
    const step = ({ p, optimizer }: ReturnType<typeof make>): unknown => {
      optimizer.zeroGrad();
      p.square().sum().backward();
      optimizer.step();
      return p.tolist();
    };
    const one = make();
    step(one);
    const saved = one.optimizer.stateDict();
    expect(Object.keys(saved)).toEqual(["state", "param_groups"]);
    expect(Object.keys(saved.state[0]!)).toEqual(["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]);
    expect(String(saved.state[0]!["step"])).toBe("tensor(1.)");
    expect(saved.param_groups).toEqual([
      {
        lr: 0.001, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.5, amsgrad: true, maximize: false, foreach: null, capturable: false,
        differentiable: false, fused: null, decoupled_weight_decay: false, params: [0],
      },
    ]); // prettier-ignore
    const path = join(mkdtempSync(join(tmpdir(), "cellgrad-optim-")), "state.pt");
    cg.save(saved, path);
    // protocol 2: the key 0 of the state is the integer that PyTorch looks for, not the text "0"
    expect(readFileSync(path).includes("state}(J\0\0\0\0}(X")).toBe(true);
    const other = make();
    cg.noGrad(() => other.p.copy_(one.p));
    other.optimizer.loadStateDict(cg.load(path) as optim.OptimizerState);
    expect(step(other)).toEqual(step(one));
  });

  it.each([
    ["one tensor", () => new optim.SGD(parameter() as never), /SGD: expected params to be a list.*model\.parameters\(\)/s],
    ["what is no tensor", () => new optim.SGD([{ params: [1 as never] }]), /SGD: expected params to be Tensors, got 1/],
    ["the result of an op", () => new optim.SGD([parameter().mul(2)]), /leaf tensors/],
    ["a parameter in two groups", () => { const p = parameter(); return new optim.SGD([{ params: p }, { params: p }]); }, /each parameter once/],
    ["Nesterov without momentum", () => new optim.SGD([parameter()], { nesterov: true }), /SGD: expected nesterov.*momentum 0, dampening 0/],
    ["one beta", () => new optim.Adam([parameter()], { betas: [0.9] as never }), /Adam: expected betas to be two numbers/],
    ["what is no state", () => new optim.SGD([parameter()]).loadStateDict({} as never), /an object of state and param_groups/],
    ["a step to differentiate", () => new optim.SGD([parameter()], { differentiable: true } as never), /expected differentiable to be false/],
    ["another optimizer's state", () => new optim.SGD([parameter()]).loadStateDict(new optim.SGD([parameter(), parameter()]).stateDict()), /the groups of this optimizer/],
  ])("refuse %s", (_, make, message) => {
    expect(make).toThrow(cg.ValueError);
    expect(make).toThrow(message);
  }); // prettier-ignore
});

const lambda = (epoch: number): number => 1 / (1 + epoch);

function scheduled({ name, options }: Rates, lr = 1): { optimizer: optim.SGD; schedule: optim.lrScheduler.LRScheduler } {
  const optimizer = new optim.SGD([{ params: [parameter()] }, { params: [parameter()], lr: lr / 2 }], { lr });
  const Schedule = optim.lrScheduler[name] as new (...args: unknown[]) => optim.lrScheduler.LRScheduler;
  return { optimizer, schedule: new Schedule(optimizer, name === "LambdaLR" ? lambda : options) };
}

describe(`schedules agree with PyTorch ${torch}`, () => {
  const named = schedules.map((one) => [`${one.name}(${JSON.stringify(one.options)})`, one] as const);

  it.each(named)("%s", (_, one) => {
    const { optimizer, schedule } = scheduled(one);
    for (const [epoch, rates] of one.rates.entries()) {
      expectClose(schedule.getLastLr(), rates);
      expect([schedule.lastEpoch, optimizer.paramGroups.map(({ lr }) => lr)]).toEqual([epoch, schedule.getLastLr()]);
      schedule.step();
    }
  });

  it("state dicts have PyTorch's keys", () => {
    const optimizer = new optim.SGD([parameter()], { lr: 1 });
    const common = { base_lrs: [1], last_epoch: 0, _step_count: 1, _is_initial: false, _get_lr_called_within_step: false, _last_lr: [1] };
    const { lrScheduler } = optim;
    expect(new lrScheduler.StepLR(optimizer, 2).stateDict()).toEqual({ ...common, step_size: 2, gamma: 0.1 });
    expect(new lrScheduler.CosineAnnealingLR(optimizer, 5).stateDict()).toEqual({ ...common, T_max: 5, eta_min: 0 });
    expect(new lrScheduler.MultiStepLR(optimizer, [1, 3, 3]).stateDict()).toEqual({ ...common, milestones: { 1: 1, 3: 2 }, gamma: 0.1 });
    expect(new lrScheduler.LambdaLR(optimizer, () => 1).stateDict()).toEqual({ ...common, lr_lambdas: [null] });
  });

  it.each(named)("%s goes on from its state dict, whatever rate the optimizer began with", (_, one) => {
    const { schedule } = scheduled(one);
    for (let i = 0; i < 5; i++) schedule.step();
    const resumed = scheduled(one, 8).schedule;
    resumed.loadStateDict(schedule.stateDict());
    for (const rates of one.rates.slice(5)) {
      expectClose(resumed.getLastLr(), rates);
      resumed.step();
    }
  });
});

describe("schedules", () => {
  const { lrScheduler } = optim;
  it.each([
    ["what is no optimizer", () => new lrScheduler.StepLR({} as never, 2), /StepLR: expected optimizer to be an Optimizer/],
    ["steps of no epoch", () => new lrScheduler.StepLR(new optim.SGD([parameter()]), 0), /StepLR: expected stepSize to be at least 1/],
    ["half a cosine of no epoch", () => new lrScheduler.CosineAnnealingLR(new optim.SGD([parameter()]), 0), /expected TMax to be at least 1/],
    ["a warm-up from nothing", () => new lrScheduler.LinearLR(new optim.SGD([parameter()]), 0), /expected startFactor to be in \(0, 1\]/],
    ["a growing constant", () => new lrScheduler.ConstantLR(new optim.SGD([parameter()]), { factor: 2 }), /expected factor to be in \[0, 1\]/],
    ["a number for a function", () => new lrScheduler.LambdaLR(new optim.SGD([parameter()]), 0.5 as never), /LambdaLR: expected lrLambda to be a function/],
  ])("refuse %s", (_, make, message) => {
    expect(make).toThrow(cg.ValueError);
    expect(make).toThrow(message);
  }); // prettier-ignore
});
