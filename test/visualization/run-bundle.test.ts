/** What a run leaves in the file: a picture always, within the budget of an output. */
import { expect, test } from "vitest";
import { nn, optim, randn, track, manualSeed } from "../../src/index.js";
import { bundleBytes, budget } from "../../src/visualization/tensor/bundle.js";
import { vegaliteMime } from "../../src/wire/run.js";

test.each([1, 2, 4, 40])("a noisy run of %i curves and its gradients have a picture", async (curves) => {
  manualSeed(0);
  const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 8), new nn.Tanh(), new nn.Linear(8, 2));
  const sgd = new optim.SGD(model.parameters(), { lr: 0.1 });
  const run = track({ watch: model });
  for (let step = 0; step < 400; step++) {
    const loss = model.forward(randn(4, 2)).square().mean();
    sgd.zeroGrad();
    loss.backward();
    sgd.step();
    const noise = randn(curves).tolist();
    run.log({ loss, ...Object.fromEntries(noise.slice(1).map((value, i) => [`curve ${i}`, value])) });
  }
  await run.finish();
  const { data } = run.shown;
  expect(bundleBytes(run.shown)).toBeLessThanOrEqual(budget.output);
  expect(data["image/png"]).toMatch(/^iVBOR/);
  expect(data["text/plain"]).toMatch(/400 steps/);
  if (curves <= 4) expect(data[vegaliteMime]).toBeDefined();
});
