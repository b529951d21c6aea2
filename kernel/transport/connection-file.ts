/**
 * Reads the file in which the front end says with which key the kernel signs, and where it binds its sockets (a connection file) or
 * where it reports the ports that it has chosen (a registration file).
 */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";

export type Channel = "shell" | "control" | "stdin" | "iopub" | "hb";

export interface Connection {
  /** The ZMQ address to bind for a channel. With a registration over tcp its port is `*`: the system chooses. */
  readonly address: { readonly [channel in Channel]: string };
  readonly key: string;
  /** Z85 keys of CurveZMQ, when the transport is encrypted. */
  readonly curve: { readonly publicKey: string; readonly secretKey: string } | null;
  /** Where the ports are reported; null when the file gave them. */
  readonly registration: { readonly address: string; readonly kernelId: string } | null;
}

const channels = ["shell", "control", "stdin", "iopub", "hb"] as const;

/** @throws Error that names the field when the file is not a connection file. */
export function readConnectionFile(path: string): Connection {
  const file: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof file !== "object" || file === null) throw new Error(`${path}: not a connection file`);
  const fields = file as { readonly [key: string]: unknown };
  const scheme = fields.signature_scheme ?? "hmac-sha256";
  if (scheme !== "hmac-sha256") throw new Error(`${path}: signature_scheme ${JSON.stringify(scheme)} is not supported, hmac-sha256 is`);
  const transport = text(fields, "transport", path);
  const address = (ip: string, port: number | string) => `${transport}://${ip}${transport === "ipc" ? "-" : ":"}${port}`;
  const hasCurve = typeof fields.curve_secretkey === "string";
  const registers = "registration_port" in fields;
  const ip = registers && fields.ip === undefined ? text(fields, "registration_ip", path) : text(fields, "ip", path);
  const portOf = (channel: Channel) => (registers ? chosenPort(transport) : port(fields, `${channel}_port`, path));
  return {
    address: Object.fromEntries(channels.map((channel) => [channel, address(ip, portOf(channel))])) as Connection["address"],
    registration: registers
      ? {
          address: address(text(fields, "registration_ip", path), port(fields, "registration_port", path)),
          kernelId: text(fields, "kernel_id", path),
        }
      : null,
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

/** Over tcp the system chooses; a file of ipc has only a name, which binding would take from another kernel. */
function chosenPort(transport: string): number | "*" {
  return transport === "ipc" ? randomInt(1e6, 1e9) : "*";
}
