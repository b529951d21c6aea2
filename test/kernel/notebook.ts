/** A notebook that is being written, as a front end follows it on the comm target `cellgrad.editor`. */
import { randomUUID } from "node:crypto";
import type { Client } from "../../kernel/client/client.js";
import type { JsonObject } from "../../kernel/protocol/message.js";
import { editorTarget, type CellDiagnostic, type DiagnosticsMessage, type EditorReply } from "../../src/wire/editor.js";

export type Cells = { readonly [id: string]: string };

export class WrittenNotebook {
  readonly comm = randomUUID();
  private cells: Cells = {};
  private sequence = 0;
  private lastRequest = 0;

  private constructor(private readonly client: Client) {}

  static async open(client: Client): Promise<WrittenNotebook> {
    const notebook = new WrittenNotebook(client);
    await client.request("comm_open", { comm_id: notebook.comm, target_name: editorTarget, data: {} }).published;
    return notebook;
  }

  /** Sends the cells as they stand, in order; resolves with what is wrong with those whose text is new. */
  async write(cells: Cells): Promise<{ readonly [id: string]: readonly string[] }> {
    const texts = Object.fromEntries(Object.entries(cells).filter(([id, text]) => this.cells[id] !== text));
    this.cells = cells;
    this.sequence++;
    const told = Object.keys(texts).map(async (id) => [id, await this.told(id)] as const);
    this.send({ kind: "notebook", sequence: this.sequence, order: Object.keys(cells), texts });
    return Object.fromEntries(await Promise.all(told));
  }

  /** The next time that the kernel says what is wrong with a cell: `TS2322 1:7-8 Type ...`. */
  async told(id: string, from = this.sequence): Promise<readonly string[]> {
    const { content } = await this.client.next(({ header, content: { comm_id, data } }) => {
      const said = data as unknown as DiagnosticsMessage;
      return header.msg_type === "comm_msg" && comm_id === this.comm && said.id === id && said.sequence >= from;
    });
    return (content.data as unknown as DiagnosticsMessage).diagnostics.map(asText);
  }

  /** Asks; resolves with the reply that repeats the question's number. */
  async ask(question: JsonObject): Promise<EditorReply> {
    const request = ++this.lastRequest;
    const replied = this.client.next(
      ({ header, content: { comm_id, data } }) =>
        header.msg_type === "comm_msg" && comm_id === this.comm && (data as { request?: number }).request === request,
    );
    this.send({ ...question, request });
    return (await replied).content.data as unknown as EditorReply;
  }

  private send(data: JsonObject): void {
    void this.client.request("comm_msg", { comm_id: this.comm, data });
  }

  async close(): Promise<void> {
    await this.client.request("comm_close", { comm_id: this.comm, data: {} }).published;
  }
}

function asText({ code, message, line, column, endLine, endColumn, category }: CellDiagnostic): string {
  const end = endLine === line ? endColumn : `${endLine}:${endColumn}`;
  return `${category === "error" ? "" : "warning "}TS${code} ${line}:${column}-${end} ${message.split("\n")[0]}`;
}
