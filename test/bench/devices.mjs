/** The figures that devices must reach: launches, programs, a network on OpenCL against the processor, memory to the brim, profiles. */
import { execFileSync } from "node:child_process";
import { environment } from "../../scripts/environment.mjs";
import { panelCost } from "./panel.mjs";

const library = new URL("../../build/js/src/index.js", import.meta.url).href;

/** Least time of `count` calls in milliseconds a call, of several rounds of all sides in turns. */
function inTurns(sides, rounds, count) {
  const least = sides.map(() => Infinity);
  for (let round = 0; round < rounds; round++)
    sides.forEach((side, i) => {
      const start = performance.now();
      side(count);
      least[i] = Math.min(least[i], (performance.now() - start) / count);
    });
  return least;
}

/** A training step; repeated as often as it is told. */
function training({ nn, optim, randn, randint, synchronize }, device, layers, ...image) {
  const model = new nn.Sequential(...layers(nn)).to(device);
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const [images, labels] = [randn(64, ...image).to(device), randint(0, 10, [64]).to(device)];
  return (count) => {
    for (let i = 0; i < count; i++) {
      optimizer.zeroGrad();
      nn.functional.crossEntropy(model.forward(images), labels).backward();
      optimizer.step();
    }
    synchronize(device);
  };
}
const dense = (nn) => [new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10)];
const block = (nn, from, to) => [new nn.Conv2d(from, to, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2)];
const convolutional = (nn) => [...block(nn, 1, 16), ...block(nn, 16, 32), new nn.Flatten(), new nn.Linear(32 * 49, 10)];

/** How much longer code takes while it is profiled; places of repeating calls are known by then. */
function profiled({ profile }, step, count) {
  let [off, on] = [Infinity, Infinity];
  for (let round = 0; round < 25; round++) {
    off = Math.min(off, timed(step, count));
    profile(() => {
      step(Math.min(count, 15));
      on = Math.min(on, timed(step, count));
    });
  }
  return on / off - 1;
}
function timed(step, count) {
  const start = performance.now();
  step(count);
  return (performance.now() - start) / count;
}

/** Milliseconds until the first result of a program that an earlier process compiled, the device being started. */
function warmStart(device) {
  const program = `import { ones } from ${JSON.stringify(library)};
    ones(1, { device: ${JSON.stringify(device)} }).item();
    const start = performance.now();
    ones(9, { device: ${JSON.stringify(device)} }).mul(5).add(1).tolist();
    console.log(performance.now() - start);`;
  const run = () =>
    Number(execFileSync(process.execPath, ["--input-type=module", "--eval", program], { env: environment(), encoding: "utf8" }));
  run();
  return Math.min(run(), run(), run());
}

/** Runs all of it and prints a line a figure. @returns the figures by name */
export async function devicesBench() {
  const cg = await import(library);
  const figures = {};
  const note = (name, value, unit, goal) => {
    figures[name] = { value, goal };
    console.log(
      `${name.padEnd(58)} ${value.toFixed(2).padStart(9)} ${unit.padEnd(3)}  at most ${goal}  ${value <= goal ? "reached" : "missed"}`,
    );
  };
  for (const [name, layers, image, count] of [
    ["MLP b64", dense, [784], 30],
    ["CNN b64", convolutional, [1, 28, 28], 6],
  ])
    note(`profile: a step of ${name} takes longer by`, 100 * profiled(cg, training(cg, "cpu", layers, ...image), count), "%", 5);
  const small = cg.ones(4);
  const adds = (count) => {
    for (let i = 0; i < count; i++) small.add(1);
  };
  note("profile: add [4] takes longer by", 1000 * (profiled(cg, adds, 5000) * inTurns([adds], 5, 5000)[0]), "µs", 1);

  const { percent, bytes } = await panelCost();
  note("panel that is looked at: of one processor", percent, "%", 0.5);
  note("panel that is looked at: bytes a second", bytes, "B", 1024);

  const device = cg.devices().find(({ name, available }) => available && name !== "cpu")?.name;
  if (device === undefined) return (console.log("No device but the processor: the rest is left out."), figures);
  const there = cg.ones(16, { device });
  const launches = (count) => {
    for (let i = 0; i < count; i++) there.add(1);
  };
  cg.synchronize(device);
  note(`${device}: a launch`, 1000 * inTurns([launches, () => cg.synchronize(device)], 10, 500)[0], "µs", 10);
  note(`${device}: a program that is on the disk`, warmStart(device), "ms", 100);
  const sides = [device, "cpu"].map((where) => training(cg, where, convolutional, 1, 28, 28));
  for (const side of sides) side(2);
  const [far, near] = inTurns(sides, 6, 5);
  note(`${device}: a step of CNN b64, of the processor's`, far / near, "x", 4);

  cg.setMemoryCap(1e9, device);
  const temporaries = (count) => {
    for (let i = 0; i < count; i++) cg.empty(2_500_000, { device });
  };
  note(`${device}: 20 000 temporaries of 10 MB with 1 GB, each`, 1000 * timed(temporaries, 20_000), "µs", 100);
  cg.emptyCache(device);
  cg.setMemoryCap(cg.memoryStats(device).allocated + (1 << 20), device);
  let wrong = 1000;
  for (let i = 0; i < 1000; i++) {
    try {
      cg.zeros(1 << 20, { device });
    } catch (error) {
      if (error instanceof cg.OutOfMemoryError) wrong--;
    }
  }
  cg.setMemoryCap(0, device);
  note(`${device}: of 1000 allocations past the budget, without an error`, wrong, "", 0);
  return figures;
}
