/** The cases whose times stand beside PyTorch's; peer.py has the same ones, line by line. */
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";

const F = cg.nn.functional;

// Sizes are full or tiny; a tiny run first shows whether the CPU would compute the case.
const cases: Record<string, (device: string, full: boolean) => () => unknown> = {
  "add f32 2^28": (device, full) => {
    const [a, b] = [rand(device, full ? 2 ** 28 : 64), rand(device, full ? 2 ** 28 : 64)];
    return () => a.add(b);
  },
  "gelu(x w + b) bf16 8192x8192": (device, full) => {
    const n = full ? 8192 : 8;
    const [x, w, b] = [rand(device, n, n), rand(device, n), rand(device, n)].map((t) => t.to("bfloat16")) as [Tensor, Tensor, Tensor];
    return () => F.gelu(x.mul(w).add(b));
  },
  "sum f32 2^28": (device, full) => {
    const x = rand(device, full ? 2 ** 28 : 64);
    return () => x.sum();
  },
  "row sums f32 16384x4096": (device, full) => {
    const x = rand(device, ...(full ? [16384, 4096] : [8, 4]));
    return () => x.sum(1);
  },
  "softmax f32 16384x4096": (device, full) => {
    const x = rand(device, ...(full ? [16384, 4096] : [8, 4]));
    return () => x.softmax(1);
  },
  "layer norm f32 16384x4096": (device, full) => {
    const features = full ? 4096 : 4;
    const [x, w, b] = [rand(device, full ? 16384 : 8, features), rand(device, features), rand(device, features)];
    return () => F.layerNorm(x, [features], w, b);
  },
  "gather rows f32 65536 of 65536x256": (device, full) => {
    const n = full ? 65536 : 8;
    const [x, rows] = [rand(device, n, 256), cg.randint(0, n, [n], { device })];
    return () => x.indexSelect(0, rows);
  },
  "scatter-add rows f32 65536 to 65536x256": (device, full) => {
    const n = full ? 65536 : 8;
    const [x, rows, y] = [rand(device, n, 256), cg.randint(0, n, [n], { device }), rand(device, n, 256)];
    return () => x.indexAdd(0, rows, y);
  },
  "cumsum f32 4096x16384": (device, full) => {
    const x = rand(device, ...(full ? [4096, 16384] : [8, 4]));
    return () => x.cumsum(1);
  },
  "matmul f32 4096^3": (device, full) => {
    const n = full ? 4096 : 8;
    const [a, b] = [rand(device, n, n), rand(device, n, n)];
    return () => a.matmul(b);
  },
  "matmul bf16 8192^3": (device, full) => {
    const n = full ? 8192 : 8;
    const [a, b] = [rand(device, n, n).to("bfloat16"), rand(device, n, n).to("bfloat16")];
    return () => a.matmul(b);
  },
  "conv f32 64x64x56x56, 64 of 3x3": (device, full) => {
    const [x, w] = [rand(device, ...(full ? [64, 64, 56, 56] : [2, 4, 6, 6])), rand(device, ...(full ? [64, 64, 3, 3] : [4, 4, 3, 3]))];
    return () => F.conv2d(x, w, null, { padding: 1 });
  },
  "attention f32 4x16x2048x64": (device, full) => {
    const [q, k, v] = [0, 1, 2].map(() => rand(device, ...(full ? [4, 16, 2048, 64] : [1, 2, 8, 4]))) as [Tensor, Tensor, Tensor];
    return () => F.scaledDotProductAttention(q, k, v);
  },
  "Adam step f32, 10^8 parameters": (device, full) => {
    const p = rand(device, full ? 1e8 : 64).requiresGrad_();
    p.grad = p.detach().clone();
    const optimizer = new cg.optim.Adam([p], { lr: 1e-3 });
    return () => optimizer.step();
  },
  "MLP step 64x784, 128, 10": (device) => {
    const model = new cg.nn.Sequential(new cg.nn.Linear(784, 128), new cg.nn.ReLU(), new cg.nn.Linear(128, 10)).to(device);
    const optimizer = new cg.optim.Adam(model.parameters(), { lr: 1e-3 });
    const [x, y] = [rand(device, 64, 784), cg.randint(0, 10, [64], { device })];
    return () => {
      optimizer.zeroGrad();
      F.crossEntropy(model.forward(x) as Tensor, y).backward();
      optimizer.step();
    };
  },
};

const rand = (device: string, ...shape: number[]): Tensor => cg.rand(shape, { device });

/** Milliseconds of one call on the device, the least of three rounds; or why there is no such number. */
function time(device: string, body: () => unknown, rounds: number, calls: number): number {
  body();
  cg.synchronize(device);
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const [from, to] = [new cg.Event({ device }), new cg.Event({ device })];
    from.record();
    for (let i = 0; i < calls; i++) body();
    to.record();
    cg.synchronize(device);
    least = Math.min(least, from.elapsedTime(to) / calls);
  }
  return least;
}

/** Every case's time by name; a text where the CPU computes it or the card's memory is too small. */
export function times(device: string, dry: boolean): Record<string, number | string> {
  const measure = (name: string): number | string => {
    const left = (): string[] => Object.entries(cg.fallbacks(device)).map(([kernel, count]) => `${kernel} ${count}`);
    const before = left();
    cases[name]!(device, false)();
    const fallen = left().filter((entry) => !before.includes(entry));
    if (fallen.length > 0) return `on the CPU: ${fallen.map((entry) => entry.split(" ")[0]).join(" ")}`;
    try {
      return time(device, cases[name]!(device, !dry), dry ? 1 : 3, dry ? 1 : 10);
    } catch (error) {
      if (error instanceof cg.OutOfMemoryError) return "the card's memory is too small";
      throw error;
    } finally {
      cg.emptyCache(device);
    }
  };
  return Object.fromEntries(Object.keys(cases).map((name) => [name, measure(name)]));
}
