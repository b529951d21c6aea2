/** Native calls as a profile notes them: numbers in typed arrays while the code runs, objects when somebody asks. */
import type { Made, Observed } from "../runtime/observe.js";
import { Trace, type Place } from "./place.js";
import type { Shape } from "./shape.js";

/** One call; times in milliseconds of performance.now(). */
export interface Call {
  readonly kernel: string;
  readonly shape: Shape | null;
  readonly dt: number;
  readonly dev: number;
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
  readonly place: Place;
}

const sizes = [1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16];
const nowhere: Place = { cell: null, frame: null };
const width = 7; // start, end, bytes, kernel, dtype, device, trace
const remembered = 8;
// Divisible by 1, 2 and 4: so many lines may take turns in making the same calls.
const looks = 4;

/**
 * The place of a call costs ten times what the call does, so it is not looked up each time: after the same eight calls (kernels and sizes)
 * the first four places are kept, and from then on they repeat in that order. So a loop costs its places once, and lines that take turns keep
 * their turns.
 */
class Places {
  readonly traces: Trace[] = [];
  private readonly recent = new Int32Array(remembered);
  private turn = 0;
  private readonly known = new Map<number, { count: number; readonly traces: Int32Array }>();

  /** The trace of a call, by its place in {@link traces}. */
  of(kernel: number, bytes: number): number {
    this.recent[this.turn] = Math.imul(kernel + 1, 8191) ^ bytes;
    this.turn = (this.turn + 1) % remembered;
    let key = 0;
    for (let i = 0; i < remembered; i++) key = Math.imul(key, 31) + this.recent[(this.turn + i) % remembered]!;
    key |= 0;
    let seen = this.known.get(key);
    if (seen === undefined) this.known.set(key, (seen = { count: 0, traces: new Int32Array(looks) }));
    const slot = seen.count++ % looks;
    if (seen.count <= looks) seen.traces[slot] = this.traces.push(new Trace()) - 1;
    return seen.traces[slot]!;
  }
}

function bytesOf({ shape, dt }: Made): number {
  let bytes = sizes[dt]!;
  for (let d = 0; d < shape.length; d++) bytes *= shape[d]!;
  return bytes;
}

export class CallLog {
  private numbers = new Float64Array(width * 1024);
  private readonly shapes: (Shape | null)[] = [];
  private readonly codes = new Map<string, number>();
  private readonly places: Places | null;

  constructor(withStack: boolean) {
    this.places = withStack ? new Places() : null;
  }

  get length(): number {
    return this.shapes.length;
  }

  add({ kernel, started, ended, first, others, device }: Observed): void {
    let code = this.codes.get(kernel);
    if (code === undefined) this.codes.set(kernel, (code = this.codes.size));
    let bytes = first === null ? 0 : bytesOf(first);
    for (let i = 0; i < others.length; i++) bytes += bytesOf(others[i]!);
    const at = this.shapes.length * width;
    if (at === this.numbers.length) {
      const larger = new Float64Array(2 * at);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    const { numbers } = this;
    numbers[at] = started;
    numbers[at + 1] = ended;
    numbers[at + 2] = bytes;
    numbers[at + 3] = code;
    numbers[at + 4] = first?.dt ?? 0;
    numbers[at + 5] = device;
    numbers[at + 6] = this.places === null ? -1 : this.places.of(code, bytes);
    this.shapes.push(first?.shape ?? null);
  }

  /** Every call, in order. */
  calls(): Call[] {
    const kernels = [...this.codes.keys()];
    const places = this.places?.traces.map((trace) => trace.place()) ?? [];
    return this.shapes.map((shape, i) => {
      const [start, end, bytes, code, dt, dev, trace] = this.numbers.subarray(i * width, (i + 1) * width);
      return {
        kernel: kernels[code!]!,
        shape,
        dt: dt!,
        dev: dev!,
        start: start!,
        end: end!,
        bytes: bytes!,
        place: places[trace!] ?? nowhere,
      };
    });
  }
}
