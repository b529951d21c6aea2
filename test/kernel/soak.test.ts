/** A long session: memory stays where it was, and no reply is lost or late. */
import { expect, test } from "vitest";
import type { Client } from "../../kernel/client/client.js";
import { isLong, withKernel } from "./kernel.js";

/** What people run, one after the other; `i` grows. */
const cells: readonly ((i: number) => string)[] = [
  (i) => `const x${i % 50} = ${i}; x${i % 50} + 1`,
  (i) =>
    `interface Point${i % 20} { x: number; y: number }\nfunction at${i % 20}(p: Point${i % 20}) { return p.x + p.y }\nat${i % 20}({ x: ${i}, y: 1 })`,
  (i) => `const t${i % 5} = cg.randn(64, 64); t${i % 5}.matmul(t${i % 5}.t()).sum().item() as number > 0`,
  (i) => `for (let i = 0; i < 20; i++) console.log("line", i, ${i})`,
  () => `await new Promise((resolve) => setTimeout(resolve, 1)); "later"`,
  (i) => `throw new RangeError("number ${i}")`,
  (i) => `const wrong: string = ${i}`,
  () => `display.html("<b>bold</b>")`,
];

/** Bytes of all processes of the kernel. */
async function memory(client: Client): Promise<number> {
  return Number((await client.request("usage_request", {}, { channel: "control" }).reply).content.kernel_memory);
}

test(
  `${isLong ? "10 000" : "200"} cells: each is answered, and memory does not grow`,
  { timeout: isLong ? 3_600_000 : 120_000 },
  async () => {
    const [count, warm, most] = isLong ? [10_000, 1000, 1.1] : [200, 100, 1.5];
    await withKernel(async (client) => {
      await client.execute('import * as cg from "cellgrad"');
      let before = 0;
      for (let i = 0; i < count; i++) {
        const kind = i % cells.length;
        const { reply } = await client.execute(cells[kind]!(i));
        // On a busy machine the checker may be late, and the wrong type is told when the cell has run.
        if (kind !== 6) expect(reply.status).toBe(kind === 5 ? "error" : "ok");
        client.published.length = 0;
        if (i === warm) before = await memory(client);
        if (isLong && i % 1000 === 0) console.log(i, Math.round((await memory(client)) / 1e6), "MB");
      }
      expect((await memory(client)) / before).toBeLessThan(most);
    });
  },
);
