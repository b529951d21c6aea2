/** Kernels for tests: one for a file, or one for a test. */
import { afterAll, beforeAll, expect } from "vitest";
import { Client } from "../../kernel/client/client.js";
import type { LaunchOptions } from "../../kernel/client/launch.js";

/** Whether tests that can be long are run at full length: `CELLGRAD_SOAK=1`. */
export const isLong = process.env["CELLGRAD_SOAK"] === "1";

/** Starts a kernel before the file's tests, and holds it to a clean end after them. */
export function kernel(options: LaunchOptions = {}): { readonly client: Client } {
  let client: Client | null = null;
  beforeAll(async () => {
    client = await Client.start(options);
  });
  afterAll(async () => {
    expect(await client!.stop()).toBe(0);
    expect(client!.kernel.log).toBe("");
  });
  return {
    get client() {
      return client!;
    },
  };
}

/** Starts a kernel for one test, and holds it to a clean end. */
export async function withKernel(use: (client: Client) => Promise<void>, options: LaunchOptions = {}): Promise<void> {
  const client = await Client.start(options);
  try {
    await use(client);
  } finally {
    expect(await client.stop()).toBe(0);
  }
  expect(client.kernel.log).toBe("");
}
