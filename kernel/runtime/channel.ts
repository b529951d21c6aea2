/** The pipe on which R tells K what happens: blocking, so that output arrives at once even from a loop that never ends, and none is lost. */
import { writeSync } from "node:fs";
import { Pipe, type FromRuntime } from "./messages.js";

/** Sends a message; returns when K's end of the pipe holds all of it. */
export function emit(message: FromRuntime): void {
  let bytes = Buffer.from(JSON.stringify(message) + "\n");
  try {
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(Pipe.events, bytes));
  } catch {
    process.kill(-process.pid, "SIGKILL"); // K is gone, or user code closed the pipe: without it R is of no use
  }
}
