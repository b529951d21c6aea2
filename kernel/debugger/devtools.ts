/** V8's debugger in R, spoken to through the agent. */
import type { JsonObject } from "../protocol/message.js";
import type { Debugging } from "../runtime/debugging.js";
import type { DevtoolsAnswer } from "../runtime/messages.js";
import type { Evaluated, RemoteObject } from "./values.js";

/** Values that are looked at are held until this group is released. */
export const objectGroup = "cellgrad-debugger";

const debugging = `globalThis["cellgrad.kernel"].debugging`;

type PassedByValue = "cells" | "draft" | "places" | "expression" | "declare";

export class Devtools {
  readonly #ask: (method: string, params: JsonObject) => Promise<unknown>;

  constructor(ask: (method: string, params: JsonObject) => Promise<unknown>) {
    this.#ask = ask;
  }

  /** Rejects with V8's words when it refuses, and when R has ended. */
  async post<Answer = JsonObject>(method: string, params: JsonObject = {}): Promise<Answer> {
    const answer = (await this.#ask(method, params)) as DevtoolsAnswer | null;
    if (answer === null) throw new Error("the runtime has ended");
    if ("error" in answer) throw new Error(answer.error);
    return answer.result as Answer;
  }

  /** Calls one of the main thread's functions for the debugger with JSON values. */
  async call<Name extends PassedByValue>(name: Name, ...args: Parameters<Debugging[Name]>): Promise<ReturnType<Debugging[Name]>> {
    const list = args.map((each) => JSON.stringify(each)).join();
    const expression = `${debugging}.${name}(${list})\n//# sourceURL=node:cellgrad-agent`;
    const answer = await this.post<Evaluated>("Runtime.evaluate", { expression, returnByValue: true, silent: true });
    if (answer.exceptionDetails) throw new Error(messageOf(answer));
    return answer.result.value as ReturnType<Debugging[Name]>;
  }

  /** Calls one of them with values of the main thread. */
  async callOn(name: "describe" | "parts" | "bundle", values: readonly RemoteObject[], options: JsonObject = {}): Promise<Evaluated> {
    return this.post<Evaluated>("Runtime.callFunctionOn", {
      functionDeclaration: `function (...values) { return ${debugging}.${name}(...values) }\n//# sourceURL=node:cellgrad-agent\n`,
      executionContextId: 1,
      arguments: values.map(argumentOf),
      silent: true,
      ...options,
    });
  }
}

/** A value as an argument of `Runtime.callFunctionOn`. */
export function argumentOf({ objectId, unserializableValue, value }: RemoteObject): JsonObject {
  if (objectId !== undefined) return { objectId };
  return unserializableValue !== undefined ? { unserializableValue } : { value };
}

/** What was thrown, in a line. */
export function messageOf({ exceptionDetails }: Evaluated): string {
  const { text, exception } = exceptionDetails!;
  return (exception?.description ?? String(exception?.value ?? text)).split("\n")[0]!;
}
