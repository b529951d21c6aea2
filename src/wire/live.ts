/** What a payload says about the kernel object behind it, and how numbers travel in JSON. */

/** The object in the kernel that a view may ask. `session` changes with every kernel start, so a view of another start knows it is stored. */
export interface LiveRef {
  readonly session: string;
  readonly id: string;
}

/** JSON has no NaN and no infinities: those three are words. */
export type WireNumber = number | "NaN" | "Infinity" | "-Infinity";

export function toWire(value: number): WireNumber {
  return Number.isFinite(value) ? value : (String(value) as WireNumber);
}

export function fromWire(value: WireNumber): number {
  return Number(value);
}

/** Bytes of a base64 text: the only form in which binary data crosses. All numbers are little-endian. */
export function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
