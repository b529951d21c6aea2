/** T, the TypeScript language server, as a process that may hang or die: keeps its open documents and starts it again. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { emptyProject } from "./project.js";
import { MessageReader, encodeMessage, type RpcMessage } from "./rpc.js";

const require = createRequire(import.meta.url);

/** A server that has not answered for this long hangs, in ms. */
const hangs = 10_000;
/** How much longer it may take for each document that it has, which it may have to open again, in ms. */
const perDocument = 50;
const firstDelay = 200;
const longestDelay = 10_000;

/** What nobody asks T for: its auto-imports, which cost it 100 MB and the time of a check after each cell, and the types of packages that it would install by itself. */
const preferences = { includeCompletionsForModuleExports: false, disableAutomaticTypeAcquisition: true };

/** By how many percent T's heap grows before it is collected. Go's default, 100, collects more while T starts; at 200 it keeps 15 MB more. */
const heapGrowth = "150";

/** Why a request has no answer. */
export class ServerUnavailable extends Error {
  override readonly name = "ServerUnavailable";
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly watchdog: NodeJS.Timeout;
}

export class LanguageServer {
  private child: ChildProcess | null = null;
  private readonly pending = new Map<number, Pending>();
  private readonly documents = new Map<string, string>();
  private nextId = 1;
  private version = 1;
  private restartDelay = firstDelay;
  private restart: NodeJS.Timeout | null = null;
  private disposed = false;

  private isInitialized = false;
  private initialized: Promise<void> = Promise.resolve();

  constructor(private readonly folder: string) {
    this.start();
  }

  /** The process id, or null while there is none. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Asks; rejects with {@link ServerUnavailable} when the server is down or dies, and with an Error when it refuses. */
  async request(method: string, params: unknown): Promise<unknown> {
    if (!this.child) throw new ServerUnavailable("the TypeScript server is starting again");
    // A question must follow its documents at once: the next call may change them.
    if (!this.isInitialized) await this.initialized;
    return this.send(method, params);
  }

  /** Tells; what is told before the server is ready is lost, except documents. */
  notify(method: string, params: unknown): void {
    if (this.isInitialized) this.write({ method, params });
  }

  /** Opens a document that exists in memory only, or gives it another text. */
  open(path: string, text: string): void {
    const isOpen = this.documents.has(path);
    this.documents.set(path, text);
    if (!isOpen) return this.didOpen(path, text);
    this.didChange(path, text);
  }

  /** Whether the server has this text already. */
  holds(path: string, text: string): boolean {
    return this.documents.get(path) === text;
  }

  close(path: string): void {
    if (this.documents.delete(path)) this.notify("textDocument/didClose", { textDocument: { uri: uriOf(path) } });
  }

  /** Ends the process. */
  async dispose(): Promise<void> {
    this.disposed = true;
    if (this.restart) clearTimeout(this.restart);
    const { child } = this;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  private start(): void {
    const [command, ...prefix] = serverCommand();
    const child = spawn(command!, [...prefix, "--lsp", "--stdio"], {
      cwd: this.folder,
      env: { GOGC: heapGrowth, ...process.env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.child = child;
    const reader = new MessageReader((message) => this.receive(message));
    child.stdout.on("data", (chunk: Buffer) => reader.push(chunk));
    child.stdin.on("error", () => {}); // reported by "exit"
    child.once("error", () => this.ended(child));
    child.once("exit", () => this.ended(child));
    this.isInitialized = false;
    this.initialized = this.initialize();
    this.initialized.catch(() => {}); // a server that dies now is started again by `ended`
  }

  private send(method: string, params: unknown): Promise<unknown> {
    const { child } = this;
    if (!child) return Promise.reject(new ServerUnavailable("the TypeScript server is starting again"));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const watchdog = setTimeout(() => child.kill("SIGKILL"), hangs + this.documents.size * perDocument);
      watchdog.unref();
      this.pending.set(id, { resolve, reject, watchdog });
      this.write({ id, method, params });
    });
  }

  private async initialize(): Promise<void> {
    const rootUri = uriOf(this.folder);
    const markdown = ["markdown"];
    await this.send("initialize", {
      processId: process.pid,
      rootUri,
      workspaceFolders: [{ uri: rootUri, name: "notebook" }],
      initializationOptions: { disablePushDiagnostics: true, userPreferences: preferences },
      capabilities: {
        textDocument: {
          diagnostic: {},
          hover: { contentFormat: markdown },
          completion: {
            completionItem: {
              documentationFormat: markdown,
              deprecatedSupport: true,
              resolveSupport: { properties: ["documentation", "detail", "additionalTextEdits"] },
            },
          },
          signatureHelp: { signatureInformation: { documentationFormat: markdown } },
        },
      },
    });
    this.isInitialized = true;
    this.notify("initialized", {});
    this.openAll();
    this.restartDelay = firstDelay;
  }

  /** Every document that is opened makes T put its project together again: cheap as long as that holds nothing else, so what it is comes last. */
  private openAll(): void {
    const [configuration] = this.documents.keys();
    for (const [path, text] of this.documents) this.didOpen(path, path === configuration ? emptyProject : text);
    if (configuration !== undefined) this.didChange(configuration, this.documents.get(configuration)!);
  }

  private didOpen(path: string, text: string): void {
    const languageId = path.endsWith(".json") ? "json" : path.endsWith("x") ? "typescriptreact" : "typescript";
    this.notify("textDocument/didOpen", { textDocument: { uri: uriOf(path), languageId, version: ++this.version, text } });
  }

  private didChange(path: string, text: string): void {
    const textDocument = { uri: uriOf(path), version: ++this.version };
    this.notify("textDocument/didChange", { textDocument, contentChanges: [{ text }] });
  }

  private receive(message: RpcMessage): void {
    if (message.method !== undefined) {
      if (message.id !== undefined) this.write({ id: message.id, result: null }); // it asks for nothing that we have
      return;
    }
    const pending = this.pending.get(message.id!);
    if (!pending) return;
    this.pending.delete(message.id!);
    clearTimeout(pending.watchdog);
    if (message.error) pending.reject(new Error(message.error.message));
    else pending.resolve(message.result);
  }

  private write(message: RpcMessage): void {
    if (this.child?.stdin?.writable) this.child.stdin.write(encodeMessage(message));
  }

  private ended(child: ChildProcess): void {
    if (this.child !== child) return;
    this.child = null;
    this.isInitialized = false;
    for (const { reject, watchdog } of this.pending.values()) {
      clearTimeout(watchdog);
      reject(new ServerUnavailable("the TypeScript server ended"));
    }
    this.pending.clear();
    if (this.disposed) return;
    this.restart = setTimeout(() => this.start(), this.restartDelay);
    this.restart.unref();
    this.restartDelay = Math.min(this.restartDelay * 2, longestDelay);
  }
}

export function uriOf(path: string): string {
  return pathToFileURL(path).href;
}

/** The native compiler itself; the launcher script that npm installs is the way round where it is not found. */
function serverCommand(): string[] {
  const name = process.platform === "win32" ? "tsc.exe" : "tsc";
  try {
    const platform = require.resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`);
    const binary = join(dirname(platform), "lib", name);
    if (existsSync(binary)) return [binary];
  } catch {
    // No such package under this name: the launcher knows more places.
  }
  return [process.execPath, join(dirname(require.resolve("typescript/package.json")), "bin", "tsc")];
}
