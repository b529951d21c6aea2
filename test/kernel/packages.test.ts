/** `kernel.install`: packages next to the notebook, from files of the test, because there is no network here. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { kernel } from "./kernel.js";

const folder = mkdtempSync(join(tmpdir(), "cellgrad packages "));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Nobody listens there. */
const nowhere = "http://127.0.0.1:9";
const started = kernel({ folder, env: { npm_config_registry: nowhere, npm_config_cache: join(folder, "cache") } });

/** Writes a package; returns the path of its .tgz file. */
function pack(name: string, files: { readonly [file: string]: string }): string {
  const at = join(folder, `source of ${name}`);
  mkdirSync(at);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(at, file), text);
  writeFileSync(join(at, "package.json"), JSON.stringify({ name, version: "1.2.3", type: "module", exports: "./index.js" }));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: at });
  return join(folder, `${name}-1.2.3.tgz`);
}

test("a package is there with its types in the next cell, also after an import of it has failed", async () => {
  const { client } = started;
  const file = pack("shapes", {
    "index.js": "export const area = (r) => r * r;",
    "index.d.ts": "export declare function area(r: number): number;",
  });
  expect((await client.execute('// @ts-nocheck\nawait import("shapes")')).error!.evalue).toContain("shapes");
  const installed = await client.execute(`await kernel.install(${JSON.stringify(file)})`);
  expect(installed.error).toBeNull();
  expect(installed.stdout).toBe("installed shapes 1.2.3\n");
  expect((await client.execute('import { area } from "shapes"; area(3)')).result).toBe("9");
  expect((await client.execute('area("3")')).error).toMatchObject({ ename: "TS2345" });
});

test("without a network, and for what is no name, the error says why", async () => {
  const { client } = started;
  const { error } = await client.execute('await kernel.install("d3-array")');
  expect(error).toMatchObject({ evalue: "kernel.install: d3-array is not installed: the npm registry cannot be reached" });
  expect((await client.execute('await kernel.install("-g")')).error).toMatchObject({ ename: "TypeError" });
});

test("an interrupt ends npm", async () => {
  const { client } = started;
  const slow = pack("slow", { "index.js": "" });
  const scripts = join(folder, "source of slow", "package.json");
  writeFileSync(scripts, JSON.stringify({ name: "slow", version: "1.2.3", scripts: { preinstall: "sleep 60" } }));
  const cell = client.start(
    `console.log("go"); await kernel.install(${JSON.stringify(join(folder, "source of slow"))}, ${JSON.stringify(slow)})`,
  );
  await client.printed(cell, "go");
  await client.interrupt();
  expect((await cell.reply).content.ename).toBe("KeyboardInterrupt");
  await cell.published;
  const running =
    'import { execSync } from "node:child_process"; execSync(`ps -o args= --ppid ${process.pid}`).toString().includes("install")';
  await expect.poll(async () => (await client.execute(running)).result, { timeout: 20_000 }).toBe("false");
});
