/** Our side of the tensor benchmarks: reads `{"case", "count"}` lines, runs the case that often, answers with its seconds. */
import { createInterface } from "node:readline";
import * as cg from "../../build/js/src/index.js";

const { nn, optim } = cg;
const F = nn.functional;

/** Each makes its data once and returns what is timed. `tensors.py` has the same. */
const cases = {
  "add [4,4]": () => pointwise((a, b) => a.add(b), 4, 4),
  "matmul [4,4]": () => pointwise((a, b) => a.matmul(b), 4, 4),
  "mul [4,4]": () => pointwise((a, b) => a.mul(b), 4, 4),
  "view [4,4]": () => pointwise((a) => a.view(16), 4, 4),
  "tanh 1M": () => pointwise((a) => a.tanh(), 1000, 1000),
  "exp 1M": () => pointwise((a) => a.exp(), 1000, 1000),
  "sigmoid 1M": () => pointwise((a) => a.sigmoid(), 1000, 1000),
  "GELU chain 1M": () => pointwise(geluChain, 1000, 1000),
  "GELU chain 1M, compiled": () => pointwise(cg.compile(geluChain), 1000, 1000),
  "softmax 512x1024": () => pointwise((a) => a.softmax(1), 512, 1024),
  "layerNorm 512x1024": () => {
    const [x, w, b] = [cg.randn(512, 1024), cg.randn(1024), cg.randn(1024)];
    return () => F.layerNorm(x, [1024], w, b);
  },
  "sum 4M": () => pointwise((a) => a.sum(), 2048, 2048),
  "var rows 4M": () => pointwise((a) => a.var(1), 2048, 2048),
  "argmax rows 4M": () => pointwise((a) => a.argmax(1), 2048, 2048),
  "sort 1M": () => pointwise((a) => a.sort(), 1_000_000),
  "topk 100 of 1M": () => pointwise((a) => a.topk(100), 1_000_000),
  "randn 1M": () => () => cg.randn(1_000_000),
  "dropout 1M": () => pointwise((a) => F.dropout(a, 0.5), 1000, 1000),
  "transpose copy 2048": () => pointwise((a) => a.t().contiguous(), 2048, 2048),
  "lgamma 100k": () => {
    const x = cg.rand(100_000).mul(20);
    return () => x.lgamma();
  },
  "embedding backward 8192 of 50k x 128": () => {
    const weight = cg.randn(50_000, 128, { requiresGrad: true });
    const [index, g] = [cg.randint(0, 50_000, [8192]), cg.randn(8192, 128)];
    return () => {
      weight.grad = null;
      F.embedding(index, weight).backward(g);
    };
  },
  "conv 8x64x32x32 k3": () => {
    const [x, w] = [cg.randn(8, 64, 32, 32), cg.randn(64, 64, 3, 3)];
    return () => F.conv2d(x, w, null, { padding: 1 });
  },
  "transformer block d256": () => {
    const options = { dimFeedforward: 1024, dropout: 0, activation: "gelu", batchFirst: true, normFirst: true };
    const [block, x] = [new nn.TransformerEncoderLayer(256, 4, options), cg.randn(8, 64, 256)];
    return () => {
      block.zeroGrad();
      block.forward(x).sum().backward();
    };
  },
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
  "tiny MLP": () => tiny((step) => step),
  "tiny MLP, compiled": () => tiny(cg.compile),
  "MLP b64 SGD": () => mlp((parameters) => new optim.SGD(parameters, { lr: 0.01 })),
  "MLP b64 SGD, compiled": () => mlp((parameters) => new optim.SGD(parameters, { lr: 0.01 }), cg.compile),
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

function geluChain(x) {
  const cubic = x.mul(x).mul(x).mul(0.044715);
  return x.add(cubic).mul(0.7978845608).tanh().add(1).mul(x).mul(0.5);
}

function tiny(form) {
  const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 1));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
  const [x, y] = [cg.randn(4, 2), cg.randn(4, 1)];
  const step = form((x, y) => {
    optimizer.zeroGrad();
    F.mseLoss(model.forward(x), y).backward();
    optimizer.step();
  });
  return () => step(x, y);
}

function mlp(optimizer, form) {
  const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 128), new nn.ReLU(), new nn.Linear(128, 10));
  return train(model, optimizer(model.parameters()), cg.randn(64, 784), 64, form);
}

/** @param form what becomes of the step: itself, or its compiled form */
function train(model, optimizer, images, batch, form = (step) => step) {
  const labels = cg.randint(0, 10, [batch]);
  const step = form((images, labels) => {
    optimizer.zeroGrad();
    F.crossEntropy(model.forward(images), labels).backward();
    optimizer.step();
  });
  return () => step(images, labels);
}

const ready = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (!ready.has(request.case)) ready.set(request.case, cases[request.case]());
  const step = ready.get(request.case);
  if (request.threads) cg.setNumThreads(request.threads);
  const from = process.hrtime.bigint();
  for (let i = 0; i < request.count; i++) step();
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  console.log(JSON.stringify({ seconds, peak: process.resourceUsage().maxRSS * 1024 }));
}
