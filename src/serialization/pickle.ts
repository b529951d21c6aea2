/** Python's pickle, as far as checkpoints need it: read by an allow-list that can call nothing, written as torch writes it. */
import { SerializationError } from "../tensor/errors.js";
import { hasIntegerKeys, withIntegerKeys } from "../tensor/integer-keys.js";

/** What reading cannot know: names of Python and references to storages. */
export interface PickleHooks {
  /** A value for `module.name`, or undefined to refuse it. */
  readonly global: (name: string) => unknown;
  /** The result of calling such a value. */
  readonly call: (target: unknown, args: readonly unknown[]) => unknown;
  readonly persistent: (id: unknown) => unknown;
}

/** More values than any checkpoint has: a file cannot ask for more memory than this takes. */
const mostValues = 5_000_000;
const mark = Symbol("mark");

/** Reads one value. Dicts are objects, tuples and lists arrays, None is null; nothing of Python runs. */
export function unpickle(bytes: Buffer, path: string, hooks: PickleHooks): unknown {
  const refuse = (expected: string, got: string): never => {
    throw new SerializationError({ op: "load", argument: path, expected, got });
  };
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let at = 0;
  let values = 0;
  const take = (length: number): number => {
    if (length < 0 || at + length > bytes.length) refuse("a whole pickle", "one that is cut off");
    at += length;
    return at - length;
  };
  const u8 = (): number => bytes[take(1)]!;
  const u32 = (): number => bytes.readUInt32LE(take(4));
  const text = (length: number): string => bytes.toString("utf8", take(length), at);
  const line = (): string => {
    const stop = bytes.indexOf(10, at);
    if (stop < 0) refuse("a whole pickle", "one that is cut off");
    const from = at;
    at = stop + 1;
    return bytes.toString("utf8", from, stop);
  };
  const push = (value: unknown): void => {
    if (++values > mostValues) refuse(`at most ${mostValues} values`, "more");
    stack.push(value);
  };
  const pop = (): unknown => {
    if (stack.length === 0 || stack.at(-1) === mark) refuse("a value on the stack", "none");
    return stack.pop();
  };
  const top = (): unknown => stack.at(-1);
  const toMark = (): unknown[] => {
    const from = stack.lastIndexOf(mark);
    if (from < 0) refuse("a mark on the stack", "none");
    const items = stack.splice(from);
    return items.slice(1);
  };
  const append = (items: readonly unknown[]): void => {
    const list = top();
    if (!Array.isArray(list)) refuse("a list to append to", typeof list);
    for (const item of items) (list as unknown[]).push(item);
  };
  const setItems = (items: readonly unknown[]): void => {
    const dict = top();
    if (typeof dict !== "object" || dict === null || Object.getPrototypeOf(dict) !== Object.prototype) refuse("a dict", typeof dict);
    for (let i = 0; i + 1 < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== "string" && typeof key !== "number") refuse("keys that are strings or integers", String(key));
      if (typeof key === "number") withIntegerKeys(dict as object);
      Object.defineProperty(dict, key as string, { value: items[i + 1], enumerable: true, writable: true, configurable: true });
    }
  };
  const long = (length: number): number | bigint => {
    const from = take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i]!);
    if (length > 0) value = BigInt.asIntN(8 * length, value);
    return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
  };
  const named = (name: string): unknown => hooks.global(name) ?? refuse("names that checkpoints use", name);
  for (;;) {
    const code = String.fromCharCode(u8());
    switch (code) {
      case "\x80": if (u8() > 5) refuse("a pickle protocol up to 5", "a later one"); break; // prettier-ignore
      case "\x95": take(8); break; // prettier-ignore
      case "(": push(mark); break; // prettier-ignore
      case "}": push({}); break; // prettier-ignore
      case "]":
      case ")": push([]); break; // prettier-ignore
      case "N": push(null); break; // prettier-ignore
      case "\x88": push(true); break; // prettier-ignore
      case "\x89": push(false); break; // prettier-ignore
      case "K": push(u8()); break; // prettier-ignore
      case "M": push(bytes.readUInt16LE(take(2))); break; // prettier-ignore
      case "J": push(bytes.readInt32LE(take(4))); break; // prettier-ignore
      case "G": push(bytes.readDoubleBE(take(8))); break; // prettier-ignore
      case "\x8a": push(long(u8())); break; // prettier-ignore
      case "X": push(text(u32())); break; // prettier-ignore
      case "\x8c": push(text(u8())); break; // prettier-ignore
      case "t":
      case "l": push(toMark()); break; // prettier-ignore
      case "\x85":
      case "\x86":
      case "\x87": {
        // prettier-ignore
        const items = Array.from({ length: code.charCodeAt(0) - 0x84 }, pop);
        push(items.reverse());
        break;
      }
      case "q": memo.set(u8(), top()); break; // prettier-ignore
      case "r": memo.set(u32(), top()); break; // prettier-ignore
      case "\x94": memo.set(memo.size, top()); break; // prettier-ignore
      case "h":
      case "j": {
        // prettier-ignore
        const index = code === "h" ? u8() : u32();
        if (!memo.has(index)) refuse("a value that was remembered", `number ${index}`);
        push(memo.get(index));
        break;
      }
      case "a": { const item = pop(); append([item]); break; } // prettier-ignore
      case "e": append(toMark()); break; // prettier-ignore
      case "s": { const value = pop(); const key = pop(); setItems([key, value]); break; } // prettier-ignore
      case "u": setItems(toMark()); break; // prettier-ignore
      case "c": { const module = line(); push(named(`${module}.${line()}`)); break; } // prettier-ignore
      case "\x93": { const name = pop(); push(named(`${String(pop())}.${String(name)}`)); break; } // prettier-ignore
      case "Q": push(hooks.persistent(pop())); break; // prettier-ignore
      case "R": {
        // prettier-ignore
        const args = pop();
        if (!Array.isArray(args)) refuse("a tuple of arguments", typeof args);
        push(hooks.call(pop(), args as unknown[]));
        break;
      }
      case "b":
        pop();
        break; // attributes of an OrderedDict (_metadata): kept by nobody // prettier-ignore
      case ".": return pop(); // prettier-ignore
      default: refuse("the opcodes of checkpoints", `0x${code.charCodeAt(0).toString(16)} at ${at - 1}`); // prettier-ignore
    }
  }
}

/** A call in a pickle that is written: `global(*args)`. */
export class PickledCall {
  constructor(
    readonly global: string,
    readonly args: readonly unknown[],
  ) {}
}

/** A tuple, a global and a persistent id in a pickle that is written. */
export class PickledTuple {
  constructor(readonly items: readonly unknown[]) {}
}
export class PickledGlobal {
  constructor(readonly name: string) {}
}
export class PickledReference {
  constructor(readonly id: PickledTuple) {}
}

/** Writes a value (protocol 2); `encode` turns what is not plain into one of the classes above, or refuses it. */
export function pickle(value: unknown, encode: (value: object, path: string) => unknown): Buffer {
  const parts: Buffer[] = [Buffer.from([0x80, 2])];
  const put = (text: string): void => void parts.push(Buffer.from(text, "latin1"));
  const sized = (code: string, data: Buffer): void => {
    const head = Buffer.alloc(5);
    head.write(code, "latin1");
    head.writeUInt32LE(data.length, 1);
    parts.push(head, data);
  };
  const number = (x: number): void => {
    const whole = Number.isInteger(x) && Math.abs(x) < 2 ** 31 && !Object.is(x, -0);
    const head = Buffer.alloc(whole ? 5 : 9);
    head.write(whole ? "J" : "G", "latin1");
    if (whole) head.writeInt32LE(x, 1);
    else if (Number.isSafeInteger(x) && !Object.is(x, -0)) return big(BigInt(x));
    else head.writeDoubleBE(x, 1);
    parts.push(head);
  };
  const big = (x: bigint): void => {
    const data = Buffer.alloc(11);
    data.write("\x8a\x09", "latin1");
    data.writeBigInt64LE(BigInt.asIntN(64, x), 2);
    data[10] = x < 0n ? 255 : 0;
    parts.push(data);
  };
  const global = (name: string): void => put(`c${name.slice(0, name.lastIndexOf("."))}\n${name.slice(name.lastIndexOf(".") + 1)}\n`);
  const list = (open: string, items: readonly unknown[], close: string, path: string): void => {
    put(open);
    items.forEach((item, i) => write(item, `${path}[${i}]`));
    put(close);
  };
  const write = (x: unknown, path: string): void => {
    if (x === null || x === undefined) put("N");
    else if (typeof x === "boolean") put(x ? "\x88" : "\x89");
    else if (typeof x === "number") number(x);
    else if (typeof x === "bigint") big(x);
    else if (typeof x === "string") sized("X", Buffer.from(x, "utf8"));
    else if (Array.isArray(x)) list("](", x, "e", path);
    else if (x instanceof PickledTuple) list("(", x.items, "t", path);
    else if (x instanceof PickledGlobal) global(x.name);
    else if (x instanceof PickledReference) {
      write(x.id, path);
      put("Q");
    } else if (x instanceof PickledCall) {
      global(x.global);
      list("(", x.args, "tR", path);
    } else if (Object.getPrototypeOf(x) === Object.prototype) {
      put("}(");
      for (const [key, item] of Object.entries(x as object)) {
        write(hasIntegerKeys(x) ? Number(key) : key, path);
        write(item, `${path}.${key}`);
      }
      put("u");
    } else write(encode(x as object, path), path);
  };
  write(value, "value");
  put(".");
  return Buffer.concat(parts);
}
