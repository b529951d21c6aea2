/** A Jupyter front end over ZMQ, which collects what a kernel sends. Tests and `npm run cell` are written with it. */
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { curveKeyPair, Dealer, Request as Requester, Subscriber } from "zeromq";
import { decodeMessage, encodeMessage, makeHeader, type JsonObject, type Message } from "../protocol/message.js";
import { Signer } from "../protocol/signer.js";
import { LaunchedKernel, type LaunchOptions } from "./launch.js";

/** Content of an execute_request; the rest has the protocol's defaults. */
export interface ExecuteOptions {
  readonly silent?: boolean;
  readonly store_history?: boolean;
  readonly user_expressions?: JsonObject;
  readonly allow_stdin?: boolean;
  readonly stop_on_error?: boolean;
  readonly cellId?: string;
  readonly subshell?: string;
}

/** What became of one request. */
export interface Exchange {
  readonly id: string;
  readonly reply: Promise<Message>;
  /** Resolves with everything published for it, `busy` to `idle`. */
  readonly published: Promise<readonly Message[]>;
}

/** What became of a cell. */
export interface CellResult {
  readonly reply: JsonObject;
  readonly messages: readonly Message[];
  readonly stdout: string;
  readonly stderr: string;
  /** The text/plain of the execute_result, or null. */
  readonly result: string | null;
  readonly error: { readonly ename: string; readonly evalue: string; readonly traceback: readonly string[] } | null;
}

export class Client {
  readonly kernel: LaunchedKernel;
  readonly session = randomUUID();
  /** Everything published, in order. */
  readonly published: Message[] = [];
  /** What a question of a cell is answered with; null leaves it open. */
  onInput: (question: Message) => string | null = () => null;
  readonly #signer: Signer;
  readonly #verifier: Signer;
  readonly #shell: Dealer;
  readonly #control: Dealer;
  readonly #stdin: Dealer;
  readonly #iopub: Subscriber;
  readonly #heartbeat: Requester;
  readonly #replies = new Map<string, (message: Message) => void>();
  readonly #welcome: Promise<unknown>;
  #sending: Promise<void> = Promise.resolve();
  readonly #watchers = new Set<{ readonly matches: (message: Message) => boolean; readonly found: (message: Message) => void }>();

  /** Starts a kernel and waits until it answers on shell and publishes. */
  static async start(options: LaunchOptions = {}): Promise<Client> {
    return Client.join(await LaunchedKernel.launch(options));
  }

  /** Connects to a kernel that runs, as one more front end. */
  static async join(kernel: LaunchedKernel): Promise<Client> {
    const client = new Client(kernel);
    await client.#welcome;
    await client.request("kernel_info_request", {}).reply;
    return client;
  }

  private constructor(kernel: LaunchedKernel) {
    const { transport, ip, key, curve_publickey, ...ports } = kernel.connection;
    this.kernel = kernel;
    this.#signer = new Signer(key);
    this.#verifier = new Signer(key);
    const { publicKey, secretKey } = curve_publickey === undefined ? {} : curveKeyPair();
    const curve =
      curve_publickey === undefined ? {} : { curveServerKey: curve_publickey, curvePublicKey: publicKey!, curveSecretKey: secretKey! };
    const options = { linger: 0, ...curve };
    const named = { ...options, routingId: this.session }; // one identity on shell and stdin: the kernel asks whom the cell came from
    const address = (port: number) => (transport === "tcp" ? `tcp://${ip}:${port}` : `ipc://${ip}-${port}`);
    this.#shell = new Dealer(named);
    this.#shell.connect(address(ports.shell_port));
    this.#control = new Dealer(options);
    this.#control.connect(address(ports.control_port));
    this.#stdin = new Dealer(named);
    this.#stdin.connect(address(ports.stdin_port));
    this.#heartbeat = new Requester(options);
    this.#heartbeat.connect(address(ports.hb_port));
    this.#iopub = new Subscriber(options);
    this.#iopub.connect(address(ports.iopub_port));
    this.#iopub.subscribe();
    this.#welcome = this.next(({ header }) => header.msg_type === "iopub_welcome");
    void this.#receive(this.#shell, (message) => this.#settle(message));
    void this.#receive(this.#control, (message) => this.#settle(message));
    void this.#receive(this.#stdin, (question) => this.#answer(question));
    void this.#receive(this.#iopub, (message) => this.#publish(message));
  }

  get process(): ChildProcess {
    return this.kernel.process;
  }

  /** Sends a request and returns what comes back for it. */
  request(
    type: string,
    content: JsonObject,
    options: { channel?: "shell" | "control"; metadata?: JsonObject; subshell?: string; buffers?: Uint8Array[] } = {},
  ): Exchange {
    const id = randomUUID();
    const reply = new Promise<Message>((resolve) => this.#replies.set(id, resolve));
    const idle = this.next((message) => isIdleOf(message, id));
    const start = this.published.length;
    const published = idle.then(() => this.published.slice(start).filter(({ parent }) => parent.msg_id === id));
    const header = makeHeader(type, this.session, id);
    const message: Message = {
      identities: [],
      header: options.subshell === undefined ? header : { ...header, subshell_id: options.subshell },
      parent: {},
      metadata: options.metadata ?? {},
      content,
      buffers: options.buffers ?? [],
    };
    void this.send(options.channel ?? "shell", encodeMessage(message, this.#signer));
    return { id, reply, published };
  }

  /** Answers a question that a cell asked. */
  async reply(question: Message, value: string): Promise<void> {
    const header = makeHeader("input_reply", this.session);
    const message: Message = { identities: [], header, parent: question.header, metadata: {}, content: { value }, buffers: [] };
    await this.send("stdin", encodeMessage(message, this.#signer));
  }

  /** Sends raw frames. */
  async send(channel: "shell" | "control" | "stdin", frames: readonly Uint8Array[]): Promise<void> {
    const socket = { shell: this.#shell, control: this.#control, stdin: this.#stdin }[channel];
    this.#sending = this.#sending.then(() => socket.send(frames as Buffer[]));
    await this.#sending;
  }

  /** Sends a cell; resolves when its reply and its idle are there. */
  async execute(code: string, options: ExecuteOptions = {}): Promise<CellResult> {
    const { reply, published } = this.start(code, options);
    return summarize((await reply).content, await published);
  }

  /** Sends a cell. */
  start(code: string, { cellId, subshell, ...options }: ExecuteOptions = {}): Exchange {
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: true, stop_on_error: true, ...options };
    return this.request("execute_request", content, {
      metadata: cellId === undefined ? {} : { cellId },
      ...(subshell === undefined ? {} : { subshell }),
    });
  }

  /** The next published message that matches. */
  next(matches: (message: Message) => boolean): Promise<Message> {
    return new Promise((found) => this.#watchers.add({ matches, found }));
  }

  /** The next stream text under a request that contains `text`. */
  printed(exchange: Exchange, text: string): Promise<Message> {
    return this.next(
      ({ header, parent, content }) => header.msg_type === "stream" && parent.msg_id === exchange.id && String(content.text).includes(text),
    );
  }

  async interrupt(): Promise<void> {
    await this.request("interrupt_request", {}, { channel: "control" }).reply;
  }

  /** Resolves when the kernel echoes. */
  async heartbeat(): Promise<void> {
    await this.#heartbeat.send("ping");
    await this.#heartbeat.receive();
  }

  /** Shuts the kernel down; resolves with its exit code. */
  async stop(): Promise<number | null> {
    const exited = this.exited();
    if (this.process.exitCode === null) this.request("shutdown_request", { restart: false }, { channel: "control" });
    const code = await exited;
    this.leave();
    this.kernel.removeFiles();
    return code;
  }

  /** Disconnects; the kernel runs on. */
  leave(): void {
    for (const socket of [this.#shell, this.#control, this.#stdin, this.#iopub, this.#heartbeat]) socket.close();
  }

  /** Resolves with the exit code of the kernel process. */
  exited(): Promise<number | null> {
    return this.kernel.exited();
  }

  async #receive(socket: Dealer | Subscriber, handle: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      const message = decodeMessage(frames as Buffer[], this.#verifier);
      if (!message) throw new Error(`the kernel sent a message that is not valid: ${(frames as Buffer[]).map(String).join(" ")}`);
      handle(message);
    }
  }

  #answer(question: Message): void {
    const value = this.onInput(question);
    if (value !== null) void this.reply(question, value);
  }

  #settle(message: Message): void {
    const id = String(message.parent.msg_id);
    this.#replies.get(id)?.(message);
    this.#replies.delete(id);
  }

  #publish(message: Message): void {
    this.published.push(message);
    for (const watcher of this.#watchers) {
      if (!watcher.matches(message)) continue;
      this.#watchers.delete(watcher);
      watcher.found(message);
    }
  }
}

/** Puts the messages of a cell together as a front end shows them. */
export function summarize(reply: JsonObject, messages: readonly Message[]): CellResult {
  const contents = (type: string) => messages.filter(({ header }) => header.msg_type === type).map(({ content }) => content);
  const stream = (name: string) =>
    contents("stream")
      .flatMap((content) => (content.name === name ? [String(content.text)] : []))
      .join("");
  const [result] = contents("execute_result");
  const [error] = contents("error");
  return {
    reply,
    messages,
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    result: result ? String((result.data as JsonObject)["text/plain"]) : null,
    error: error ? (error as unknown as CellResult["error"]) : null,
  };
}

export function isIdleOf({ header, parent, content }: Message, id: string): boolean {
  return header.msg_type === "status" && content.execution_state === "idle" && parent.msg_id === id;
}
