/** How many bytes tensors take while a run goes on. Live only: it depends on when garbage is collected, so a headless run has none. */
import { gauges } from "../../runtime/addon.js";
import { knownDevices } from "../../tensor/device.js";
import { liveBytes } from "../../wire/gauges.js";
import type { MemoryTrack } from "../../wire/run.js";

const mostColumns = 128;

interface Column {
  readonly step: number;
  /** By device: the most of the log() calls that it stands for. */
  readonly bytes: Float64Array;
}

/** The levels at log() calls; when 128 columns are full, neighbours are merged and each column stands for twice as many calls. */
export class MemoryWatch {
  private columns: Column[] = [];
  private callsPerColumn = 1;
  private calls = 0;
  /** Grows with every column. */
  samples = 0;

  /** Called at each log(). A step that comes again is not drawn twice. */
  at(step: number): void {
    const last = this.columns.at(-1);
    if (last !== undefined && step < last.step) return;
    if (last !== undefined && this.calls++ % this.callsPerColumn !== 0) return void raise(last.bytes);
    const bytes = new Float64Array(knownDevices().length);
    raise(bytes);
    this.columns.push({ step, bytes });
    this.samples++;
    if (this.columns.length < mostColumns) return;
    this.columns = this.columns.filter(({ bytes: own }, i) => {
      const next = i % 2 === 0 ? this.columns[i + 1] : undefined;
      next?.bytes.forEach((level, device) => (own[device] = Math.max(own[device]!, level)));
      return i % 2 === 0;
    });
    this.callsPerColumn *= 2;
    this.calls = 0;
  }

  /** Devices that held tensors; null before the first call. */
  track(): MemoryTrack | null {
    if (this.columns.length === 0) return null;
    const devices = knownDevices().flatMap(({ name }, device) => {
      const bytes = this.columns.map((column) => column.bytes[device]!);
      return bytes.some((level) => level > 0) ? [{ name, bytes }] : [];
    });
    return devices.length === 0 ? null : { steps: this.columns.map(({ step }) => step), devices };
  }
}

function raise(bytes: Float64Array): void {
  for (let device = 0; device < bytes.length; device++) bytes[device] = Math.max(bytes[device]!, liveBytes(gauges, device));
}
