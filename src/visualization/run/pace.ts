/** How fast a loop goes and how long it will take: live only, never stored. */
import type { Progress } from "../../wire/views.js";

const remembered = 64;

export class Pace {
  epoch = 0;
  /** True once a loop was started: log() then uses its step. */
  used = false;
  private epochs = 1;
  private stepsPerEpoch: number | null = null;
  private first = 0;
  private startedAt = 0;
  private stoppedAt: number | null = null;
  private lastTick = 0;
  private readonly durations = new Float64Array(remembered);
  private ticks = 0;

  start(stepsPerEpoch: number | null, epochs: number, first: number): void {
    this.used = true;
    this.stepsPerEpoch = stepsPerEpoch;
    this.epochs = epochs;
    this.first = first;
    this.ticks = 0;
    this.stoppedAt = null;
    this.startedAt = this.lastTick = performance.now();
  }

  tick(): void {
    const now = performance.now();
    this.durations[this.ticks++ % remembered] = now - this.lastTick;
    this.lastTick = now;
  }

  /** A loader of unknown length has one now. */
  endEpoch(position: number): void {
    this.stepsPerEpoch ??= position - this.first;
  }

  stop(complete: boolean): void {
    this.stoppedAt = performance.now();
    if (!complete) this.stepsPerEpoch = null;
  }

  /** Null before the first loop. The time left is the median of the last steps times the steps left: one slow step does not move it. */
  progress(position: number, running: boolean): Progress | null {
    if (!this.used) return null;
    const total = this.stepsPerEpoch === null ? null : this.first + this.stepsPerEpoch * this.epochs;
    const stepMs = this.median();
    return {
      step: position,
      total,
      epoch: this.epoch,
      epochs: this.epochs,
      elapsedMs: (this.stoppedAt ?? performance.now()) - this.startedAt,
      remainingMs: total === null || stepMs === null || !running ? null : Math.max(0, total - position) * stepMs,
      stepsPerSecond: stepMs === null || stepMs === 0 ? null : 1000 / stepMs,
    };
  }

  private median(): number | null {
    const size = Math.min(this.ticks, remembered);
    return size === 0 ? null : this.durations.slice(0, size).sort()[size >> 1]!;
  }
}
