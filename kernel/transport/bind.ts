/** Binds the sockets of a connection file: front ends that find nobody there try again a tenth of a second later. */
import { randomUUID } from "node:crypto";
import { Signer } from "../protocol/signer.js";
import { readConnectionFile, type Connection } from "./connection-file.js";
import { Sockets } from "./sockets.js";

export interface BoundSockets {
  readonly connection: Connection;
  readonly signer: Signer;
  readonly sockets: Sockets;
}

/** Reads a connection file and binds its sockets, where requests wait until they are served. */
export async function bindSockets(connectionFile: string): Promise<BoundSockets> {
  const connection = readConnectionFile(connectionFile);
  const signer = new Signer(connection.key);
  const sockets = new Sockets(signer, randomUUID());
  await sockets.bind(connection);
  return { connection, signer, sockets };
}
