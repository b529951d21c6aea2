/** One kernel for the tests of a file. */
import { afterAll, beforeAll, expect } from "vitest";
import { Client, type ClientOptions } from "../../kernel/client/client.js";

/** Starts a kernel before the file's tests, and holds it to a clean end after them. */
export function kernel(options: ClientOptions = {}): { readonly client: Client } {
  let client: Client | null = null;
  beforeAll(async () => {
    client = await Client.start(options);
  });
  afterAll(async () => {
    expect(await client!.stop()).toBe(0);
    expect(client!.log).toBe("");
  });
  return {
    get client() {
      return client!;
    },
  };
}
