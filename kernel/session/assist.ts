/** Completion and inspection: what the language knows, and what the live session adds without running anything. */
import { textOf } from "../debugger/value-text.js";
import { cursorOfOffset, offsetOfCursor } from "../language/positions.js";
import type { Language, Scope } from "../language/service.js";
import type { CompletionItem, Completions, Hover, SignatureHelp } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";
import type { LiveName, LiveValue } from "../runtime/messages.js";
import type { Runtime } from "./runtime.js";

/** How long a live value is waited for, in ms: native code may keep the main thread from answering. */
const liveDeadline = 100;
/** Longer texts of values are cut. */
const longestValue = 200;

/** What the language offers at a cursor, and the names that only the session knows. */
export interface Proposals {
  readonly items: readonly CompletionItem[];
  /** What names stand for now. */
  readonly live: ReadonlyMap<string, LiveName>;
  readonly start: number;
  readonly end: number;
}

/** The content of a complete_reply. */
export async function complete(language: Language, runtime: Runtime, code: string, cursor: number, scope?: Scope): Promise<JsonObject> {
  const { items, live, start, end } = await propose(runtime, code, cursor, await language.complete(code, cursor, scope));
  const offered = items.filter(({ source }) => !source).map((item) => withLive(item, live)); // the protocol has no word for imports
  const types = offered.map(({ text, kind, signature }) => ({
    text,
    type: kind,
    start,
    end,
    ...(signature === undefined ? {} : { signature }),
  }));
  return {
    status: "ok",
    matches: offered.map(({ text }) => text),
    cursor_start: start,
    cursor_end: end,
    metadata: { _jupyter_types_experimental: types },
  };
}

/** Merges what the language found with the names of the session. */
export async function propose(runtime: Runtime, code: string, cursor: number, found: Completions | null): Promise<Proposals> {
  const { start, end } = found ?? identifierBefore(code, cursor);
  const prefix = code.slice(offsetOfCursor(code, start), offsetOfCursor(code, end));
  const offered = found?.items ?? [];
  const exact = offered.filter(({ label }) => label.startsWith(prefix));
  const typed = exact.length > 0 ? exact : offered; // another case only where nothing has this one
  const names = found && found.receiver === null && isMember(code, start) ? [] : await liveNames(runtime, found?.receiver ?? null);
  const known = new Set(typed.map(({ text }) => text));
  const isOpen = found === null || found.receiver !== null; // elsewhere the language knows every name
  const added = names.filter(
    ({ name }) => isOpen && name.startsWith(prefix) && !known.has(name) && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name),
  );
  const items = [...typed, ...added.map(({ name, kind }): CompletionItem => ({ text: name, label: name, kind }))];
  return { items, live: new Map(names.map((each) => [each.name, each])), start, end };
}

/** Tells a value of the library behind its type, and what can be called or made from what is only a value by its declaration. */
export function withLive(item: CompletionItem, live: Proposals["live"]): CompletionItem {
  const now = item.source === undefined ? live.get(item.text) : undefined;
  if (now === undefined) return item;
  const isValue = item.kind === "variable" || item.kind === "constant";
  const isCallable = now.kind === "method" || now.kind === "function";
  const kind = isValue && now.kind === "class" ? "class" : isValue && isCallable ? "function" : item.kind;
  return { ...item, kind, ...(now.detail !== undefined && { signature: `${item.signature ?? item.label} = ${now.detail}` }) };
}

/**
 * The content of an inspect_reply: the call that the cursor is in, the type and documentation of what is under it, and the value that the
 * name has now. As Markdown, which tooltips show, the call comes first; as text, which completers show for the proposal they have written
 * in, it comes last.
 */
export async function inspect(language: Language, runtime: Runtime, code: string, cursor: number, scope?: Scope): Promise<JsonObject> {
  const [found, call] = await Promise.all([language.hover(code, cursor, scope), language.signature(code, cursor, scope)]);
  const value = found?.expression ? await liveValue(runtime, found.expression) : null;
  const hover = found?.plain === "any" && value === null ? null : found; // a name that is nothing (yet)
  if (!hover && !call) return { status: "ok", found: false, data: {}, metadata: {} };
  const plain = [hover && textOfHover(hover, value), call && textOfCall(call)];
  const markdown = [call && markdownOfCall(call), hover && markdownOfHover(hover, value)];
  const data = { "text/plain": plain.filter(Boolean).join("\n\n"), "text/markdown": markdown.filter(Boolean).join("\n\n---\n\n") };
  return { status: "ok", found: true, data, metadata: {} };
}

function textOfHover({ plain }: Hover, value: string | null): string {
  return value === null ? plain : `${plain}\n\n= ${value}`;
}

function markdownOfHover({ markdown }: Hover, value: string | null): string {
  return value === null ? markdown : `${markdown}\n\n= \`${value}\``;
}

function textOfCall({ signatures, activeSignature, activeParameter }: SignatureHelp): string {
  const { label, parameters, documentation } = signatures[activeSignature]!;
  const parameter = parameters[activeParameter];
  return [label, parameter && `here: ${parameter}`, documentation].filter(Boolean).join("\n\n");
}

function markdownOfCall({ signatures, activeSignature, activeParameter }: SignatureHelp): string {
  const { label, parameters, documentation } = signatures[activeSignature]!;
  const parameter = parameters[activeParameter];
  const overload = signatures.length > 1 ? ` (signature ${activeSignature + 1} of ${signatures.length})` : "";
  const here = parameter ? `here: **\`${parameter}\`**${overload}` : overload;
  return [`\`\`\`typescript\n${label}\n\`\`\``, here, documentation].filter(Boolean).join("\n\n");
}

/** A line about a value; null where a getter would have to run, or where the type says it all. */
async function liveValue(runtime: Runtime, expression: string): Promise<string | null> {
  const value = (await within(runtime.ask({ type: "describe", expression }))) as LiveValue | null;
  if (!value || ("object" in value && value.object.type === "function")) return null;
  const text = "text" in value ? value.text : textOf(value.object);
  const line = text.replace(/\s*\n\s*/g, " ").replaceAll("`", "'");
  return line.length > longestValue ? `${line.slice(0, longestValue)}…` : line;
}

async function liveNames(runtime: Runtime, receiver: string | null): Promise<readonly LiveName[]> {
  const names = await within(runtime.ask({ type: "names", receiver }));
  return Array.isArray(names) ? (names as LiveName[]) : [];
}

function within(answer: Promise<unknown>): Promise<unknown> {
  return Promise.race([answer, new Promise((resolve) => setTimeout(resolve, liveDeadline, null))]);
}

function isMember(code: string, start: number): boolean {
  return /\.\s*$/.test(code.slice(0, offsetOfCursor(code, start)));
}

/** The identifier that ends at the cursor, in code points. */
function identifierBefore(code: string, cursor: number): { readonly start: number; readonly end: number } {
  const before = code.slice(0, offsetOfCursor(code, cursor));
  const identifier = /[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.exec(before)?.[0] ?? "";
  return { start: cursorOfOffset(code, before.length - identifier.length), end: cursor };
}
