/** The kernel's five sockets: bound together, one send queue each, heartbeat and iopub_welcome answered here. */
import { rmSync } from "node:fs";
import { Reply, Router, XPublisher, type MessageLike, type Writable } from "zeromq";
import { decodeMessage, encodeMessage, makeHeader, type JsonObject, type Message } from "../protocol/message.js";
import type { Signer } from "../protocol/signer.js";
import type { Channel, Connection } from "./connection-file.js";

/** The channels on which requests arrive. */
export type RequestChannel = "shell" | "control" | "stdin";

export interface Outgoing {
  /** Its msg_id, where an answer is waited for. */
  readonly id?: string;
  readonly type: string;
  readonly parent: Message["parent"];
  readonly content: JsonObject;
  readonly metadata?: JsonObject;
  readonly buffers?: readonly Uint8Array[];
}

export class Sockets {
  readonly #signer: Signer;
  readonly #session: string;
  readonly #routers = { shell: new Router(), control: new Router(), stdin: new Router() };
  readonly #iopub = new XPublisher();
  readonly #heartbeat = new Reply();
  #ports: Sockets["ports"] | null = null;
  readonly #queues = new Map<Writable, Promise<void>>();
  /** The files of sockets of the transport ipc. */
  #files: readonly string[] = [];

  constructor(signer: Signer, session: string) {
    this.#signer = signer;
    this.#session = session;
  }

  /** Binds every socket, where requests wait for {@link serve}. Rejects when an address is taken. */
  async bind(connection: Connection): Promise<void> {
    this.#iopub.sendHighWaterMark = 0; // never drop an output, whatever a slow front end does
    this.#iopub.verbosity = "allSubs"; // each front end gets its welcome, also on a topic that another one has
    const sockets = { ...this.#routers, iopub: this.#iopub, hb: this.#heartbeat };
    for (const socket of Object.values(sockets)) {
      socket.linger = 1000;
      if (!connection.curve) continue;
      socket.curveServer = true;
      socket.curveSecretKey = connection.curve.secretKey;
      socket.curvePublicKey = connection.curve.publicKey;
    }
    for (const router of Object.values(this.#routers)) {
      router.handover = true; // a front end that reconnects under its identity replaces its stale connection
      router.sendHighWaterMark = 0;
    }
    this.#routers.stdin.mandatory = true; // a question that nobody receives must not be waited for
    const names = Object.keys(sockets) as (keyof typeof sockets)[];
    await Promise.all(names.map((name) => sockets[name].bind(connection.address[name])));
    this.#files = names.map((name) => sockets[name].lastEndpoint!).flatMap((address) => address.match(/(?<=^ipc:\/\/).*/) ?? []);
    this.#ports = Object.fromEntries(names.map((name) => [name, Number(/\d+$/.exec(sockets[name].lastEndpoint!)![0])])) as Sockets["ports"];
    void this.#serveHeartbeat();
    void this.#serveSubscriptions();
  }

  /** Starts to serve: `receive` is called for each valid request. */
  serve(receive: (channel: RequestChannel, message: Message) => void): void {
    for (const channel of ["shell", "control", "stdin"] as const) void this.#serve(channel, receive);
  }

  /** The ports that are bound. */
  get ports(): { readonly [channel in Channel]: number } {
    return this.#ports!;
  }

  /** Answers `request` on the channel it came from. */
  reply(channel: RequestChannel, request: Message, message: Outgoing): Promise<void> {
    return this.#send(this.#routers[channel], request.identities, message);
  }

  /** Sends a question on stdin to whoever sent `request`; false when there is no connection of that identity. */
  ask(request: Message, message: Outgoing): Promise<boolean> {
    const { stdin } = this.#routers;
    return this.#enqueue(stdin, this.#encode(request.identities, message)).then(
      () => true,
      (error: NodeJS.ErrnoException) => (ignoreClosed(error), false),
    );
  }

  /** Publishes to every front end. */
  publish(message: Outgoing): Promise<void> {
    return this.#send(this.#iopub, [Buffer.from(`kernel.${this.#session}.${message.type}`)], message);
  }

  /** Resolves when everything queued was handed to ZMQ, and closes. The process may end before ZMQ removes its files. */
  async close(): Promise<void> {
    await Promise.all(this.#queues.values());
    for (const socket of [...Object.values(this.#routers), this.#iopub, this.#heartbeat]) socket.close();
    for (const file of this.#files) rmSync(file, { force: true });
  }

  #send(socket: Writable, identities: readonly Uint8Array[], message: Outgoing): Promise<void> {
    return this.#enqueue(socket, this.#encode(identities, message)).catch(ignoreClosed);
  }

  /** One send at a time a socket: ZMQ refuses a second one. */
  #enqueue(socket: Writable, frames: Uint8Array[]): Promise<void> {
    const sent = (this.#queues.get(socket) ?? Promise.resolve()).then(() => socket.send(frames as MessageLike[]));
    this.#queues.set(
      socket,
      sent.catch(() => {}), // reported to who sent it
    );
    return sent;
  }

  #encode(identities: readonly Uint8Array[], message: Outgoing): Uint8Array[] {
    return encodeMessage(
      {
        identities,
        header: makeHeader(message.type, this.#session, message.id),
        parent: message.parent,
        metadata: message.metadata ?? {},
        content: message.content,
        buffers: message.buffers ?? [],
      },
      this.#signer,
    );
  }

  async #serve(channel: RequestChannel, receive: (channel: RequestChannel, message: Message) => void): Promise<void> {
    for await (const frames of this.#routers[channel]) {
      const message = decodeMessage(frames, this.#signer);
      if (message) receive(channel, message);
    }
  }

  async #serveHeartbeat(): Promise<void> {
    for await (const frames of this.#heartbeat) await this.#heartbeat.send(frames).catch(ignoreClosed);
  }

  async #serveSubscriptions(): Promise<void> {
    for await (const [frame] of this.#iopub) {
      if (frame?.[0] !== 1) continue;
      const topic = frame.subarray(1);
      const content = { subscription: topic.toString("utf8") };
      void this.#send(this.#iopub, [topic], { type: "iopub_welcome", parent: {}, content });
    }
  }
}

/** A socket closed by a shutdown rejects what was still being sent; every other failure is a defect and must be seen. */
function ignoreClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== "EAGAIN" && error.code !== "EBADF" && error.code !== "EHOSTUNREACH" && error.code !== "ENOTSOCK") throw error;
}
