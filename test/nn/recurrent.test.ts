/** Recurrent layers beyond PyTorch's figures: what they refuse, dropout, cells against layers, learning. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { nn } from "../../src/index.js";

describe("what they refuse", () => {
  const lstm = new nn.LSTM(3, 4, { batchFirst: true });
  it.each<readonly [string, () => unknown, RegExp]>([
    ["another width", () => lstm.forward(cg.zeros(2, 5, 7)), /LSTM: expected input to be of shape \[B, L, I\] or \[L, I\] with I = 3, got \[2, 5, 7\]/],
    ["no steps", () => lstm.forward(cg.zeros(2, 0, 3)), /LSTM: expected input to be at least one step, got \[2, 0, 3\]/],
    ["a state of another batch", () => lstm.forward(cg.zeros(2, 5, 3), [cg.zeros(1, 3, 4), cg.zeros(1, 2, 4)]), /expected hx to be of shape \[1, 2, 4\], got \[1, 3, 4\]/],
    ["one tensor for two", () => lstm.forward(cg.zeros(2, 5, 3), cg.zeros(1, 2, 4) as never), /LSTM\.forward: expected hx/],
    ["something else", () => lstm.forward([1, 2, 3] as never), /LSTM\.forward: expected input to be a Tensor/],
    ["no width", () => new nn.GRU(3, 0), /GRU: expected hiddenSize to be at least 1, got 0/],
    ["another nonlinearity", () => new nn.RNN(3, 4, { nonlinearity: "sine" as never }), /RNN: expected nonlinearity/],
    ["a cell's wrong state", () => new nn.GRUCell(3, 4).forward(cg.zeros(2, 3), cg.zeros(4)), /GRUCell: expected hx to be of shape \[2, 4\], got \[4\]/],
  ])("%s", (_, call, message) => expect(call).toThrow(message));
}); // prettier-ignore

it("a layer is its cell, step by step", () => {
  const [layer, cell, x] = [new nn.LSTM(3, 4), new nn.LSTMCell(3, 4), cg.randn(6, 2, 3)];
  cell.loadStateDict(Object.fromEntries(Object.entries(layer.stateDict()).map(([key, t]) => [key.replace("_l0", ""), t])));
  const [output, [h, c]] = layer.forward(x);
  let state: [cg.Tensor, cg.Tensor] = [cg.zeros(2, 4), cg.zeros(2, 4)];
  const outputs = x.unbind(0).map((step) => (state = cell.forward(step, state))[0]);
  expect(cg.stack(outputs).allclose(output, { atol: 1e-6 })).toBe(true);
  expect(h.squeeze(0).allclose(state[0], { atol: 1e-6 })).toBe(true);
  expect(c.squeeze(0).allclose(state[1], { atol: 1e-6 })).toBe(true);
});

it("drops between layers while training only", () => {
  cg.manualSeed(0);
  const layer = new nn.GRU(3, 8, { numLayers: 2, dropout: 0.5 });
  const x = cg.randn(5, 2, 3);
  expect(layer.forward(x)[0].equal(layer.forward(x)[0])).toBe(false);
  layer.eval();
  expect(layer.forward(x)[0].equal(layer.forward(x)[0])).toBe(true);
});

it("has right second derivatives", () => {
  const layer = new nn.GRU(2, 3).to("float64");
  const x = cg.randn(3, 2, 2, { dtype: "float64", requiresGrad: true });
  expect(cg.autograd.gradgradcheck((t) => layer.forward(t)[0], [x])).toBe(true);
});

it("learns to remember the first of a sequence", () => {
  cg.manualSeed(1);
  const [layer, head] = [new nn.LSTM(1, 16, { batchFirst: true }), new nn.Linear(16, 1)];
  const optimizer = new cg.optim.Adam([...layer.parameters(), ...head.parameters()], { lr: 0.02 });
  const loss = (): cg.Tensor => {
    const x = cg.randn(64, 8, 1);
    return nn.functional.mseLoss(head.forward(layer.forward(x)[0].select(1, -1)), x.select(1, 0));
  };
  const before = loss().item() as number;
  for (let i = 0; i < 150; i++) {
    optimizer.zeroGrad();
    loss().backward();
    optimizer.step();
  }
  expect(before).toBeGreaterThan(0.5);
  expect(loss().item()).toBeLessThan(0.1);
});
