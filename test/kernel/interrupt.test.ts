/** Stopping cells (rows 21 to 33 of the acceptance list): each ends in an error soon, with the session's variables kept. */
import { describe, expect, test } from "vitest";
import { summarize } from "../../kernel/client/client.js";
import { kernel } from "./kernel.js";

const started = kernel();

/** Every cell prints "go" when it is where it cannot be stopped by being asked. */
const cells: { readonly [name: string]: string } = {
  "a synchronous loop (row 21)": 'console.log("go"); for (;;);',
  "a loop that catches everything (row 26)": 'console.log("go"); for (;;) { try { for (;;); } catch {} finally { for (;;); } }',
  "a loop after an await (row 22)": 'await null; console.log("go"); for (;;);',
  "a loop after a timer's await (row 23)": 'await new Promise((resolve) => setTimeout(resolve, 5)); console.log("go"); for (;;);',
  "an await that is never settled (row 24)": 'console.log("go"); await new Promise(() => {})',
  "a loop in setTimeout (row 25)": 'setTimeout(() => { console.log("go"); for (;;); }, 5); await new Promise(() => {})',
  "a loop in setInterval (row 25)": 'setInterval(() => { console.log("go"); for (;;); }, 5); await new Promise(() => {})',
  "a loop in setImmediate (row 25)": 'setImmediate(() => { console.log("go"); for (;;); }); await new Promise(() => {})',
  "a loop in nextTick": 'process.nextTick(() => { console.log("go"); for (;;); }); await new Promise(() => {})',
  "a loop in then (row 25)": 'await Promise.resolve().then(() => { console.log("go"); for (;;); })',
  "a loop in an event listener (row 25)":
    'import { EventEmitter } from "node:events"; const e = new EventEmitter(); e.on("x", () => { console.log("go"); for (;;); }); setTimeout(() => e.emit("x"), 5); await new Promise(() => {})',
  "a loop in a file callback":
    'import { readFile } from "node:fs"; readFile("/dev/null", () => { console.log("go"); for (;;); }); await new Promise(() => {})',
  "a loop of awaits": 'console.log("go"); for (;;) await null',
  "a loop of sleeps": 'for (;;) { console.log("go"); await new Promise((resolve) => setTimeout(resolve, 5)); }',
  "a loop that prints": 'for (;;) console.log("go")',
  "a regular expression that backtracks": 'console.log("go"); /^(a+)+b$/.test("a".repeat(40))',
  "Atomics.wait (row 27)": 'console.log("go"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
};

describe("an interrupt stops", () => {
  test.each(Object.keys(cells))("%s", async (name) => {
    const { client } = started;
    await client.execute("let kept = 42");
    const cell = client.start(cells[name]!);
    await client.printed(cell, "go");
    void client.interrupt();
    const { content } = await cell.reply;
    expect(content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    await cell.published;
    const next = await client.execute("kept");
    expect(next.result).toBe("42");
    expect(next.stdout + next.stderr).toBe("");
  });

  test("a child process that the cell waits for (row 28)", async () => {
    const { client } = started;
    const cell = client.start('import { execSync } from "node:child_process"; console.log("go"); execSync("sleep 60")');
    await client.printed(cell, "go");
    void client.interrupt();
    expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
    expect((await client.execute("5")).result).toBe("5");
  });

  test("a child that ignores SIGINT: it gets SIGTERM, and the cell says which it was", async () => {
    const { client } = started;
    const cell = client.start(`console.log("go"); execSync("trap '' INT; sleep 61; sleep 62")`);
    await client.printed(cell, "go");
    void client.interrupt();
    expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
    const { stderr } = summarize({}, await cell.published);
    expect(stderr).toMatch(/^process \d+ \(.*trap '' INT; sleep 61; sleep 62\) did not end on SIGINT: SIGTERM was sent$/m);
    expect((await client.execute("5")).stderr).toBe("");
  });

  test("a child that ignores every signal it can, by one more interrupt, but none of an earlier cell", async () => {
    const { client } = started;
    await client.execute('import { spawn } from "node:child_process"; const server = spawn("sleep", ["63"]); void 0');
    await client.execute("await new Promise((resolve) => setTimeout(resolve, 50))"); // ages of processes count 10 ms
    const script = "for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => {}); console.log('go'); setInterval(() => {}, 1000)";
    const cell = client.start(
      `import { spawnSync } from "node:child_process"; spawnSync("node", ["-e", ${JSON.stringify(script)}], { stdio: "inherit" })`,
    );
    await client.printed(cell, "go");
    const again = setInterval(() => void client.interrupt(), 300);
    expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
    clearInterval(again);
    expect(summarize({}, await cell.published).stderr).toMatch(/^process \d+ \(node -e .*\) did not end on SIGINT: it was killed$/m);
    expect((await client.execute("server.signalCode")).result).not.toBe("'SIGKILL'");
  });

  test("a worker thread that computes, while one that waits for messages stays", async () => {
    const { client } = started;
    const cell = client.start(`
      import { Worker } from "node:worker_threads";
      const waits = new Worker("require('worker_threads').parentPort.on('message', () => {})", { eval: true });
      const loops = new Worker("require('worker_threads').parentPort.postMessage(0); for (;;);", { eval: true });
      loops.on("message", () => console.log("go"));
      const ended = new Promise((resolve) => loops.on("exit", resolve));
      await ended;`);
    await client.printed(cell, "go");
    void client.interrupt();
    expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
    expect((await client.execute("await ended; waits.threadId > 0")).result).toBe("true");
    expect((await client.execute("await waits.terminate()")).error).toBeNull();
  });

  test("native work that polls the cancel word, which the next cell finds cleared (row 29)", async () => {
    const { client } = started;
    const words = '(globalThis as any)[Symbol.for("cellgrad.host")].words';
    const cell = client.start(
      `console.log("go"); const { words } = (globalThis as any)[Symbol.for("cellgrad.host")]; for (;;) if (words[1]) console.log("seen")`,
    );
    await client.printed(cell, "go");
    void client.interrupt();
    await cell.published;
    expect((await client.execute(`${words}[1]`)).result).toBe("0");
  });

  test("a child process that the cell awaits (row 28)", async () => {
    const { client } = started;
    const cell = client.start(`
      import { spawn } from "node:child_process";
      const child = spawn("sleep", ["60"]);
      console.log("go");
      await new Promise((resolve) => child.on("exit", resolve));`);
    await client.printed(cell, "go");
    void client.interrupt();
    expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
    await cell.published;
    const ended =
      'await new Promise((resolve) => (child.exitCode ?? child.signalCode) ? resolve(0) : child.on("exit", resolve)); child.signalCode';
    expect((await client.execute(ended)).result).toBe("'SIGINT'");
  });

  test("work that a finished cell left running", async () => {
    const { client } = started;
    const cell = client.start('setTimeout(() => { console.log("go"); for (;;); }, 20)\nvoid 0');
    await client.printed(cell, "go");
    await client.interrupt();
    expect((await client.execute("6")).result).toBe("6");
  });
});

/** One long operation of each kind of native kernel; each takes about a second. */
const operations: { readonly [name: string]: readonly [setup: string, operation: string] } = {
  "a product": ["const a = cg.randn(3000, 3000)", "a.matmul(a)"],
  "products in a batch": ["const a = cg.randn(64, 512, 512)", "a.bmm(a)"],
  "a convolution": ["const a = cg.randn(64, 64, 64, 64), w = cg.randn(128, 64, 3, 3)", "cg.nn.functional.conv2d(a, w)"],
  "a sort": ["const a = cg.rand(1e7)", "a.sort()"],
  "a median": ["const a = cg.rand(1e7)", "a.median()"],
  "a mode": ["const a = cg.randint(0, 1e6, [1e7])", "a.mode()"],
  "a sample": ["const a = cg.rand(1e7)", "a.multinomial(1e6)"],
  "a permutation": ["", "cg.randperm(3e7)"],
  "random numbers": ["", "cg.randn(5e7)"],
  "a running sum": ["const a = cg.ones(5e7)", "a.cumsum(0)"],
  "a strided copy": ["const a = cg.randn(8000, 8000)", "a.t().contiguous()"],
  "a pointwise function": ["const a = cg.ones(5e7)", "a.exp()"],
  "a reduction": ["const a = cg.ones(1e8)", "a.sum()"],
  indices: ["const a = cg.ones(1e7), i = cg.randint(0, 1e7, [2e7])", "a.indexSelect(0, i)"],
  "a scatter": ["const a = cg.zeros(1e6), i = cg.randint(0, 1e6, [2e7]), s = cg.ones(2e7)", "a.scatterAdd(0, i, s)"],
};

describe("an interrupt stops native work (row 29):", () => {
  test.each(Object.keys(operations))("%s", async (name) => {
    const { client } = started;
    const [setup, operation] = operations[name]!;
    expect((await client.execute(`import * as cg from "cellgrad"; ${setup}`)).error).toBeNull();
    const cell = client.start(`console.log("go"); for (;;) void (${operation})`);
    await client.printed(cell, "go");
    await new Promise((resolve) => setTimeout(resolve, 100)); // into the operation
    void client.interrupt();
    const { content } = await cell.reply;
    expect(content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    await cell.published;
    const next = await client.execute("cg.ones(3).sum().item()");
    expect([next.result, next.stdout + next.stderr]).toEqual(["3", ""]);
  });
});

test("100 interrupts at random moments of training and of long products leave no crash and no stray error (row 30)", async () => {
  const { client } = started;
  await client.execute(`
    import * as cg from "cellgrad";
    const { nn } = cg;
    const model = new nn.Sequential(new nn.Linear(32, 64), new nn.ReLU(), new nn.Linear(64, 8));
    const optimizer = new cg.optim.Adam(model.parameters(), { lr: 1e-3 });
    const [x, y] = [cg.randn(64, 32), cg.randn(64, 8)];
    const square = cg.ones(1200, 1200);`);
  const training = `
      console.log("go");
      for (;;) {
        optimizer.zeroGrad();
        const loss = nn.functional.mseLoss(model.forward(x), y);
        loss.backward();
        optimizer.step();
      }`;
  const products = 'console.log("go"); for (;;) square.matmul(square);';
  let random = 7;
  for (let i = 0; i < 100; i++) {
    const cell = client.start(i % 4 === 3 ? products : training);
    await client.printed(cell, "go");
    random = (random * 48271) % 2147483647;
    for (let spin = random % 50000; spin > 0; spin--);
    void client.interrupt();
    expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
    const next = await client.execute("model.forward(x).shape");
    expect([next.result, next.stderr]).toEqual(["[ 64, 8 ]", ""]);
  }
});

test("a cell that cannot be stopped is named within 6 s, and one more interrupt restarts the runtime", async () => {
  const { client } = started;
  const cell = client.start(`
    import { execSync } from "node:child_process";
    import { readFileSync } from "node:fs";
    execSync("rm -f pipe; mkfifo pipe");
    console.log("go");
    readFileSync("pipe");`);
  await client.printed(cell, "go");
  const began = performance.now();
  void client.interrupt();
  const { content } = await cell.reply;
  expect(performance.now() - began).toBeLessThan(6000);
  expect(content.ename).toBe("InterruptTimeout");
  expect(content.evalue).toMatch(/^Cell \[\d+\] does not stop, native code waits for the system .*: interrupt once more to restart/);
  await client.interrupt();
  expect((await client.execute("9")).result).toBe("9");
});

test("the traceback says where the cell was", async () => {
  const { client } = started;
  const cell = client.start('function spin() {\n  console.log("go"); for (;;);\n}\nspin()');
  await client.printed(cell, "go");
  void client.interrupt();
  const { traceback } = (await cell.reply).content as { traceback: string[] };
  expect(traceback[1]).toMatch(/^ {2}Cell \[\d+\]:2:\d+ in spin$/);
  expect(traceback.at(-1)).toMatch(/^ {2}Cell \[\d+\]:4:1$/);
  await cell.published;
});

test("an interrupt while a cell is prepared stops neither the kernel nor the next cell", async () => {
  const { client } = started;
  for (let i = 0; i < 30; i++) {
    const cell = client.start(`const prepared${i} = [${"[1, 2, 3], ".repeat(2000)}]`);
    for (let n = 0; n < 5; n++) void client.interrupt();
    expect(["ok", "error"]).toContain((await cell.reply).content.status);
    expect((await client.execute("11")).result).toBe("11");
  }
});

test("cells that wait are aborted", async () => {
  const { client } = started;
  const [cell, waiting] = [client.start('console.log("go"); for (;;);'), client.start("globalThis.ran = true")];
  await client.printed(cell!, "go");
  void client.interrupt();
  expect((await waiting!.reply).content.status).toBe("aborted");
  expect((await client.execute("'ran' in globalThis")).result).toBe("false");
});

test("an interrupt of an idle kernel does nothing (row 31)", async () => {
  const { client } = started;
  for (let i = 0; i < 20; i++) await client.interrupt();
  expect((await client.execute("7")).result).toBe("7");
});

test("SIGINT interrupts a cell and never ends the kernel (row 33)", async () => {
  const { client } = started;
  const cell = client.start('console.log("go"); for (;;);');
  await client.printed(cell, "go");
  client.process.kill("SIGINT");
  expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
  await cell.published;
  expect((await client.execute("8")).result).toBe("8");
  for (let i = 0; i < 10; i++) client.process.kill("SIGINT");
  await client.heartbeat();
  expect((await client.request("kernel_info_request", {}).reply).content.status).toBe("ok");
});

test("100 interrupts at random moments of a loop leave no crash and no stray error (row 30)", async () => {
  const { client } = started;
  await client.execute("let steps = 0");
  let random = 1;
  for (let i = 0; i < 100; i++) {
    const cell = client.start('console.log("go"); for (;;) { steps++; if (steps % 1000 === 0) await null; [1, 2, 3].map(String).join(); }');
    await client.printed(cell, "go");
    random = (random * 48271) % 2147483647;
    for (let spin = random % 20000; spin > 0; spin--);
    void client.interrupt();
    expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
    const next = await client.execute("steps > 0");
    expect([next.result, next.stderr]).toEqual(["true", ""]);
  }
});
