/** Stopping cells (rows 21 to 33 of the acceptance list): each ends in an error soon, with the session's variables kept. */
import { describe, expect, test } from "vitest";
import { kernel } from "./kernel.js";

const started = kernel();

/** Every cell prints "go" when it is where it cannot be stopped by being asked. */
const cells: { readonly [name: string]: string } = {
  "a synchronous loop": 'console.log("go"); for (;;);',
  "a loop that catches everything": 'console.log("go"); for (;;) { try { for (;;); } catch {} finally { for (;;); } }',
  "a loop after an await": 'await null; console.log("go"); for (;;);',
  "a loop after a timer's await": 'await new Promise((resolve) => setTimeout(resolve, 5)); console.log("go"); for (;;);',
  "an await that is never settled": 'console.log("go"); await new Promise(() => {})',
  "a loop in setTimeout": 'setTimeout(() => { console.log("go"); for (;;); }, 5); await new Promise(() => {})',
  "a loop in setInterval": 'setInterval(() => { console.log("go"); for (;;); }, 5); await new Promise(() => {})',
  "a loop in setImmediate": 'setImmediate(() => { console.log("go"); for (;;); }); await new Promise(() => {})',
  "a loop in nextTick": 'process.nextTick(() => { console.log("go"); for (;;); }); await new Promise(() => {})',
  "a loop in then": 'await Promise.resolve().then(() => { console.log("go"); for (;;); })',
  "a loop in an event listener":
    'import { EventEmitter } from "node:events"; const e = new EventEmitter(); e.on("x", () => { console.log("go"); for (;;); }); setTimeout(() => e.emit("x"), 5); await new Promise(() => {})',
  "a loop in a file callback":
    'import { readFile } from "node:fs"; readFile("/dev/null", () => { console.log("go"); for (;;); }); await new Promise(() => {})',
  "a loop of awaits": 'console.log("go"); for (;;) await null',
  "a loop of sleeps": 'for (;;) { console.log("go"); await new Promise((resolve) => setTimeout(resolve, 5)); }',
  "a loop that prints": 'for (;;) console.log("go")',
  "a regular expression that backtracks": 'console.log("go"); /^(a+)+b$/.test("a".repeat(40))',
  "Atomics.wait": 'console.log("go"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
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

  test("a child process that the cell waits for", async () => {
    const { client } = started;
    const cell = client.start('import { execSync } from "node:child_process"; console.log("go"); execSync("sleep 60")');
    await client.printed(cell, "go");
    void client.interrupt();
    await cell.reply;
    expect((await client.execute("5")).result).toBe("5");
  });

  test("native work that polls the cancel word, which the next cell finds cleared", async () => {
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

  test("work that a finished cell left running", async () => {
    const { client } = started;
    const cell = client.start('setTimeout(() => { console.log("go"); for (;;); }, 20)\nvoid 0');
    await client.printed(cell, "go");
    await client.interrupt();
    expect((await client.execute("6")).result).toBe("6");
  });
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

test("cells that wait are aborted", async () => {
  const { client } = started;
  const [cell, waiting] = [client.start('console.log("go"); for (;;);'), client.start("globalThis.ran = true")];
  await client.printed(cell!, "go");
  void client.interrupt();
  expect((await waiting!.reply).content.status).toBe("aborted");
  expect((await client.execute("'ran' in globalThis")).result).toBe("false");
});

test("an interrupt of an idle kernel does nothing", async () => {
  const { client } = started;
  for (let i = 0; i < 20; i++) await client.interrupt();
  expect((await client.execute("7")).result).toBe("7");
});

test("SIGINT interrupts a cell and never ends the kernel", async () => {
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

test("100 interrupts at random moments of a loop leave no crash and no stray error", async () => {
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
