/**
 * Preloaded into the processes that tests start while coverage is measured. Node writes what a process reached when it exits, but a
 * kernel ends its runtime by a signal that no process outlives: it first asks for the report, and waits for it a moment.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import v8 from "node:v8";
import { BroadcastChannel, isMainThread } from "node:worker_threads";

const patience = 500; // ms: a runtime that is stuck in a cell writes nothing
const entry = process.argv[1] ?? "";
const written = (pid) => join(process.env.NODE_V8_COVERAGE, `written-${pid}`);

if (process.env.NODE_V8_COVERAGE) {
  if (/kernel\/runtime\/(main|agent)\.js$/.test(entry)) reportWhenAsked();
  else if (isMainThread) askBeforeKilling();
}

/** In the runtime: its main thread and its agent write what they reached. */
function reportWhenAsked() {
  const threads = new BroadcastChannel("cellgrad coverage");
  threads.unref();
  if (!isMainThread) {
    threads.onmessage = ({ data }) => {
      if (data !== "write") return;
      v8.takeCoverage();
      threads.postMessage("written");
    };
    return;
  }
  const { pid } = process;
  threads.onmessage = ({ data }) => {
    if (data === "written") writeFileSync(written(pid), "");
  };
  process.on("SIGUSR2", () => {
    threads.postMessage("write");
    v8.takeCoverage();
  });
}

/** In the kernel, whose runtime leads a process group of its own. */
function askBeforeKilling() {
  const kill = process.kill.bind(process);
  process.kill = (pid, signal) => {
    if (pid < 0 && signal === "SIGKILL") waitForReport(-pid, kill);
    return kill(pid, signal);
  };
}

function waitForReport(pid, kill) {
  try {
    kill(pid, "SIGUSR2");
  } catch {
    return; // it has ended
  }
  const until = Date.now() + patience;
  const clock = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(written(pid)) && Date.now() < until) Atomics.wait(clock, 0, 0, 5);
  rmSync(written(pid), { force: true });
}
