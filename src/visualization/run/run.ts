/** A training run that is logged: `track()` shows a card that grows while the loop runs and stays in the file. */
import { ValueError, describe } from "../../tensor/errors.js";
import type { Tensor } from "../../tensor/tensor.js";
import { host, offer } from "../live.js";
import { displaySymbol, type MimeBundle } from "../../wire/host.js";
import type { GradientStrip, Ghost, RunPayload, RunStatus } from "../../wire/run.js";
import type { Progress } from "../../wire/views.js";
import { codeChanges } from "./code-changes.js";
import { Journal } from "./journal.js";
import { Sentinel, stepLogged, watchLosses } from "./sentinel.js";
import { answerRun } from "./answers.js";
import { closingBundle, openingBundle } from "./bundle.js";
import { MemoryWatch } from "./memory.js";
import { describeSeries, runHeadline } from "./text.js";
import { Pace } from "./pace.js";
import { GradientWatch, type Watched } from "./watch.js";

export interface TrackOptions {
  /** What the card is called. Default "run 1", "run 2", ... of the cell. */
  name?: string;
  /** A model whose gradients are sampled into a strip: a row a parameter. */
  watch?: Watched;
  /** Numbers worth comparing between runs, such as the learning rate; changes appear beside the ghost of the run before. */
  config?: Readonly<Record<string, number | string | boolean>>;
}

export interface StepsOptions {
  /** How often the loader is walked through. Default 1. */
  epochs?: number;
}

export interface LogOptions {
  /** Default: the step of the loop, or the number of log() calls before. Any order; a repeated step is a point as well. */
  step?: number;
}

const ghostsKept = 5;
const stripLimits = { rows: 24, columns: 64 } as const;

/** What stays of a run when the next one of its cell begins. */
interface Past {
  readonly name: string;
  readonly code: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly journal: Journal;
}

/** The last runs of each cell of this session, latest last, and how many there were. Plain Node has no cells and no ghosts. */
const pastOfCell = new Map<string, { count: number; readonly runs: Past[] }>();

/**
 * Starts a run. In a notebook it shows a card under the cell: curves, progress, and the runs of the same cell before as ghosts.
 * @example
 * const run = track({ watch: model })
 * for (const [x, y] of run.steps(loader, { epochs: 3 })) {
 *   const loss = F.crossEntropy(model.forward(x), y)
 *   run.log({ loss })
 * }
 */
export function track(options: TrackOptions = {}): Run {
  return new Run(options);
}

export class Run {
  readonly name: string;
  /** @internal */ readonly journal = new Journal();
  /** @internal */ readonly pace = new Pace();
  /** @internal */ readonly sentinel = new Sentinel();
  /** @internal */ readonly watch: GradientWatch | null;
  /** @internal Null where nobody watches. */ readonly memory: MemoryWatch | null;
  /** @internal The bundle shown last. */ shown: MimeBundle;
  private readonly self: Past;
  private readonly before: readonly Past[];
  // Never stored: nbclient and JupyterLab keep it in memory only.
  private readonly displayId = crypto.randomUUID();
  private state: RunStatus = "running";
  private looping = false;
  private epochsDone = 0;
  private position = 0;
  private storedCalls = -1;

  /** @internal Use {@link track}. */
  constructor({ name, watch, config = {} }: TrackOptions) {
    watchLosses();
    const cell = host()?.cell() ?? null;
    const past = pastOf(cell?.id ?? null);
    this.before = past.runs.filter(({ journal }) => !journal.empty);
    this.name = name ?? `run ${++past.count}`;
    this.self = { name: this.name, code: cell?.code ?? "", config, journal: this.journal };
    past.runs.splice(0, past.runs.length, ...this.before.slice(1 - ghostsKept), this.self);
    this.watch = watch === undefined ? null : new GradientWatch(watch);
    this.memory = host()?.interactive === true ? new MemoryWatch() : null;
    this.shown = openingBundle(this.payload());
    host()?.display(this.shown, { displayId: this.displayId });
    this.finishWithCell();
  }

  /** The current step, from 0: how many batches `steps()` has handed out before this one. */
  get step(): number {
    return this.position;
  }

  /** The current epoch of `steps()`, from 0. */
  get epoch(): number {
    return this.pace.epoch;
  }

  get status(): RunStatus {
    return this.state;
  }

  /** Walks through `loader` `epochs` times; counts steps and estimates the time left. */
  *steps<Batch>(loader: Iterable<Batch>, { epochs = 1 }: StepsOptions = {}): Generator<Batch, void, undefined> {
    if (!Number.isInteger(epochs) || epochs < 0) {
      throw new ValueError({ op: "steps", argument: "epochs", expected: "a non-negative integer", got: describe(epochs) });
    }
    this.resume();
    this.pace.start(lengthOf(loader), epochs, this.position);
    this.looping = true;
    let complete = false;
    try {
      for (let epoch = 0; epoch < epochs; epoch++) {
        this.pace.epoch = epoch;
        for (const batch of loader) {
          yield batch;
          this.position++;
          this.pace.tick();
        }
        this.epochsDone++;
        this.pace.endEpoch(this.position);
      }
      complete = true;
    } finally {
      // An interrupt ends the loop without coming here: the run is then still looping when the cell ends.
      this.looping = false;
      this.pace.stop(complete);
    }
  }

  /** Adds a point to each named curve. Values are numbers or one-element tensors. Costs about a microsecond. */
  log(values: Readonly<Record<string, number | Tensor>>, options?: LogOptions): void {
    const step = options?.step ?? (this.pace.used ? this.position : this.journal.calls);
    for (const name in values) {
      const value = values[name]!;
      const number = typeof value === "number" ? value : scalarOf(name, value);
      // NaN for NaN and the infinities.
      if (number - number !== 0) this.sentinel.met(this.journal, name, step, number, value);
      this.journal.push(name, step, number);
    }
    this.journal.commit();
    stepLogged();
    this.watch?.at(step);
    this.memory?.at(step);
    if (this.state !== "running") this.resume();
  }

  /** Ends the run and stores its picture. Done by itself when the cell ends. */
  async finish(): Promise<void> {
    if (this.state === "running") this.state = this.looping ? "interrupted" : "finished";
    this.looping = false;
    if (this.storedCalls === this.journal.calls) return;
    this.storedCalls = this.journal.calls;
    this.shown = await this.close();
    host()?.display(this.shown, { displayId: this.displayId, update: true });
  }

  /** The run as a table: last and best value and a sparkline of each curve. */
  toString(): string {
    return String(this.shown.data["text/plain"]);
  }

  async [displaySymbol](): Promise<MimeBundle> {
    return this.close();
  }

  /** @internal What is stored, and what a view that attaches again starts from. */
  payload(): RunPayload {
    return {
      version: 1,
      live: offer(this, answerRun),
      name: this.name,
      status: this.state,
      sequence: this.journal.calls,
      series: this.journal.series.map(describeSeries),
      ghosts: this.ghosts(),
      strip: this.strip(),
      memory: this.memory?.track() ?? null,
      broken: this.sentinel.broken,
      summary: runHeadline(this.name, this.state, this.pace.used ? this.position : this.journal.calls, this.epochsDone),
    };
  }

  /** @internal */
  ghosts(): readonly Ghost[] {
    return this.before.map((run, i) => ({ id: String(i + 1), label: this.changesSince(run) }));
  }

  /** @internal The points behind a ghost's id. */
  ghost(id: string): Journal | undefined {
    return this.before[Number(id) - 1]?.journal;
  }

  /** @internal */
  progress(): Progress | null {
    return this.pace.progress(this.position, this.state === "running");
  }

  private strip(): GradientStrip | null {
    return this.watch?.strip(stripLimits.rows, stripLimits.columns) ?? null;
  }

  private changesSince(earlier: Past): string {
    const { code, config } = this.self;
    const keys = [...new Set([...Object.keys(earlier.config), ...Object.keys(config)])].filter(
      (key) => earlier.config[key] !== config[key],
    );
    const configured = keys.map((key) => `${key} ${String(earlier.config[key])} -> ${String(config[key])}`);
    const changes = [...new Set([...configured, ...codeChanges(earlier.code, code)])].slice(0, 4);
    return changes.length === 0 ? earlier.name : `${earlier.name}: ${changes.join(", ")}`;
  }

  private async close(): Promise<MimeBundle> {
    const charted = [
      { id: null, points: this.journal.series },
      ...this.before.map((run, i) => ({ id: String(i + 1), points: run.journal.series })),
    ];
    return closingBundle(this.payload(), charted);
  }

  private resume(): void {
    this.state = "running";
    this.finishWithCell();
  }

  private readonly finishTask = (): Promise<void> => this.finish();

  private finishWithCell(): void {
    host()?.beforeIdle(this.finishTask);
  }
}

function pastOf(cell: string | null): { count: number; readonly runs: Past[] } {
  if (cell === null) return { count: 0, runs: [] };
  const past = pastOfCell.get(cell) ?? { count: 0, runs: [] };
  pastOfCell.set(cell, past);
  return past;
}

function scalarOf(name: string, value: Tensor): number {
  if (typeof (value as { item?: unknown } | null)?.item !== "function") {
    throw new ValueError({ op: "log", argument: name, expected: "a number or a one-element tensor", got: describe(value) });
  }
  return Number(value.item());
}

function lengthOf(loader: Iterable<unknown>): number | null {
  const { length } = loader as { length?: unknown };
  if (typeof length === "number") return length;
  const { size } = loader as { size?: unknown };
  return typeof size === "number" ? size : null;
}
