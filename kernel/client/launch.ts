/** Starts the built kernel as Jupyter does, by a connection file, or by the handshake, in which the kernel chooses its own ports. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { curveKeyPair, Router } from "zeromq";
import { decodeContent, encodeContent } from "../protocol/message.js";
import { Signer } from "../protocol/signer.js";

/** The built kernel, also when this file runs from its source. */
const cli = join(dirname(createRequire(import.meta.url).resolve("cellgrad/package.json")), "build", "js", "kernel", "cli.js");

export interface LaunchOptions {
  /** The kernel's working folder. */
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly transport?: "tcp" | "ipc";
  /** How the kernel learns of its sockets; by default the handshake, in which no port can be taken. */
  readonly startup?: "handshake" | "connection file";
  /** Encrypt with CurveZMQ. */
  readonly curve?: boolean;
}

const ports = ["shell_port", "control_port", "stdin_port", "iopub_port", "hb_port"] as const;

type PortFields = Readonly<Record<(typeof ports)[number], number>>;

/** What a connection file holds. */
export interface ConnectionInfo extends PortFields {
  readonly transport: "tcp" | "ipc";
  readonly ip: string;
  readonly key: string;
  readonly curve_publickey?: string;
  readonly curve_secretkey?: string;
}

/** Ports of a connection file: below the system's ephemeral range, or names of sockets. */
function connectionPorts(transport: "tcp" | "ipc"): PortFields {
  const first = transport === "tcp" ? 20000 + (process.pid % 2000) * 5 : 1;
  return Object.fromEntries(ports.map((name, i) => [name, first + i])) as PortFields;
}

/** A kernel process and how it is reached. */
export class LaunchedKernel {
  readonly process: ChildProcess;
  readonly folder: string;
  readonly connectionFile: string;
  /** What the kernel process itself writes: nothing, when all is well. */
  log = "";
  #connection: ConnectionInfo | null = null;
  readonly #temporary: string;

  /** Starts a kernel; resolves when its ports are known. */
  static async launch(options: LaunchOptions = {}): Promise<LaunchedKernel> {
    const { transport = "tcp", startup = "handshake", curve = false } = options;
    const temporary = mkdtempSync(join(tmpdir(), "cellgrad-client-"));
    const ip = transport === "tcp" ? "127.0.0.1" : join(temporary, "socket");
    const { publicKey, secretKey } = curve ? curveKeyPair() : {};
    const key = randomBytes(16).toString("hex");
    const common = { transport, ip, key, ...(curve && { curve_publickey: publicKey!, curve_secretkey: secretKey! }) };
    const registration = startup === "handshake" ? await Registration.open(transport, ip, key) : null;
    const file = registration?.file ?? connectionPorts(transport);
    writeFileSync(join(temporary, "connection.json"), JSON.stringify({ ...common, signature_scheme: "hmac-sha256", ...file }), {
      mode: 0o600,
    });
    const kernel = new LaunchedKernel(options, temporary);
    kernel.#connection = { ...common, ...((await registration?.answer(kernel.process)) ?? connectionPorts(transport)) };
    return kernel;
  }

  private constructor({ folder, env }: LaunchOptions, temporary: string) {
    this.#temporary = temporary;
    this.folder = folder ?? temporary;
    this.connectionFile = join(temporary, "connection.json");
    this.process = spawn(process.execPath, [cli, "kernel", "--connection-file", this.connectionFile], {
      cwd: this.folder,
      env: { ...process.env, XDG_DATA_HOME: temporary, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout!, this.process.stderr!]) stream.on("data", (text: Buffer) => (this.log += text.toString()));
  }

  get connection(): ConnectionInfo {
    return this.#connection!;
  }

  /** Resolves with the exit code of the kernel process. */
  exited(): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return Promise.resolve(this.process.exitCode);
    return new Promise((resolve) => this.process.once("exit", resolve));
  }

  /** Removes the connection file and what else was written for the kernel. */
  removeFiles(): void {
    rmSync(this.#temporary, { recursive: true, force: true });
  }
}

/** The launcher's side of the startup handshake. */
class Registration {
  readonly file: object;
  readonly #id = randomUUID();
  readonly #router: Router;
  readonly #signer: Signer;

  static async open(transport: "tcp" | "ipc", ip: string, key: string): Promise<Registration> {
    const router = new Router({ linger: 1000 });
    await router.bind(transport === "tcp" ? `tcp://${ip}:*` : `ipc://${ip}-0`);
    return new Registration(router, ip, key);
  }

  private constructor(router: Router, ip: string, key: string) {
    this.#router = router;
    this.#signer = new Signer(key);
    this.file = { kernel_id: this.#id, registration_ip: ip, registration_port: Number(/\d+$/.exec(router.lastEndpoint!)![0]) };
  }

  /** The ports that the kernel says it has bound; acknowledges them. */
  async answer(kernel: ChildProcess): Promise<PortFields> {
    const ended = () => this.#router.close();
    kernel.once("exit", ended);
    try {
      const [identity, ...frames] = await this.#router.receive();
      const content = decodeContent(frames, this.#signer);
      if (content?.kernel_id !== this.#id) throw new Error("the kernel's registration is not valid");
      await this.#router.send([identity!, ...encodeContent({ status: "ok" }, this.#signer)] as Buffer[]);
      return Object.fromEntries(ports.map((name) => [name, Number(content[name])])) as PortFields;
    } finally {
      kernel.off("exit", ended);
      if (!this.#router.closed) this.#router.close();
    }
  }
}
