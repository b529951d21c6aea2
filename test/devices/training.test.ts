/** MNIST on devices: with one seed and the same batches the losses are the CPU's, and so is what is learned. */
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { cuda, precompile } from "./cuda.js";
import { openCl } from "./opencl.js";

const { nn, optim, vision } = cg;
const F = nn.functional;

const nets = {
  mlp: () => new nn.Sequential(new nn.Flatten(), new nn.Linear(784, 64), new nn.ReLU(), new nn.Dropout(0.1), new nn.Linear(64, 10)),
  cnn: () =>
    new nn.Sequential(
      new nn.Conv2d(1, 8, 3, { padding: 1, stride: 2 }),
      new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(8 * 7 * 7, 10),
    ),
};

interface Outcome {
  readonly losses: number[];
  readonly accuracy: number;
}

function train(kind: keyof typeof nets, device: string, images: Tensor, labels: Tensor, steps = 40): Outcome {
  cg.manualSeed(1);
  const model = nets[kind]().to(device);
  const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const from = (step * 64) % 1024;
    const [x, y] = [images, labels].map((t) => t.narrow(0, from, 64).to(device)) as [Tensor, Tensor];
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model.forward(x) as Tensor, y);
    loss.backward();
    optimizer.step();
    losses.push(Number(loss.item()));
  }
  model.eval();
  const right = cg.noGrad(() =>
    (model.forward(images.narrow(0, 1024, 512).to(device)) as Tensor)
      .argmax(1)
      .cpu()
      .eq(labels.narrow(0, 1024, 512)),
  );
  return { losses, accuracy: Number(right.to("float32").mean().item()) };
}

describe.skipIf(openCl === null)("learns MNIST on OpenCL as on the CPU", () => {
  it.each(["mlp", "cnn"] as const)("with the %s", (kind) => {
    const data = new vision.datasets.MNIST({ train: true });
    const [images, labels] = data.batch(cg.arange(1536));
    const [wanted, got] = [train(kind, "cpu", images, labels), train(kind, openCl!, images, labels)];
    // Rounding differs, and training amplifies it: the first steps agree closely, the end in what was learned.
    got.losses.slice(0, 5).forEach((loss, i) => expect(loss).toBeCloseTo(wanted.losses[i]!, 3));
    expect(got.accuracy).toBeGreaterThan(0.75);
    expect(Math.abs(got.accuracy - wanted.accuracy)).toBeLessThan(0.02);
    expect(Object.keys(cg.fallbacks(openCl!))).toEqual([]);
  });
});

// The emulator runs a card's threads one by one: a few steps show that it learns, not how well.
describe("learns MNIST on CUDA as on the CPU", () => {
  it.each(["mlp", "cnn"] as const)("with the %s", (kind) => {
    const data = new vision.datasets.MNIST({ train: true });
    const [images, labels] = data.batch(cg.arange(1536));
    const steps = kind === "mlp" ? 10 : 2;
    precompile((device) => train(kind, device, images, labels, 1));
    const [wanted, got] = [train(kind, "cpu", images, labels, steps), train(kind, cuda, images, labels, steps)];
    got.losses.forEach((loss, i) => expect(loss).toBeCloseTo(wanted.losses[i]!, 3));
    expect(Math.abs(got.accuracy - wanted.accuracy)).toBeLessThan(0.02);
    expect(Object.keys(cg.fallbacks(cuda))).toEqual([]);
  });
});
