/** Completion and inspection: what the language knows, and what the live session adds without running anything. */
import { cursorOfOffset, offsetOfCursor } from "../language/positions.js";
import type { CompletionItem, Language } from "../language/types.js";
import type { JsonObject } from "../protocol/message.js";
import type { Runtime } from "./runtime.js";

/** How long a live value is waited for, in ms: native code may keep the main thread from answering. */
const liveDeadline = 100;

interface LiveName {
  readonly name: string;
  readonly kind: CompletionItem["kind"];
}

/** The content of a complete_reply. */
export async function complete(language: Language, runtime: Runtime, code: string, cursor: number): Promise<JsonObject> {
  const found = await language.complete(code, cursor);
  const { start, end } = found ?? identifierBefore(code, cursor);
  const prefix = code.slice(offsetOfCursor(code, start), offsetOfCursor(code, end));
  const offered = found ? found.items.filter(({ edits }) => !edits) : [];
  const exact = offered.filter(({ text }) => text.startsWith(prefix));
  const typed = exact.length > 0 ? exact : offered; // another case only where nothing has this one
  const live = found && found.receiver === null ? [] : await liveNames(runtime, found?.receiver ?? null);
  const known = new Set(typed.map(({ text }) => text));
  const added = live.filter(
    ({ name }) => name.startsWith(prefix) && !known.has(name) && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name),
  );
  const items = [...typed, ...added.map(({ name, kind }): CompletionItem => ({ text: name, label: name, kind }))];
  const types = items.map(({ text, kind, signature }) => ({
    text,
    type: kind,
    start,
    end,
    ...(signature === undefined ? {} : { signature }),
  }));
  return {
    status: "ok",
    matches: items.map(({ text }) => text),
    cursor_start: start,
    cursor_end: end,
    metadata: { _jupyter_types_experimental: types },
  };
}

/** The content of an inspect_reply: the type and its documentation, and the value that the name has now. */
export async function inspect(language: Language, runtime: Runtime, code: string, cursor: number): Promise<JsonObject> {
  const hover = await language.hover(code, cursor);
  if (hover) {
    const value = hover.expression === null ? null : await within(runtime.ask({ type: "describe", expression: hover.expression }));
    const isTold = typeof value === "string" && value.length < 200 && !value.includes("\n");
    const plain = isTold ? `${hover.plain}\n\n= ${value}` : hover.plain;
    const markdown = isTold ? `${hover.markdown}\n\n= \`${value}\`` : hover.markdown;
    return { status: "ok", found: true, data: { "text/plain": plain, "text/markdown": markdown }, metadata: {} };
  }
  const call = await language.signature(code, cursor);
  const signature = call?.signatures[call.activeSignature];
  if (!signature) return { status: "ok", found: false, data: {}, metadata: {} };
  const plain = signature.documentation ? `${signature.label}\n\n${signature.documentation}` : signature.label;
  return { status: "ok", found: true, data: { "text/plain": plain }, metadata: {} };
}

async function liveNames(runtime: Runtime, receiver: string | null): Promise<readonly LiveName[]> {
  const names = await within(runtime.ask({ type: "names", receiver }));
  return Array.isArray(names) ? (names as LiveName[]) : [];
}

function within(answer: Promise<unknown>): Promise<unknown> {
  return Promise.race([answer, new Promise((resolve) => setTimeout(resolve, liveDeadline, null))]);
}

/** The identifier that ends at the cursor, in code points. */
function identifierBefore(code: string, cursor: number): { readonly start: number; readonly end: number } {
  const before = code.slice(0, offsetOfCursor(code, cursor));
  const identifier = /[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.exec(before)?.[0] ?? "";
  return { start: cursorOfOffset(code, before.length - identifier.length), end: cursor };
}
