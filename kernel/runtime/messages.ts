/** What the kernel front (K), the runtime (R) and its agent say to each other: one JSON text a line on the pipes of {@link Pipe}. */
import { join } from "node:path";
import type { RemoteObject } from "../debugger/values.js";
import type { TransformSettings } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";

/** File descriptors of R beside 0, 1 and 2. */
export const Pipe = {
  /** R writes, blocking: {@link FromRuntime}. */
  events: 3,
  /** R's main thread reads: {@link ToRuntime}. */
  commands: 4,
  /** R's agent thread reads {@link ToAgent} and writes {@link FromAgent}. */
  agent: 5,
  /** R waits here for a byte: K's answer to `drain`. */
  drained: 6,
} as const;

/** An error as Jupyter shows it. */
export interface CellError {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

export interface Bundle {
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

/** A cell to run. `key` is unique in the session; `id` is the notebook's cell id. */
export interface RuntimeCell {
  readonly key: number;
  readonly count: number;
  readonly id: string | null;
  readonly code: string;
  /** Whether somebody watches (false: nbconvert and the like). */
  readonly interactive: boolean;
}

/** Where K keeps everything that a cell has printed, once the notebook shows only a part. */
export function outputFile(folder: string, count: number): string {
  return join(folder, `cell-${count}.txt`);
}

export type StreamName = "stdout" | "stderr";

/** What happened to a comm: it was opened on a target, got a message, or was closed. */
export interface CommEvent {
  readonly event: "open" | "message" | "close";
  readonly id: string;
  /** "" where the comm is known. */
  readonly target: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

export type ToRuntime =
  /** The first message. Answered by `ready`. */
  | { readonly type: "start" }
  /** Transform the cell; answered by `prepared`. */
  | { readonly type: "prepare"; readonly cell: RuntimeCell; readonly settings: TransformSettings }
  /** Run the prepared cell; answered by `done`. */
  | { readonly type: "run"; readonly key: number; readonly expressions: JsonObject }
  /** Forget the prepared cell. */
  | { readonly type: "drop"; readonly key: number }
  /** The front end's comm message `number`, with its buffers behind it; answered by `received` when its handler has run, up to its first await. */
  | ({ readonly type: "comm"; readonly number: number } & CommEvent);

export type FromRuntime =
  | { readonly type: "ready" }
  | { readonly type: "prepared"; readonly key: number; readonly error: CellError | null }
  /** `key` is null when the code that writes belongs to no cell that is known. */
  | { readonly type: "stream"; readonly key: number | null; readonly name: StreamName; readonly text: string }
  | {
      readonly type: "display";
      readonly key: number | null;
      readonly bundle: Bundle;
      readonly displayId: string | null;
      readonly update: boolean;
    }
  | { readonly type: "clear"; readonly key: number | null; readonly wait: boolean }
  /** User code opened, wrote to or closed a comm; buffers follow. */
  | ({ readonly type: "comm"; readonly key: number | null } & CommEvent)
  /** From now on the front end can open comms on this target. */
  | { readonly type: "target"; readonly target: string }
  | { readonly type: "received"; readonly number: number; readonly accepted: boolean }
  /** The main thread waits for a line of input; the agent is told the {@link InputAnswer}. */
  | { readonly type: "input"; readonly id: number; readonly key: number; readonly prompt: string; readonly password: boolean }
  /** The last message of a cell, but for output of work it left behind. */
  | {
      readonly type: "done";
      readonly key: number;
      readonly result: Bundle | null;
      readonly error: CellError | null;
      readonly expressions: JsonObject;
      readonly payload: readonly JsonObject[];
    }
  /** Text that went to stdout or stderr directly comes before what follows; R waits until K has read it. */
  | { readonly type: "drain" }
  /** The kernel's own code failed in R, which ends. */
  | { readonly type: "failed"; readonly reason: string }
  /** The last message of R. */
  | { readonly type: "exit"; readonly code: number };

export type ToAgent =
  /** Stop what runs, if it is not a cell later than `upTo`. Harmless at any time; repeat until the cell is done. */
  | { readonly id: number; readonly type: "interrupt"; readonly upTo: number }
  /** Pass JSON text to the library's views. */
  | { readonly id: number; readonly type: "view"; readonly request: string }
  /** Names that can follow `receiver` and a dot, or the session's names when it is null, as a list of {@link LiveName}. */
  | { readonly id: number; readonly type: "names"; readonly receiver: string | null }
  /** What the value of a member chain is, a {@link LiveValue}. */
  | { readonly id: number; readonly type: "describe"; readonly expression: string }
  /** Wake the main thread, which waits for input. */
  | { readonly id: number; readonly type: "input"; readonly answer: InputAnswer }
  /** Speak to V8's debugger in the DevTools protocol; answered by a {@link DevtoolsAnswer}. */
  | { readonly id: number; readonly type: "devtools"; readonly method: string; readonly params: JsonObject };

/** A name that stands for something now. */
export interface LiveName {
  readonly name: string;
  readonly kind: "variable" | "function" | "class" | "method" | "property";
  /** What the library says of the value. */
  readonly detail?: string;
}

/** A value as the library describes it, or, if it is none of the library's, as V8 does. */
export type LiveValue = { readonly text: string } | { readonly object: RemoteObject };

/** What became of question `id`: the line, or why there is none. */
export interface InputAnswer {
  readonly id: number;
  readonly value: string;
  readonly refusal: string | null;
}

export type FromAgent =
  /** The answer to a question; null when there is none. */
  | { readonly id: number; readonly value: unknown }
  /** The kernel's own code fails in the main thread: R must end. */
  | { readonly failed: string }
  /** Something happened in V8's debugger while it is enabled. */
  | { readonly event: DevtoolsEvent };

export type DevtoolsAnswer = { readonly result: JsonObject } | { readonly error: string };

export interface DevtoolsEvent {
  readonly method: string;
  readonly params: JsonObject;
}
