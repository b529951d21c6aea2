/** What cells may do to the process they run in: an error or a restart, never a cell that does not end. */
import { expect, test } from "vitest";
import { kernel } from "./kernel.js";

const started = kernel();
const patched = '() => { throw new Error("patched") }';
const hostile: { readonly [name: string]: string } = {
  "JSON.parse": `JSON.parse = ${patched}`,
  "Array.prototype.push": `Array.prototype.push = ${patched}`,
  Promise: "globalThis.Promise = class { constructor() { throw new Error('patched') } }",
  "Promise.prototype.then": `Promise.prototype.then = ${patched}`,
  "Object.prototype.toJSON": "Object.prototype.toJSON = function () { return 'polluted' }",
};

test.each(Object.keys(hostile))(
  "a cell that replaces %s ends, and the next one runs or finds a runtime that was restarted",
  async (name) => {
    const { client } = started;
    await client.execute(`// @ts-nocheck\n${hostile[name]}; 1`);
    const { error } = await client.execute("0");
    if (error) expect(error.ename).toBe("RuntimeExited");
    expect((await client.execute("// @ts-nocheck\nawait null; 6 * 7")).result).toBe("42");
  },
);

test.each([
  ["a revoked proxy as a result", "const r = Proxy.revocable({}, {}); r.revoke(); r.proxy", "<Revoked Proxy>"],
  ["a proxy that throws, thrown", "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })", "Uncaught"],
  ["an error of 50 MB", "throw new RangeError('x'.repeat(5e7))", "RangeError"],
])("%s is told like any other", async (_, code, expected) => {
  const { result, error } = await started.client.execute(`// @ts-nocheck\n${code}`);
  expect(result ?? error!.ename).toBe(expected);
  expect(error?.evalue.length ?? 0).toBeLessThan(200_000);
});
