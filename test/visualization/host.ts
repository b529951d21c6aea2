/** A kernel's host that remembers what was shown. */
import { gaugeCells } from "../../src/wire/gauges.js";
import { hostSymbol, type CallSource, type Host, type MimeBundle, type SourceLine } from "../../src/wire/host.js";

export interface Shown {
  readonly bundle: MimeBundle;
  readonly displayId: string | undefined;
  readonly update: boolean;
}

export class RecordingHost implements Host {
  readonly words = new Int32Array(new SharedArrayBuffer(16));
  readonly gauges = new Float64Array(new SharedArrayBuffer(gaugeCells * 8));
  /** What top-level names hold. */
  readonly names = new Map<string, unknown>();
  readonly shown: Shown[] = [];
  interactive = true;
  private current: { id: string; count: number; code: string } | null = null;
  private tasks: (() => void | Promise<void>)[] = [];

  constructor() {
    Object.defineProperty(globalThis, hostSymbol, { value: this, configurable: true });
  }

  display(bundle: MimeBundle, options: { displayId?: string; update?: boolean } = {}): void {
    this.shown.push({ bundle, displayId: options.displayId, update: options.update ?? false });
  }

  cell(): { id: string; count: number; code: string } | null {
    return this.current;
  }

  beforeIdle(task: () => void | Promise<void>): void {
    if (!this.tasks.includes(task)) this.tasks.push(task);
  }

  atCellEnd(): void {}

  variables(): [string, unknown][] {
    return [...this.names];
  }

  cells(): [] {
    return [];
  }

  /** Lines and calls of cells that a test sets. */
  lines = new Map<string, SourceLine>();
  call: CallSource | null = null;

  declarationOf(name: string): SourceLine | null {
    return this.lines.get(name) ?? null;
  }

  callAt(): CallSource | null {
    return this.call;
  }

  callsOf(name: string): CallSource[] {
    return this.call?.name === name ? [this.call] : [];
  }

  /** Nothing is cut off here. */
  afterInterrupt(): void {}

  /** Runs `work` as a cell and then what it left to be finished. */
  async run(id: string, code: string, work: () => void | Promise<void>): Promise<void> {
    this.current = { id, count: 1, code };
    try {
      await work();
    } catch {
      // As the kernel: what was to be finished is finished after an error, too.
    }
    const tasks = this.tasks;
    this.tasks = [];
    for (const task of tasks) await task();
    this.current = null;
  }
}
