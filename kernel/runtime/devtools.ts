/** V8's debugger for K: requests pass to the agent's session, what happens to user code in the main thread passes back. */
import type { Session } from "node:inspector";
import type { JsonObject } from "../protocol/message.js";
import type { DevtoolsAnswer, DevtoolsEvent } from "./messages.js";

/** More frames than this of one stack are not passed on: an endless recursion has ten thousand. */
const maxFrames = 200;

/** Scripts that a person may have written: cells and modules. */
const userScript = /^(cell|file):/;

interface CallFrame {
  readonly location: { readonly scriptId: string };
}

export class Devtools {
  readonly #session: Session;
  readonly #urls = new Map<string, string>();
  #paused = false;

  constructor(session: Session, send: (event: DevtoolsEvent) => void) {
    this.#session = session;
    session.on("inspectorNotification", ({ method, params }) => {
      const event = this.#read(method, params as unknown as JsonObject);
      if (event) send(event);
    });
  }

  request(method: string, params: JsonObject): Promise<DevtoolsAnswer> {
    return new Promise((resolve) => {
      this.#session.post(method, params, (error, result) => {
        resolve(error ? { error: error.message } : { result: (result ?? {}) as JsonObject });
      });
    });
  }

  /** Ends what runs in the main thread; code that is paused must also be let go. */
  terminate(): void {
    if (this.#paused) this.#session.post("Debugger.resume", { terminateOnResume: true });
    else this.#session.post("Runtime.terminateExecution");
  }

  #read(method: string, params: JsonObject): DevtoolsEvent | null {
    switch (method) {
      case "Debugger.paused":
        this.#paused = true;
        return { method, params: { ...params, callFrames: this.#userFrames(params.callFrames as CallFrame[]) } };
      case "Debugger.resumed":
        this.#paused = false;
        return { method, params };
      case "Debugger.scriptParsed":
        if (!userScript.test(String(params.url))) return null;
        this.#urls.set(String(params.scriptId), String(params.url));
        return { method, params };
      default:
        return null;
    }
  }

  /** Frames do not always carry the URL of their script. */
  #userFrames(frames: readonly CallFrame[]): readonly object[] {
    return frames
      .filter(({ location }) => this.#urls.has(location.scriptId))
      .slice(0, maxFrames)
      .map((frame) => ({ ...frame, url: this.#urls.get(frame.location.scriptId) }));
  }
}
