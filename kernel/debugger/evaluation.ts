/** TypeScript that a person types into the debugger, evaluated in a frame or in the session. */
import type { Language } from "../language/service.js";
import type { JsonObject } from "../protocol/message.js";
import { Devtools, argumentOf, messageOf, objectGroup } from "./devtools.js";
import type { CallFrame, Evaluated, RemoteObject } from "./values.js";
import type { Variables } from "./variables.js";

export class Evaluation {
  readonly #devtools: Devtools;
  readonly #language: Language;
  readonly #variables: Variables;

  constructor(devtools: Devtools, language: Language, variables: Variables) {
    this.#devtools = devtools;
    this.#language = language;
    this.#variables = variables;
  }

  /** The body of an `evaluate` response. What is only hovered must not change anything. */
  async evaluate({ expression, context }: JsonObject, frame: CallFrame | null): Promise<JsonObject> {
    const value = await this.#value(String(expression), frame, context === "hover");
    const { value: result, type, variablesReference, indexedVariables } = await this.#variables.present("", value);
    return { result, type, variablesReference, indexedVariables };
  }

  /** Sets a variable of a scope or a property of an object; returns it as a variable. */
  async setVariable({ variablesReference, name, value }: JsonObject, top: CallFrame | null): Promise<JsonObject> {
    const reference = Number(variablesReference);
    const object = this.#variables.objectOf(reference);
    const frame = object ? top : this.#variables.frameOf(reference);
    const code = String(value);
    if (!object) return this.#variables.present(String(name), await this.#value(`${String(name)} = (${code})`, frame, false));
    const assigned = await this.#value(`(${code})`, frame, false);
    const answer = await this.#devtools.post<Evaluated>("Runtime.callFunctionOn", {
      objectId: object.objectId,
      functionDeclaration: "function (name, value) { 'use strict'; this[name] = value }",
      arguments: [{ value: name }, argumentOf(assigned)],
      silent: true,
    });
    if (answer.exceptionDetails) throw new Error(messageOf(answer));
    return this.#variables.present(String(name), assigned);
  }

  /** Makes a value of a frame a variable of the session, for the cells to come. */
  async copyToGlobals({ srcVariableName, dstVariableName }: JsonObject, frame: CallFrame): Promise<void> {
    const name = String(dstVariableName);
    const value = await this.#value(String(srcVariableName), frame, true);
    const { prelude, binding } = await this.#devtools.call("declare", name);
    await this.#declare(prelude);
    const answer = await this.#devtools.post<Evaluated>("Runtime.callFunctionOn", {
      functionDeclaration: `function (value) { ${binding} = value }`,
      executionContextId: 1,
      arguments: [argumentOf(value)],
      silent: true,
    });
    if (answer.exceptionDetails) throw new Error(messageOf(answer));
    this.#language.commit({ id: `copied ${name}`, count: 0, code: `let ${name}: any` });
  }

  /** The MIME bundle of a variable; empty when it has no value here. */
  async bundle({ variableName }: JsonObject, frame: CallFrame | null): Promise<JsonObject> {
    const value = await this.#value(String(variableName), frame, true).catch(() => null);
    if (!value) return { data: {}, metadata: {} };
    const answer = await this.#devtools.callOn("bundle", [value], { returnByValue: true });
    if (answer.exceptionDetails) throw new Error(messageOf(answer));
    return answer.result.value as JsonObject;
  }

  /** Rejects with what the code throws. */
  async #value(code: string, frame: CallFrame | null, withoutSideEffects: boolean): Promise<RemoteObject> {
    const locals = frame ? await this.#variables.localNames(frame) : [];
    const read = await this.#devtools.call("expression", code, locals);
    if ("error" in read) throw new Error(read.error);
    await this.#declare(read.prelude);
    const expression = `${read.js}\n//# sourceURL=node:cellgrad-agent`;
    const parameters = { expression, objectGroup, generatePreview: true, silent: true, throwOnSideEffect: withoutSideEffects };
    const answer = frame
      ? await this.#devtools.post<Evaluated>("Debugger.evaluateOnCallFrame", { callFrameId: frame.callFrameId, ...parameters })
      : await this.#devtools.post<Evaluated>("Runtime.evaluate", parameters);
    if (!answer.exceptionDetails) return answer.result;
    const message = messageOf(answer);
    throw new Error(/\bawait\b/.test(code) && message.startsWith("SyntaxError") ? "await must wait until the program runs again" : message);
  }

  /** Not in REPL mode, which answers in a microtask: a thread that stands still has none. */
  async #declare(prelude: string): Promise<void> {
    if (prelude !== "") await this.#devtools.post("Runtime.evaluate", { expression: prelude, silent: true });
  }
}
