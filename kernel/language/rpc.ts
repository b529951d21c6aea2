/** JSON-RPC messages as the Language Server Protocol frames them on a byte stream. */

export interface RpcMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

const blankLine = Buffer.from("\r\n\r\n");

export function encodeMessage(message: RpcMessage): Buffer {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

/** Cuts a byte stream into messages. */
export class MessageReader {
  private buffer: Buffer = Buffer.alloc(0);

  constructor(private readonly receive: (message: RpcMessage) => void) {}

  push(chunk: Buffer): void {
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const headEnd = this.buffer.indexOf(blankLine);
      if (headEnd < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.buffer.toString("latin1", 0, headEnd))?.[1] ?? 0);
      const start = headEnd + blankLine.length;
      if (this.buffer.length < start + length) return;
      const body = this.buffer.toString("utf8", start, start + length);
      this.buffer = this.buffer.subarray(start + length);
      // The server's log is most of what it says; nobody reads it.
      if (!body.includes('"method":"window/logMessage"')) this.receive(JSON.parse(body) as RpcMessage);
    }
  }
}
