/** Starting, failing and ending (rows 20, 49, 57 to 62 of the acceptance list). */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Client } from "../../kernel/client/client.js";
import { isLong, withKernel } from "./kernel.js";

/** Processes of which `pid` is an ancestor. */
function descendants(pid: number): number[] {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const parents = new Map(rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]));
  const isBelow = (one: number): boolean => one === pid || (parents.has(one) && parents.get(one)! > 1 && isBelow(parents.get(one)!));
  return [...parents.keys()].filter((one) => one !== pid && isBelow(one));
}

function isAlive(pid: number): boolean {
  try {
    const state = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}

/** Resolves when none of the processes is alive. */
async function allGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
}

describe("the runtime's end in a cell is an error, and the front end stays connected:", () => {
  test.each([
    ["process.exit (row 49)", "process.exit(3)", "exited with code 3"],
    ["process.exit in a timer", "setTimeout(() => process.exit(4)); await new Promise(() => {})", "exited with code 4"],
    ["process.abort", "process.abort()", "SIGABRT"],
    ["SIGSEGV (row 49)", 'process.kill(process.pid, "SIGSEGV"); for (;;);', "SIGSEGV"],
    ["SIGKILL", 'process.kill(process.pid, "SIGKILL"); for (;;);', "SIGKILL"],
  ])("%s", async (_, code, how) => {
    await withKernel(async (client) => {
      await client.execute("let gone = 1");
      const { error } = await client.execute(`// @ts-nocheck\n${code}`);
      expect(error).toMatchObject({ ename: "RuntimeExited" });
      expect(error!.evalue).toContain(how);
      expect((await client.execute("// @ts-nocheck\ntypeof gone")).result).toBe("'undefined'");
    });
  });

  test("the JavaScript heap runs out", async () => {
    await withKernel(
      async (client) => {
        const { error } = await client.execute("const kept: number[][] = []; for (;;) kept.push(new Array(1e5).fill(1.5))");
        expect(error!.evalue).toContain("ran out of memory");
        expect((await client.execute("1 + 1")).result).toBe("2");
      },
      { env: { NODE_OPTIONS: "--max-old-space-size=200" } },
    );
  });
});

describe("shutdown", () => {
  test("ends everything, in the middle of a loop, children of cells included (row 20)", async () => {
    const client = await Client.start();
    await client.execute('import { spawn } from "node:child_process"; void spawn("sleep", ["1000"], { stdio: "ignore" })');
    const cell = client.start('console.log("go"); for (;;);');
    await client.printed(cell, "go");
    const pids = descendants(client.process.pid!);
    expect(pids.length).toBeGreaterThanOrEqual(3);
    await client.stop().then(() => allGone(pids));
  });

  test("replies before it ends", async () => {
    const client = await Client.start();
    const { reply } = client.request("shutdown_request", { restart: true }, { channel: "control" });
    expect((await reply).content).toEqual({ status: "ok", restart: true });
    expect(await client.stop()).toBe(0);
  });

  test("a runtime that cannot start is an error of the cell", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellgrad-broken-"));
    const hook = join(folder, "hook.cjs");
    writeFileSync(hook, 'if (process.argv[1].endsWith("main.js")) process.exit(9);');
    const use = async (client: Client) => {
      for (const code of ["1", "2"]) {
        const { error } = await client.execute(code);
        expect(error).toMatchObject({ ename: "RuntimeExited", evalue: "the runtime exited with code 9 before it could run a cell" });
      }
    };
    await withKernel(use, { env: { NODE_OPTIONS: `--require ${hook}` } });
    rmSync(folder, { recursive: true, force: true });
  });

  test("a kernel killed outright leaves nothing behind: no process, no file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellgrad-killed-"));
    const client = await Client.start({ env: { TMPDIR: folder } });
    await client.execute('console.log("x".repeat(3e6))'); // more than is shown: the rest goes to a file
    expect(readdirSync(folder)).not.toEqual([]);
    const cell = client.start('console.log("go"); for (;;);');
    await client.printed(cell, "go");
    const pids = descendants(client.process.pid!);
    client.process.kill("SIGKILL");
    await client.exited();
    await allGone(pids);
    expect(readdirSync(folder)).toEqual([]);
    await client.stop();
    rmSync(folder, { recursive: true });
  });

  test("a kernel whose parent dies ends by itself", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellgrad-parent-"));
    const [shell_port, control_port, stdin_port, iopub_port, hb_port] = [1, 2, 3, 4, 5];
    const connection = {
      transport: "ipc",
      ip: join(folder, "s"),
      key: "k",
      signature_scheme: "hmac-sha256",
      shell_port,
      control_port,
      stdin_port,
      iopub_port,
      hb_port,
    };
    const cli = fileURLToPath(new URL("../../build/js/kernel/cli.js", import.meta.url));
    const script = `
      require("fs").writeFileSync(${JSON.stringify(join(folder, "c.json"))}, ${JSON.stringify(JSON.stringify(connection))});
      const child = require("child_process").spawn(process.execPath, [${JSON.stringify(cli)}, "kernel", "--connection-file", ${JSON.stringify(join(folder, "c.json"))}], { stdio: "ignore" });
      setInterval(() => require("fs").existsSync(${JSON.stringify(join(folder, "s-5"))}) && (console.log(child.pid), setInterval(() => {}, 1e6)), 20)`;
    const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once("data", (text: Buffer) => resolve(Number.parseInt(text.toString()))),
    );
    const pids = [pid, ...descendants(pid)];
    parent.kill("SIGKILL");
    await allGone(pids);
    expect(readdirSync(folder)).toEqual(["c.json"]); // no socket
    rmSync(folder, { recursive: true, force: true });
  });
});

test(`${isLong ? 50 : 7} restarts of the runtime cost no memory, descriptor or process`, async () => {
  await withKernel(async (client) => {
    const pid = client.process.pid!;
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
    const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
    const restart = async () => {
      expect((await client.execute("// @ts-nocheck\nprocess.exit()")).error?.ename).toBe("RuntimeExited");
      expect((await client.execute("1 + 1")).result).toBe("2");
    };
    for (let i = 0; i < 3; i++) await restart();
    const [before, megabytes, processes] = [descriptors(), resident(), descendants(pid).length];
    for (let i = 3; i < (isLong ? 50 : 7); i++) await restart();
    expect(descriptors()).toBeLessThanOrEqual(before + 6); // those of one that has just ended
    expect(descendants(pid).length).toBeLessThanOrEqual(processes);
    expect(resident() - megabytes).toBeLessThan(20);
  });
}, 180_000);

test("20 starts, one after the other on the same ports, find them free (row 10)", async () => {
  for (let i = 0; i < 20; i++) {
    const client = await Client.start({ startup: "connection file" });
    expect(await client.stop()).toBe(0);
    expect(client.kernel.log).toBe("");
  }
});

test("an idle kernel, all its processes together, takes less than 300 MB (row 59)", async () => {
  await withKernel(async (client) => {
    await client.execute("1");
    expect((await client.request("usage_request", {}, { channel: "control" }).reply).content.kernel_memory).toBeLessThan(300e6);
  });
});

test("a taken port is an exit code and a message", async () => {
  const client = await Client.start({ startup: "connection file" });
  const file = client.kernel.connectionFile;
  const cli = fileURLToPath(new URL("../../build/js/kernel/cli.js", import.meta.url));
  const second = spawn(process.execPath, [cli, "kernel", "--connection-file", file], { stdio: ["ignore", "ignore", "pipe"] });
  let message = "";
  second.stderr.on("data", (text: Buffer) => (message += text.toString()));
  expect(await new Promise((resolve) => second.once("exit", resolve))).toBe(1);
  expect(message).toContain("Address already in use");
  expect((await client.execute("3")).result).toBe("3");
  await client.stop();
});

test("install writes a kernelspec with absolute paths (rows 60, 61)", () => {
  const prefix = mkdtempSync(join(tmpdir(), "cellgrad install é-"));
  const cli = fileURLToPath(new URL("../../build/js/kernel/cli.js", import.meta.url));
  execFileSync(process.execPath, [cli, "install", "--prefix", prefix]);
  const spec = JSON.parse(readFileSync(join(prefix, "share/jupyter/kernels/cellgrad/kernel.json"), "utf8"));
  expect(spec).toMatchObject({ language: "typescript", interrupt_mode: "message", kernel_protocol_version: "5.5" });
  expect(spec.argv.slice(0, 2).every((path: string) => existsSync(path))).toBe(true);
  expect(spec.argv).toContain("{connection_file}");
  rmSync(prefix, { recursive: true });
});
