/** What a card is asked by run.sh: every op, memory to the brim, a fault, MNIST, and times beside PyTorch's. Bundled by pack.mjs. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as cg from "../../src/index.js";
import { differences, names } from "../devices/walk.js";
import { times } from "./times.js";
import { learnsMnist } from "./mnist.js";

const cuda = "cuda:0" as const;
const dry = process.env["GPU_CHECK_DRY"] === "1";
const kit = import.meta.dirname;
const failures: string[] = [];

/** One line a check; a failure is remembered and the rest goes on. */
async function check(what: string, body: () => string | Promise<string>): Promise<void> {
  const started = performance.now();
  let said: string;
  try {
    said = `ok: ${await body()}`;
  } catch (error) {
    failures.push(what);
    said = `FAILED: ${error instanceof Error ? error.message : String(error)}`;
  }
  console.log(`${what.padEnd(10)} ${said} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

function must(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

/** Every op of the table against the CPU. */
function parity(): string {
  const chosen = dry ? names.filter((_, i) => i % 20 === 0) : names;
  const wrong = chosen.flatMap((name) => {
    try {
      return differences(name, cuda).map((text) => `${name}: ${text}`);
    } catch (error) {
      return [`${name}: ${String(error)}`];
    }
  });
  must(wrong.length === 0, `${wrong.length} differences\n  ${wrong.join("\n  ")}`);
  const left = Object.keys(cg.fallbacks(cuda));
  return `${chosen.length} ops and their gradients are the CPU's; the CPU computes ${left.length} kernels: ${left.join(" ")}`;
}

/** Allocates until nothing is left, twice, and works afterwards. */
function brim(): string {
  cg.emptyCache(cuda);
  const { total } = cg.memoryStats(cuda);
  const elements = Math.floor(total / 24 / 4);
  const fill = (): number => {
    const held: cg.Tensor[] = [];
    try {
      for (;;) held.push(cg.ones(elements, { device: cuda }));
    } catch (error) {
      must(error instanceof cg.OutOfMemoryError, `expected OutOfMemoryError, got ${String(error)}`);
    }
    must(
      held
        .at(-1)!
        .at(elements - 1)
        .item() === 1,
      "the last block is wrong",
    );
    const count = held.length;
    for (const t of held) t.dispose();
    return count;
  };
  const [first, second] = [fill(), fill()];
  must(first >= 18 && first === second, `${first} blocks of a 24th, then ${second}`);
  cg.emptyCache(cuda);
  must(cg.ones(1000, { device: cuda }).sum().item() === 1000, "a sum is wrong afterwards");
  return `${first} blocks of ${(elements * 4) >> 20} MiB, an error, everything back, and once more`;
}

/** In a process of its own: a kernel of another library in the same context faults; our device is lost, our CPU is not. */
function fault(): string {
  const child = spawnSync(process.execPath, [import.meta.filename, "fault"], { encoding: "utf8" });
  const last = child.stdout.trim().split("\n").at(-1);
  must(child.status === 0 && last === "DeviceLostError DeviceLostError 5", `${last} ${child.stderr}`);
  must(cg.ones(4, { device: cuda }).sum().item() === 4, "the card does not work for this process");
  return "DeviceLostError for old and new tensors there, the CPU goes on, this process too";
}

function faultChild(): void {
  const caught = (body: () => unknown): string => {
    try {
      return String(body());
    } catch (error) {
      return error instanceof Error ? error.constructor.name : String(error);
    }
  };
  const x = cg.ones(8, { device: cuda });
  x.sum().item();
  caught(() => cg.loadDevice(join(kit, "fault.so")));
  console.log(
    caught(() => x.add(1).tolist()),
    caught(() =>
      cg
        .zeros(1 << 22, { device: cuda })
        .sum()
        .item(),
    ),
    cg.ones(5).sum().item(),
  );
}

/** Our times, PyTorch's where Python has it, and ours again: the better of the two is compared. */
async function table(): Promise<string> {
  const before = times(cuda, dry);
  const python = existsSync(join(kit, "peer.py"))
    ? spawnSync("python3", [join(kit, "peer.py"), dry ? "dry" : "full"], { encoding: "utf8" })
    : null;
  const peer =
    python?.status === 0
      ? (JSON.parse(python.stdout.trim().split("\n").at(-1)!) as { version: string; times: Record<string, number> })
      : null;
  const after = peer === null ? before : times(cuda, dry);
  const rows = Object.entries(before).map(([name, time]) => {
    if (typeof time === "string") return [name, time, "", ""];
    const ours = Math.min(time, after[name] as number);
    const theirs = peer?.times[name];
    return [name, ours.toFixed(3), theirs?.toFixed(3) ?? "", theirs === undefined ? "" : (ours / theirs).toFixed(2)];
  });
  const lines = [["case", "ours, ms", peer === null ? "PyTorch: not found" : `PyTorch ${peer.version}, ms`, "ours / theirs"], ...rows];
  console.log(lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n"));
  return peer === null ? `no PyTorch to compare with: ${python?.stderr?.trim().split("\n").at(-1) ?? ""}` : "the table above";
}

if (process.argv[2] === "fault") faultChild();
else {
  const device = cg.devices().find(({ name }) => name.startsWith("cuda"));
  console.log(`${new Date().toISOString().slice(0, 16)}Z ${device?.name}: ${device?.available ? device.description : device?.reason}`);
  if (device?.available !== true) process.exit(1);
  console.warn = () => undefined; // that the CPU computes some kernels: said by parity
  await check("parity", parity);
  await check("memory", brim);
  await check("fault", fault);
  await check("mnist", () => learnsMnist(cuda, join(kit, "mnist"), dry));
  await check("times", table);
  console.log(failures.length === 0 ? "passed" : `failed: ${failures.join(", ")}`);
  process.exit(failures.length === 0 ? 0 : 1);
}
