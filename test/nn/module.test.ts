/** Modules in depth: registration, conversion, hooks of many tensors, containers, starting values, gradient clipping, and what each refuses. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { nn, type Tensor } from "../../src/index.js";

const { init, utils } = nn;

/** Two outputs from two inputs, a list. */
class Pair extends nn.Module {
  forward(x: Tensor, y: Tensor, label = "none"): [Tensor, Tensor, string] {
    return [x.mul(2), y.mul(3), label];
  }
}

/** One weight under two names. */
class Tied extends nn.Module {
  first = new nn.Linear(2, 2);
  second = new nn.Linear(2, 2, false);
  constructor() {
    super();
    this.second.weight = this.first.weight;
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}

describe("registration", () => {
  it("takes any name without a dot", () => {
    const module = new Pair();
    module.registerParameter("a weight", new nn.Parameter(cg.ones(2)));
    module.registerModule("1", new nn.ReLU());
    module.addModule("0", new nn.Tanh());
    module.registerBuffer("kept", cg.zeros(1));
    module.registerBuffer("passing", cg.zeros(1), false);
    module.registerBuffer("absent", null);
    expect(Object.keys(module.stateDict())).toEqual(["a weight", "kept"]);
    expect(module.namedBuffers().map(([name]) => name)).toEqual(["kept", "passing"]);
    expect(module.buffers()).toHaveLength(2);
    expect([...module.namedChildren()].map(([name]) => name).toSorted()).toEqual(["0", "1"]);
    for (const name of ["", "a.b", 3 as never]) {
      expect(() => module.registerBuffer(name, null)).toThrow(/registerBuffer: expected name to be a non-empty string without "\."/);
    }
  });

  it("finds modules and parameters by their paths", () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Sequential(new nn.Tanh()));
    expect(model.getSubmodule("")).toBe(model);
    expect(model.getSubmodule("1.0")).toBeInstanceOf(nn.Tanh);
    expect(model.getParameter("0.bias")).toBe(model.at<nn.Linear>(0).bias);
    expect(() => model.getSubmodule("1.1")).toThrow(/getSubmodule: expected path to be the path of a module, got "1\.1"/);
    expect(() => model.getParameter("0.gain")).toThrow(/getParameter: expected key to be the key of a parameter, got "0\.gain"/);
  });

  it("counts what is shared once", () => {
    const model = new Tied();
    const walked = model.parameters();
    expect(model.parameters().every((parameter) => walked.next().value === parameter)).toBe(true);
    expect(walked.next().done).toBe(true);
    expect(model.namedParameters().map(([name]) => name)).toEqual(["first.weight", "first.bias"]);
    expect(Object.keys(model.stateDict())).toEqual(["first.weight", "first.bias", "second.weight"]);
    expect([...model.parameters(false)]).toEqual([]);
  });

  it("applies a function to children first", () => {
    const seen: string[] = [];
    new nn.Sequential(new nn.Sequential(new nn.Tanh()), new nn.ReLU()).apply((module) => seen.push(module.constructor.name));
    expect(seen).toEqual(["Tanh", "Sequential", "ReLU", "Sequential"]);
  });
});

describe("conversion", () => {
  it("takes parameters, their gradients and floating buffers along, and leaves integers", () => {
    const layer = new nn.BatchNorm1d(2);
    layer.forward(cg.randn(3, 2)).sum().backward();
    layer.weight!.requiresGrad_(false);
    layer.double();
    const { weight, bias } = layer;
    expect([weight!.dtype, weight!.grad!.dtype, weight!.requiresGrad, bias!.requiresGrad]).toEqual(["float64", "float64", false, true]);
    expect([layer.running_mean!.dtype, layer.num_batches_tracked!.dtype]).toEqual(["float64", "int64"]);
    expect(layer.float().cpu().bias!.dtype).toBe("float32");
    expect(layer.to({ dtype: "float16", device: "cpu" }).running_var!.dtype).toBe("float16");
  });

  it("keeps parameters where nothing changes", () => {
    const layer = new nn.Linear(2, 2);
    const { weight } = layer;
    expect(layer.to("float32").weight).toBe(weight);
  });

  it("keeps shared parameters shared", () => {
    const model = new Tied().double();
    expect(model.second.weight).toBe(model.first.weight);
    expect(model.first.weight.dtype).toBe("float64");
  });

  it("refuses dtypes without gradients, before anything changes", () => {
    const layer = new nn.Linear(2, 2);
    for (const target of ["int64", { dtype: "bool" }] as const) {
      expect(() => layer.to(target)).toThrow(cg.ValueError);
      expect(() => layer.to(target)).toThrow(/Module\.to: expected dtype to be a floating point or complex dtype/);
    }
    expect(() => layer.to("float33" as never)).toThrow(cg.CellgradError);
    expect(layer.weight.dtype).toBe("float32");
  });

  it("of a state dict goes by plain tensors of the right kind", () => {
    const layer = new nn.Linear(2, 2);
    const state = { weight: [1, 2] as never, bias: cg.zeros(2) };
    expect(() => layer.loadStateDict(state)).toThrow(/loadStateDict: expected weight to be a Tensor/);
  });
});

describe("gradients of a module", () => {
  it("are dropped, or zeroed in place", () => {
    const layer = new nn.Linear(2, 1);
    const run = (): void => void layer.forward(cg.ones(1, 2)).sum().backward();
    run();
    const { grad } = layer.weight;
    layer.zeroGrad(false);
    expect([layer.weight.grad === grad, grad!.tolist()]).toEqual([true, [[0, 0]]]);
    layer.zeroGrad();
    expect(layer.weight.grad).toBeNull();
    layer.requiresGrad_(false);
    expect(layer.forward(cg.ones(1, 2)).requiresGrad).toBe(false);
  });

  it("are clipped to a norm, as torch clips", () => {
    const [a, b] = [cg.zeros(2, { requiresGrad: true }), cg.zeros(1, { requiresGrad: true })];
    const unused = cg.zeros(3, { requiresGrad: true });
    const fill = (): void => {
      a.grad = cg.tensor([3, 0]);
      b.grad = cg.tensor([-4]);
    };
    fill();
    expect(Number(utils.clipGradNorm_([a, b, unused], 1).item())).toBe(5);
    // torch 2.15: 1 / (5 + 1e-6) times the gradients.
    expect((a.grad!.tolist() as number[])[0]).toBeCloseTo(0.6, 6);
    expect((b.grad!.tolist() as number[])[0]).toBeCloseTo(-0.8, 6);
    fill();
    expect(Number(utils.clipGradNorm_([a, b], 10, Infinity).item())).toBe(4);
    expect([a.grad!.tolist(), b.grad!.tolist()]).toEqual([[3, 0], [-4]]);
    expect(utils.clipGradNorm_(unused, 1).item()).toBe(0);
    b.grad = cg.tensor([Infinity]);
    expect(() => utils.clipGradNorm_([a, b], 1, { errorIfNonfinite: true })).toThrow(/clipGradNorm_: expected a finite norm/);
    utils.clipGradValue_([a, b, unused], 2);
    expect([a.grad!.tolist(), b.grad!.tolist()]).toEqual([[2, 0], [2]]);
  });

  it("and values go through one vector and back", () => {
    const [from, to] = [new nn.Linear(3, 2), new nn.Linear(3, 2)];
    const vector = utils.parametersToVector(from.parameters());
    expect(vector.shape).toEqual([8]);
    utils.vectorToParameters(vector, to.parameters());
    expect([to.weight.equal(from.weight), to.bias!.equal(from.bias!)]).toEqual([true, true]);
  });
});

describe("hooks", () => {
  it("before forward replace its arguments", () => {
    const module = new Pair();
    const hook = module.registerForwardPreHook((_, [x, y]) => [y, x, "swapped"]);
    const [x, y, label] = module.forward(cg.tensor([1]), cg.tensor([10]));
    expect([x.item(), y.item(), label]).toEqual([20, 3, "swapped"]);
    hook.remove();
    expect(module.forward(cg.tensor([1]), cg.tensor([10]))[2]).toBe("none");
  });

  it("see the gradients of all inputs and outputs, and replace the former", () => {
    const module = new Pair();
    const seen: unknown[] = [];
    module.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(gradInput.map((g) => g!.tolist()), gradOutput.map((g) => g!.tolist())); // prettier-ignore
      return gradInput.map((g) => g!.neg());
    });
    const [x, y] = [cg.ones(1, { requiresGrad: true }), cg.ones(1, { requiresGrad: true })];
    const [a, b, label] = module.forward(x, y, "kept");
    a.add(b.mul(10)).sum().backward();
    expect(seen).toEqual([[[2], [30]], [[1], [10]]]); // prettier-ignore
    expect([x.grad!.tolist(), y.grad!.tolist(), label]).toEqual([[-2], [-30], "kept"]);
  });

  it("are functions", () => {
    expect(() => new Pair().registerForwardHook(3 as never)).toThrow(/registerHook: expected hook to be a function, got 3/);
  });
});

describe("containers", () => {
  it("take modules by position, as a list or by name", () => {
    const keys = (model: nn.Module): string[] => [...model.namedChildren()].map(([name]) => name);
    expect(keys(new nn.Sequential([new nn.ReLU(), new nn.Tanh()] as never))).toEqual(["0", "1"]);
    expect(keys(new nn.Sequential({ body: new nn.ReLU(), head: new nn.Tanh() }))).toEqual(["body", "head"]);
    const list = new nn.ModuleList([new nn.ReLU()]).append(new nn.Tanh()).extend([new nn.Sigmoid()]);
    expect([list.length, ...[...list].map(String)]).toEqual([3, "ReLU()", "Tanh()", "Sigmoid()"]);
    const dict = new nn.ModuleDict({ a: new nn.ReLU() });
    expect([dict.keys(), String(dict.get("a"))]).toEqual([["a"], "ReLU()"]);
  });

  it("print equal neighbours of a list once, as torch prints them", () => {
    const list = new nn.ModuleList([new nn.ReLU(), new nn.ReLU(), new nn.Tanh(), new nn.ReLU()]);
    expect(String(list)).toBe("ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n  (3): ReLU()\n)");
    expect(String(new nn.ModuleList())).toBe("ModuleList()");
  });

  it.each([
    ["a place that is not there", () => new nn.Sequential(new nn.ReLU()).at(1), cg.IndexError, /Sequential\.at: expected index to be in the range \[-1, 0\], got 1/],
    ["what is no module", () => new nn.Sequential(3 as never), cg.ValueError, /Sequential: expected module to be a Module, got 3/],
    ["what is no module in a list", () => new nn.ModuleList([null as never]), cg.ValueError, /ModuleList\.append: expected module to be a Module, got null/],
    ["an unknown name", () => new nn.ModuleDict({ a: new nn.ReLU() }).get("b"), cg.ValueError, /path of a module, got "b"/],
    ["a call of a list", () => new nn.ModuleList().forward(), cg.ValueError, /ModuleList\.forward: expected a call of one of its modules/],
    ["a call of a dict", () => new nn.ModuleDict().forward(), cg.ValueError, /ModuleDict\.forward: expected a call of one of its modules/],
  ])("refuse %s", (_, call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  }); // prettier-ignore
});

describe("starting values", () => {
  it("fill in place, without a graph", () => {
    const weight = new nn.Parameter(cg.empty(2, 3));
    expect(init.ones_(weight).tolist()).toEqual([[1, 1, 1], [1, 1, 1]]); // prettier-ignore
    expect(init.zeros_(weight).sum().item()).toBe(0);
    expect(init.eye_(weight).tolist()).toEqual([[1, 0, 0], [0, 1, 0]]); // prettier-ignore
    expect([weight.isLeaf, weight.requiresGrad]).toEqual([true, true]);
  });

  // Bounds by the papers' formulas for [out 8, in 4, 3 x 3]: fan in 36, fan out 72; the draws fill the range.
  it.each<[string, (t: Tensor) => Tensor, number]>([
    ["xavierUniform_", (t) => init.xavierUniform_(t, 2), 2 * Math.sqrt(6 / 108)],
    ["kaimingUniform_", (t) => init.kaimingUniform_(t, { mode: "fan_out", nonlinearity: "relu" }), Math.sqrt(6 / 72)],
    ["xavierUniform_ by options", (t) => init.xavierUniform_(t, { gain: 3 }), 3 * Math.sqrt(6 / 108)],
    ["kaimingUniform_ by position", (t) => init.kaimingUniform_(t, 1, "fan_out"), Math.sqrt(3 / 72)],
    ["kaimingUniform_ of tanh", (t) => init.kaimingUniform_(t, { nonlinearity: "tanh" }), (5 / 3) * Math.sqrt(3 / 36)],
    ["kaimingUniform_ of selu", (t) => init.kaimingUniform_(t, { nonlinearity: "selu" }), 0.75 * Math.sqrt(3 / 36)],
    ["kaimingUniform_ of sigmoid", (t) => init.kaimingUniform_(t, { nonlinearity: "sigmoid" }), Math.sqrt(3 / 36)],
  ])("%s stays within its bound, and uses it", (_, fill, bound) => {
    cg.manualSeed(1);
    const largest = Number(
      fill(cg.empty(8, 4, 3, 3))
        .abs()
        .max()
        .item(),
    );
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.97 * bound);
  });

  it.each<[string, (t: Tensor) => Tensor, number]>([
    ["xavierNormal_", (t) => init.xavierNormal_(t), Math.sqrt(2 / 300)],
    ["kaimingNormal_", (t) => init.kaimingNormal_(t, { a: 1 }), Math.sqrt(1 / 200)],
  ])("%s has its deviation", (_, fill, std) => {
    cg.manualSeed(1);
    // 20 000 draws: the deviation is known to 0.5 %; four times that.
    expect(Number(fill(cg.empty(100, 200)).std().item()) / std).toBeCloseTo(1, 1.69);
  });

  it.each([
    ["an identity of one dim", () => init.eye_(cg.empty(3)), cg.ShapeError, /eye_: expected tensor to be 2-d, got \[3\]/],
    ["a fan of one dim", () => init.xavierUniform_(cg.empty(3)), cg.ShapeError, /xavierUniform_: expected tensor to be at least 2 dims/],
    ["the gain of what it does not know", () => init.calculateGain("swish" as never), cg.ValueError, /calculateGain: expected nonlinearity.*got "swish"/],
    ["a parameter of numbers", () => new nn.Parameter([1] as never), cg.ValueError, /Parameter: expected data to be a Tensor/],
  ])("refuse %s", (_, call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  }); // prettier-ignore
});

describe("layers", () => {
  it.each([
    ["groups that do not divide", () => new nn.Conv2d(3, 4, 3, { groups: 2 }), cg.ValueError, /Conv2d: expected groups to be a divisor of 3 and 4, got 2/],
    ["no features", () => new nn.BatchNorm1d(0), cg.ValueError, /BatchNorm1d: expected numFeatures to be at least 1, got 0/],
    ["images for rows", () => new nn.BatchNorm1d(2).forward(cg.ones(1, 2, 3, 3)), cg.ShapeError, /\[N, C\] or \[N, C, L\] with C = 2, got \[1, 2, 3, 3\]/],
    ["other channels", () => new nn.BatchNorm2d(2).forward(cg.ones(1, 3, 3, 3)), cg.ShapeError, /\[N, C, H, W\] with C = 2, got \[1, 3, 3, 3\]/],
    ["padding beyond the table", () => new nn.Embedding(3, 2, { paddingIdx: 3 }), cg.ValueError, /Embedding: expected paddingIdx to be within 3 rows, got 3/],
    ["a probability of 2", () => new nn.Dropout(2), cg.ValueError, /Dropout: expected p to be in \[0, 1\], got 2/],
    ["rows for images", () => new nn.Softmax2d().forward(cg.ones(2, 3)), cg.ShapeError, /Softmax2d: expected input to be of shape \[N, C, H, W\] or \[C, H, W\]/],
    ["half a padding", () => new nn.ZeroPad2d([1, 2]), cg.ValueError, /ZeroPad2d: expected padding to be an integer, or 4 of them/],
    ["a layer that is none", () => new nn.TransformerEncoder(new nn.ReLU() as never, 2), cg.ValueError, /encoderLayer to be a TransformerEncoderLayer/],
    ["half a layer", () => new nn.TransformerEncoder(new nn.TransformerEncoderLayer(4, 2), 0.5), cg.ValueError, /numLayers to be an integer of at least 0, got 0\.5/],
    ["features that attention does not have", () => new nn.MultiheadAttention(4, 2).forward(cg.ones(2, 3), cg.ones(2, 4), cg.ones(2, 4)), cg.ShapeError, /query to be 2-d with 4 features, got \[2, 3\]/],
    ["a causal claim without the mask", () => new nn.MultiheadAttention(4, 2).forward(cg.ones(2, 4), cg.ones(2, 4), cg.ones(2, 4), { isCausal: true }), cg.ValueError, /attnMask to be the causal mask/],
  ])("refuse %s", (_, call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  }); // prettier-ignore

  it("of attention with three different inputs project each with its part of the weights", () => {
    cg.manualSeed(2);
    const layer = new nn.MultiheadAttention(4, 2, { batchFirst: true });
    const [q, k] = [cg.randn(2, 3, 4), cg.randn(2, 5, 4)];
    // keys and values as one tensor take another way through the weights
    const [apart] = layer.forward(q, k, k.clone());
    const [together] = layer.forward(q, k, k);
    expect(apart.allclose(together, { atol: 1e-6 })).toBe(true);
  });

  it("of a padding index start with a row of zeros", () => {
    const layer = new nn.Embedding(4, 3, { paddingIdx: -1 });
    expect(layer.forward(cg.tensor([3n])).tolist()).toEqual([[0, 0, 0]]);
    expect(layer.weight.select(0, 0).abs().sum().item()).toBeGreaterThan(0);
  });

  it("write into their input where told", () => {
    const x = cg.tensor([-1, 2]);
    expect([new nn.ReLU(true).forward(x) === x, x.tolist()]).toEqual([true, [0, 2]]);
  });
});
