/** The one family of errors: data first (op, argument, expected, got, hint), one sentence second. */

export interface ErrorFields {
  /** The public function or method that refused, in its TypeScript name. */
  readonly op: string;
  /** The argument at fault. */
  readonly argument?: string;
  readonly expected: string;
  readonly got: string;
  /** What to do about it, when known. */
  readonly hint?: string;
  /** The shapes that do not fit, for a picture of them. */
  readonly operands?: readonly ShapeOperand[];
}

/** An operand of an op that refused its shapes: a tensor's, or the sizes that were asked for. */
export interface ShapeOperand {
  readonly argument: string;
  /** A tensor's own list, by which a notebook finds its variable. */
  readonly shape: readonly number[];
  /** Dims that do not fit, from 0. */
  readonly clash: readonly number[];
}

/** Base of every error that cellgrad throws on purpose. */
export class CellgradError extends Error {
  readonly op: string;
  readonly argument: string | undefined;
  readonly expected: string;
  readonly got: string;
  readonly hint: string | undefined;

  constructor(fields: ErrorFields, cause?: unknown) {
    super(sentence(fields), cause === undefined ? undefined : { cause });
    this.op = fields.op;
    this.argument = fields.argument;
    this.expected = fields.expected;
    this.got = fields.got;
    this.hint = fields.hint;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** Shapes that do not fit each other or the op. */
export class ShapeError extends CellgradError {
  /** What does not fit; empty where the sentence says all. */
  readonly operands: readonly ShapeOperand[];

  constructor(fields: ErrorFields, cause?: unknown) {
    super(fields, cause);
    this.operands = fields.operands ?? [];
  }
}
/** A dtype that the op does not take, or a mixture it cannot promote. */
export class DTypeError extends CellgradError {}
/** A device that is absent, or tensors on different devices. */
export class DeviceError extends CellgradError {}
/** An index or dim outside its range. */
export class IndexError extends CellgradError {}
/** Work on a device that was lost, or on its tensors; the CPU goes on. */
export class DeviceLostError extends DeviceError {}
/** Any other bad argument: unknown or repeated keyword, wrong type, wrong range. */
export class ValueError extends CellgradError {}
/** A gradient that cannot be computed. */
export class AutogradError extends CellgradError {}
/** Something torch has and cellgrad has not, on this dtype or device. */
export class NotImplementedError extends CellgradError {}
/** Use of a tensor after `dispose()`. */
export class DisposedError extends CellgradError {}
/** A file that cannot be read or written. */
export class SerializationError extends CellgradError {}
/** Native work that was stopped on request. */
export class InterruptedError extends CellgradError {}

/** Sizes of a failed allocation, in bytes. */
export interface MemoryNeed {
  readonly requested: number;
  readonly allocated: number;
  readonly cached: number;
  readonly cap: number;
  readonly free: number;
}

/** Memory that could not be had; sizes in bytes. */
export class OutOfMemoryError extends CellgradError {
  readonly requested: number;
  readonly allocated: number;
  readonly cached: number;
  readonly cap: number;
  /** What the device has left under its cap. */
  readonly free: number;
  /** The ten largest holders in words; see memorySnapshot(). */
  readonly holders: readonly string[];
  /** @internal The same with all that is known of them. */
  readonly largest: readonly object[];

  constructor(
    op: string,
    /** Name of the device that had too little. */
    readonly device: string,
    figures: MemoryNeed,
    holders: readonly { readonly bytes: number; readonly text: string; readonly holder: object }[],
  ) {
    const { requested, allocated, cached, cap, free } = figures;
    const held = holders.reduce((sum, { bytes }) => sum + bytes, 0);
    super({
      op,
      expected: `${formatBytes(requested)} of memory`,
      got: `${formatBytes(allocated)} in live tensors, ${formatBytes(cached)} cached, ${formatBytes(free)} free${cap > 0 ? `, a cap of ${formatBytes(cap)}` : ""}`,
      hint:
        holders.length === 0
          ? "nothing is held: use smaller tensors"
          : `freeing the ${holders.length === 1 ? "largest holder" : `${holders.length} largest holders`} would bring ${formatBytes(held)}: ${holders.map(({ text }) => text).join("; ")}`,
    });
    this.requested = requested;
    this.allocated = allocated;
    this.cached = cached;
    this.cap = cap;
    this.free = free;
    this.holders = holders.map(({ text }) => text);
    this.largest = holders.map(({ holder }) => holder);
  }
}

function sentence({ op, argument, expected, got, hint }: ErrorFields): string {
  const subject = argument === undefined || expected.startsWith(argument) ? expected : `${argument} to be ${expected}`;
  return `${op}: expected ${subject}, got ${got}${hint === undefined ? "" : ` (${hint})`}`;
}

/** Bytes with a binary unit, three significant digits: `768 KB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit === 0 ? bytes : Number(bytes.toPrecision(3))} ${units[unit]}`;
}

export const formatShape = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/** Says what a JavaScript value is, briefly: for the `got` of an error. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
    case "number":
    case "boolean":
      return String(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return value.name === "" ? "a function" : `function ${value.name}`;
    case "symbol":
      return value.toString();
    default:
      return describeObject(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) {
    const items = value.slice(0, 6).map((item) => (typeof item === "object" && item !== null ? describeBrief(item) : describe(item)));
    return `[${items.join(", ")}${value.length > 6 ? ", ..." : ""}]`;
  }
  return describeBrief(value);
}

function describeBrief(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const { shape, dtype } = value as { shape?: unknown; dtype?: unknown };
  if (Array.isArray(shape) && typeof dtype === "string") return `a ${dtype} tensor of shape ${formatShape(shape as number[])}`;
  const name = (value as { constructor?: { name?: string } }).constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `a value of class ${name}`;
}

/** The candidate nearest to `word` (at most two edits, or one in short words), for "did you mean". */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = word.length <= 4 ? 2 : 3;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase().replaceAll("_", ""), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
