/** Lets others see native calls, or do something before them. While nobody does the addon's own functions are called: it costs nothing then. */
import { io, native } from "./addon.js";

/** A tensor in the making. */
export interface Made {
  readonly shape: readonly number[];
  readonly dt: number;
  readonly dev: number;
  handle: number;
}

/** A call. One object tells of all of them, so that none leaves garbage: it is a call until the observer returns. */
export interface Observed {
  /** The row or function: "add", "matmul", "copyInto". */
  readonly kernel: string;
  /** performance.now() before and after. */
  readonly started: number;
  readonly ended: number;
  /** The first tensor that was made, and the others; their handles are set when the call has returned. */
  readonly first: Made | null;
  readonly others: readonly Made[];
  /** The handle of the first result, or negative. */
  readonly handle: number;
  /** Of what was made, else of what was written or read. */
  readonly device: number;
}

type Observer = (call: Observed) => void;
type Plain = (...args: unknown[]) => unknown;

// Families of rows by function, and which argument is its subject: the tensor in the making, or the handle of what is written or read.
const families = {
  unary: ["unary", 3],
  unaryAttr: ["unaryAttr", 5],
  binary: ["binary", 4],
  binaryScalar: ["binary", 5],
  binaryAttr: ["binaryAttr", 6],
  ternary: ["ternary", 6],
  run: ["structured", 5],
} as const;
const others = {
  empty: 3,
  fromBuffer: 3,
  toBuffer: 0,
  item: 0,
  cast: 2,
  clone: 1,
  contiguous: 1,
  copyInto: 0,
  fill: 0,
  fillBigInt: 0,
  toDevice: 3,
};
// Names of what is not a row, in torch's words.
const words: Readonly<Record<string, string>> = {
  copyInto: "copy",
  toBuffer: "read",
  fillBigInt: "fill",
  cast: "to",
  toDevice: "toDevice",
  fromBuffer: "tensor",
};

// What uses a device's stream or memory besides.
const unseen = ["itemBigInt", "reshape", "planRun"];
/** Names of a person's own kernels by their codes: what adds one names it here. */
export const ownKernels: Readonly<Record<"custom" | "runText", string[]>> = { custom: [], runText: [] };

let observers: readonly Observer[] = [];
let preparing: (() => void) | null = null;
const originals = new Map<string, Plain>();
let settleDevice: ((device: number) => void) | null = null;

/** Calls `observer` after each native call that computes; returns what ends that. @param settle waits for a device other than the CPU, before a call's end is noted */
export function observe(observer: Observer, settle: ((device: number) => void) | null = null): () => void {
  install();
  observers = [...observers, observer];
  if (settle !== null) settleDevice = settle;
  return () => {
    observers = observers.filter((other) => other !== observer);
    if (settle !== null) settleDevice = null;
    restore();
  };
}

/** Has `prepare` called before each native call that computes or allocates; null: no longer. */
export function beforeCalls(prepare: (() => void) | null): void {
  preparing = prepare;
  if (prepare === null) restore();
  else install();
}

function install(): void {
  if (originals.size > 0) return;
  const table = native as unknown as Record<string, Plain>;
  for (const [name, [family, subject]] of Object.entries(families)) {
    const rows = native.names(family);
    for (const form of [name, `${name}Into`]) if (form in table) wrap(table, form, subject, rows);
  }
  for (const [name, subject] of Object.entries(others)) wrap(table, name, subject, null);
  for (const [name, rows] of Object.entries(ownKernels)) wrap(table, name, 3, rows);
  for (const name of unseen) {
    const original = table[name]!;
    originals.set(name, original);
    table[name] = (...args) => (preparing?.(), original(...args));
  }
}

const none: readonly Made[] = [];
const seen: { -readonly [Key in keyof Observed]: Observed[Key] } = {
  kernel: "",
  started: 0.5,
  ended: 0.5,
  first: null,
  others: none,
  handle: -1,
  device: 0,
};
const kept = new Float64Array(4);

/** @param rows names of rows, of which the first argument says one; null: the function is none */
function wrap(table: Record<string, Plain>, name: string, subject: number, rows: readonly string[] | null): void {
  const original = table[name]!;
  originals.set(name, original);
  const word = words[name] ?? name;
  const [several, into] = [name === "run", name === "runInto"];
  // No call has more arguments. A list of them would be garbage of every call.
  table[name] = (a, b, c, d, e, f, g, h, i) => {
    preparing?.();
    if (observers.length === 0) return original(a, b, c, d, e, f, g, h, i);
    const about = into ? io[b as number] : pick(subject, a, b, c, d, e, f, g);
    const started = performance.now();
    const answer = original(a, b, c, d, e, f, g, h, i);
    seen.ended = performance.now();
    seen.started = started;
    seen.kernel = rows === null ? word : rows[a as number]!;
    const first = typeof about === "object" ? (about as Made) : null;
    seen.first = first;
    seen.others = several && g !== undefined ? ([g, h, i].filter((other) => other !== undefined) as Made[]) : none;
    seen.handle = first === null ? -1 : several ? (answer === 0 ? io[0]! : -1) : (answer as number);
    // What observers and questions about a handle write over: results that the caller has yet to read.
    for (let n = 0; n < kept.length; n++) kept[n] = io[n]!;
    seen.device = first === null ? deviceOf(about as number) : first.dev;
    if (seen.device > 0 && settleDevice !== null) {
      settleDevice(seen.device);
      seen.ended = performance.now();
    }
    for (const observer of observers) observer(seen);
    for (let n = 0; n < kept.length; n++) io[n] = kept[n]!;
    return answer;
  };
}

function pick(at: number, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown, f: unknown, g: unknown): unknown {
  if (at < 3) return at === 0 ? a : at === 1 ? b : c;
  return at === 3 ? d : at === 4 ? e : at === 5 ? f : g;
}

const deviceOf = (handle: number): number => (native.info(handle) >= 0 ? io[6]! : 0);

function restore(): void {
  if (observers.length > 0 || preparing !== null) return;
  const table = native as unknown as Record<string, Plain>;
  for (const [name, original] of originals) table[name] = original;
  originals.clear();
}
