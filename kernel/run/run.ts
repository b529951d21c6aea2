/** `cellgrad run`: executes a notebook from the command line, with parameters, and saves what it became after every cell. */
import { accessSync, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import { Client } from "../client/client.js";
import type { JsonObject } from "../protocol/message.js";
import { findParameters, hasTag, injectedCell, parseParameter, type Parameter } from "./parameters.js";
import { readNotebook, Recorder, saveNotebook, textOf, type Cell, type Notebook } from "./notebook.js";

export interface RunOptions {
  readonly notebook: string;
  /** `name=value` of each parameter. */
  readonly parameters: readonly string[];
  /** Where the executed notebook is saved; null: nowhere. */
  readonly output: string | null;
  /** Is told of the progress, a line each. */
  readonly log: (line: string) => void;
}

/** How a run ended. */
export type RunResult =
  | { readonly status: "ok" }
  | { readonly status: "failed"; readonly cell: number; readonly traceback: readonly string[] }
  | { readonly status: "interrupted" };

/** Runs every cell in order, up to the first error. Throws what keeps the run from starting. */
export async function runNotebook({ notebook: path, parameters, output, log }: RunOptions): Promise<RunResult> {
  const notebook = readNotebook(path);
  const given = [...new Map(parameters.map(parseParameter).map((each) => [each.name, each])).values()];
  const at = findParameters(notebook, given);
  if (output !== null) accessSync(dirname(resolve(output)), constants.W_OK); // before hours of work
  forget(notebook);
  const client = await Client.start({ folder: dirname(resolve(path)) });
  const interrupt = watchInterrupts(client);
  const gone = client.exited().then((code) => Promise.reject(new Error(`the kernel ended with code ${code}`)));
  try {
    const run = new Run(client, notebook, given, at, log);
    return await Promise.race([run.cells(() => output !== null && saveNotebook(output, notebook), interrupt), gone]);
  } finally {
    interrupt.stop();
    gone.catch(() => {}); // stopping is what ends it now
    await client.stop();
  }
}

/** Nothing of an earlier run stays. */
function forget(notebook: Notebook): void {
  notebook.cells = notebook.cells.filter((cell) => !hasTag(cell, "injected-parameters"));
  for (const cell of notebook.cells) if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
}

class Run {
  readonly #recorder = new Recorder();
  readonly #client: Client;
  readonly #notebook: Notebook;
  readonly #given: readonly Parameter[];
  readonly #at: number;
  readonly #log: (line: string) => void;

  constructor(client: Client, notebook: Notebook, given: readonly Parameter[], at: number, log: (line: string) => void) {
    this.#client = client;
    this.#notebook = notebook;
    this.#given = given;
    this.#at = at;
    this.#log = log;
  }

  async cells(save: () => void, interrupt: { readonly happened: boolean }): Promise<RunResult> {
    const { cells } = this.#notebook;
    for (let index = 0; index < cells.length; index++) {
      const cell = cells[index]!;
      if (cell.cell_type !== "code" || textOf(cell.source).trim() === "" || hasTag(cell, "skip-execution")) continue;
      const started = performance.now();
      const traceback = await this.#execute(cell);
      save();
      this.#log(`cell ${index + 1} of ${cells.length}  ${((performance.now() - started) / 1000).toFixed(1)} s`);
      if (interrupt.happened) return { status: "interrupted" };
      if (traceback && !hasTag(cell, "raises-exception")) return { status: "failed", cell: index + 1, traceback };
      if (index === this.#at && this.#given.length > 0) cells.splice(index + 1, 0, injectedCell(cell, this.#given, await this.#types()));
    }
    save(); // also a notebook without code
    return { status: "ok" };
  }

  /** Returns the traceback of an error. */
  async #execute(cell: Cell): Promise<readonly string[] | null> {
    const options = { allow_stdin: false, stop_on_error: false, ...(cell.id !== undefined && { cellId: cell.id }) };
    const { reply, error, messages } = await this.#client.execute(textOf(cell.source), options);
    for (const message of messages) {
      const isAssigned = hasTag(cell, "injected-parameters") && message.header.msg_type === "execute_result";
      if (!isAssigned) this.#recorder.record(cell, message);
    }
    cell.execution_count = Number(reply.execution_count);
    this.#client.published.length = 0;
    return error && error.traceback;
  }

  /** How TypeScript writes the types of the parameters. */
  async #types(): Promise<ReadonlyMap<string, string>> {
    const types = new Map<string, string>();
    for (const { name } of this.#given) {
      const { content } = await this.#client.request("inspect_request", { code: name, cursor_pos: 1, detail_level: 0 }).reply;
      const text = String((content.data as JsonObject | undefined)?.["text/plain"] ?? "");
      const [, type] = /^(?:const|let|var) [^:]+: ([^\n]+)/.exec(text) ?? [];
      if (type !== undefined) types.set(name, type);
    }
    return types;
  }
}

/** Ctrl-C stops the cell that runs, and with it the run; what was done is saved. */
function watchInterrupts(client: Client): { readonly happened: boolean; stop(): void } {
  const watch = { happened: false, stop: () => void process.off("SIGINT", onInterrupt) };
  const onInterrupt = () => {
    watch.happened = true;
    void client.interrupt();
  };
  process.on("SIGINT", onInterrupt);
  return watch;
}
