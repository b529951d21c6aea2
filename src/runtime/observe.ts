/** Lets others see native calls, or do something before them. While nobody does the addon's own functions are called: it costs nothing then. */
import { io, native } from "./addon.js";

/** A tensor in the making. */
export interface Made {
  readonly shape: readonly number[];
  readonly dt: number;
  readonly dev: number;
  handle: number;
}

export interface Observed {
  /** The row or function: "add", "matmul", "copyInto". */
  readonly kernel: string;
  /** performance.now() before and after. */
  readonly started: number;
  readonly ended: number;
  /** The tensors that were made; their handles are set when the call has returned. */
  readonly made: readonly Made[];
  /** The handle of the first result, or negative. */
  readonly handle: number;
  /** Of what was made, else of what was written or read. */
  readonly device: number;
}

type Observer = (call: Observed) => void;
type Plain = (...args: unknown[]) => unknown;

const families = {
  unary: "unary",
  unaryAttr: "unaryAttr",
  binary: "binary",
  binaryScalar: "binary",
  binaryAttr: "binaryAttr",
  ternary: "ternary",
  run: "structured",
};
const others = ["empty", "fromBuffer", "toBuffer", "item", "cast", "clone", "contiguous", "copyInto", "fill", "fillBigInt", "toDevice"];
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
const unseen = ["itemBigInt", "custom", "reshape", "planRun"];

const observers = new Set<Observer>();
let preparing: (() => void) | null = null;
const originals = new Map<string, Plain>();
let settleDevice: ((device: number) => void) | null = null;

/** Calls `observer` after each native call that computes; returns what ends that. @param settle waits for a device other than the CPU, before a call's end is noted */
export function observe(observer: Observer, settle: ((device: number) => void) | null = null): () => void {
  install();
  observers.add(observer);
  if (settle !== null) settleDevice = settle;
  return () => {
    observers.delete(observer);
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
  for (const [name, family] of Object.entries(families)) {
    const rows = native.names(family);
    for (const form of [name, `${name}Into`]) if (form in table) wrap(table, form, (args) => rows[args[0] as number]!);
  }
  for (const name of others) wrap(table, name, () => words[name] ?? name);
  for (const name of unseen) {
    const original = table[name]!;
    originals.set(name, original);
    table[name] = (...args) => (preparing?.(), original(...args));
  }
}

function wrap(table: Record<string, Plain>, name: string, kernelOf: (args: readonly unknown[]) => string): void {
  const original = table[name]!;
  originals.set(name, original);
  table[name] = (...args) => {
    preparing?.();
    if (observers.size === 0) return original(...args);
    const target = name === "runInto" ? io[args[1] as number]! : -1;
    const started = performance.now();
    const answer = original(...args);
    let ended = performance.now();
    const made = tensorsOf(args);
    const handle = made.length === 0 ? -1 : name === "run" ? (answer === 0 ? io[0]! : -1) : Number(answer);
    // What observers and questions about a handle write over: results that the caller has yet to read.
    for (let i = 0; i < kept.length; i++) kept[i] = io[i]!;
    const device = made[0]?.dev ?? deviceOf(name, args, target);
    if (device > 0 && settleDevice !== null) {
      settleDevice(device);
      ended = performance.now();
    }
    const call: Observed = { kernel: kernelOf(args), started, ended, made, handle, device };
    for (const observer of observers) observer(call);
    for (let i = 0; i < kept.length; i++) io[i] = kept[i]!;
    return answer;
  };
}

const kept = new Float64Array(4);
const none: readonly Made[] = [];

/** The tensors in the making: owners are the last arguments. */
function tensorsOf(args: readonly unknown[]): readonly Made[] {
  let made: Made[] | null = null;
  for (let i = args.length - 1; i >= 0; i--) {
    const arg = args[i];
    if (arg === undefined) continue;
    if (typeof arg !== "object" || arg === null || !("dt" in arg)) break;
    made ??= [];
    made.unshift(arg as Made);
  }
  return made ?? none;
}

/** The device of a call that makes nothing: its target is the last argument, the first, or a handle that travelled in io. */
function deviceOf(name: string, args: readonly unknown[], target: number): number {
  const handle = target >= 0 ? target : name.endsWith("Into") && name !== "copyInto" ? args.at(-1) : args[0];
  return typeof handle === "number" && native.info(handle) >= 0 ? io[6]! : 0;
}

function restore(): void {
  if (observers.size > 0 || preparing !== null) return;
  const table = native as unknown as Record<string, Plain>;
  for (const [name, original] of originals) table[name] = original;
  originals.clear();
}
