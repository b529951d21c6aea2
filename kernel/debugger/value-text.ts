/** Values as short texts, from V8's descriptions alone: nothing of the program runs. */
import type { Preview, Property, PropertyPreview, RemoteObject } from "./values.js";

/** Longer strings are cut. */
const maxLength = 1000;

/** More elements than this are not listed in a line. */
const maxItems = 10;

/** What stands for the value of an accessor, which is never called. */
export const accessorText = "(getter)";

export function textOf(value: RemoteObject): string {
  const { type, subtype, description = "" } = value;
  if (type === "string") return quoted(String(value.value));
  if (value.unserializableValue !== undefined) return value.unserializableValue;
  if (type === "undefined" || subtype === "null") return subtype ?? type;
  if (type === "function") return functionText(description);
  if (type !== "object") return description || String(value.value);
  if (subtype === "error") return description.split("\n")[0]!;
  return value.preview ? previewText(value.preview) : description;
}

/** The class of an object, or what typeof says. */
export function typeOf({ type, subtype, className }: RemoteObject): string {
  if (subtype === "null") return "null";
  return type === "object" ? (className ?? type) : type;
}

/** How many elements an array has; null for what is none. */
export function lengthOf({ subtype, description = "" }: RemoteObject): number | null {
  if (subtype !== "array" && subtype !== "typedarray") return null;
  const length = /\((\d+)\)$/.exec(description)?.[1];
  return length === undefined ? null : Number(length);
}

export function propertyText({ value, get }: Property): string {
  return value ? textOf(value) : get ? accessorText : "undefined";
}

function previewText({ subtype, description = "", properties, entries, overflow }: Preview): string {
  if (subtype === "array" || subtype === "typedarray") {
    const name = /^(.*)\(\d+\)$/.exec(description)?.[1] ?? description;
    return `${name === "Array" ? "" : `${description} `}${list(properties.map(itemText), overflow, "[]")}`;
  }
  if (entries) return `${description} ${list(entries.map(entryText), overflow, "{}")}`;
  if (subtype !== undefined && subtype !== "promise" && subtype !== "iterator" && subtype !== "generator") return description;
  const shown = list(properties.map(itemText), overflow, "{}");
  return description === "Object" ? shown : `${description} ${shown}`;
}

function itemText(property: PropertyPreview): string {
  const text = memberText(property);
  return /^\d+$/.test(property.name) ? text : `${property.name}: ${text}`;
}

function memberText({ type, value = "" }: PropertyPreview): string {
  if (type === "string") return quoted(value);
  if (type === "function") return "ƒ";
  return type === "accessor" ? accessorText : value;
}

function entryText({ key, value }: { readonly key?: Preview; readonly value: Preview }): string {
  return key ? `${nestedText(key)} => ${nestedText(value)}` : nestedText(value);
}

function nestedText({ type, description = "" }: Preview): string {
  return type === "string" ? quoted(description) : description;
}

function list(texts: readonly string[], overflow: boolean, [open, close]: string): string {
  const isCut = overflow || texts.length > maxItems;
  return `${open}${[...texts.slice(0, maxItems), ...(isCut ? ["…"] : [])].join(", ")}${close}`;
}

function functionText(source: string): string {
  const head = /^(class[^{]*)\{/.exec(source)?.[1] ?? /^[^{=]*?\([^)]*\)/.exec(source)?.[0] ?? source.split("\n")[0]!;
  const text = head
    .replaceAll("\u200c", "")
    .replace(/\s+/g, " ")
    .replace(/ (?=[,)])/g, "")
    .trim(); // types leave blanks
  return text.startsWith("class") ? text : `ƒ ${text.replace(/^(async )?function\s*/, "$1")}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
}
