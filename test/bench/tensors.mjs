/** Our side of the tensor benchmarks: reads `{"case", "count"}` lines, runs the case that often, answers with its seconds. */
import { createInterface } from "node:readline";
import * as cg from "../../build/js/src/index.js";

const { nn, optim } = cg;
const F = nn.functional;

/** Each makes its data once and returns what is timed. `tensors.py` has the same. */
const cases = {
  "add [4,4]": () => pointwise((a, b) => a.add(b), 4, 4),
  "matmul [4,4]": () => pointwise((a, b) => a.matmul(b), 4, 4),
  "view [4,4]": () => pointwise((a) => a.view(16), 4, 4),
  "add 16M": () => pointwise((a, b) => a.add(b), 4096, 4096),
  "matmul 64": () => pointwise((a, b) => a.matmul(b), 64, 64),
  "matmul 256": () => pointwise((a, b) => a.matmul(b), 256, 256),
  "matmul 512": () => pointwise((a, b) => a.matmul(b), 512, 512),
  "matmul 1024": () => pointwise((a, b) => a.matmul(b), 1024, 1024),
  "4 ops forward + backward": () => {
    const [x, w, b] = [cg.randn(4, 4), cg.randn(4, 4, { requiresGrad: true }), cg.randn(4, 4, { requiresGrad: true })];
    return () => {
      w.grad = null;
      b.grad = null;
      x.mul(w).add(b).tanh().sum().backward();
    };
  },
  "MLP b64 SGD": () => mlp((parameters) => new optim.SGD(parameters, { lr: 0.01 })),
  "MLP b64 Adam": () => mlp((parameters) => new optim.Adam(parameters, { lr: 1e-3 })),
  "CNN b32 SGD": () => {
    const body = [new nn.Conv2d(1, 16, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2)];
    const head = [
      new nn.Conv2d(16, 32, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(32 * 7 * 7, 10),
    ];
    const model = new nn.Sequential(...body, ...head);
    return train(model, new optim.SGD(model.parameters(), { lr: 0.01 }), cg.randn(32, 1, 28, 28), 32);
  },
  "drop 1 GB": () => () => {
    const a = cg.ones(2048, 2048);
    for (let i = 0; i < 64; i++) a.add(i); // 16 MiB each, dropped at once
  },
};

function pointwise(op, ...shape) {
  const [a, b] = [cg.randn(...shape), cg.randn(...shape)];
  return () => op(a, b);
}

function mlp(optimizer) {
  const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 128), new nn.ReLU(), new nn.Linear(128, 10));
  return train(model, optimizer(model.parameters()), cg.randn(64, 784), 64);
}

function train(model, optimizer, images, batch) {
  const labels = cg.randint(0, 10, [batch]);
  return () => {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(images), labels).backward();
    optimizer.step();
  };
}

const ready = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (!ready.has(request.case)) ready.set(request.case, cases[request.case]());
  const step = ready.get(request.case);
  const from = process.hrtime.bigint();
  for (let i = 0; i < request.count; i++) step();
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  console.log(JSON.stringify({ seconds, peak: process.resourceUsage().maxRSS * 1024 }));
}
