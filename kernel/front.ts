/** Wires the kernel front K together, around processes that get ready meanwhile. */
import { rmSync } from "node:fs";
import type { Checker } from "./language/checker.js";
import { isComplete } from "./language/completeness.js";
import { startLanguage } from "./language/language.js";
import type { LanguageOptions } from "./language/types.js";
import { Output } from "./session/output.js";
import type { RuntimeProcess } from "./session/runtime-process.js";
import { Runtime } from "./session/runtime.js";
import { Session } from "./session/session.js";
import type { BoundSockets } from "./transport/bind.js";
import { register } from "./transport/registration.js";

/** How often K looks whether the process that started it still lives, in ms. */
const parentInterval = 500;

/** What K starts with. */
export interface FrontParts extends BoundSockets {
  readonly languageOptions: LanguageOptions;
  readonly checker: Checker;
  readonly runtimeProcess: RuntimeProcess;
  /** The process that started K. */
  readonly parent: number;
  /** Where output is kept that is more than a page can show. */
  readonly outputs: string;
}

/** Serves front ends until the kernel is shut down. */
export async function serve(parts: FrontParts): Promise<void> {
  const { connection, signer, sockets, languageOptions, checker, runtimeProcess, parent, outputs } = parts;
  const language = startLanguage(languageOptions, checker);
  const output = new Output(outputs, (type, parent, content, extras) => void sockets.publish({ type, parent, content, ...extras }));
  const runtime = new Runtime(runtimeProcess, languageOptions.folder, output, () => language.reset());

  let ending = false;
  async function shutdown(): Promise<void> {
    if (ending) return;
    ending = true;
    runtime.close();
    await Promise.all([language.dispose(), sockets.close()]);
    rmSync(outputs, { recursive: true, force: true });
    process.exit(0);
  }

  const session = new Session({ sockets, runtime, language, output, isComplete, shutdown: () => void shutdown() });
  process.on("SIGINT", () => session.interrupt());
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void shutdown());
  setInterval(() => process.ppid !== parent && void shutdown(), parentInterval).unref();

  sockets.serve((channel, request) => session.receive(channel, request));
  if (connection.registration) await register(connection.registration, sockets.ports, signer);
  void sockets.publish({ type: "status", parent: {}, content: { execution_state: "starting" } });
}
