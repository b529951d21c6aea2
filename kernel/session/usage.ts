/** Memory and processor use for usage_request: of the kernel's processes, and of the machine. */
import { readFileSync } from "node:fs";
import { cpus, freemem, hostname, totalmem } from "node:os";
import type { JsonObject } from "../protocol/message.js";

/** Linux counts a process's time in these, a second. */
const ticksPerSecond = 100;

/** None while a process is started again. */
type Pid = number | null | undefined;

/** What was found at one moment. */
interface Sample {
  readonly at: number;
  /** Seconds that the kernel's processes have run. */
  readonly kernel: number;
  readonly hostBusy: number;
  readonly hostTotal: number;
}

export class Usage {
  #last: Sample;

  constructor(pids: readonly Pid[]) {
    this.#last = sample(pids);
  }

  /** The content of a usage_reply for the kernel's processes; percentages are those since the last one. */
  reply(pids: readonly Pid[]): JsonObject {
    const [last, now] = [this.#last, sample(pids)];
    this.#last = now;
    const [total, available] = [totalmem(), freemem()];
    const hostTime = now.hostTotal - last.hostTotal;
    return {
      status: "ok",
      hostname: hostname(),
      pid: process.pid,
      kernel_cpu: percent(Math.max(0, now.kernel - last.kernel), (now.at - last.at) / 1000),
      kernel_memory: pids.reduce<number>((sum, pid) => sum + residentBytes(pid), 0),
      host_cpu_percent: percent(now.hostBusy - last.hostBusy, hostTime),
      cpu_count: cpus().length,
      host_virtual_memory: { total, available, used: total - available, free: available, percent: percent(total - available, total) },
    };
  }
}

function sample(pids: readonly Pid[]): Sample {
  const times = cpus().map(({ times }) => times);
  const hostTotal = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  const idle = times.reduce((sum, time) => sum + time.idle, 0);
  const kernel = pids.reduce<number>((sum, pid) => sum + cpuSeconds(pid), 0);
  return { at: performance.now(), kernel, hostBusy: hostTotal - idle, hostTotal };
}

/** From Linux's procfs; where there is none only the kernel front itself is known. */
function cpuSeconds(pid: Pid): number {
  const { user, system } = process.cpuUsage();
  if (pid === process.pid) return (user + system) / 1e6;
  // After the name, which is in parentheses: state, ppid, ...; utime and stime are the 12th and 13th.
  const fields = read(pid, "stat").split(") ").at(-1)!.split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

function residentBytes(pid: Pid): number {
  if (pid === process.pid) return process.memoryUsage.rss();
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, "status"))?.[1] ?? 0) * 1024;
}

function read(pid: Pid, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function percent(part: number, whole: number): number {
  return whole > 0 ? (100 * part) / whole : 0;
}
