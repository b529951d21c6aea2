/** Entry of R, the process that user code runs in: puts the host in place, starts the agent, then does what K says. */
import { Socket } from "node:net";
import { MessageChannel, Worker } from "node:worker_threads";
import { gaugeCells } from "../../src/wire/gauges.js";
import { languageHooks } from "../language/hooks.js";
import { createTransformer } from "../language/transform.js";
import { clearOutput, page } from "./display.js";
import { emit, whenTextWaits } from "./channel.js";
import { Comm, installComms, receiveComm } from "./comms.js";
import { describeError, installStackTraces } from "./errors.js";
import { markDirectWrites } from "./descriptors.js";
import { Evaluator } from "./evaluate.js";
import { announceText, handoverBytes } from "./handover.js";
import { installHost } from "./host.js";
import { endRuntime } from "./failure.js";
import { createImports } from "./imports.js";
import { alert, confirm, installInput, prompt } from "./input.js";
import { createKernel } from "./kernel.js";
import { readLines } from "./lines.js";
import { display } from "./media.js";
import { Pipe, type ToRuntime } from "./messages.js";
import { installPromiseInspection } from "./promises.js";
import { installStreams } from "./streams.js";
import { installTimers } from "./timers.js";
import { followWorkers } from "./workers.js";

const outputs = process.argv[2]!;
const words = new Int32Array(new SharedArrayBuffer(16));
const gauges = new Float64Array(new SharedArrayBuffer(gaugeCells * 8));
const handover = new Int32Array(new SharedArrayBuffer(handoverBytes));
const answers = new MessageChannel();
const inputWord = new Int32Array(new SharedArrayBuffer(4));
installInput({ word: inputWord, port: answers.port1 });
new Worker(new URL("./agent.js", import.meta.url), {
  workerData: { words, gauges, handover, outputs, input: { word: inputWord, port: answers.port2 } },
  transferList: [answers.port2],
}).unref();

const { setTimeout } = globalThis;
whenTextWaits(() => announceText(handover));
installStackTraces();
installStreams();
markDirectWrites();
installPromiseInspection();
installTimers();
followWorkers();
installHost(words, gauges, () => evaluator?.variables() ?? []);
installComms(reportLate);
const folder = process.cwd();
const imports = createImports(folder);
const kernel = createKernel(folder, outputs);
Object.assign(globalThis, { kernel, display, clearOutput, page, prompt, confirm, alert, Comm });
Object.defineProperty(globalThis, "__cellgrad", { value: { import: imports.import, meta: imports.meta, ...languageHooks } });

process.on("SIGINT", () => {}); // K sends it to stop the children of a cell; this process stops by the agent
process.on("uncaughtException", reportLate);
process.on("unhandledRejection", reportLate);
// K ends this process when it is told so: Node itself would wait for the agent's debugging session to end.
Object.assign(process, {
  reallyExit(code: number) {
    emit({ type: "exit", code });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});

/** How long after the start nothing must have been asked for the library to be loaded ahead, in ms. */
const preloadDelay = 100;

let evaluator: Evaluator | null = null;
let preloadTimer: NodeJS.Timeout | null = null;

const { parse } = JSON; // Node's own: user code may replace it
readLines(
  new Socket({ fd: Pipe.commands, readable: true, writable: false }),
  (line, buffers) => obey(parse(line) as ToRuntime, buffers),
  endRuntime,
);

function obey(command: ToRuntime, buffers: readonly Uint8Array[]): void {
  switch (command.type) {
    case "start":
      evaluator = new Evaluator(createTransformer(), words, handover);
      preloadTimer = setTimeout(() => void imports.preload().catch(reportLate), preloadDelay);
      return emit({ type: "ready" });
    case "prepare":
      if (preloadTimer) clearTimeout(preloadTimer);
      imports.follow(command.settings);
      return evaluator!.prepare(command.cell, command.settings);
    case "run":
      return evaluator!.run(command.key, command.expressions);
    case "drop":
      return evaluator!.drop(command.key);
    case "comm":
      return receiveComm(command.number, command, buffers);
  }
}

/** An error that no cell waits for: written under the cell it came from. */
function reportLate(error: unknown): void {
  console.error(describeError(error).traceback.join("\n"));
}
