/** Jupyter messages: their types, and the pure functions between them and ZMQ frames. */
import { randomUUID } from "node:crypto";
import type { Signer } from "./signer.js";

/** The version of the messaging specification that every message follows. */
export const protocolVersion = "5.5";

export type JsonObject = { readonly [key: string]: unknown };

export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
  readonly subshell_id?: string | null;
}

export interface Message {
  /** ROUTER identities of a request, or the topic of an iopub message. */
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
  readonly parent: Header | Record<string, never>;
  readonly metadata: JsonObject;
  readonly content: JsonObject;
  readonly buffers: readonly Uint8Array[];
}

const delimiter = Buffer.from("<IDS|MSG>");

/** Makes the header of a message that this kernel process sends. */
export function makeHeader(type: string, session: string, id: string = randomUUID()): Header {
  return {
    msg_id: id,
    msg_type: type,
    session,
    username: "kernel",
    date: new Date().toISOString(),
    version: protocolVersion,
  };
}

/** Turns a message into signed frames. */
export function encodeMessage(message: Message, signer: Signer): Uint8Array[] {
  const parts = [message.header, message.parent, message.metadata, message.content].map((part) =>
    Buffer.from(wellFormed(JSON.stringify(part))),
  );
  return [...message.identities, delimiter, Buffer.from(signer.sign(parts)), ...parts, ...message.buffers];
}

/** JSON writes half of a surrogate pair as an escape; Python reads that as a text which it cannot save with the notebook. */
function wellFormed(json: string): string {
  if (!json.includes("\\ud")) return json;
  return json.replace(/\\(?:(ud[89a-f][0-9a-f]{2})|.)/g, (escape, half?: string) => (half === undefined ? escape : "\ufffd"));
}

/** Reads frames from a socket; null for anything that is not a whole, correctly signed, fresh message. */
export function decodeMessage(frames: readonly Uint8Array[], signer: Signer): Message | null {
  const start = frames.findIndex((frame) => delimiter.equals(frame));
  if (start < 0 || frames.length < start + 6) return null;
  const signature = Buffer.from(frames[start + 1]!).toString("latin1");
  const parts = frames.slice(start + 2, start + 6);
  if (!signer.accepts(signature, parts)) return null;
  const [header, parent, metadata, content] = parts.map(parseObject);
  if (!header || !parent || !metadata || !content || !isHeader(header)) return null;
  return {
    identities: frames.slice(0, start),
    header,
    parent: isHeader(parent) ? parent : {},
    metadata,
    content,
    buffers: frames.slice(start + 6),
  };
}

/** Turns the content of the startup handshake, which has neither header nor metadata, into signed frames. */
export function encodeContent(content: JsonObject, signer: Signer): Uint8Array[] {
  const frame = Buffer.from(JSON.stringify(content));
  return [delimiter, Buffer.from(signer.sign([frame])), frame];
}

/** Reads what {@link encodeContent} wrote; null for anything else. */
export function decodeContent(frames: readonly Uint8Array[], signer: Signer): JsonObject | null {
  return isSignedContent(frames, signer) ? parseObject(frames[2]!) : null;
}

/** Whether frames of the handshake are signed; an acknowledgement may hold anything. */
export function isSignedContent([start, signature, content]: readonly Uint8Array[], signer: Signer): boolean {
  if (!start || !signature || !content || !delimiter.equals(start)) return false;
  return signer.accepts(Buffer.from(signature).toString("latin1"), [content]);
}

function parseObject(frame: Uint8Array): JsonObject | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}

function isHeader(value: JsonObject): value is JsonObject & Header {
  const { msg_id, msg_type, session, subshell_id: subshell = null } = value;
  return [msg_id, msg_type, session].every((field) => typeof field === "string") && (subshell === null || typeof subshell === "string");
}
