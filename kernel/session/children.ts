/** The processes that cells have started, as Linux tells of them: those that do not end when they are asked to are ended. */
import { readFileSync, readdirSync } from "node:fs";

/** A process that a cell has started. */
export interface Child {
  readonly pid: number;
  /** How long ago it was started, in ms. */
  readonly age: number;
  /** Its command line, or the start of it. */
  readonly command: string;
}

/** What `/proc` counts time in, the same on every Linux that Node runs on: 1/100 s. */
const tick = 10;
const longestCommand = 60;

/** Processes of a group, without its leader, that were started within the last `since` ms; none where there is no `/proc`. */
export function childrenOf(leader: number | undefined, since: number): Child[] {
  if (leader === undefined) return [];
  try {
    const now = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
    return readdirSync("/proc").flatMap((name) => {
      const pid = Number(name);
      if (!(pid > 0) || pid === leader) return [];
      const stat = read(`/proc/${pid}/stat`);
      // The name of the program, in parentheses, may hold anything: what follows it counts from the state, field 3.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const [state, group, age] = [fields[0], Number(fields[2]), now - Number(fields[19]) * tick];
      if (group !== leader || state === "Z" || age > since + 2 * tick) return [];
      const command = read(`/proc/${pid}/cmdline`).split("\0").join(" ").trim();
      return [{ pid, age, command: command.length > longestCommand ? `${command.slice(0, longestCommand)}…` : command }];
    });
  } catch {
    return [];
  }
}

/** Sends a signal; says whether there was somebody to hear it. */
export function signal({ pid }: Child, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Empty for a process that has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
