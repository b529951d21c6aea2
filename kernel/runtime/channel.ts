/** The pipe on which R tells K what happens: blocking, so that output arrives at once even from a loop that never ends, and none is lost. */
import fs from "node:fs";
import { encodeLine } from "./lines.js";
import { Pipe, type FromRuntime, type StreamName } from "./messages.js";

/** Messages of text that may go at once, refilled by one each ms: a loop that prints faster is sent in pieces. */
const burst = 100;
/** Characters of a piece, and how long the first of them waits, in ms. */
const [pieceLength, pieceTime] = [16384, 5];

// Node's own, which user code may replace.
const { readSync, writeSync } = fs;
const { setImmediate } = globalThis;

/** Text that waits for more of its cell and stream. */
let held: { readonly key: number | null; readonly name: StreamName; text: string; readonly since: number } | null = null;
let credit = burst;
let lastText = 0;
/** Whether a message is on its way: nothing may interrupt the main thread then. */
let sending = false;
let wroteDirectly = false;
let onHold = (): void => {};

export function isSending(): boolean {
  return sending;
}

/** Has `listener` called when text begins to wait: {@link flush} must follow, whatever the main thread does. */
export function whenTextWaits(listener: () => void): void {
  onHold = listener;
}

/** Sends text that belongs to a cell, or to none that is known. */
export function emitText(key: number | null, name: StreamName, text: string): void {
  if (held && (held.key !== key || held.name !== name)) flush();
  const now = performance.now();
  credit = Math.min(burst, credit + now - lastText);
  lastText = now;
  if (held) {
    held.text += text;
    if (held.text.length >= pieceLength || now - held.since >= pieceTime) flush();
  } else if (credit >= 1) {
    credit--;
    emit({ type: "stream", key, name, text });
  } else {
    held = { key, name, text, since: now };
    setImmediate(flush);
    onHold();
  }
}

/** Sends the text that waits. */
export function flush(): void {
  if (!held || sending) return;
  sending = true;
  const { key, name, text } = held;
  held = null;
  write(encodeLine({ type: "stream", key, name, text }));
  sending = false;
}

/** Notes a write past this pipe, to descriptor 1 or 2: K passes it on before whatever is said next. */
export function noteDirectWrite(): void {
  wroteDirectly = true;
}

/**
 * Sends a message and its buffers, after the text that waits; returns when K's end of the pipe holds all of it.
 * @throws TypeError for data of user code that is no JSON; nothing is sent then
 */
export function emit(message: FromRuntime, buffers?: readonly Uint8Array[]): void {
  const line = encodeLine(message, buffers); // may run a person's toJSON
  flush();
  sending = true;
  write(line);
  sending = false;
}

function write(line: readonly Uint8Array[]): void {
  if (wroteDirectly) {
    wroteDirectly = false;
    writeLine(encodeLine({ type: "drain" }));
    awaitDrained();
  }
  writeLine(line);
}

function writeLine(line: readonly Uint8Array[]): void {
  try {
    for (let bytes of line) {
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
