/** Lines of text from a pipe, each as soon as it is whole. */
import type { Socket } from "node:net";

/** Calls `receive` with every line that arrives, without its end. */
export function readLines(pipe: Socket, receive: (line: string) => void): void {
  let rest = "";
  pipe.setEncoding("utf8");
  pipe.on("data", (text: string) => {
    rest += text;
    if (!text.includes("\n")) return;
    const lines = rest.split("\n");
    rest = lines.pop()!;
    for (const line of lines) receive(line);
  });
}
