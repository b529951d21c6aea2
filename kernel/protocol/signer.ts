/** Signs and verifies messages with HMAC-SHA256, and refuses a signature that was seen before. */
import { createHmac, timingSafeEqual } from "node:crypto";

/** How many signatures are remembered against replay; the older half is forgotten when they are this many. */
const historySize = 65536;

export class Signer {
  readonly #key: string;
  #recent = new Set<string>();
  #older = new Set<string>();

  /** An empty key means unsigned messages, as the protocol has it. */
  constructor(key: string) {
    this.#key = key;
  }

  /** The hexadecimal signature over the four JSON frames; "" without a key. */
  sign(parts: readonly Uint8Array[]): string {
    if (this.#key === "") return "";
    const hmac = createHmac("sha256", this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  /** Whether the signature is right and has not been accepted before. */
  accepts(signature: string, parts: readonly Uint8Array[]): boolean {
    if (this.#key === "") return true;
    const expected = Buffer.from(this.sign(parts), "latin1");
    const given = Buffer.from(signature, "latin1");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
    if (this.#recent.has(signature) || this.#older.has(signature)) return false;
    this.#recent.add(signature);
    if (this.#recent.size >= historySize / 2) [this.#older, this.#recent] = [this.#recent, new Set()];
    return true;
  }
}
