/** What cells may do to the process they run in, and what may happen to the others: an error or a restart, never a cell that does not end. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { Client } from "../../kernel/client/client.js";
import { isLong, kernel, withKernel } from "./kernel.js";

const started = kernel();

/** What holds after any of it: the kernel runs cells, reports errors, and can be interrupted, if need be by a restart. */
async function works({ client }: { readonly client: Client }): Promise<void> {
  const loop = client.start('// @ts-nocheck\nawait null; console.log("go"); for (;;);');
  await Promise.race([client.printed(loop, "go"), loop.reply]);
  const interrupted = client.interrupt(); // one that comes after the loop has ended by itself must not meet the next cell
  expect((await loop.reply).content.ename).toMatch(/KeyboardInterrupt|RuntimeExited/);
  await Promise.all([loop.published, interrupted]);
  const run = () => client.execute("// @ts-nocheck\nawait null; [1, { a: 2 }]");
  let cell = await run();
  if (cell.error?.ename === "RuntimeExited") cell = await run(); // found out only now
  expect(cell.result).toBe("[ 1, { a: 2 } ]");
}

const patched = '() => { throw new Error("patched") }';
const hostile: { readonly [name: string]: string } = {
  "JSON.parse": `JSON.parse = ${patched}`,
  "Array.prototype.push": `Array.prototype.push = ${patched}`,
  Promise: "globalThis.Promise = class { constructor() { throw new Error('patched') } }",
  "Promise.prototype.then": `Promise.prototype.then = ${patched}`,
  "Object.prototype.toJSON": "Object.prototype.toJSON = function () { return 'polluted' }",
  "names of messages on Object.prototype": "Object.assign(Object.prototype, { type: 'exit', key: 7, error: 1, code: 0 })",
};
const moreHostile: typeof hostile = {
  "JSON.stringify": `JSON.stringify = ${patched}`,
  "Array.prototype[Symbol.iterator]": `Array.prototype[Symbol.iterator] = ${patched}`,
  "Map.prototype.get": `Map.prototype.get = ${patched}`,
  "Symbol.for": `Symbol.for = ${patched}`,
  "console, Buffer and process": "globalThis.console = globalThis.Buffer = globalThis.process = null",
  "every global": "for (const name of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[name] } catch {} }",
};

describe("a cell ends, and the next ones run, can be interrupted, or find a runtime that was restarted, after a cell", () => {
  const replaced = isLong ? { ...hostile, ...moreHostile } : hostile;

  test.each(Object.keys(replaced))("that replaces %s", async (name) => {
    await started.client.execute(`// @ts-nocheck\n${replaced[name]}; 1`);
    await works(started);
    await started.client.execute("// @ts-nocheck\nprocess.exit()"); // the next one begins anew
  });

  test.each(isLong ? [1, 2, 3, 4, 5, 6] : [1, 3, 4])("that closes descriptor %d", async (descriptor) => {
    await started.client.execute(`import { closeSync } from "node:fs"; closeSync(${descriptor})`);
    await works(started);
    await started.client.execute("// @ts-nocheck\nprocess.exit()");
  });
});

test.each([
  ["a revoked proxy as a result", "const r = Proxy.revocable({}, {}); r.revoke(); r.proxy", "<Revoked Proxy>"],
  ["a proxy that throws, thrown", "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })", "Uncaught"],
  ["null, thrown", "throw null", "Uncaught"],
  ["a stack overflow", "function deep(): number { return deep() + 1 } deep()", "RangeError"],
  ["an error of 50 MB", "throw new RangeError('x'.repeat(5e7))", "RangeError"],
  ["more memory than there is", "new ArrayBuffer(2 ** 45)", "RangeError"],
  ["a tensor of more memory than there is", "import * as cg from 'cellgrad'; cg.zeros(2 ** 20, 2 ** 20)", "OutOfMemoryError"],
])("%s is told like any other", async (_, code, expected) => {
  const { result, error } = await started.client.execute(`// @ts-nocheck\n${code}`);
  expect(result ?? error!.ename).toBe(expected);
  expect(error?.evalue.length ?? 0).toBeLessThan(200_000);
  expect((await started.client.execute("6 * 7")).result).toBe("42");
});

describe("the language server", () => {
  const pidOf = (client: Client) =>
    Number(
      execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
        .split("\n")
        .map((row) => row.trim().split(/\s+/))
        .find(([, parent, ...args]) => Number(parent) === client.process.pid && args.join(" ").includes("--lsp"))![0],
    );
  /** Cells are checked again when this is refused. */
  const isChecked = async (client: Client) => (await client.execute("const wrong: string = 2")).error?.ename === "TS2322";

  test("may be killed under a running cell: it ends, and cells are checked again soon", async () => {
    await withKernel(async (client) => {
      const cell = client.start('const one: number = 1; console.log("go"); await new Promise((go) => Object.assign(globalThis, { go }))');
      await client.printed(cell, "go");
      process.kill(pidOf(client), "SIGKILL");
      client.start("(globalThis as any).go()", { subshell: await subshell(client) });
      expect((await cell.reply).content.status).toBe("ok");
      while (!(await isChecked(client)));
      expect((await client.execute("one + 1")).result).toBe("2");
    });
  });

  test("may hang while it checks a cell, which then runs and says that it was not checked; it is started again", async () => {
    await withKernel(async (client) => {
      await client.execute("const one: number = 1");
      const pid = pidOf(client);
      process.kill(pid, "SIGSTOP");
      const cell = client.start("const wrong: string = one; wrong");
      expect((await cell.reply).content.status).toBe("ok");
      await client.printed(cell, "was not checked");
      while (!(await isChecked(client)));
      expect(pidOf(client)).not.toBe(pid);
    });
  });
});

async function subshell(client: Client): Promise<string> {
  const { content } = await client.request("create_subshell_request", {}, { channel: "control" }).reply;
  return String(content.subshell_id);
}
