/** Turns values into MIME bundles, and sends what user code displays. */
import { isNativeError } from "node:util/types";
import { displaySymbol, type MimeBundle } from "../../src/wire/host.js";
import { activeCell } from "./cells.js";
import { emit } from "./channel.js";
import { inspectSafely } from "./errors.js";
import type { JsonObject } from "../protocol/message.js";
import type { Bundle } from "./messages.js";

/** Node's own: user code may replace them. */
const { parse, stringify } = JSON;

/** A value's own bundle (its `Symbol.for("Jupyter.display")` method), or its text as Node inspects it, without colours. */
export function toBundle(value: unknown): Bundle | Promise<Bundle> {
  try {
    const data = displayMethod(value)?.call(value);
    if (!(data instanceof Promise)) return ownBundle(value, data);
    return data.then(
      (data) => ownBundle(value, data),
      (error: unknown) => failedBundle(value, error),
    );
  } catch (error) {
    return failedBundle(value, error);
  }
}

/** How something is displayed. */
export interface DisplayOptions {
  /** A name under which a later call with `update` replaces this display. */
  readonly displayId?: string;
  /** Replace the displays of `displayId` instead of adding one. */
  readonly update?: boolean;
}

/** What an error shows beside its traceback: the bundle of its display method, if it has one. */
export function errorPicture(thrown: unknown): Bundle | null {
  if (!isNativeError(thrown)) return null;
  try {
    const data = displayMethod(thrown)?.call(thrown);
    return data === undefined || data instanceof Promise ? null : ownBundle(thrown, data);
  } catch {
    return null; // the traceback says what happened
  }
}

/** Shows a value under the cell, in place. */
export async function displayValue(value: unknown, options: DisplayOptions = {}): Promise<void> {
  sendDisplay(await toBundle(value), options);
}

/** Clears the cell's output; with `wait`, when the next output comes. */
export function clearOutput(options: { readonly wait?: boolean } = {}): void {
  emit({ type: "clear", key: activeCell.getStore()?.key ?? null, wait: options.wait ?? false });
}

/** Shows a value in the front end's pager when the cell is done. */
export async function page(value: unknown): Promise<void> {
  const { data } = await toBundle(value);
  activeCell.getStore()?.payload.push({ source: "page", data, start: 0 });
}

export function sendDisplay(bundle: Bundle, options: DisplayOptions): void {
  const key = activeCell.getStore()?.key ?? null;
  emit({ type: "display", key, bundle, displayId: options.displayId ?? null, update: options.update ?? false });
}

function displayMethod(value: unknown): ((this: unknown) => unknown) | null {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return null;
  const method = (value as { readonly [displaySymbol]?: unknown })[displaySymbol];
  return typeof method === "function" ? (method as (this: unknown) => unknown) : null;
}

function ownBundle(value: unknown, own: unknown): Bundle {
  if (typeof own !== "object" || own === null) return textBundle(value);
  const { data: entries, metadata } = hasMetadata(own) ? own : { data: own as MimeBundle["data"] };
  const encoded = encodeData(entries);
  const data = "text/plain" in encoded ? encoded : { ...encoded, "text/plain": inspectSafely(value) };
  return { data, metadata: toJson(metadata ?? {}) as JsonObject };
}

/**
 * What a person gave as the data of a bundle, as files keep it: bytes are base64, JSON where the MIME type says JSON, text elsewhere.
 * @throws TypeError for what is no JSON
 */
export function encodeData(data: Readonly<Record<string, unknown>>): JsonObject {
  const encode = (mime: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
    const json = toJson(value);
    const isText = typeof json === "string" || (Array.isArray(json) && json.every((line) => typeof line === "string"));
    return isText || isJsonMime(mime) ? json : stringify(json);
  };
  const given = Object.entries(data).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([mime, value]) => [mime, encode(mime, value)]));
}

function isJsonMime(mime: string): boolean {
  return /^application\/json|\+json$/.test(mime);
}

/** A copy in plain values: a later message can be encoded without running anybody's code. */
function toJson(value: unknown): unknown {
  if (typeof value === "string") return value;
  const text = stringify(value) as string | undefined;
  return text === undefined ? null : parse(text);
}

// A record of MIME types has no entry without a slash.
function hasMetadata(bundle: object): bundle is MimeBundle {
  return "data" in bundle && typeof bundle.data === "object" && bundle.data !== null;
}

/** A view that fails costs the picture, never the value. */
function failedBundle(value: unknown, error: unknown): Bundle {
  console.error("This value could not be drawn, it is shown as text.", error);
  return textBundle(value);
}

function textBundle(value: unknown): Bundle {
  return { data: { "text/plain": inspectSafely(value) }, metadata: {} };
}
