/** The pipe on which R tells K what happens: blocking, so that output arrives at once even from a loop that never ends, and none is lost. */
import { readSync, writeSync } from "node:fs";
import { encodeLine } from "./lines.js";
import { Pipe, type FromRuntime } from "./messages.js";

let wroteDirectly = false;

/** Notes a write past this pipe, to descriptor 1 or 2: K passes it on before whatever is said next. */
export function noteDirectWrite(): void {
  wroteDirectly = true;
}

/** Sends a message and its buffers; returns when K's end of the pipe holds all of it. */
export function emit(message: FromRuntime, buffers?: readonly Uint8Array[]): void {
  if (wroteDirectly) {
    wroteDirectly = false;
    send({ type: "drain" });
    awaitDrained();
  }
  send(message, buffers);
}

function send(message: FromRuntime, buffers?: readonly Uint8Array[]): void {
  try {
    for (let bytes of encodeLine(message, buffers)) {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(Pipe.events, bytes));
    }
  } catch {
    process.kill(-process.pid, "SIGKILL"); // K is gone, or user code closed the pipe: without it R is of no use
  }
}

/** Waits until K has read what lies in stdout and stderr: what is written there afterwards cannot be mistaken for it. */
function awaitDrained(): void {
  try {
    readSync(Pipe.drained, Buffer.allocUnsafe(1));
  } catch {
    // Closed by user code: direct writes may then appear a little late.
  }
}
