/** Memory and processor use for usage_request. */
import { readFileSync } from "node:fs";
import { cpus, freemem, hostname, totalmem } from "node:os";
import type { JsonObject } from "../protocol/message.js";

/** The content of a usage_reply for the kernel's processes. */
export function usage(pids: readonly (number | undefined)[]): JsonObject {
  const [total, free] = [totalmem(), freemem()];
  const cores = cpus();
  const busy = cores.map(({ times }) => 1 - times.idle / Object.values(times).reduce((sum, time) => sum + time, 0));
  return {
    hostname: hostname(),
    pid: process.pid,
    kernel_memory: pids.reduce<number>((sum, pid) => sum + (pid === undefined ? 0 : residentBytes(pid)), 0),
    host_cpu_percent: (100 * busy.reduce((sum, share) => sum + share, 0)) / cores.length,
    cpu_count: cores.length,
    host_virtual_memory: { total, available: free, used: total - free, free, percent: (100 * (total - free)) / total },
  };
}

/** From Linux's procfs; where there is none only the kernel front itself is known. */
function residentBytes(pid: number): number {
  if (pid === process.pid) return process.memoryUsage.rss();
  try {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
