/** The startup handshake: the kernel has chosen its ports, and reports them to the process that started it. */
import { Dealer } from "zeromq";
import { encodeContent, isSignedContent } from "../protocol/message.js";
import type { Signer } from "../protocol/signer.js";
import type { Connection } from "./connection-file.js";
import type { Sockets } from "./sockets.js";

/** How long the acknowledgement is waited for, in ms. */
const deadline = 10_000;

/** Reports the ports. @throws Error when no valid acknowledgement comes */
export async function register(
  { address, kernelId }: NonNullable<Connection["registration"]>,
  ports: Sockets["ports"],
  signer: Signer,
): Promise<void> {
  const socket = new Dealer({ linger: 1000, receiveTimeout: deadline });
  socket.connect(address);
  try {
    const named = Object.entries(ports).map(([channel, port]) => [`${channel}_port`, String(port)]);
    await socket.send(encodeContent({ kernel_id: kernelId, ...Object.fromEntries(named) }, signer) as Buffer[]);
    const answer = await socket.receive().catch(() => null);
    if (!answer || !isSignedContent(answer, signer)) throw new Error(`the registration at ${address} was not acknowledged`);
  } finally {
    socket.close();
  }
}
