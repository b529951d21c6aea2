/** Where the first value that is not finite came from: op, operand, line, and what is said when it cannot be known. */
import { expect, test } from "vitest";
import * as cg from "../../src/index.js";
import { views } from "../../src/visualization/live.js";
import type { Run } from "../../src/visualization/index.js";
import { breakLines, isRunPayload, runMime, vegaliteMime, type FirstBreak, type RunPayload } from "../../src/wire/index.js";
import { RecordingHost } from "./host.js";

const host = new RecordingHost();

/** What the run of a cell that does `work` shows at its end. */
async function shown(work: (run: Run) => void): Promise<{ payload: RunPayload; text: string; chart: string }> {
  await host.run("cell", "", () => work(cg.track()));
  const { data } = host.shown.at(-1)!.bundle;
  const payload = data[runMime];
  if (!isRunPayload(payload)) throw new Error("no run");
  return { payload, text: String(data["text/plain"]), chart: JSON.stringify(data[vegaliteMime]) };
}

const linesOf = async (work: (run: Run) => void): Promise<string[]> => breakLines((await shown(work)).payload.broken!);

/** Two finite steps, then one with `last`. */
const steps = (run: Run, inputs: readonly cg.Tensor[], loss: (x: cg.Tensor) => cg.Tensor): void => {
  for (const x of inputs) {
    const value = loss(x);
    value.backward();
    run.log({ loss: value });
  }
};

const fine = cg.tensor([
  [1, 2],
  [3, 4],
]);
const w = cg.ones(2, { requiresGrad: true });

test("log of zeros, after backward has freed the graph: the op, its zeros, what carried them on, the one call of the cells", async () => {
  host.call = { cell: 4, cellId: "c", line: 9, text: "const l = p.log()", name: "log", receiver: "p", arguments: [] };
  const holed = cg.tensor([
    [1, 0],
    [3, 0],
  ]);
  const { payload, text, chart } = await shown((run) => steps(run, [fine, fine, holed], (x) => x.mul(w).log().mul(2).sum().neg()));
  host.call = null;
  const lines = [
    "loss is Infinity at step 2: made by log",
    "the cells call it once: cell 4, line 9: const l = p.log()",
    "its operand held 2 zeros (at [0, 1], [1, 1]) in float32 [2, 2]",
    "carried on by mul, sum, neg",
  ];
  expect(breakLines(payload.broken!)).toEqual(lines);
  expect(text.split("\n").slice(-4)).toEqual(lines);
  expect(chart).toContain(lines[2]);
});

test("a call that cannot be the op's is no line", async () => {
  host.call = { cell: 4, cellId: "c", line: 9, text: "run.log({ loss })", name: "log", receiver: "run", arguments: ["{ loss }"] };
  const [, advice] = await linesOf((run) => steps(run, [fine, fine.mul(0)], (x) => x.mul(w).log().sum()));
  host.call = null;
  expect(advice).not.toContain("cell 4");
});

test("a division by zero, a logged number", async () => {
  const lines = await linesOf((run) => {
    for (const x of [fine, fine.sub(1)]) {
      const loss = w.div(x).sum();
      loss.backward();
      run.log({ loss: loss.item() });
    }
  });
  expect(lines[0]).toBe("loss is Infinity at step 1: made by div");
  expect(lines).toContain("its divisor held 1 zero (at [0, 0]) in float32 [2, 2]");
});

test("the root of negatives, an overflow of exp: what the result holds", async () => {
  const root = await linesOf((run) => steps(run, [fine, fine.neg()], (x) => x.mul(w).sqrt().sum()));
  expect(root[0]).toBe("loss is NaN at step 1: made by sqrt, or by mul before it, whose results are not kept");
  expect(root).toContain("sqrt gave 4 NaN (first at [0, 0], [0, 1], [1, 0]) in float32 [2, 2]");
  const power = await linesOf((run) => steps(run, [fine, fine.mul(30)], (x) => x.mul(w).exp().mean()));
  expect(power[0]).toBe("loss is Infinity at step 1: made by exp, or by mul before it, whose results are not kept");
  expect(power).toContain("exp gave 2 infinities (at [1, 0], [1, 1]) in float32 [2, 2]");
});

test("an input that held it, and a parameter that held it", async () => {
  const model = new cg.nn.Sequential(new cg.nn.Linear(2, 3), new cg.nn.ReLU(), new cg.nn.Linear(3, 1));
  host.names.set("model", model);
  const broken = cg.tensor([
    [1, NaN],
    [3, 4],
  ]);
  const input = await linesOf((run) => steps(run, [fine, broken], (x) => model.forward(x).square().mean()));
  expect(input[0]).toBe("loss is NaN at step 1: addmm was given 1 NaN (at [0, 1]) in float32 [2, 2]");
  expect(input.at(-2)).toBe("carried on by relu, addmm (model.2.weight, model.2.bias), pow, mean");
  const parameter = await linesOf((run) => {
    steps(run, [fine], (x) => model.forward(x).square().mean());
    cg.noGrad(() => model.at<cg.nn.Linear>(2).weight.fill_(NaN));
    steps(run, [fine], (x) => model.forward(x).square().mean());
  });
  host.names.clear();
  expect(parameter[0]).toBe(
    "loss is NaN at step 1: model.2.weight held 3 NaN (at [0, 0], [0, 1], [0, 2]) in float32 [1, 3] before this step",
  );
});

test("an infinite mask that softmax takes away is not blamed", async () => {
  const mask = cg.tensor([
    [false, true],
    [false, true],
  ]);
  const lines = await linesOf((run) =>
    steps(run, [fine, fine.mul(0)], (x) => w.mul(1).expand(2, 2).maskedFill(mask, -Infinity).softmax(1).mul(x).sum().log()),
  );
  expect(lines[0]).toBe("loss is -Infinity at step 1: made by log");
});

test("views are passed over: what only moves elements made nothing; what may have been joined in is not forgotten", async () => {
  const moved = await linesOf((run) => steps(run, [fine, fine.mul(1e37)], (x) => x.mul(w).mul(30).reshape([4]).square().sum()));
  expect(moved[0]).toBe("loss is Infinity at step 1: made by mul, or by mul before it, whose results are not kept");
  expect(moved).toContain("carried on by view, pow, sum");
  const joined = await linesOf((run) =>
    steps(run, [fine, fine.mul(NaN)], (x) =>
      cg
        .cat([w.mul(2), x.flatten()])
        .square()
        .sum(),
    ),
  );
  expect(joined[0]).toBe("loss is NaN at step 1: made by cat, or by mul before it, whose results are not kept");
  expect(joined).toContain("cat read an operand without history, which is not kept");
});

test("a loss that is logged before backward is looked at then", async () => {
  const before = await linesOf((run) => {
    run.log({ loss: 1 });
    run.log({ loss: w.mul(0).log().sum() });
  });
  expect(before[0]).toBe("loss is -Infinity at step 1: made by log");
});

test("without a graph it is said that nothing is known; what began infinite or never had a value is no accident", async () => {
  const [head, nothing] = await linesOf((run) => [1, NaN].forEach((loss) => run.log({ loss })));
  expect([head, nothing]).toEqual(["loss is NaN at step 1", expect.stringContaining("not known")]);
  const { payload } = await shown((run) => [0, 1].forEach((loss) => run.log({ loss, best: Infinity, accuracy: NaN })));
  expect(payload.broken).toBeNull();
});

test("an overflow that a scaler skipped is not the origin of a later value", async () => {
  const lines = await linesOf((run) => {
    w.mul(Infinity).sum().backward();
    run.log({ loss: 1 });
    w.sum().backward();
    run.log({ loss: NaN });
  });
  expect(lines[1]).toContain("not known");
});

test("a live view is told, and a payload of before or with another form is read or refused", async () => {
  let payload!: RunPayload;
  await host.run("live", "", () => {
    const run = cg.track();
    payload = host.shown.at(-1)!.bundle.data[runMime] as RunPayload;
    steps(run, [fine, fine.mul(0)], (x) => x.mul(w).log().sum());
    const reply = JSON.parse(views.request(JSON.stringify({ request: 1, live: payload.live, kind: "points", since: 0, limit: 9 }))) as {
      broken: FirstBreak;
    };
    expect(reply.broken.origin!.cause).toBe("made by log");
  });
  const { broken, ...old } = payload;
  expect([broken, isRunPayload(old), isRunPayload({ ...old, broken: "NaN" })]).toEqual([null, true, false]);
});
