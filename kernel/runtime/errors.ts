/** Turns what a cell threw into Jupyter's error: stack frames named after cells, causes and aggregates included, the kernel's own frames left out. */
import { isNativeError } from "node:util/types";
import { fileURLToPath } from "node:url";
import { inspect, type InspectOptions } from "node:util";
import { frameLines, header, type Frame } from "../errors/traceback.js";
import { textOf, namePlaces } from "./cells.js";
import { sourcePlace } from "./imports.js";
import type { CellError } from "./messages.js";

const kernelFolder = new URL("..", import.meta.url).href;
const libraryFolder = new URL("../../src/", import.meta.url).href;
const frameLine = /^\s+at (?:(.*?) \((.*)\)|(.*))$/;
/** How many causes or members of an aggregate are followed. */
const maxDepth = 5;
/** Members of an aggregate that are shown. */
const maxMembers = 10;
/** Characters of a message that are shown. */
const maxMessage = 100_000;

/** Frames that V8 notes: with its ten, those of the library would hide where a cell called it. */
const notedFrames = 100;
/** Frames that are shown. */
const maxFrames = 10;

/** Properties of errors that are shown otherwise. */
const parts = new Set(["name", "message", "stack", "cause", "errors", "error", "suppressed", "requireStack"]);
/** Whoever has these properties says them in its message: failed system calls, assertions and child processes, the library's errors. */
const messages = [
  ["errno", "syscall"],
  ["actual", "expected", "operator"],
  ["status", "stdout"],
  ["op", "expected", "got"],
] as const;
const brief: InspectOptions = { depth: 1, breakLength: 100, maxArrayLength: 20, maxStringLength: 200 };

/** Makes `error.stack` speak of cells, for whoever reads it. */
export function installStackTraces(): void {
  Error.prepareStackTrace = writeStack;
  Error.stackTraceLimit = notedFrames;
}

/** The text of a stack: frames of user code, down to the outermost in a script. */
export function writeStack(error: Error, sites: readonly NodeJS.CallSite[]): string {
  const last = sites.findLastIndex((site) => site.getScriptNameOrSourceURL() && isUserFrame(site));
  const frames = sites
    .slice(0, last + 1)
    .filter((site, i) => isUserFrame(site) && (isScript(site) || i === 0 || isUserFrame(sites[i - 1]!)))
    .slice(0, maxFrames);
  return headline(error) + frames.map((site) => `\n    at ${nameSources(site)}`).join("");
}

/** A frame in terms of what people wrote: cells, and the sources of stripped modules. */
function nameSources(site: NodeJS.CallSite): string {
  const text = site.toString();
  const url = site.getFileName();
  // Text given to `eval` has no name; the frame of the call follows.
  if (!url) return namePlaces(text.replace(/eval at .*, (<anonymous>:\d+:\d+)/, "$1"));
  if (!url.startsWith("file:")) return namePlaces(text);
  const [line, column] = [site.getLineNumber() ?? 1, site.getColumnNumber() ?? 1];
  const place = sourcePlace(url, line, column) ?? { line, column };
  return text.replace(`${url}:${line}:${column}`, `${fileURLToPath(url.split("?")[0]!)}:${place.line}:${place.column}`);
}

/** Whether code that a person wrote, or a package of theirs, is at this place. */
export function isUserFrame(site: NodeJS.CallSite): boolean {
  const script = site.getScriptNameOrSourceURL();
  return !script || (!script.startsWith("node:") && !isOurs(script));
}

/** Builtins such as Array.map have no script; what our code calls them for is not the person's. */
function isScript(site: NodeJS.CallSite): boolean {
  return Boolean(site.getScriptNameOrSourceURL());
}

/** Whether a script belongs to the kernel or the library. */
export function isOurs(script: string): boolean {
  return script.startsWith(kernelFolder) || script.startsWith(libraryFolder);
}

/** Where a value that is no error was thrown, V8 does not tell. */
export function describeError(thrown: unknown): CellError {
  if (!isErrorLike(thrown)) {
    const evalue = inspectSafely(thrown);
    return { ename: "Uncaught", evalue, traceback: [header("Uncaught", evalue)] };
  }
  const ename = nameOf(thrown);
  const evalue = messageOf(thrown);
  return { ename, evalue, traceback: [header(ename, evalue), ...bodyOf(thrown, 0, new Set())] };
}

/** The stack, then what lies behind the error. */
function bodyOf(error: Error, depth: number, seen: Set<unknown>): string[] {
  seen.add(error);
  const lines = [...frameLines(framesOf(error), textOf), ...(read(() => detailsOf(error)) ?? [])];
  const behind: [label: string, error: unknown][] = [];
  const members = read(() => membersOf(error)) ?? [];
  members.slice(0, maxMembers).forEach((member, index) => behind.push([`[${index}]`, member]));
  const disposal = read(() => (isSuppressing(error) ? ([error.error, error.suppressed] as const) : null));
  if (disposal) behind.push(["Thrown by a disposal", disposal[0]], ["Suppressed", disposal[1]]);
  const cause = read(() => error.cause);
  if (cause !== undefined) behind.push(["Caused by", cause]);
  for (const [label, other] of behind) {
    if (depth >= maxDepth || seen.has(other)) continue;
    if (!isErrorLike(other)) lines.push(`${label}: ${inspectSafely(other)}`);
    else lines.push(`${label}: ${header(nameOf(other), messageOf(other))}`, ...bodyOf(other, depth + 1, seen));
  }
  if (members.length > maxMembers) lines.push(`… and ${members.length - maxMembers} more errors`);
  return lines;
}

function membersOf(error: Error): readonly unknown[] {
  const members: unknown = error instanceof AggregateError ? error.errors : [];
  return Array.isArray(members) ? [...(members as readonly unknown[])] : [];
}

/** What people hang on their errors, as Node shows it. */
function detailsOf(error: Error): string[] {
  if (messages.some((properties) => properties.every((name) => Object.hasOwn(error, name)))) return [];
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(error));
  const details = descriptors.filter(([name, { enumerable, value }]) => enumerable && value !== undefined && !parts.has(name));
  if (details.length === 0) return [];
  const text = inspectSafely(Object.fromEntries(details.map(([name, { value }]) => [name, value as unknown])), brief);
  return [`  ${text.replaceAll("\n", "\n  ")}`];
}

function framesOf(error: Error): Frame[] {
  const stack = read(() => error.stack);
  return typeof stack === "string" ? framesOfStack(stack) : [];
}

/** The frames of a stack that {@link installStackTraces} has written, without those of builtins, which have no place. */
export function framesOfStack(stack: string): Frame[] {
  return stack.split("\n").flatMap((line) => {
    const match = frameLine.exec(line);
    // A package may have put a writer of its own in place of ours, which knows nothing of cells.
    const place = namePlaces(match?.[2] ?? match?.[3]?.replace(/^async /, "") ?? "");
    // What the thread that resolves imports has thrown comes with the stack of that thread.
    if (!match || place === "" || place === "<anonymous>" || place.startsWith("node:") || isOurs(place)) return [];
    return [{ place, name: (match[1] ?? "").replace(/^async /, "") }];
  });
}

function isErrorLike(value: unknown): value is Error {
  return isNativeError(value) || read(() => value instanceof Error) === true;
}

/** Whether an error stands for two: that of a `using` declaration's disposal, and the one that was already on its way. */
function isSuppressing(error: Error): error is Error & { readonly error: unknown; readonly suppressed: unknown } {
  return nameOf(error) === "SuppressedError" && "error" in error && "suppressed" in error;
}

function headline(error: Error): string {
  const message = messageOf(error);
  return message === "" ? nameOf(error) : `${nameOf(error)}: ${message}`;
}

function nameOf(error: Error): string {
  const name = read(() => error.name);
  return typeof name === "string" && name !== "" ? name : "Error";
}

function messageOf(error: Error): string {
  const message = read(() => error.message);
  if (typeof message !== "string" || message.length <= maxMessage) return typeof message === "string" ? message : "";
  return `${message.slice(0, maxMessage)}… (${message.length - maxMessage} more characters)`;
}

/** A property of a hostile object, or undefined when reading it throws. */
function read<Value>(get: () => Value): Value | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}

/** Node's inspect, which a value's own code may make throw. */
export function inspectSafely(value: unknown, options: InspectOptions = {}): string {
  try {
    return inspect(value, options);
  } catch {
    return String(read(() => Object.prototype.toString.call(value)) ?? typeof value);
  }
}
