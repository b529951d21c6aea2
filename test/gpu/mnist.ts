/** An MLP learns MNIST on a device: the first losses are the CPU's, and in the end it knows the digits. */
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const F = cg.nn.functional;
const batch = 64;

interface Data {
  readonly images: Tensor;
  readonly labels: Tensor;
}

function train(device: string, { images, labels }: Data, steps: number): { losses: number[]; model: cg.nn.Sequential } {
  cg.manualSeed(1);
  const model = new cg.nn.Sequential(new cg.nn.Flatten(), new cg.nn.Linear(784, 128), new cg.nn.ReLU(), new cg.nn.Linear(128, 10)).to(
    device,
  );
  const optimizer = new cg.optim.Adam(model.parameters(), { lr: 2e-3 });
  const [x, y] = [images.to(device), labels.to(device)];
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const from = (step * batch) % (images.shape[0]! - batch);
    optimizer.zeroGrad();
    const loss = F.crossEntropy(model.forward(x.narrow(0, from, batch)) as Tensor, y.narrow(0, from, batch));
    loss.backward();
    optimizer.step();
    losses.push(Number(loss.item()));
  }
  return { losses, model };
}

/** @throws Error that says what it did not learn. @param root folder of MNIST's four files */
export function learnsMnist(device: string, root: string, dry: boolean): string {
  const load = (training: boolean): Data => {
    const data = new cg.vision.datasets.MNIST({ root, train: training });
    const [images, labels] = data.batch(cg.arange(Math.min(data.length, dry ? 400 : data.length)));
    return { images: images!, labels: labels! };
  };
  const data = load(true);
  const compared = dry ? 3 : 20;
  const expected = train("cpu", data, compared).losses;
  const { losses, model } = train(device, data, dry ? compared : 900);
  const off = expected.findIndex((loss, i) => Math.abs(loss - losses[i]!) > 2e-3);
  if (off >= 0) throw new Error(`loss ${off} is ${losses[off]}, on the CPU ${expected[off]}`);
  const test = load(false);
  const guessed = cg.noGrad(() => (model.forward(test.images.to(device)) as Tensor).argmax(1).cpu());
  const accuracy = Number(guessed.eq(test.labels).to("float32").mean().item());
  if (!dry && accuracy < 0.93) throw new Error(`accuracy ${accuracy} after ${losses.length} steps`);
  return `${compared} losses are the CPU's; accuracy ${accuracy.toFixed(3)} after ${losses.length} steps`;
}
