/** A debugging front end for tests: DAP requests on the control channel, events from iopub. */
import { expect } from "vitest";
import type { Client, Exchange } from "../../kernel/client/client.js";
import type { JsonObject, Message } from "../../kernel/protocol/message.js";

export interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly source: { readonly name: string; readonly path: string };
}

export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly variablesReference: number;
  readonly indexedVariables?: number;
}

export class DebugSession {
  readonly client: Client;
  #sequence = 0;

  constructor(client: Client) {
    this.client = client;
  }

  /** A front end that has attached. */
  static async attach(client: Client): Promise<DebugSession> {
    const session = new DebugSession(client);
    await session.ask("initialize", { clientID: "test" });
    await session.ask("attach");
    return session;
  }

  /** The whole response. */
  async respond(command: string, args: JsonObject = {}): Promise<JsonObject> {
    const request = { type: "request", seq: ++this.#sequence, command, arguments: args };
    const { content } = await this.client.request("debug_request", request, { channel: "control" }).reply;
    expect(content).toMatchObject({ type: "response", command, request_seq: request.seq });
    return content;
  }

  /** The body of a response, which must be a success. */
  async ask<Body = JsonObject>(command: string, args: JsonObject = {}): Promise<Body> {
    const response = await this.respond(command, args);
    expect(response.success, String(response.message)).toBe(true);
    return response.body as Body;
  }

  /** Sets breakpoints in a cell's lines; returns where they came to be. */
  async breakAt(code: string, breakpoints: readonly JsonObject[]): Promise<readonly { verified: boolean; line: number }[]> {
    const { sourcePath } = await this.ask<{ sourcePath: string }>("dumpCell", { code });
    return (
      await this.ask<{ breakpoints: { verified: boolean; line: number }[] }>("setBreakpoints", {
        source: { path: sourcePath },
        breakpoints,
      })
    ).breakpoints;
  }

  /** The body of the next event of a kind. */
  async event(event: string): Promise<JsonObject> {
    const { content } = await this.client.next(({ header, content }) => header.msg_type === "debug_event" && content.event === event);
    return content.body as JsonObject;
  }

  /** Starts a cell and waits until it stops. */
  async runToStop(code: string): Promise<{ readonly cell: Exchange; readonly stop: JsonObject }> {
    const stopped = this.event("stopped");
    const cell = this.client.start(code);
    return { cell, stop: await stopped };
  }

  /** Sends a step and waits for the stop; returns the frames there. */
  async step(command: "next" | "stepIn" | "stepOut" | "continue"): Promise<readonly Frame[]> {
    const stopped = this.event("stopped");
    await this.ask(command, { threadId: 1 });
    await stopped;
    return this.stack();
  }

  async stack(): Promise<readonly Frame[]> {
    return (await this.ask<{ stackFrames: Frame[] }>("stackTrace", { threadId: 1 })).stackFrames;
  }

  /** The scopes of a frame by name. */
  async scopes(frameId: number): Promise<Record<string, number>> {
    const { scopes } = await this.ask<{ scopes: { name: string; variablesReference: number }[] }>("scopes", { frameId });
    return Object.fromEntries(scopes.map(({ name, variablesReference }) => [name, variablesReference]));
  }

  async variables(variablesReference: number, page: JsonObject = {}): Promise<readonly Variable[]> {
    return (await this.ask<{ variables: Variable[] }>("variables", { variablesReference, ...page })).variables;
  }

  /** Lets the program go on and returns how the cell ended. */
  async finish(cell: Exchange): Promise<Message> {
    await this.ask("continue", { threadId: 1 });
    return cell.reply;
  }
}

/** Names and values of variables. */
export const valuesOf = (variables: readonly Variable[]): Record<string, string> =>
  Object.fromEntries(variables.map(({ name, value }) => [name, value]));

/** Names and lines of frames, `area:4`. */
export const linesOf = (frames: readonly Frame[]): string[] => frames.map(({ name, line }) => `${name}:${line}`);
