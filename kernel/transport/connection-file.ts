/** Reads the connection file in which the front end says where the kernel binds its sockets and with which key it signs. */
import { readFileSync } from "node:fs";

export type Channel = "shell" | "control" | "stdin" | "iopub" | "hb";

export interface Connection {
  /** The ZMQ address of a channel. */
  readonly address: { readonly [channel in Channel]: string };
  readonly key: string;
  /** Z85 keys of CurveZMQ, when the transport is encrypted. */
  readonly curve: { readonly publicKey: string; readonly secretKey: string } | null;
}

/** @throws Error that names the field when the file is not a connection file. */
export function readConnectionFile(path: string): Connection {
  const file: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof file !== "object" || file === null) throw new Error(`${path}: not a connection file`);
  const fields = file as { readonly [key: string]: unknown };
  const scheme = fields.signature_scheme ?? "hmac-sha256";
  if (scheme !== "hmac-sha256") throw new Error(`${path}: signature_scheme ${JSON.stringify(scheme)} is not supported, hmac-sha256 is`);
  const transport = text(fields, "transport", path);
  const separator = transport === "ipc" ? "-" : ":";
  const address = (channel: Channel) => `${transport}://${text(fields, "ip", path)}${separator}${port(fields, `${channel}_port`, path)}`;
  const hasCurve = typeof fields.curve_secretkey === "string";
  return {
    address: { shell: address("shell"), control: address("control"), stdin: address("stdin"), iopub: address("iopub"), hb: address("hb") },
    key: text(fields, "key", path),
    curve: hasCurve ? { publicKey: text(fields, "curve_publickey", path), secretKey: text(fields, "curve_secretkey", path) } : null,
  };
}

function text(fields: { readonly [key: string]: unknown }, name: string, path: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new Error(`${path}: ${name} must be a string, got ${JSON.stringify(value)}`);
  return value;
}

function port(fields: { readonly [key: string]: unknown }, name: string, path: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw new Error(`${path}: ${name} must be a number, got ${JSON.stringify(value)}`);
  return value;
}
